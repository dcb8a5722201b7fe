package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/internal/ids"
)

const (
	deviceMessage = `id seq role parts { __typename ... on TextPart { text } ... on AnswerPart { story } ... on ErrorPart { error { code } } }`
	deviceRun     = `id state answer { id } error { code }`
	deviceChat    = `id title archived datasets(first: 100) { nodes { id name state } }`

	// chatFields is what a client subscribes to that shows a chat.
	chatFields = `subscription($chat: ID!) { chatEvents(chatId: $chat) { __typename chatId version
		... on ChatSnapshot { chat { ` + deviceChat + ` } messages(last: 100) { nodes { ` + deviceMessage + ` } pageInfo { hasPreviousPage } totalCount } runs { ` + deviceRun + ` } }
		... on MessageAdded { message { ` + deviceMessage + ` run { id } } } ... on MessageChanged { message { ` + deviceMessage + ` } }
		... on RunChanged { run { ` + deviceRun + ` message { id } } } ... on ChatChanged { chat { ` + deviceChat + ` } } } }`
	chatQuery = `query($chat: ID!) { node(id: $chat) { ... on Chat { ` + deviceChat + ` messages(last: 100) { nodes { ` + deviceMessage + ` } } runs(first: 100) { nodes { ` + deviceRun + ` } } } } }`
)

// device is a client that shows a chat: it keeps what chatEvents told it, and
// checks that nothing is told twice or left out.
type device struct {
	t        *testing.T
	name     string
	version  float64
	chat     map[string]any
	messages map[int]map[string]any // by seq
	runs     map[string]map[string]any
	seq      int // of the newest message
	told     map[string]int
	begun    chan struct{} // closed at the first event, or where there is none
	begin    sync.Once
}

func newDevice(t *testing.T, name string) *device {
	return &device{t: t, name: name, messages: map[int]map[string]any{}, runs: map[string]map[string]any{}, told: map[string]int{}, begun: make(chan struct{})}
}

// take takes an event in; first says that the connection is new.
func (d *device) take(e event, first bool) {
	d.told[e.kind()]++
	d.begin.Do(func() { close(d.begun) })
	if (e.kind() == "ChatSnapshot") != first {
		d.t.Errorf("%s: %s is the first event: %v", d.name, e.kind(), first)
	}
	version, _ := e["version"].(float64)
	if version < d.version {
		d.t.Errorf("%s: version %v after %v", d.name, version, d.version)
	}
	d.version = version
	switch e.kind() {
	case "ChatSnapshot":
		d.chat, _ = e["chat"].(map[string]any)
		d.runs = map[string]map[string]any{}
		d.seq = 0
		for _, m := range objects(dig(d.t, map[string]any(e), "messages", "nodes")) {
			d.keep(m)
		}
		for _, r := range objects(e["runs"]) {
			d.runs[fmt.Sprint(r["id"])] = r
		}
	case "MessageAdded":
		m, _ := e["message"].(map[string]any)
		if seqOf(m) != d.seq+1 {
			d.t.Errorf("%s: message %d was added after %d", d.name, seqOf(m), d.seq)
		}
		d.keep(m)
	case "MessageChanged":
		m, _ := e["message"].(map[string]any)
		d.messages[seqOf(m)] = without(m, "run")
	case "RunChanged":
		r, _ := e["run"].(map[string]any)
		r = without(r, "message")
		if known := d.runs[fmt.Sprint(r["id"])]; known != nil && fmt.Sprint(known) == fmt.Sprint(r) {
			d.t.Errorf("%s: told twice of %v", d.name, r)
		}
		d.runs[fmt.Sprint(r["id"])] = r
	case "ChatChanged":
		c, _ := e["chat"].(map[string]any)
		d.chat = c
	default:
		d.t.Errorf("%s: unexpected %v", d.name, e)
	}
}

func (d *device) keep(m map[string]any) {
	d.seq = seqOf(m)
	d.messages[d.seq] = without(m, "run")
}

// agrees compares what the device shows with a plain query.
func (d *device) agrees(r reply) {
	d.t.Helper()
	node, _ := r.at("node").(map[string]any)
	if want := without(node, "messages", "runs"); fmt.Sprint(d.chat) != fmt.Sprint(want) {
		d.t.Errorf("%s shows the chat\n%v\nit is\n%v", d.name, d.chat, want)
	}
	messages := objects(r.at("node", "messages", "nodes"))
	if len(messages) != len(d.messages) {
		d.t.Errorf("%s shows %d messages of %d", d.name, len(d.messages), len(messages))
	}
	for _, m := range messages {
		if got := d.messages[seqOf(m)]; fmt.Sprint(got) != fmt.Sprint(m) {
			d.t.Errorf("%s shows the message\n%v\nit is\n%v", d.name, got, m)
		}
	}
	for _, run := range objects(r.at("node", "runs", "nodes")) {
		got, known := d.runs[fmt.Sprint(run["id"])]
		if known && fmt.Sprint(got) != fmt.Sprint(run) {
			d.t.Errorf("%s shows the run\n%v\nit is\n%v", d.name, got, run)
		}
		if state := fmt.Sprint(run["state"]); !known && (state == "QUEUED" || state == "RUNNING") {
			d.t.Errorf("%s does not show the run %v", d.name, run)
		}
	}
}

func objects(v any) (out []map[string]any) {
	list, _ := v.([]any)
	for _, e := range list {
		m, _ := e.(map[string]any)
		out = append(out, m)
	}
	return out
}

func seqOf(m map[string]any) int { n, _ := m["seq"].(float64); return int(n) }

// without is the object but for some of its members.
func without(m map[string]any, names ...string) map[string]any {
	out := maps.Clone(m)
	maps.DeleteFunc(out, func(k string, _ any) bool { return slices.Contains(names, k) })
	return out
}

func (s *socket) watch(chatID string) {
	s.t.Helper()
	s.send(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{
		"query": chatFields, "variables": map[string]any{"chat": chatID},
	}})
}

// nextOfChat is the next event of a chat, or the error that the stream begins with;
// neither at its end.
func (s *socket) nextOfChat() (event, error) {
	s.t.Helper()
	for {
		m := s.receive()
		switch m["type"] {
		case "next":
			e, _ := dig(s.t, m, "payload", "data", "chatEvents").(map[string]any)
			if e == nil {
				return nil, fmt.Errorf("%v", m["payload"])
			}
			return e, nil
		case "error":
			return nil, fmt.Errorf("%v", m["payload"])
		case "complete":
			return nil, nil
		case "ping":
			s.send(map[string]string{"type": "pong"})
		default:
			s.t.Fatalf("unexpected message %v", m)
		}
	}
}

// show lets a device show a chat until it has the title, on connections that it
// gives up after at most so many events.
func (p *person) show(d *device, chatID, title string, patience func() int) {
	for {
		s := p.dial()
		s.watch(chatID)
		for i := range patience() {
			e, err := s.nextOfChat()
			if e == nil {
				d.t.Errorf("%s: the stream ended: %v", d.name, err)
				return
			}
			if d.take(e, i == 0); d.chat["title"] == title {
				s.close()
				return
			}
		}
		s.close()
	}
}

// Two browser tabs and a phone, which loses its connection again and again, show
// the same while things happen, and in the end what a plain query says.
func TestDevicesAgree(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		node := func() *service {
			return start(t, url, func(c *Config, p *Parts) {
				withModel(t, says("So it is."))(c, p)
				p.Sandbox, c.JWTSecret = absent{}, strings.Repeat("s", 32)
			})
		}
		ada := node().signUp("ada@example.org")
		elsewhere := ada
		if url != "" { // another node, on which nothing is changed
			elsewhere = &person{service: node(), token: ada.token, client: ada.client}
		}
		chat := ada.do(`mutation { createChat(input: {}) { chat { id } } }`, nil).str("createChat", "chat", "id")
		const last = "The end"
		always := func() int { return 1 << 30 }
		random := rand.New(rand.NewPCG(1, 2))
		devices := []*device{newDevice(t, "tab 1"), newDevice(t, "tab 2"), newDevice(t, "phone")}
		var wg sync.WaitGroup
		for i, patience := range []func() int{always, always, func() int { return 1 + random.IntN(4) }} {
			on := []*person{ada, elsewhere, elsewhere}[i]
			wg.Go(func() {
				defer devices[i].begin.Do(func() { close(devices[i].begun) })
				on.show(devices[i], chat, last, patience)
			})
		}
		for _, d := range devices {
			<-d.begun
		}
		title := func(to string) {
			ada.do(`mutation($c: ID!, $t: String!) { updateChat(input: {chatId: $c, title: $t}) { chat { id } errors { __typename } } }`, vars{"c": chat, "t": to})
		}
		var runs, datasets []string
		for i := range 8 {
			_, run := ada.ask(chat, fmt.Sprint("Question ", i))
			runs = append(runs, run)
			title(fmt.Sprint("Title ", i))
			if i%3 == 0 {
				datasets = append(datasets, ada.do(`mutation($c: ID!) { addSampleDataset(input: {name: "penguins", chatId: $c}) { dataset { id } } }`, vars{"c": chat}).
					str("addSampleDataset", "dataset", "id"))
			}
			if i%4 == 3 {
				ada.do(`mutation($r: ID!) { stopRun(input: {runId: $r}) { run { id } } }`, vars{"r": run})
			}
		}
		ada.do(`mutation($d: ID!) { deleteDataset(input: {datasetId: $d}) { deletedDatasetId } }`, vars{"d": datasets[0]})
		for _, run := range runs {
			ada.follow(run, 0)
		}
		for _, d := range datasets[1:] {
			ada.profiled(d)
		}
		title(last)
		wg.Wait()
		want := ada.do(chatQuery, vars{"chat": chat})
		for _, d := range devices {
			d.agrees(want)
			if d.version != devices[0].version {
				t.Errorf("%s ends with version %v, %s with %v", devices[0].name, devices[0].version, d.name, d.version)
			}
			t.Logf("%s: %v", d.name, d.told)
		}
		if told := devices[0].told; told["ChatSnapshot"] != 1 || told["MessageAdded"] < 1 || told["RunChanged"] < 8 || told["ChatChanged"] < 2 {
			t.Errorf("tab 1 was told %v", told)
		}
		if devices[2].told["ChatSnapshot"] < 2 {
			t.Errorf("the phone never lost its connection: %v", devices[2].told)
		}
	})
}

// What a chat tells is not for whoever still holds a token that was signed out.
func TestSignOutEndsChatEvents(t *testing.T) {
	s, now := startPlain(t, "")
	ada := s.signUp("ada@example.org")
	in := (&person{service: s, client: ada.client}).do(`mutation { signIn(input: {email: "ada@example.org", password: "correct horse battery"}) { `+sessionFields+` } }`, nil)
	elsewhere := &person{service: s, client: ada.client, token: in.str("signIn", "session", "accessToken")}
	chat := ada.do(`mutation { createChat(input: {}) { chat { id } } }`, nil).str("createChat", "chat", "id")
	sock := ada.dial()
	defer sock.close()
	sock.watch(chat)
	if e, err := sock.nextOfChat(); err != nil || e.kind() != "ChatSnapshot" {
		t.Fatalf("first came %v, %v", e, err)
	}
	ada.do(`mutation { signOut(input: {}) { done } }`, nil)
	now.move(streamCheck)
	elsewhere.do(`mutation($c: ID!) { updateChat(input: {chatId: $c, title: "A secret"}) { chat { id } } }`, vars{"c": chat})
	if e, err := sock.nextOfChat(); e != nil || err == nil || !strings.Contains(err.Error(), "UNAUTHENTICATED") {
		t.Errorf("after signing out came %v, %v", e, err)
	}
}

// A chat's end is the end of its stream; another's chat is none.
func TestChatEventsEnd(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(c *Config, p *Parts) {
			withModel(t, says("So it is."))(c, p)
			p.Sandbox = absent{}
		})
		ada, bob := s.signUp("ada@example.org"), s.signUp("bob@example.org")
		chat, _ := ada.ask("", "Question")
		watch := func(p *person, id string) *socket {
			socket := p.dial()
			t.Cleanup(socket.close)
			socket.watch(id)
			return socket
		}
		refusal := func(id string) string {
			e, err := watch(bob, id).nextOfChat()
			if e != nil || err == nil {
				t.Fatalf("Bob was told %v", e)
			}
			return strings.ReplaceAll(err.Error(), id, "<the id>")
		}
		foreign, missing := refusal(chat), refusal(ids.New(ids.Chat))
		if foreign != missing || !strings.Contains(foreign, "NOT_FOUND") {
			t.Errorf("a foreign chat is answered %s, a missing one %s", foreign, missing)
		}
		tab, phone := watch(ada, chat), watch(ada, chat)
		for _, device := range []*socket{tab, phone} {
			if e, err := device.nextOfChat(); err != nil || e.kind() != "ChatSnapshot" {
				t.Fatalf("first came %v, %v", e, err)
			}
		}
		ada.do(`mutation($c: ID!) { deleteChat(input: {chatId: $c}) { deletedChatId } }`, vars{"c": chat})
		for _, device := range []*socket{tab, phone} {
			var kinds []string
			for {
				e, err := device.nextOfChat()
				if err != nil {
					t.Fatal(err)
				}
				if e == nil {
					break
				}
				kinds = append(kinds, e.kind())
			}
			if len(kinds) == 0 || slices.Index(kinds, "ChatDeleted") != len(kinds)-1 {
				t.Errorf("a deleted chat's stream was %v", kinds)
			}
		}
	})
}
