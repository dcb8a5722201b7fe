package llm

import (
	"net/http"
	"strings"
	"sync"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// quirks are the parts of the protocol that one model's server was found to
// refuse. They are learnt from its 400 and 422 answers, so that no list of
// servers has to be kept.
type quirks struct {
	noUsage    bool // stream_options is not known
	newLimit   bool // max_completion_tokens instead of max_tokens
	oldLimit   bool // the reverse
	noThinking bool // tools only with reasoning off
	noUser     bool
	most       int // tokens of a reply; 0: as asked; noLimit: none is taken
	choice     int // 0: as asked; 1: "required" for a named tool; 2: none

	// Of Responses.
	noInclude   bool // encrypted reasoning cannot be had
	noReasoning bool // summaries of reasoning neither
	noStore     bool // store is not known
	noNative    bool // its own items are not taken back
}

const (
	// noLimit says that no limit of a reply's tokens is sent.
	noLimit = -1
	// leastLimit is the least that one is lowered to, tokens: what is less would cut
	// good replies.
	leastLimit = 1024
)

// limit is the limit that is sent where so many tokens are asked for; 0: none.
func (q quirks) limit(asked int) int {
	switch {
	case q.most == noLimit:
		return 0
	case q.most > 0:
		return min(asked, q.most)
	}
	return asked
}

// lowered is q after a server has refused a limit as more than it can do. How much
// that is each says in its own words, if at all, and it may depend on the prompt.
func (q quirks) lowered(sent int) quirks {
	if q.most = sent / 2; q.most < leastLimit {
		q.most = noLimit
	}
	return q
}

// refusesLimit tells that a limit of a reply's tokens is more than the server
// takes, or than its context leaves beside the prompt.
func (e *serverError) refusesLimit() bool {
	return e.says("max_tokens", "max_completion_tokens", "max_output_tokens", "maxoutputtokens", "completion tokens", "in the completion") &&
		e.says("too large", "too high", "too big", "at most", "maximum", "range", "less than or equal", "exceed", "you requested")
}

// quirkBook keeps what was learnt, by model. The models are those of the
// configuration, a handful.
type quirkBook struct {
	mu sync.Mutex
	of map[string]quirks // guarded by mu
}

func (b *quirkBook) get(model string) quirks {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of[model]
}

func (b *quirkBook) put(model string, q quirks) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[string]quirks{}
	}
	b.of[model] = q
}

// rejectsRequest tells whether e refuses a request for a part of what is in it.
func (e *serverError) rejectsRequest() bool {
	return e != nil && (!e.tooLong() || e.refusesLimit()) && (e.status == http.StatusBadRequest || e.status == http.StatusUnprocessableEntity)
}

// refusesUser tells that the server does not take the field user.
func (e *serverError) refusesUser() bool {
	return e.param == "user" || e.says(`"user"`, `'user'`)
}

// wantsNewLimit tells whether a model is of the kind that refuses max_tokens;
// go-openai refuses it too, before anything is sent.
func wantsNewLimit(model string) bool {
	for _, family := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return false
}

// wireChoice leaves auto out: it is the default with tools, and some servers
// refuse to be told. named puts the choice of one tool.
func wireChoice(choice dialogue.Choice, refused int, named func(string) any) any {
	switch choice {
	case dialogue.ChoiceAuto, "":
		return nil
	case dialogue.ChoiceNone, dialogue.ChoiceRequired:
		if refused > 0 {
			return nil
		}
		return string(choice)
	}
	switch refused {
	case 0:
		return named(string(choice))
	case 1:
		return string(dialogue.ChoiceRequired)
	}
	return nil
}
