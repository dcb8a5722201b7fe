package main

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTour is the tour of the README: sign up, bring data, ask, watch, read,
// follow up.
func TestTour(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, nil)
		ada := s.signUp("ada@example.org")
		info := ada.do(`{ viewer { email } server { version models { name offline } sandbox { provider ready isolation } samples { name licence } } }`, nil)
		if info.at("server", "sandbox", "ready") != true || info.str("server", "sandbox", "provider") != "gvisor" || info.str("viewer", "email") != "ada@example.org" {
			t.Fatalf("server: %v", info.Data)
		}
		for _, sample := range []struct {
			name, question, followUp string
			says                     []string
		}{
			{"penguins", "What is the mean body mass by species?", "as a bar chart, by island", []string{"Gentoo", "5,076", "offline analyst"}},
			{"gapminder", "Show the trend of life expectancy over time", "only for Europe", []string{"2007", "67"}},
		} {
			data := ada.sample(sample.name)
			chat, run := ada.ask("", sample.question, data)
			events := ada.follow(run, 0)
			seen := kindsOf(events)
			for _, kind := range []string{"RunStarted", "StepStarted", "ReasoningDelta", "ToolArgsDelta", "ToolStarted", "OutputChunk", "OutputAdded", "TextDelta", "StepFinished", "RunFinished"} {
				if seen[kind] == 0 {
					t.Errorf("%s: no %s in %v", sample.name, kind, seen)
				}
			}
			answer := ada.answered(run)
			told, _ := answer["story"].(string)
			for _, c := range answer["caveats"].([]any) {
				told += "\n" + c.(string)
			}
			contains(t, sample.name, told, sample.says...)
			if charts := answer["charts"].([]any); len(charts) == 0 || dig(t, charts[0], "spec", "data") == nil {
				t.Errorf("%s: charts %v", sample.name, charts)
			}
			if tables := answer["tables"].([]any); len(tables) == 0 {
				t.Errorf("%s: no table", sample.name)
			}
			if claims := answer["claims"].([]any); len(claims) == 0 || len(dig(t, claims[0], "evidence").([]any)) == 0 {
				t.Errorf("%s: claims %v", sample.name, claims)
			}
			if checks := answer["checks"].([]any); len(checks) != 0 {
				t.Errorf("%s: checks %v", sample.name, checks)
			}
			if followUps := answer["followUps"].([]any); len(followUps) != 3 {
				t.Errorf("%s: follow-ups %v", sample.name, followUps)
			}
			_, next := ada.ask(chat, sample.followUp)
			if more := ada.answered(next); len(more["charts"].([]any)) == 0 {
				t.Errorf("%s: the follow-up has no chart: %v", sample.name, more["story"])
			}
		}
	})
}

func TestStreamsFromAnyPointAgreeDuringAndAfterTheRunAndAfterARestart(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, nil)
		ada := s.signUp("ada@example.org")
		_, run := ada.ask("", "How many penguins are there by island?", ada.sample("penguins"))

		// During: a client that hangs up after each event and resumes.
		var live []event
		for after := 0; ; {
			sock := ada.dial()
			sock.subscribe(run, after)
			e, more := sock.next()
			sock.close()
			if !more {
				t.Fatal("the stream ended before RunFinished")
			}
			live = append(live, e)
			if after = e.seq(); e.kind() == "RunFinished" {
				break
			}
		}
		gapless(t, live, 0)

		same := func(what string, got []event, after int) {
			t.Helper()
			if !slices.EqualFunc(got, live[after:], func(a, b event) bool {
				return a["__typename"] == b["__typename"] && a["seq"] == b["seq"] && a["at"] == b["at"] && a["text"] == b["text"]
			}) {
				t.Errorf("%s: the stream after %d differs", what, after)
			}
		}
		for _, after := range []int{0, 1, len(live) / 2, len(live) - 1} {
			same("afterwards", ada.follow(run, after), after)
			same("as server-sent events", ada.followSSE(run, after), after)
		}
		if got := ada.follow(run, len(live)); len(got) != 0 {
			t.Errorf("after the last event came %v", got)
		}
		s.down()
		s.up()
		same("after a restart", ada.follow(run, 0), 0)
		if a := ada.answered(run); a["story"] == "" {
			t.Error("the answer is gone")
		}
	})
}

// A restart in the middle of a program: the run goes on, the model is told that the
// program's end is not known, and a client that comes again has every event once.
func TestARunGoesOnAfterARestart(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, withModel(t, python("import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.1)"), says("It is done.")))
		ada := s.signUp("ada@example.org")
		chat, run := ada.ask("", "Begin")
		sock := ada.dial()
		sock.subscribe(run, 0)
		var before []event
		for {
			e, more := sock.next()
			if !more {
				t.Fatal("the run ended before the restart")
			}
			if before = append(before, e); e.kind() == "OutputChunk" {
				break
			}
		}
		sock.close()
		s.downWithin(16 * time.Second) // half of it for the program, which does not end
		s.up()
		after := ada.follow(run, len(before))
		gapless(t, append(before, after...), 0)
		if state := dig(t, map[string]any(after[len(after)-1]), "run", "state"); state != "SUCCEEDED" {
			t.Errorf("state %v", state)
		}
		if story := ada.answered(run)["story"]; story != "It is done." {
			t.Errorf("the answer is %v", story)
		}
		if first := dig(t, ada.run(run).Data, "node", "steps", 0, "error", "code"); first != "STEP_INTERRUPTED" {
			t.Errorf("the program ended with %v", first)
		}
		if _, again := ada.ask(chat, "And now?"); ada.answered(again)["story"] == "" {
			t.Error("the chat does not go on")
		}
	})
}

func TestStop(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, withModel(t, python("import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.1)")))
		ada := s.signUp("ada@example.org")
		_, run := ada.ask("", "Never end")
		sock := ada.dial()
		defer sock.close()
		sock.subscribe(run, 0)
		var events []event
		for {
			e, more := sock.next()
			if !more {
				break
			}
			if events = append(events, e); e.kind() == "OutputChunk" {
				began := time.Now()
				ada.do(`mutation($id: ID!) { stopRun(input: {runId: $id}) { run { state } errors { ... on UserError { message } } } }`, vars{"id": run})
				t.Logf("stopRun answered after %s", time.Since(began).Round(time.Millisecond))
			}
		}
		gapless(t, events, 0)
		if state := dig(t, map[string]any(events[len(events)-1]), "run", "state"); state != "CANCELLED" {
			t.Errorf("state %v", state)
		}
	})
}

func TestArtifactsCanBeFetched(t *testing.T) {
	s := start(t, "", withModel(t,
		python(`import matplotlib.pyplot as plt
open("/mnt/data/out=1.csv", "w").write("a,b\n1,2\n")
plt.plot([1, 2]); plt.show()`),
		says("done")))
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "Write a file")
	ada.answered(run)
	r := ada.run(run)
	types := map[string]string{}
	for _, o := range r.at("node", "steps", 0, "outputs").([]any) {
		artifact, ok := dig(t, o, "artifact").(map[string]any)
		if !ok {
			continue
		}
		link, _ := artifact["url"].(string)
		res, err := ada.client.Get(s.url + link) // without a token: the link is the permission
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: status %d, %v", link, res.StatusCode, err)
		}
		types[artifact["mimeType"].(string)] = string(body)
		res, err = ada.client.Get(s.url + strings.Replace(link, "signature=", "signature=x", 1))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("a forged link answers %d", res.StatusCode)
		}
		node := ada.do(`query($id: ID!) { node(id: $id) { ... on Artifact { name url } } }`, vars{"id": artifact["id"]})
		if node.str("node", "name") != artifact["name"] {
			t.Errorf("node: %v", node.Data)
		}
	}
	if !strings.HasPrefix(types["image/png"], "\x89PNG") || len(types) != 2 {
		t.Errorf("artifacts: %d", len(types))
	}
}

func TestSecondStartIsQuick(t *testing.T) {
	s := start(t, "", nil)
	ada := s.signUp("ada@example.org")
	s.down()
	s.up()
	res, err := ada.client.Get(s.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
	if got := ada.do(`{ viewer { email } }`, nil).str("viewer", "email"); got != "ada@example.org" {
		t.Errorf("the session is gone: %s", got)
	}
}
