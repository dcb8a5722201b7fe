package main

import (
	"strings"
	"testing"
)

const steeringFields = `{ run { id state } errors { ... on UserError { code message field } } }`

// steer calls a mutation that answers with a run.
func (p *person) steer(mutation, typ string, input vars) string {
	p.t.Helper()
	r := p.do(`mutation($in: `+typ+`!) { `+mutation+`(input: $in) `+steeringFields+` }`, vars{"in": input})
	if errs := r.at(mutation, "errors").([]any); len(errs) > 0 {
		p.t.Fatalf("%s: %v", mutation, errs)
	}
	return r.str(mutation, "run", "id")
}

// next follows a run up to an event of a kind.
func (p *person) next(runID, kind string) {
	p.t.Helper()
	sock := p.dial()
	defer sock.close()
	sock.subscribe(runID, 0)
	for {
		e, more := sock.next()
		if !more {
			p.t.Fatalf("the run ended without %s", kind)
		}
		if e.kind() == kind {
			return
		}
	}
}

// A person changes a step, tries again and branches off, with the variables as
// they were at each point, across a restart.
func TestStepsAreChangedAndVariablesGoBack(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, withModel(t,
			python("x = 1; print(x)"), python("x = x + 1; print(x)"), python("x = x * 10; print(x)"), says("It is 20."),
			says("It is what it is."),         // after the changed step
			python("print(x)"), says("Seen."), // in the branch
			python("print(x)"), says("Seen again."), // in the branch's branch
			python("print('x' in globals())"), says("Tried."), // the retry
		))
		ada := s.signUp("ada@example.org")
		chat, first := ada.ask("", "Count.")
		ada.answered(first)
		steps := ada.run(first).at("node", "steps").([]any)
		s.down()
		s.up()
		second := ada.steer("editStep", "EditStepInput", vars{"stepId": dig(t, steps, 1, "id"), "code": "x = x + 100; print(x)"})
		if story := ada.answered(second)["story"]; story != "It is what it is." {
			t.Errorf("the changed run says %v", story)
		}
		if out := ada.stdout(second, 1); out != "101" {
			t.Errorf("the changed step printed %q, want 101: 1 of the step before, and 100", out)
		}
		message := ada.do(`query($id: ID!) { node(id: $id) { ... on Run { answer { id } } } }`, vars{"id": second}).str("node", "answer", "id")
		copied, last := ada.branch(chat, message)
		twice, _ := ada.branch(copied, last) // before anything has run in the first
		for _, chat := range []string{copied, twice} {
			_, looked := ada.ask(chat, "What is x?")
			if ada.answered(looked); ada.stdout(looked, 0) != "101" {
				t.Errorf("in the branch x is %q", ada.stdout(looked, 0))
			}
		}
		again := ada.steer("retryRun", "RetryRunInput", vars{"runId": first})
		if ada.answered(again); ada.stdout(again, 0) != "False" {
			t.Errorf("the retry began with x there: %q", ada.stdout(again, 0))
		}
		if story := ada.answered(first)["story"]; story != "It is 20." {
			t.Errorf("the first answer says %v", story)
		}
	})
}

// branch copies a chat up to a message, and returns the copy's id and its last
// message's.
func (p *person) branch(chatID, messageID string) (copied, last string) {
	p.t.Helper()
	r := p.do(`mutation($in: BranchChatInput!) { branchChat(input: $in) { chat { id messages(last: 1) { nodes { id } } } errors { ... on UserError { message } } } }`,
		vars{"in": vars{"chatId": chatID, "messageId": messageID}})
	if errs := r.at("branchChat", "errors").([]any); len(errs) > 0 {
		p.t.Fatalf("branchChat: %v", errs)
	}
	return r.str("branchChat", "chat", "id"), r.str("branchChat", "chat", "messages", "nodes", 0, "id")
}

func (p *person) stdout(runID string, step int) string {
	p.t.Helper()
	outputs, _ := p.run(runID).at("node", "steps", step, "outputs").([]any)
	for _, o := range outputs {
		if name, _ := dig(p.t, o, "name").(string); strings.HasSuffix(name, ".stdout") {
			return strings.TrimSpace(dig(p.t, o, "text").(string))
		}
	}
	return ""
}

// The offline analyst asks back, a person answers, and looks at the program
// before it runs.
func TestARunWaitsForAPerson(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(c *Config, _ *Parts) { c.ReviewCode = true })
		ada := s.signUp("ada@example.org")
		chat, run := ada.ask("", "average bill by species", ada.sample("penguins"))
		ada.next(run, "QuestionAsked")
		waiting := ada.do(`query($id: ID!) { node(id: $id) { ... on Run { state question { text options } } } }`, vars{"id": run})
		if waiting.str("node", "state") != "WAITING" || !strings.Contains(waiting.str("node", "question", "text"), "bill") {
			t.Errorf("%v", waiting.Data)
		}
		s.down()
		s.up()
		ada.steer("answerQuestion", "AnswerQuestionInput", vars{"runId": run, "text": waiting.at("node", "question", "options", 0)})
		ada.next(run, "ApprovalRequested")
		approvals := ada.do(`query($id: ID!) { node(id: $id) { ... on Run { approvals { id state tool code reason } } } }`, vars{"id": run})
		if code := approvals.str("node", "approvals", 0, "code"); !strings.Contains(code, "bill_length_mm") {
			t.Errorf("to approve:\n%s", code)
		}
		ada.steer("decideApproval", "DecideApprovalInput", vars{"approvalId": approvals.at("node", "approvals", 0, "id"), "decision": "APPROVE"})
		contains(t, "answer", ada.answered(run)["story"].(string), "bill_length_mm", "Chinstrap")

		_, run = ada.ask(chat, "average body mass by island")
		ada.next(run, "ApprovalRequested")
		approvals = ada.do(`query($id: ID!) { node(id: $id) { ... on Run { approvals { id } } } }`, vars{"id": run})
		ada.steer("decideApproval", "DecideApprovalInput", vars{"approvalId": approvals.at("node", "approvals", 0, "id"), "decision": "REJECT", "note": "Not now."})
		contains(t, "answer", ada.answered(run)["story"].(string), "You did not allow the program")
	})
}
