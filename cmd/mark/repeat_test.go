package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/internal/ids"
)

const sendOnce = `mutation($in: SendMessageInput!) { sendMessage(input: $in) { chat { id } message { id seq } run { id state } clientMutationId
	errors { __typename ... on UserError { code message field } } } }`

// sent is what a sending made.
type sent struct{ chat, message, run, state string }

// sends sends a message that must be taken.
func (p *person) sends(in vars) sent {
	p.t.Helper()
	r := p.do(sendOnce, vars{"in": in})
	if errs := objects(r.at("sendMessage", "errors")); len(errs) > 0 {
		p.t.Fatalf("%v was refused: %v", in, errs)
	}
	return sent{r.str("sendMessage", "chat", "id"), r.str("sendMessage", "message", "id"), r.str("sendMessage", "run", "id"), r.str("sendMessage", "run", "state")}
}

// refused sends a message that must not be taken, and returns type, code and field
// of the error.
func (p *person) refused(in vars) string {
	p.t.Helper()
	r := p.do(sendOnce, vars{"in": in})
	if r.at("sendMessage", "run") != nil || len(objects(r.at("sendMessage", "errors"))) != 1 {
		p.t.Fatalf("%v was answered %v", in, r.Data)
	}
	e := objects(r.at("sendMessage", "errors"))[0]
	return fmt.Sprint(e["__typename"], " ", e["code"], " ", e["field"])
}

// counts is how much a person has: chats, messages of a person, runs.
func (p *person) counts() string {
	p.t.Helper()
	r := p.do(`{ viewer { chats(first: 100) { totalCount nodes { messages(first: 100) { nodes { role } } runs(first: 1) { totalCount } } } } }`, nil)
	questions, runs := 0, 0.0
	for _, c := range objects(r.at("viewer", "chats", "nodes")) {
		for _, m := range objects(dig(p.t, c, "messages", "nodes")) {
			if m["role"] == "USER" {
				questions++
			}
		}
		n, _ := dig(p.t, c, "runs", "totalCount").(float64)
		runs += n
	}
	return fmt.Sprintf("%v chats, %d questions, %v runs", r.at("viewer", "chats", "totalCount"), questions, runs)
}

// The same clientMutationId again is the same question again.
func TestRepeatedSending(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(c *Config, p *Parts) {
			withModel(t, says("So it is."))(c, p)
			p.Sandbox = absent{}
		})
		ada, bob := s.signUp("ada@example.org"), s.signUp("bob@example.org")
		in := vars{"text": " Why? ", "clientMutationId": "1"}
		first := ada.sends(in)
		ada.follow(first.run, 0)
		// After the end too, and where the client has come to know the chat.
		again, known := ada.sends(in), ada.sends(vars{"text": "Why?", "clientMutationId": "1", "chatId": first.chat})
		first.state = "SUCCEEDED"
		if again != first || known != first {
			t.Errorf("the first sending made %v, the same again %v, with the chat %v", first, again, known)
		}
		if got := ada.counts(); got != "1 chats, 1 questions, 1 runs" {
			t.Errorf("Ada has %s", got)
		}

		// Another question is not the same.
		empty := ada.do(`mutation { createChat(input: {}) { chat { id } } }`, nil).str("createChat", "chat", "id")
		dataset := ada.do(`mutation { addSampleDataset(input: {name: "penguins"}) { dataset { id } } }`, nil).str("addSampleDataset", "dataset", "id")
		for name, other := range map[string]vars{
			"text": {"text": "Why not?", "clientMutationId": "1"}, "chat": {"text": "Why?", "clientMutationId": "1", "chatId": empty},
			"datasets": {"text": "Why?", "clientMutationId": "1", "datasetIds": []string{dataset}},
			"model":    {"text": "Why?", "clientMutationId": "1", "model": offlineName},
		} {
			if got := ada.refused(other); got != "InvalidInputError BAD_USER_INPUT clientMutationId" {
				t.Errorf("another %s: %s", name, got)
			}
		}
		with := vars{"text": "Look", "clientMutationId": "2", "datasetIds": []string{dataset}, "chatId": empty}
		looked := ada.sends(with)
		if ada.sends(with).run != looked.run {
			t.Error("a question with a dataset is not itself")
		}
		ada.refused(vars{"text": "Look", "clientMutationId": "2", "chatId": empty})
		ada.follow(looked.run, 0)
		ada.profiled(dataset)
		ada.do(`mutation($d: ID!) { deleteDataset(input: {datasetId: $d}) { deletedDatasetId } }`, vars{"d": dataset})
		if got := ada.sends(with); got.run != looked.run {
			t.Error("a question whose dataset was deleted is another one")
		}

		// One that was refused leaves the id to the next.
		for _, refused := range []vars{
			{"text": "Really?", "clientMutationId": "3", "chatId": ids.New(ids.Chat)},
			{"text": "Really?", "clientMutationId": "3", "datasetIds": []string{ids.New(ids.Dataset)}},
			{"text": "", "clientMutationId": "3"},
		} {
			ada.refused(refused)
		}
		ada.sends(vars{"text": "Really?", "clientMutationId": "3"})
		if got := ada.counts(); got != "3 chats, 3 questions, 3 runs" {
			t.Errorf("Ada has %s", got)
		}
		// Each person's ids are their own; characters are counted, not bytes.
		if got := bob.sends(in); got.chat == first.chat || got.run == first.run {
			t.Errorf("Bob got what is Ada's: %v", got)
		}
		bob.sends(vars{"text": "?", "clientMutationId": strings.Repeat("ü", 200)})
		if got := bob.counts(); got != "2 chats, 2 questions, 2 runs" {
			t.Errorf("Bob has %s", got)
		}
	})
}

// Sent many times at once, through two nodes, a question is asked once.
func TestRepeatedSendingThroughTwoNodes(t *testing.T) {
	url := databases.PostgresURL(t)
	node := func() *service {
		return start(t, url, func(c *Config, p *Parts) {
			withModel(t, says("So it is."))(c, p)
			p.Sandbox, c.JWTSecret = absent{}, strings.Repeat("s", 32)
		})
	}
	one, two := node(), node()
	ada := one.signUp("ada@example.org")
	there := &person{service: two, token: ada.token, client: ada.client}
	for _, chat := range []string{"", ada.do(`mutation { createChat(input: {}) { chat { id } } }`, nil).str("createChat", "chat", "id")} {
		in := vars{"text": "Why?", "clientMutationId": "once in " + chat}
		if chat != "" {
			in["chatId"] = chat
		}
		answers := make(chan sent, 20)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { answers <- ada.sends(in) })
			wg.Go(func() { answers <- there.sends(in) })
		}
		wg.Wait()
		close(answers)
		distinct := map[sent]bool{}
		for a := range answers {
			a.state = ""
			distinct[a] = true
		}
		if len(distinct) != 1 {
			t.Errorf("with the chat %q came %d answers: %v", chat, len(distinct), distinct)
		}
		for a := range distinct {
			there.follow(a.run, 0) // it ends, once
		}
	}
	if got := there.counts(); got != "2 chats, 2 questions, 2 runs" {
		t.Errorf("Ada has %s", got)
	}
}

// A client that goes away before the reply, and asks again, has asked once: whether
// the first sending was carried out or not.
func TestLostReply(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(c *Config, p *Parts) {
			withModel(t, says("So it is."))(c, p)
			p.Sandbox = absent{}
		})
		ada := s.signUp("ada@example.org")
		const questions = 20
		stored := 0
		for i := range questions {
			in := vars{"text": "Why?", "clientMutationId": fmt.Sprint(i)}
			ada.sendAndLeave(in, i%2 == 0)
			before := ada.counts()
			ada.follow(ada.sends(in).run, 0)
			if want := fmt.Sprintf("%d chats, %d questions, %d runs", i+1, i+1, i+1); ada.counts() != want {
				t.Fatalf("there are %s, want %s", ada.counts(), want)
			} else if before == want {
				stored++
			}
		}
		if stored < questions/2 {
			t.Errorf("%d of %d were carried out before they were sent again", stored, questions)
		}
	})
}

// sendAndLeave sends a message and goes away, as soon as the request is written or
// when the reply begins to come.
func (p *person) sendAndLeave(in vars, atOnce bool) {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"query": sendOnce, "variables": vars{"in": in}})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, leave := context.WithCancel(p.t.Context())
	defer leave()
	trace := &httptrace.ClientTrace{GotFirstResponseByte: leave}
	if atOnce {
		trace.WroteRequest = func(httptrace.WroteRequestInfo) { leave() }
	}
	ctx = httptrace.WithClientTrace(ctx, trace)
	res, err := p.client.Do(p.request(bytes.NewReader(body), "application/json").WithContext(ctx))
	if err == nil { // the reply was quicker
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

// What steers a run or a chat takes place once under a clientMutationId, too.
func TestRepeatedSteering(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(c *Config, p *Parts) {
			withModel(t, says("So it is."))(c, p)
			p.Sandbox = absent{}
		})
		ada := s.signUp("ada@example.org")
		first := ada.sends(vars{"text": "Why?"})
		ada.follow(first.run, 0)
		for mutation, steer := range map[string]struct{ input, makes, id, field string }{
			"retryRun":   {"RetryRunInput", "run", first.run, "runId"},
			"branchChat": {"BranchChatInput", "chat", first.message, "messageId"},
		} {
			do := func(id string) reply {
				in := vars{steer.field: steer.id, "clientMutationId": id}
				if mutation == "branchChat" {
					in["chatId"] = first.chat
				}
				return ada.do(`mutation($in: `+steer.input+`!) { `+mutation+`(input: $in) { `+steer.makes+` { id } clientMutationId errors { ... on UserError { code field } } } }`, vars{"in": in})
			}
			one := do("1 of " + mutation)
			if mutation == "retryRun" {
				ada.follow(one.str(mutation, "run", "id"), 0)
			}
			again := do("1 of " + mutation)
			if again.str(mutation, steer.makes, "id") != one.str(mutation, steer.makes, "id") || again.str(mutation, "clientMutationId") != "1 of "+mutation {
				t.Errorf("%s made %v, and then %v", mutation, one.Data, again.Data)
			}
			if errs := objects(do(strings.Repeat("x", 201)).at(mutation, "errors")); len(errs) != 1 || errs[0]["field"] != "clientMutationId" {
				t.Errorf("%s under a long id: %v", mutation, errs)
			}
		}
		if got := ada.counts(); got != "2 chats, 2 questions, 2 runs" {
			t.Errorf("Ada has %s", got)
		}
	})
}
