package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/execution"
)

// record runs a step whose first and last frame are as given.
func record(t *testing.T, limits execution.Limits, facts, done string) (execution.Result, *execution.Error) {
	t.Helper()
	c, p := connect(t, Options{Limits: limits})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		s := p.read(frameExecute).sentinel
		p.send(frame{frameFacts, s, []byte(facts)}, frame{frameDone, s, []byte(done)})
	}()
	result, err := c.Run(t.Context(), "1", execution.Host{})
	if err != nil {
		c.Close()
		p.out.Close()
		<-answered
		return result, err.(*execution.Error)
	}
	<-answered
	return result, nil
}

const someFacts, someDone = `{"parsed":true}`, `{"truncated":false,"stopped":""}`

func TestWhatAStepSaysOfItself(t *testing.T) {
	result, err := record(t, execution.Limits{},
		`{"parsed":true,"imports":["os","a\u001b\nb"],"calls":["os.system"],"names":["x.csv"],"truncated":true}`,
		`{"failure":{"name":"OSError","message":"m","traceback":"t","limit":"disk"},"truncated":false,"stopped":"","usage":{"cpuMs":12,"peakMemory":345}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := &execution.Facts{Parsed: true, Imports: []string{"os", "a b"}, Calls: []string{"os.system"}, Names: []string{"x.csv"}, Truncated: true}
	if diff := cmp.Diff(want, result.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if result.Usage == nil || *result.Usage != (execution.Usage{CPUMs: 12, PeakMemory: 345}) {
		t.Errorf("usage %+v", result.Usage)
	}
	if result.Failure.Limit != execution.LimitDisk || result.Failure.Limit.Code() != execution.CodeDiskFull {
		t.Errorf("limit %q", result.Failure.Limit)
	}
	if result, err = record(t, execution.Limits{}, someFacts, someDone); err != nil || result.Usage != nil || len(result.Notices) != 0 {
		t.Errorf("a step that says little: %+v, %v", result, err)
	}
}

func TestNoticesOfWhatWasLeftOut(t *testing.T) {
	for name, tc := range map[string]struct {
		done string
		want execution.Notice
	}{
		"one": {`{"why":"size","count":1,"names":["big\u001b.csv"]}`,
			execution.Notice{Code: execution.NoticeTooLarge, Message: "big.csv was not kept: a file may have 2 MiB at most."}},
		"a few": {`{"why":"total","count":2,"names":["a","../b"]}`,
			execution.Notice{Code: execution.NoticeTooLarge, Message: "a, b were not kept: the files of one step may have 3 MiB together."}},
		"many": {`{"why":"count","count":9,"names":["a","b","c"]}`,
			execution.Notice{Code: execution.NoticeArtifacts, Message: "a, b, c and 6 more were not kept: one step keeps 4 files at most."}},
		"unreadable": {`{"why":"unreadable","count":1,"names":["a"]}`,
			execution.Notice{Code: execution.NoticeUnreadable, Message: "a was not kept: it could not be read."}},
		"unseen": {`{"why":"unseen","count":1,"names":[]}`,
			execution.Notice{Code: execution.NoticeArtifacts, Message: "Some files were not looked at: there are too many in the working folder."}},
		"outputs": {`{"why":"outputs","count":7}`,
			execution.Notice{Code: execution.NoticeOutputs, Message: "7 more outputs were left out: one step shows 5 at most."}},
	} {
		limits := execution.Limits{ArtifactBytes: 2 << 20, ArtifactsBytes: 3 << 20, Artifacts: 4, Outputs: 5}
		result, err := record(t, limits, someFacts, `{"truncated":false,"stopped":"","leftOut":[`+tc.done+`]}`)
		if err != nil || len(result.Notices) != 1 || result.Notices[0] != tc.want || !result.Truncated {
			t.Errorf("%s: %+v, %v, want %+v", name, result, err, tc.want)
		}
	}
	result, err := record(t, execution.Limits{OutputBytes: 1000}, someFacts, `{"truncated":true,"stopped":""}`)
	if err != nil || len(result.Notices) != 1 || result.Notices[0].Code != execution.NoticePrinted || !strings.Contains(result.Notices[0].Message, "1000 bytes") {
		t.Errorf("printed more: %+v, %v", result, err)
	}
}

func TestRecordsThatEndTheSession(t *testing.T) {
	long, many := strings.Repeat("x", maxFact+1), strings.Repeat(`"x",`, maxFacts)+`"x"`
	for name, frames := range map[string][2]string{
		"an endless fact":        {`{"parsed":true,"calls":["` + long + `"]}`, someDone},
		"countless facts":        {`{"parsed":true,"imports":[` + many + `]}`, someDone},
		"facts of another kind":  {`{"parsed":true,"secrets":[]}`, someDone},
		"facts that are numbers": {`{"parsed":1}`, someDone},
		"an unknown limit":       {someFacts, `{"failure":{"name":"E","message":"","traceback":"","limit":"moon"},"truncated":false,"stopped":""}`},
		"negative time":          {someFacts, `{"truncated":false,"stopped":"","usage":{"cpuMs":-1,"peakMemory":0}}`},
		"endless memory":         {someFacts, `{"truncated":false,"stopped":"","usage":{"cpuMs":0,"peakMemory":9007199254740993}}`},
		"half a millisecond":     {someFacts, `{"truncated":false,"stopped":"","usage":{"cpuMs":0.5,"peakMemory":0}}`},
		"left out for nothing":   {someFacts, `{"truncated":false,"stopped":"","leftOut":[{"why":"printed","count":1,"names":[]}]}`},
		"more names than files":  {someFacts, `{"truncated":false,"stopped":"","leftOut":[{"why":"size","count":1,"names":["a","b"]}]}`},
		"none left out":          {someFacts, `{"truncated":false,"stopped":"","leftOut":[{"why":"size","count":0,"names":[]}]}`},
		"left out twice":         {someFacts, `{"truncated":false,"stopped":"","leftOut":[{"why":"size","count":1},{"why":"size","count":1}]}`},
	} {
		if _, err := record(t, execution.Limits{}, frames[0], frames[1]); err == nil || err.Code != execution.CodeProtocol || !err.Fatal {
			t.Errorf("%s: the step ended with %v", name, err)
		}
	}
}

// What a step says of itself comes first and once: later it would be the word of
// the code that is being recorded.
func TestFactsComeFirst(t *testing.T) {
	c, p := connect(t, Options{})
	_, result, err := run(t, c, p, func(s sentinel) { p.send(frame{frameStdout, s, []byte("x")}, factsFrame(s)) })
	if err == nil || err.Code != execution.CodeProtocol || result.Facts == nil || !result.Facts.Parsed {
		t.Errorf("facts twice: %v, %+v", err, result.Facts)
	}
	c, p = connect(t, Options{})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		p.send(doneFrame(p.read(frameExecute).sentinel))
	}()
	if _, err := c.Run(t.Context(), "1", execution.Host{}); err == nil {
		t.Error("a step without facts succeeded")
	}
	<-answered
}
