package gvisor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

func TestPandasAndState(t *testing.T) {
	s := open(t, execution.Spec{})
	o := run(t, s, "df = pd.DataFrame({'city': ['Bern', 'Basel', 'Bern'], 'n': [1, 2, 4]})\ndf.groupby('city')['n'].sum()")
	if o.err != nil || o.result.Failure != nil || len(o.outputs) != 1 || o.outputs[0].Table == nil {
		t.Fatalf("the step came to %+v", o)
	}
	if got := fmt.Sprint(o.outputs[0].Table.Rows); got != "[[Basel 2] [Bern 5]]" {
		t.Errorf("the table is %s", got)
	}
	if got := prints(t, s, "print(len(df))"); got != "3" {
		t.Errorf("df has %s rows in the next step", got)
	}
}

// Everything that requirements.in names can be imported, and works offline.
func TestLibraries(t *testing.T) {
	s := open(t, execution.Spec{})
	got := prints(t, s, `
import charset_normalizer, duckdb, matplotlib.pyplot, openpyxl, plotly.express, pyarrow.parquet, pyarrow.dataset, seaborn, sqlite3, ssl, zoneinfo
import scipy.stats, scipy.optimize, sklearn.linear_model, sklearn.ensemble, sklearn.cluster, statsmodels.api, statsmodels.formula.api
df = pd.DataFrame({"x": range(20), "y": [2 * v + 1 for v in range(20)]})
df.to_parquet("t.parquet"); df.to_excel("t.xlsx")
print(duckdb.sql("select sum(y) from 't.parquet'").fetchall()[0][0], len(pd.read_excel("t.xlsx")))
print(round(sklearn.linear_model.LinearRegression().fit(df[["x"]], df["y"]).coef_[0], 6))
print(round(statsmodels.formula.api.ols("y ~ x", df).fit().params["x"], 6), round(scipy.stats.pearsonr(df.x, df.y)[0], 6))
print(sorted(pd.Series(pd.to_datetime(["2026-03-29T00:30Z", "2026-03-29T01:30Z"])).dt.tz_convert("Europe/Zurich").dt.hour))`)
	if want := "400 20\n2.0\n2.0 1.0\n[1, 3]"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A clone's clocks do not stand where the checkpoint was made.
func TestClock(t *testing.T) {
	s := open(t, execution.Spec{})
	before := time.Now()
	inside, err := strconv.ParseFloat(prints(t, s, "import time; print(time.time())"), 64)
	if err != nil {
		t.Fatal(err)
	}
	if off := time.UnixMilli(int64(inside * 1000)).Sub(before); off < -time.Second || off > patience {
		t.Errorf("the session's clock is off by %v", off)
	}
}

func TestInputsAndArtifacts(t *testing.T) {
	var spec execution.Spec
	for name, mode := range map[string]os.FileMode{"open.csv": 0o644, "private.csv": 0o600, "with space é.csv": 0o640} {
		path := filepath.Join(t.TempDir(), "blob")
		if err := os.WriteFile(path, []byte("a,b\n1,"+name+"\n"), mode); err != nil {
			t.Fatal(err)
		}
		spec.Files = append(spec.Files, execution.File{Name: name, Path: path})
	}
	s := open(t, spec)
	for _, f := range spec.Files {
		if got := prints(t, s, fmt.Sprintf("print(pd.read_csv(%q).b[0], open('/mnt/input/' + %q).read(3))", f.Name, f.Name)); got != f.Name+" a,b" {
			t.Errorf("%s holds %q", f.Name, got)
		}
	}
	o := run(t, s, "pd.read_csv('private.csv').to_csv('out.csv', index=False)")
	if o.err != nil || o.result.Failure != nil || len(o.outputs) != 1 || o.outputs[0].Artifact == nil {
		t.Fatalf("the step came to %+v", o)
	}
	r, err := o.outputs[0].Artifact.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || string(b) != "a,b\n1,private.csv\n" {
		t.Errorf("the artifact holds %q (%v)", b, err)
	}
}

func TestBadFiles(t *testing.T) {
	p := gvisortest.Provider(t)
	good := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(good, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][]execution.File{
		"a slash":       {{Name: "a/b", Path: good}},
		"a parent":      {{Name: "..", Path: good}},
		"nothing":       {{Name: "", Path: good}},
		"a newline":     {{Name: "a\nb", Path: good}},
		"twice":         {{Name: "a", Path: good}, {Name: "a", Path: good}},
		"not there":     {{Name: "a", Path: good + "x"}},
		"a folder":      {{Name: "a", Path: filepath.Dir(good)}},
		"a device":      {{Name: "a", Path: "/dev/zero"}},
		"relative path": {{Name: "a", Path: "session_test.go"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := p.Open(t.Context(), execution.Spec{Files: files})
			if err == nil {
				s.Close()
			}
			var e *execution.Error
			if !errors.As(err, &e) || e.Code != execution.CodeUnavailable {
				t.Errorf("Open returned %v, want %s", err, execution.CodeUnavailable)
			}
		})
	}
}

func TestTwoSessionsAtOnce(t *testing.T) {
	a, b := open(t, execution.Spec{}), open(t, execution.Spec{})
	var both sync.WaitGroup
	for i, s := range []execution.Session{a, b} {
		both.Go(func() {
			for n := range 5 {
				if o := run(t, s, fmt.Sprintf("x = %d; open('f', 'w').write(str(x));", 10*i+n)); o.err != nil {
					t.Error(o.err)
				}
			}
		})
	}
	both.Wait()
	for i, s := range []execution.Session{a, b} {
		if got, want := prints(t, s, "print(x, open('f').read())"), fmt.Sprintf("%d %[1]d", 10*i+4); got != want {
			t.Errorf("session %d holds %s, want %s", i, got, want)
		}
	}
}

func TestCancel(t *testing.T) {
	s := open(t, execution.Spec{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := time.Now()
	_, err := s.Run(ctx, "kept = 7\nprint('on')\nimport time\ntime.sleep(600)", execution.Listener(func(execution.Event) { cancel() }))
	var e *execution.Error
	if !errors.As(err, &e) || e.Code != execution.CodeCancelled || e.Fatal {
		t.Fatalf("Run returned %v", err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the step took %v to stop", took)
	}
	if got := prints(t, s, "print(kept)"); got != "7" {
		t.Errorf("the variable is %s", got)
	}
}

func TestCloseDuringARun(t *testing.T) {
	s := open(t, execution.Spec{})
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), "print('on')\nwhile True: pass", execution.Listener(func(execution.Event) {
			select {
			case <-running:
			default:
				close(running)
			}
		}))
		ended <- err
	}()
	<-running
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	var e *execution.Error
	if err := <-ended; !errors.As(err, &e) || !e.Fatal {
		t.Errorf("the step ended with %v, want a fatal error", err)
	}
	if o := run(t, s, "1"); o.err == nil || !o.err.Fatal {
		t.Errorf("a step after Close ended with %v", o.err)
	}
}

func TestSlots(t *testing.T) {
	config := gvisortest.Config(t)
	config.Sessions = 1
	p := gvisortest.New(t, config)
	defer p.Close()
	first, err := p.Open(t.Context(), execution.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = p.Open(ctx, execution.Spec{})
	var e *execution.Error
	if !errors.As(err, &e) || e.Code != execution.CodeCancelled || !strings.Contains(e.Message, "in use") {
		t.Fatalf("a second session: %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		s, err := p.Open(t.Context(), execution.Spec{})
		if err == nil {
			err = s.Close()
		}
		waiting <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("the session that waited: %v", err)
	}
}

func TestCancelledOpen(t *testing.T) {
	p := gvisortest.Provider(t)
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		s, err := p.Open(ctx, execution.Spec{})
		cancel()
		var e *execution.Error
		if err == nil {
			s.Close()
		} else if !errors.As(err, &e) || e.Code != execution.CodeCancelled {
			t.Errorf("given up after %v: %v", after, err)
		}
	}
}

func TestProviderClose(t *testing.T) {
	p := gvisortest.New(t, gvisortest.Config(t))
	s, err := p.Open(t.Context(), execution.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if o := run(t, s, "1"); o.err == nil || !o.err.Fatal {
		t.Errorf("a step after the provider's end came to %v", o.err)
	}
	if _, err := p.Open(t.Context(), execution.Spec{}); err == nil {
		t.Error("a closed provider opened a session")
	}
}
