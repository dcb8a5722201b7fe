package nearest

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	names := []string{"id", "customer", "customer_id", "place.city", "total", "created_at"}
	for wrong, want := range map[string]string{"custmer": "customer", "CUSTOMER": "customer", "city": "place.city", "createdat": "created_at", "zzzzzzzz": ""} {
		got := Names(wrong, names)
		if want == "" && len(got) > 0 || want != "" && (len(got) == 0 || got[0] != want) {
			t.Errorf("%s: %q, want %q first", wrong, got, want)
		}
	}
	if got := Names(strings.Repeat("x", 10_000), names); got != nil {
		t.Errorf("%q", got)
	}
}
