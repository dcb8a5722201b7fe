package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const usageOfMe = `{ viewer { usage { runs { used limit } tokens { used limit } costUsd { used limit } sandboxSeconds { used limit } outputBytes { used limit } resetsAt } } }`

// What a person used today is theirs to see, and where it is all that they may use
// no more is taken.
func TestUsageOfADay(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(c *Config, p *Parts) {
			withModel(t, says("So it is."))(c, p)
			p.Sandbox = absent{}
			c.Limits.PerDay.Runs, c.Limits.PerDay.CostUSD = 1, 2.5
		})
		ada, bob := s.signUp("ada@example.org"), s.signUp("bob@example.org")
		_, run := ada.ask("", "Is it so?")
		ada.answered(run)

		r := ada.do(`query($id: ID!) { node(id: $id) { ... on Run { promptHash usage { promptTokens completionTokens costUsd outputBytes } } } }`, vars{"id": run})
		if hash := r.str("node", "promptHash"); !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(hash) {
			t.Errorf("the prompts' version is %q", hash)
		}
		used, _ := r.at("node", "usage").(map[string]any)
		if used["costUsd"] != 0.0 || used["outputBytes"] != "0" {
			t.Errorf("the run used %v", used)
		}
		today := ada.do(usageOfMe, nil)
		for what, want := range map[string]any{"runs": "1", "costUsd": 0.0, "sandboxSeconds": 0.0, "outputBytes": "0"} {
			if got := today.at("viewer", "usage", what, "used"); got != want {
				t.Errorf("%s: used %v, want %v", what, got, want)
			}
		}
		tokens := today.str("viewer", "usage", "tokens", "used")
		if tokens == "0" {
			t.Error("no token was used")
		}
		for what, want := range map[string]any{"runs": "1", "tokens": nil, "costUsd": 2.5, "sandboxSeconds": nil, "outputBytes": nil} {
			if got := today.at("viewer", "usage", what, "limit"); got != want {
				t.Errorf("%s: the limit is %v, want %v", what, got, want)
			}
		}
		resets, err := time.Parse(time.RFC3339, today.str("viewer", "usage", "resetsAt"))
		if in := time.Until(resets); err != nil || in <= 0 || in > 24*time.Hour || resets.Hour() != 0 || resets.Minute() != 0 {
			t.Errorf("begins anew at %s: %v", resets, err)
		}
		if got := bob.do(usageOfMe, nil).at("viewer", "usage", "tokens", "used"); got != "0" {
			t.Errorf("Bob has used %v tokens", got)
		}

		said := ada.do(sendOnce, vars{"in": vars{"text": "And still?"}})
		refusal := objects(said.at("sendMessage", "errors"))
		if len(refusal) != 1 || refusal[0]["__typename"] != "LimitExceededError" || !strings.Contains(refusal[0]["message"].(string), "today's 1 questions") {
			t.Errorf("the second question was answered %v", said.Data)
		}
		if bob.sends(vars{"text": "Is it so?"}).run == "" {
			t.Error("Bob's question was not taken")
		}
	})
}
