package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent/step"
)

// Scalars as the contract writes them, on both databases: 64 bits as text, since
// JSON's numbers are floats to most clients; times to the microsecond, in UTC.
func TestScalarsOnTheWire(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		const at, big = `"2026-01-31T09:30:00.123456Z"`, `"9007199254740993"`
		b.newChat(ada, 1)
		plain := b.store.Client.Step.Query().Where(step.ToolIsNil()).OnlyX(t.Context()).ID
		for _, c := range []struct{ id, selection, want string }{
			{ada.user.ID, `... on User { createdAt }`, `{"createdAt":` + at + `}`},
			{ada.chat.ID, `... on Chat { createdAt updatedAt archived }`, `{"createdAt":` + at + `,"updatedAt":` + at + `,"archived":false}`},
			{ada.question.ID, `... on Message { createdAt seq role }`, `{"createdAt":` + at + `,"seq":1,"role":"USER"}`},
			{ada.run.ID, `... on Run { queuedAt startedAt finishedAt state lastSeq usage { pythonMs steps promptTokens } error { code } }`,
				`{"queuedAt":` + at + `,"startedAt":` + at + `,"finishedAt":` + at + `,"state":"SUCCEEDED","lastSeq":2,"usage":{"pythonMs":` + big + `,"steps":1,"promptTokens":0},"error":null}`},
			{ada.running.ID, `... on Run { startedAt finishedAt answer { id } }`, `{"startedAt":null,"finishedAt":null,"answer":null}`},
			{ada.step.ID, `... on Step { startedAt durationMs outputs { table { columns rows rowCount truncated } text json } }`,
				`{"startedAt":` + at + `,"durationMs":` + big + `,"outputs":[{"table":{"columns":["ada"],"rows":[["ada"]],"rowCount":` + big + `,"truncated":false},"text":"ada","json":null}]}`},
			{plain, `... on Step { tool code durationMs }`, `{"tool":null,"code":null,"durationMs":null}`},
			{ada.artifact.ID, `... on Artifact { createdAt sizeBytes url }`, `{"createdAt":` + at + `,"sizeBytes":` + big + `,"url":"/files/` + ada.artifact.ID + `/ada"}`},
			{ada.dataset.ID, `... on Dataset { createdAt syncedAt sizeBytes rowCount format error { code } sample { rows } columns { nullCount distinctCount min sampleValues } notes }`,
				`{"createdAt":` + at + `,"syncedAt":` + at + `,"sizeBytes":` + big + `,"rowCount":` + big + `,"format":null,"error":null,"sample":{"rows":[["ada"]]},"columns":[` +
					strings.TrimSuffix(strings.Repeat(`{"nullCount":"0","distinctCount":`+big+`,"min":"ada","sampleValues":["ada"]},`, 3), ",") + `],"notes":["ada"]}`},
		} {
			r := b.do(ada.token, `query($id: ID!) { node(id: $id) { `+c.selection+` } }`, vars{"id": c.id})
			if want := `"node":` + c.want; !strings.Contains(r.body, want) {
				t.Errorf("%s\nwant %s", r.body, want)
			}
		}
		limits := b.do("", `{ server { limits { uploadBytes runSeconds } } }`, nil)
		if !strings.Contains(limits.body, `{"uploadBytes":"1099511627776","runSeconds":0}`) {
			t.Error(limits.body)
		}
	})
}

// An Int has 32 bits and is a number.
func TestIntsOfTheWrongSize(t *testing.T) {
	b := newBench(t, databases.SQLite(t), auth.Guard)
	ada := b.settle("ada")
	const follow = `subscription($run: ID!, $after: Int!) { runEvents(runId: $run, after: $after) { seq } }`
	for _, after := range []any{1 << 31, -1 << 40, "1", 1.5, true, nil, []int{1}, -1} {
		r := b.follow(ada.token, follow, vars{"run": ada.run.ID, "after": after})
		if strings.Contains(r.body, "INTERNAL") || !strings.Contains(r.body, "BAD_USER_INPUT") && !strings.Contains(r.body, "GRAPHQL_VALIDATION_FAILED") {
			t.Errorf("after %v: %s", after, r.body)
		}
	}
	for after, want := range map[int]string{0: "[1 2]", 1: "[2]", 2: "[]", 1 << 30: "[]"} {
		if got := b.follow(ada.token, follow, vars{"run": ada.run.ID, "after": after}); fmt.Sprint(seqs(got.body)) != want {
			t.Errorf("after %d: %s, want %s", after, got.body, want)
		}
	}
}

// seqs are those of the events in a stream.
func seqs(stream string) []string {
	var out []string
	for _, part := range strings.Split(stream, `"seq":`)[1:] {
		n, _, _ := strings.Cut(part, "}")
		out = append(out, n)
	}
	return out
}
