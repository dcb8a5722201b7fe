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
	choice     int // 0: as asked; 1: "required" for a named tool; 2: none

	// Of Responses.
	noInclude   bool // encrypted reasoning cannot be had
	noReasoning bool // summaries of reasoning neither
	noStore     bool // store is not known
	noNative    bool // its own items are not taken back
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
	return e != nil && !e.tooLong() && (e.status == http.StatusBadRequest || e.status == http.StatusUnprocessableEntity)
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
