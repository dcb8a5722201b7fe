package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The settings of TestTwentyQuestions.
const (
	// twentyURL is the endpoint of the model that is asked, or "offline" for the
	// offline analyst. Without it nothing is asked.
	twentyURL     = "MARK_TEST_MODEL_URL"
	twentyModel   = "MARK_TEST_MODEL"         // its name there
	twentyContext = "MARK_TEST_MODEL_CONTEXT" // tokens
	twentyAPI     = "MARK_TEST_MODEL_API"     // chat or responses
	twentyOnly    = "MARK_TEST_QUESTIONS"     // the numbers of those that are asked, like 1,3,5; empty: all
	twentyTime    = "MARK_TEST_RUN_TIME"      // of a question; empty: 4m
	twentyEvents  = "MARK_TEST_EVENTS"        // a folder for the events of each run
)

// The bounds of a question: a model that has lost its way does not find it again in
// twenty steps.
const (
	twentySteps = 8
	twentyTurns = 3 // questions of the model's own that are answered
)

// TestTwentyQuestions asks a model the twenty questions through the whole of Mark,
// each in a chat of its own, and says "Thanks!" after each. It prints what became of
// them. What a model says cannot be expected; that the chat goes on, and that a person
// can read why there is no answer, can.
func TestTwentyQuestions(t *testing.T) {
	url := os.Getenv(twentyURL)
	if url == "" {
		t.Skip(twentyURL + " names no model")
	}
	s := start(t, "", func(c *Config, _ *Parts) {
		c.Limits.RunTime, c.Limits.Steps = runTime(t), twentySteps
		if url != "offline" {
			c.LLM = LLMConfig{BaseURL: url, Model: orElse(os.Getenv(twentyModel), "default"), API: orElse(os.Getenv(twentyAPI), "chat"), Context: setNumber(t, twentyContext, 0)}
		}
	})
	var all []asked
	fmt.Println(heading)
	for i, q := range twenty(t) {
		n := strconv.Itoa(i + 1)
		if only := os.Getenv(twentyOnly); only != "" && !slices.Contains(strings.Split(only, ","), n) {
			continue
		}
		t.Run(n, func(t *testing.T) {
			one := *s
			one.t = t
			p := one.signUp(fmt.Sprintf("person-%d@example.org", i+1))
			a := p.askKnown(q)
			a.keep(t, i+1)
			all = append(all, a)
			fmt.Println(a.row(i + 1))
		})
	}
	fmt.Println(summary(all))
}

// asked is what became of a question.
type asked struct {
	question known
	verdict  verdict
	missing  []string
	failure  string
	checks   []string
	steps    int
	tokens   int
	took     time.Duration
	thanked  string
	events   []event
	run      map[string]any // as it ended
}

// verdict says what an answer is worth.
type verdict string

const (
	right  verdict = "right"
	wrong  verdict = "wrong"
	none   verdict = "no answer" // it asks back, or says nothing about the data
	honest verdict = "failure"   // that says so
)

// askKnown asks a question in a new chat, and thanks.
func (p *person) askKnown(q known) asked {
	p.t.Helper()
	data := p.sample(q.Data)
	began := time.Now()
	chat, run := p.ask("", q.Question, data)
	r := p.ended(run)
	a := asked{question: q, took: time.Since(began), events: p.follow(run, 0), run: r.Data}
	for _, of := range []string{"promptTokens", "completionTokens"} {
		a.tokens += int(r.at("node", "usage", of).(float64))
	}
	a.steps = int(r.at("node", "usage", "steps").(float64))
	answer, failure := p.readable(r)
	switch a.failure = failure; {
	case failure != "":
		a.verdict = honest
	default:
		a.missing = q.missing(told(p.t, answer))
		switch {
		case len(a.missing) == 0:
			a.verdict = right
		case q.claims(p.t, told(p.t, answer)):
			a.verdict = wrong
		default:
			a.verdict = none
		}
		for _, c := range answer["checks"].([]any) {
			a.checks = append(a.checks, dig(p.t, c, "code").(string))
		}
	}
	a.thanked = p.thank(chat)
	return a
}

// ended waits for a run's end. It answers what the model asks, a few times.
func (p *person) ended(run string) reply {
	p.t.Helper()
	deadline := time.NewTimer(p.config.Limits.RunTime + 2*time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for answered := 0; ; {
		r := p.run(run)
		switch state := r.str("node", "state"); {
		case state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED":
			return r
		case state == "WAITING" && answered < twentyTurns:
			answered++
			p.do(`mutation($id: ID!) { answerQuestion(input: {runId: $id, text: "I do not know. Decide yourself, please."}) { run { id } errors { ... on UserError { message } } } }`, vars{"id": run})
		case state == "WAITING":
			p.do(`mutation($id: ID!) { stopRun(input: {runId: $id}) { run { id } errors { ... on UserError { message } } } }`, vars{"id": run})
		}
		select {
		case <-deadline.C:
			p.t.Fatalf("the run is still %s", r.str("node", "state"))
		case <-tick.C:
		}
	}
}

// readable is the answer of a run that has ended, or the sentence that says why there
// is none. It fails the test where a person could not read that.
func (p *person) readable(r reply) (answer map[string]any, failure string) {
	p.t.Helper()
	parts, _ := r.at("node", "answer", "parts").([]any)
	for _, part := range parts {
		m := part.(map[string]any)
		switch m["__typename"] {
		case "AnswerPart":
			answer = m
		case "ErrorPart":
			failure = dig(p.t, m, "error", "message").(string)
			if code := dig(p.t, m, "error", "code").(string); !forPeople(code, failure) {
				p.t.Errorf("nobody can read this: %s: %s", code, failure)
			}
		}
	}
	if state := r.str("node", "state"); failure == "" && (answer == nil || state != "SUCCEEDED") {
		if state != "CANCELLED" {
			p.t.Errorf("the run is %s and says nothing: %v", state, parts)
		}
		failure = "It asked back, again and again."
	}
	return answer, failure
}

// told is what a person reads in an answer: its story and its tables.
func told(t testing.TB, answer map[string]any) string {
	t.Helper()
	text := []string{answer["story"].(string)}
	for _, table := range answer["tables"].([]any) {
		for _, row := range dig(t, table, "rows").([]any) {
			text = append(text, fmt.Sprint(row)) // a number as JSON has it, which is a float64
		}
	}
	return strings.Join(text, "\n")
}

// thank sees that a chat goes on: one of two messages is answered.
func (p *person) thank(chat string) string {
	p.t.Helper()
	var said string
	for range 2 {
		_, run := p.ask(chat, "Thanks!")
		r := p.ended(run)
		_, said = p.readable(r)
		if said == "" {
			return "answered"
		}
	}
	p.t.Errorf("the chat does not go on: %s", said)
	return said
}

const heading = "| # | question | | steps | tokens | seconds | what is missing, or said instead | Mark's own checks |\n|---|---|---|---|---|---|---|---|"

func (a asked) row(n int) string {
	slices.Sort(a.checks)
	return fmt.Sprintf("| %d | %s | %s | %d | %d | %.0f | %s | %s |", n, a.question.Question, a.verdict, a.steps, a.tokens, a.took.Seconds(),
		orElse(a.failure, strings.Join(a.missing, ", ")), strings.Join(slices.Compact(a.checks), ", "))
}

// summary counts what became of the questions.
func summary(all []asked) string {
	count := map[verdict]int{}
	steps, tokens, flagged := 0, 0, 0
	var took time.Duration
	for _, a := range all {
		count[a.verdict]++
		steps, tokens, took = steps+a.steps, tokens+a.tokens, took+a.took
		if a.verdict == wrong && len(a.checks) > 0 {
			flagged++
		}
	}
	return fmt.Sprintf("\n%d right, %d wrong (%d of them flagged by Mark itself), %d without an answer, %d failures that say so; %d steps, %d tokens, %.0f s",
		count[right], count[wrong], flagged, count[none], count[honest], steps, tokens, took.Seconds())
}

// keep writes a run and its events, a line each, where that is wanted.
func (a asked) keep(t *testing.T, n int) {
	t.Helper()
	dir := os.Getenv(twentyEvents)
	if dir == "" {
		return
	}
	var lines strings.Builder
	write := json.NewEncoder(&lines)
	for _, e := range a.events {
		if err := write.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := write.Encode(a.run); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.jsonl", n)), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runTime is how long a question may take: a small model on an ordinary machine is
// slow.
func runTime(t *testing.T) time.Duration {
	t.Helper()
	limit, err := time.ParseDuration(orElse(os.Getenv(twentyTime), "4m"))
	if err != nil {
		t.Fatalf("%s: %v", twentyTime, err)
	}
	return limit
}

func setNumber(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s is no number: %q", name, v)
	}
	return n
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
