package connections_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bigquery"
	"github.com/mark-analyst/mark/warehouse/connections"
)

func load(t *testing.T, text string) ([]bigquery.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "warehouses.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return connections.Load(path)
}

func TestLoad(t *testing.T) {
	key := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(key, []byte(`{"type": "service_account", "private_key": "sk-secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(t.TempDir(), "identity.json")
	if err := os.WriteFile(identity, []byte(`{"type": "external_account"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, `
# the shop's
- name: shop
  kind: bigquery
  project: acme-billing
  location: EU
  credentials: `+key+`
  allow: [acme-data.sales.*, acme-data.web.events_*]
  policy:
    bytesPerQuery: 10 GiB
    bytesPerRun: "50 GB"
    bytesPerUserDay: 4096
    approvalBytes: 0
    approvalUsd: 0.05
    usdPerTiB: 7.5
    maxRows: 1000
    maxBytes: 1.5 MiB
    maxSqlBytes: 10 KiB
    timeout: 90s
    metadataTimeout: 5s
    views: refuse
    wildcards: true
- {"name": "plain", "kind": "bigquery", "project": "p", "allow": ["p.d.t"], "credentials": "adc", "policy": {"maxRows": 5}}
- {name: bare, kind: bigquery, project: p, allow: [p.d.*], credentials: `+identity+`}
- {name: emulator, kind: bigquery, project: p, allow: [p.d.*], credentials: none, endpoint: 'http://127.0.0.1:9050'}
`)
	if err != nil {
		t.Fatal(err)
	}
	plain := bigquery.DefaultPolicy()
	plain.MaxRows = 5
	adc := bigquery.Credentials{Kind: bigquery.ApplicationDefault}
	want := []bigquery.Config{
		{
			Name: "shop", Project: "acme-billing", Location: "EU", Credentials: bigquery.Credentials{Kind: bigquery.ServiceAccount, File: key},
			Allow: []string{"acme-data.sales.*", "acme-data.web.events_*"},
			Policy: warehouse.Policy{
				BytesPerQuery: 10 << 30, BytesPerRun: 50e9, BytesPerUserDay: 4096, ApprovalMicros: 50_000, MicrosPerTiB: 7_500_000,
				MaxRows: 1000, MaxBytes: 3 << 19, MaxSQLBytes: 10 << 10, Timeout: 90 * time.Second, MetadataTimeout: 5 * time.Second,
				Views: warehouse.RefuseViews, Wildcards: true,
			},
		},
		{Name: "plain", Project: "p", Allow: []string{"p.d.t"}, Credentials: adc, Policy: plain},
		{Name: "bare", Project: "p", Allow: []string{"p.d.*"}, Policy: bigquery.DefaultPolicy(), Credentials: bigquery.Credentials{Kind: bigquery.WorkloadIdentity, File: identity}},
		{
			Name: "emulator", Project: "p", Allow: []string{"p.d.*"}, Policy: bigquery.DefaultPolicy(), Endpoint: "http://127.0.0.1:9050",
			Credentials: bigquery.Credentials{Kind: bigquery.NoCredentials},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefuses(t *testing.T) {
	other := filepath.Join(t.TempDir(), "user.json")
	if err := os.WriteFile(other, []byte(`{"type": "authorized_user", "refresh_token": "sk-secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const head = "- name: a\n  kind: bigquery\n  project: p\n  allow: [p.d.t]\n"
	for name, tc := range map[string]struct{ text, says string }{
		"nothing":             {"", "lists no connection"},
		"only a comment":      {"# soon\n", "lists no connection"},
		"no list":             {"name: a\n", "[1:5]"},
		"broken":              {"- name: [\n", "warehouses.yaml"},
		"an unknown field":    {head + "  private_key: sk-secret\n", "private_key"},
		"no name":             {"- kind: bigquery\n", "connection 1: name"},
		"a space":             {"- name: ' a'\n", "name"},
		"no kind":             {"- name: a\n", `connection "a": kind`},
		"no project":          {"- name: a\n  kind: bigquery\n", "project"},
		"an odd location":     {head + "  location: in the EU\n", "location"},
		"no table":            {"- name: a\n  kind: bigquery\n  project: p\n", "allow"},
		"a key":               {head + "  credentials: {type: service_account, private_key: sk-secret}\n", "does not belong"},
		"a key as text":       {head + "  credentials: '{\"private_key\": \"sk-secret\"}'\n", "does not belong"},
		"a key alone":         {head + "  credentials: |\n    -----BEGIN PRIVATE KEY-----\n    sk-secret\n", "does not belong"},
		"no such file":        {head + "  credentials: sk-secret\n", "cannot be opened"},
		"a folder":            {head + "  credentials: /\n", "neither"},
		"another file":        {head + "  credentials: " + other + "\n", "neither"},
		"none of Google's":    {head + "  credentials: none\n", "endpoint"},
		"a word for a count":  {head + "  policy: {maxRows: sk-secret}\n", "line 5, column 21"},
		"a size of nothing":   {head + "  policy: {bytesPerQuery: lots}\n", `"lots" is no size`},
		"a size below zero":   {head + "  policy: {bytesPerQuery: -1}\n", `"-1" is no size`},
		"a size beyond all":   {head + "  policy: {bytesPerQuery: 9000 PiB}\n", "is no size"},
		"no rows":             {head + "  policy: {maxRows: 0}\n", "maxRows"},
		"no bytes":            {head + "  policy: {maxBytes: 0}\n", "maxBytes"},
		"long SQL":            {head + "  policy: {maxSqlBytes: 2 MiB}\n", "maxSqlBytes"},
		"a negative price":    {head + "  policy: {usdPerTiB: -1}\n", "usdPerTiB"},
		"no number":           {head + "  policy: {approvalUsd: .nan}\n", "approvalUsd"},
		"a time without unit": {head + "  policy: {timeout: '30'}\n", "timeout is a time"},
		"no time":             {head + "  policy: {metadataTimeout: 0s}\n", "metadataTimeout is a time"},
		"other views":         {head + "  policy: {views: some}\n", "views"},
		"twice":               {head + head, "same name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.text)
			if err == nil || !strings.HasPrefix(err.Error(), "MARK_WAREHOUSES: ") || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("%v, want %q", err, tc.says)
			}
			if strings.Contains(err.Error(), "sk-secret") {
				t.Errorf("what may be a key is in the error: %v", err)
			}
		})
	}
	if _, err := connections.Load(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "MARK_WAREHOUSES") {
		t.Error(err)
	}
}
