package auth_test

import (
	"testing"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unguarded is a second client on a database whose own is to be guarded.
func unguarded(s *store.Store) *ent.Client {
	return ent.NewClient(ent.Driver(entsql.OpenDB(s.Dialect, s.DB)))
}
