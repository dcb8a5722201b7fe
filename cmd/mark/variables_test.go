package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// printed returns what the run's only program printed, both streams.
func (p *person) printed(runID string) (stdout, stderr string) {
	p.t.Helper()
	p.answered(runID)
	outputs, _ := p.run(runID).at("node", "steps", 0, "outputs").([]any)
	for _, o := range outputs {
		name, text := dig(p.t, o, "name").(string), dig(p.t, o, "text").(string)
		if strings.HasSuffix(name, ".stdout") {
			stdout = text
		} else if strings.HasSuffix(name, ".stderr") {
			stderr = text
		}
	}
	return strings.TrimSpace(stdout), strings.TrimSpace(stderr)
}

// upgraded is a sandbox whose Python is another than before.
type upgraded struct{ sandbox.Keeping }

func (upgraded) Base() string { return "upgraded" }
func (upgraded) Close() error { return nil }

func TestVariablesOutliveQuestionsRestartsAndAreErasedWithTheChat(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		var answers []fakellm.Answer
		program := func(code string) { answers = append(answers, python(code), says("Done.")) }
		program("df = pd.DataFrame({'n': range(10)}); print(len(df))")
		program("print(int(df.n.sum()))")
		program("print(int(df.n.max()))")
		program("print('df' in globals())")
		s := start(t, url, withModel(t, answers...))
		ada := s.signUp("ada@example.org")
		ask := func(chat, wantOut, wantErr string) string {
			t.Helper()
			chat, run := ada.ask(chat, "Go on.")
			if stdout, stderr := ada.printed(run); stdout != wantOut || !strings.Contains(stderr, wantErr) || (stderr == "") != (wantErr == "") {
				t.Errorf("printed %q and %q, want %q and %q", stdout, stderr, wantOut, wantErr)
			}
			return chat
		}
		chat := ask("", "10", "")
		ask(chat, "45", "")
		s.down()
		s.up()
		ask(chat, "9", "")
		s.down()
		s.parts.Sandbox = upgraded{gvisortest.Provider(t)}
		s.up()
		ask(chat, "False", "variables of earlier programs in this chat are gone")
		ada.do(`mutation($id: ID!) { deleteChat(input: {chatId: $id}) { errors { ... on UserError { message } } } }`, vars{"id": chat})
		left, err := os.ReadDir(filepath.Join(s.config.DataDir, "sessions"))
		if err != nil || len(left) != 0 {
			t.Errorf("left of a deleted chat: %v (%v)", left, err)
		}
	})
}

func TestAProgramThatEndsItsSessionCostsOnlyItself(t *testing.T) {
	s := start(t, "", withModel(t, python("a = 1"), python("a = 2\nimport os; os._exit(1)"), python("print('a is', a)"), says("Done.")))
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "Go on.")
	ada.answered(run)
	steps, _ := ada.run(run).at("node", "steps").([]any)
	var all strings.Builder
	for _, o := range dig(t, steps[2], "outputs").([]any) {
		all.WriteString(dig(t, o, "text").(string))
	}
	contains(t, "the step after", all.String(), "a is 1", "from before that step")
}

func TestCodeAsksTheHost(t *testing.T) {
	code := `import mark
print([f["name"] for f in mark.files()], len(mark.dataset("penguins")))
try:
    mark.query("SELECT 1")
except mark.Error as e:
    print(e)
mark.progress(1, 1)`
	s := start(t, "", withModel(t, python(code), says("Done.")))
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "Go on.", ada.sample("penguins"))
	if stdout, _ := ada.printed(run); !strings.HasPrefix(stdout, "['penguins.csv'] 344\nNo warehouse is configured") {
		t.Errorf("printed %q: %v", stdout, ada.run(run).at("node", "steps", 0))
	}
	if seen := kindsOf(ada.follow(run, 0)); seen["StepProgress"] != 1 {
		t.Errorf("events %v", seen)
	}
}
