package datasets_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// TestRealSandbox puts files through the real sandbox, from upload to profile.
func TestRealSandbox(t *testing.T) {
	provider := gvisortest.Provider(t)
	xlsx, parquet := made(t, provider, "to_excel('f.xlsx', index=False)"), made(t, provider, "to_parquet('f.parquet')")
	var other bytes.Buffer
	z := zip.NewWriter(&other)
	f, err := z.Create("readme.txt")
	must(t, err)
	_, err = f.Write([]byte("no table"))
	must(t, err)
	must(t, z.Close())
	header := make([]string, 3000)
	for i := range header {
		header[i] = fmt.Sprint("c", i)
	}
	wide := strings.Join(header, ",") + "\n" + strings.Repeat("1,", 2999) + "1\n"

	for _, c := range []struct {
		name, file string
		content    []byte
		code       profile.Code // "" is READY
		columns    int
		first      string // of the columns
	}{
		{"a CSV", "ok.csv", []byte("name,size\na,1\nb,2\n"), "", 2, "name size"},
		{"an XLSX", "ok.xlsx", xlsx, "", 2, "name size"},
		{"a Parquet file", "ok.parquet", parquet, "", 2, "name size"},
		{"a strange name", `it's "a" 名前; rm -rf $(x).csv`, []byte("name,size\na,1\n"), "", 2, "name size"},
		{"columns without names, or with the same", "d.csv", []byte("a,a,,\n1,2,3,4\n5,6,7,8\n"), "", 4, "a "},
		{"3,000 columns", "w.csv", []byte(wide), "", 3000, "c0 c1"},
		{"Latin-1", "l.csv", []byte("name,city\nJos\xe9,K\xf6ln\nAn,Ulm\n"), "", 2, "name city"},
		{"blank", "b.csv", []byte(" \n\n \n"), profile.EmptyFile, 0, ""},
		{"names and no rows", "h.csv", []byte("name,size\n"), profile.NoRows, 0, ""},
		{"bytes that are called CSV", "x.csv", noise(5000), profile.Encoding, 0, ""},
		{"an XLSX that was cut off", "c.xlsx", xlsx[:len(xlsx)/2], profile.BrokenFile, 0, ""},
		{"a Parquet file that was cut off", "c.parquet", parquet[:len(parquet)/2], profile.BrokenFile, 0, ""},
		{"a zip that is no XLSX", "z.xlsx", other.Bytes(), profile.UnsupportedFormat, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, sqlite(t), provider, datasets.Limits{})
			ctx := w.person(t)
			d, err := w.Upload(ctx, "", c.file, bytes.NewReader(c.content), nil)
			must(t, err)
			d = w.settled(t, ctx, d.ID)
			state := dataset.StateReady
			if c.code != "" {
				state = dataset.StateFailed
			}
			if d.State != state || d.ErrorCode != string(c.code) || (d.ErrorMessage == "") != (c.code == "") || len(d.Edges.Columns) != c.columns {
				t.Fatalf("%s %s %q, %d columns", d.State, d.ErrorCode, d.ErrorMessage, len(d.Edges.Columns))
			}
			seen := map[string]bool{}
			var names []string
			for i, col := range d.Edges.Columns {
				if col.Name == "" || seen[col.Name] || col.Position != i {
					t.Errorf("column %d is called %q", i, col.Name)
				}
				seen[col.Name] = true
				names = append(names, col.Name)
			}
			if got := strings.Join(names, " "); !strings.HasPrefix(got, c.first) {
				t.Errorf("columns: %.200s", got)
			}
		})
	}
}

// noise is binary content of no known type, the same every time.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// made has the sandbox's own Python write a small table.
func made(t *testing.T, sandbox datasets.Sandbox, how string) []byte {
	t.Helper()
	session, err := sandbox.Open(t.Context(), execution.Spec{})
	must(t, err)
	defer func() { must(t, session.Close()) }()
	var content []byte
	result, err := session.Run(context.WithoutCancel(t.Context()), "import pandas as pd\npd.DataFrame({'name': ['a', 'b'], 'size': [1, 2]})."+how,
		execution.Listener(func(e execution.Event) {
			if e.Output == nil || e.Output.Artifact == nil {
				return
			}
			r, err := e.Output.Artifact.Open()
			must(t, err)
			defer r.Close()
			content, err = io.ReadAll(r)
			must(t, err)
		}))
	must(t, err)
	if result.Failure != nil || len(content) == 0 {
		t.Fatalf("%d bytes, %+v", len(content), result.Failure)
	}
	return content
}
