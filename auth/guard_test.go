package auth_test

import (
	"context"
	"reflect"
	"testing"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

// probe tries to reach Alice's rows as Bob, in one way. It tells whether it
// succeeded.
type probe struct {
	name string
	run  func(ctx context.Context, c *ent.Client) (leaked bool, err error)
	// barred: the database prevents it by itself, guard or no guard.
	barred bool
}

// Every way of reading, changing, deleting, creating and tying that package ent
// has, for every type and along every edge.
func TestGuardConfinesEveryTypeAndEdge(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		plain, guarded := s.Client, guardedClient(s)
		alice, bob := settle(t, plain, "alice"), settle(t, plain, "bob")
		entangle(t, plain, alice, bob)
		entangle(t, plain, bob, alice)
		asBob := auth.WithViewer(t.Context(), auth.Viewer{UserID: bob.id("User")})

		var probes []probe
		for _, typ := range typeNames(t) {
			probes = append(probes, reads(t, plain, typ, alice, bob)...)
			for _, e := range edgesOf(plain, typ) {
				probes = append(probes, along(t, plain, typ, e, alice)...)
			}
			probes = append(probes, writes(t, typ, alice)...)
			probes = append(probes, ties(t, plain, typ, alice, bob)...)
		}
		if len(probes) < 200 {
			t.Errorf("only %d probes were found", len(probes))
		}
		for _, p := range probes {
			leaked, err := undone(t, asBob, guarded, p)
			if leaked || err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) && !ent.IsNotFound(err) {
				t.Errorf("%s as another: leaked %t, error %v", p.name, leaked, err)
			}
			if leaked, err := undone(t, t.Context(), guarded, p); leaked || !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s as nobody: leaked %t, error %v, want UNAUTHENTICATED", p.name, leaked, err)
			}
			// The probe is able to: it succeeds without the guard, and as the system.
			if leaked, err := undone(t, asBob, plain, p); leaked == p.barred {
				t.Errorf("%s without a guard: leaked %t, error %v", p.name, leaked, err)
			}
			if leaked, err := undone(t, auth.System(t.Context(), "test"), guarded, p); leaked == p.barred {
				t.Errorf("%s as the system: leaked %t, error %v", p.name, leaked, err)
			}
		}
	})
}

// guardedClient is a second client on the same database.
func guardedClient(s *store.Store) *ent.Client {
	c := ent.NewClient(ent.Driver(entsql.OpenDB(s.Dialect, s.DB)))
	auth.Guard(c)
	return c
}

// undone runs a probe in a transaction that is rolled back: probes do not
// disturb each other, and transactions are seen to be guarded.
func undone(t *testing.T, ctx context.Context, c *ent.Client, p probe) (bool, error) {
	t.Helper()
	tx, err := c.Tx(ctx)
	must(t, err)
	defer func() { must(t, tx.Rollback()) }()
	return p.run(ctx, tx.Client())
}

// The same outside a transaction, in one pass over what only reads.
func TestGuardConfinesReadsOutsideTransactions(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		plain, guarded := s.Client, guardedClient(s)
		alice, bob := settle(t, plain, "alice"), settle(t, plain, "bob")
		entangle(t, plain, alice, bob)
		entangle(t, plain, bob, alice)
		asBob := auth.WithViewer(t.Context(), auth.Viewer{UserID: bob.id("User")})
		for _, typ := range typeNames(t) {
			probes := reads(t, plain, typ, alice, bob)
			for _, e := range edgesOf(plain, typ) {
				probes = append(probes, along(t, plain, typ, e, alice)...)
			}
			for _, p := range probes {
				if leaked, err := p.run(asBob, guarded); leaked || err != nil && !ent.IsNotFound(err) {
					t.Errorf("%s: leaked %t, error %v", p.name, leaked, err)
				}
				if leaked, err := p.run(asBob, plain); !leaked {
					t.Errorf("%s without a guard: leaked nothing, error %v", p.name, err)
				}
			}
		}
	})
}

// One's own things work: the guard is no wall.
func TestGuardLetsOneWorkWithOnesOwn(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		plain := s.Client
		alice := settle(t, plain, "alice")
		guarded := guardedClient(s)
		ctx := auth.WithViewer(t.Context(), auth.Viewer{UserID: alice.id("User")})
		for _, typ := range typeNames(t) {
			if _, err := call(clientOf(guarded, typ), "Get", ctx, alice.ids[typ]); err != nil {
				t.Errorf("get a %s: %v", typ, err)
			}
			if typ == "User" {
				continue
			}
			row, _, err := save(ctx, alice.newRow(t, guarded, typ))
			if err != nil {
				t.Errorf("create a %s: %v", typ, err)
				continue
			}
			if owner := row.Elem().FieldByName("OwnerID").Interface(); owner != alice.ids["User"] {
				t.Errorf("the %s belongs to %v", typ, owner)
			}
			if _, err := call(get(clientOf(guarded, typ), "DeleteOne", row.Interface()), "Exec", ctx); err != nil {
				t.Errorf("delete a %s: %v", typ, err)
			}
		}
		// Nobody has to say whose it is.
		chat, err := guarded.Chat.Create().SetTitle("mine").AddDatasetIDs(alice.id("Dataset"), alice.id("Dataset")).Save(ctx)
		must(t, err)
		if chat.OwnerID != alice.id("User") {
			t.Errorf("the chat belongs to %q", chat.OwnerID)
		}
		must(t, guarded.Chat.UpdateOne(chat).SetTitle("still mine").RemoveDatasetIDs(alice.id("Dataset")).Exec(ctx))
		bulk, err := guarded.Chat.CreateBulk(guarded.Chat.Create(), guarded.Chat.Create()).Save(ctx)
		must(t, err)
		for _, c := range bulk {
			if c.OwnerID != alice.id("User") {
				t.Errorf("a chat of several belongs to %q", c.OwnerID)
			}
		}
	})
}

func TestANewMessageMayFollowItsNewChatInOneTransaction(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		alice := settle(t, s.Client, "alice")
		ctx := auth.WithViewer(t.Context(), auth.Viewer{UserID: alice.id("User")})
		tx, err := guardedClient(s).Tx(ctx)
		must(t, err)
		chat, err := tx.Chat.Create().Save(ctx)
		must(t, err)
		alice.ids["Chat"] = chat.ID
		if _, _, err := save(ctx, alice.newRow(t, tx.Client(), "Message")); err != nil {
			t.Error(err)
		}
		must(t, tx.Commit())
	})
}

// A missing row and another's are answered alike, to the letter.
func TestAMissingRowAndAnothersAreAnsweredAlike(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		alice, bob := settle(t, s.Client, "alice"), settle(t, s.Client, "bob")
		c := guardedClient(s)
		ctx := auth.WithViewer(t.Context(), auth.Viewer{UserID: bob.id("User")})
		const nowhere = "cht_00000000000000000000000000"
		for name, ask := range map[string]func(id string) error{
			"get":    func(id string) error { _, err := c.Chat.Get(ctx, id); return err },
			"update": func(id string) error { return c.Chat.UpdateOneID(id).SetTitle("x").Exec(ctx) },
			"delete": func(id string) error { return c.Chat.DeleteOneID(id).Exec(ctx) },
			"tie": func(id string) error {
				return bob.newRow(t, c, "Message").(*ent.MessageCreate).SetChatID(id).Exec(ctx)
			},
		} {
			missing, foreign := ask(nowhere), ask(alice.id("Chat"))
			if !ent.IsNotFound(missing) || !ent.IsNotFound(foreign) {
				t.Errorf("%s: missing %v, foreign %v", name, missing, foreign)
			} else if name != "update" && missing.Error() != foreign.Error() {
				t.Errorf("%s: %q and %q tell them apart", name, missing, foreign)
			}
		}
	})
}

// An upsert's conflict clause is hidden from hooks, so it could change anybody's
// row. Should ent's generator be told to make them again, the guard must learn
// about them first.
func TestThereAreNoUpserts(t *testing.T) {
	for _, typ := range typeNames(t) {
		create := get(clientOf(ent.NewClient(), typ), "Create")
		if _, ok := reflect.TypeOf(create).MethodByName("OnConflict"); ok {
			t.Errorf("%s can be upserted", typ)
		}
	}
}
