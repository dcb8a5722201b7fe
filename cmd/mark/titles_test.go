package main

import (
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fakellm"
)

// A node that shuts down does not wait for a title.
func TestAShutdownDoesNotWaitForATitle(t *testing.T) {
	asked := make(chan struct{})
	fake := fakellm.New(t, func(r fakellm.Request) fakellm.Answer {
		if strings.Contains(string(r.Body), `"tools"`) {
			return says("So it is.")
		}
		close(asked)
		return fakellm.Silent()
	})
	s := start(t, "", func(c *Config, p *Parts) {
		c.LLM = LLMConfig{BaseURL: fake.BaseURL(), APIKey: "key", Model: "scripted", API: "chat"}
		p.Sandbox, c.Titles = absent{}, true
	})
	s.signUp("ada@example.org").ask("", "Why is it so?")
	<-asked
	began := time.Now()
	s.down()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The model names a chat after its first answer, on whichever node, and who shows
// the chat is told as of a new name that a person gives; a person's stays.
func TestChatsAreNamed(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		fake := fakellm.New(t, func(r fakellm.Request) fakellm.Answer {
			if strings.Contains(string(r.Body), `"tools"`) {
				return says("So it is.")
			}
			return says("**The way things are.**")
		})
		s := start(t, url, func(c *Config, p *Parts) {
			c.LLM = LLMConfig{BaseURL: fake.BaseURL(), APIKey: "key", Model: "scripted", API: "chat"}
			p.Sandbox, c.Titles = absent{}, true
		})
		ada := s.signUp("ada@example.org")
		always := func() int { return 1 << 30 }
		chat, run := ada.ask("", "Why is it so?")
		d := newDevice(t, "tab")
		ada.show(d, chat, "The way things are", always)
		ada.follow(run, 0)
		if d.told["ChatSnapshot"] != 1 {
			t.Errorf("told %v", d.told)
		}
		rename := func(chat, title string) {
			ada.do(`mutation($c: ID!, $t: String!) { updateChat(input: {chatId: $c, title: $t}) { chat { id } errors { __typename } } }`, vars{"c": chat, "t": title})
		}
		rename(chat, "Mine")
		_, run = ada.ask(chat, "And why?")
		ada.follow(run, 0)
		named := ada.do(`mutation { createChat(input: {title: "Mine too"}) { chat { id } } }`, nil).str("createChat", "chat", "id")
		_, run = ada.ask(named, "Why is it so?")
		ada.follow(run, 0)
		s.down() // what was to be named has been, or will not be
		s.up()
		for _, c := range []string{chat, named} {
			if title := ada.do(`query($id: ID!) { node(id: $id) { ... on Chat { title } } }`, vars{"id": c}).str("node", "title"); !strings.HasPrefix(title, "Mine") {
				t.Errorf("a chat that its owner has named is called %q", title)
			}
		}
		titles := 0
		for _, r := range fake.Requests() {
			if !strings.Contains(string(r.Body), `"tools"`) {
				titles++
			}
		}
		if titles != 1 {
			t.Errorf("the model was asked for %d titles", titles)
		}
	})
}
