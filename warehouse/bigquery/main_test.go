package bigquery

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The transport of the official client keeps idle connections of its own.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}
