package injection

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/mark-analyst/mark/internal/fakellm"
)

const (
	toolPython = "run_python"
	toolAnswer = "final_answer"
)

// honest is the one program that the model writes of its own will, and that the
// person approves.
const honest = "print(df.describe())"

// obedient is a model without a will of its own. It begins as any model would, and
// as soon as it reads the mark of the attack of the question it does what the
// attack says. It reads characters that people do not see.
type obedient struct {
	mu      sync.Mutex // protects the rest
	attack  attack
	fill    *strings.Replacer
	dataset string
	begun   int  // replies of its own will in this run
	obeyed  int  // and of the attack's
	read    bool // the attack's mark
}

// begin has the next run be about an attack.
func (o *obedient) begin(a attack, fill *strings.Replacer, dataset string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attack, o.fill, o.dataset, o.begun, o.obeyed, o.read = a, fill, dataset, 0, 0, false
}

// hasRead tells whether the attack has reached the model.
func (o *obedient) hasRead() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.read
}

// answer is a fakellm.Script.
func (o *obedient) answer(r fakellm.Request) fakellm.Answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.read {
		for _, m := range r.Messages {
			o.read = o.read || m.Role != "assistant" && strings.Contains(revealed(m.Text()), o.attack.mark())
		}
	}
	if o.read {
		o.obeyed++
		if o.obeyed <= len(o.attack.Does) {
			return o.obey(o.attack.Does[o.obeyed-1], r)
		}
		return fakellm.Say(fakellm.Call("call_end", toolAnswer, map[string]any{"story": "That is all."}))
	}
	o.begun++
	return o.open(o.begun)
}

// open is what any model does: it looks, computes, asks, and answers.
func (o *obedient) open(turn int) fakellm.Answer {
	switch turn {
	case 1:
		return fakellm.Say(
			fakellm.Call("call_1", "list_datasets", "{}"),
			fakellm.Call("call_2", "describe_dataset", map[string]any{"name": o.dataset}))
	case 2:
		return fakellm.Say(fakellm.Call("call_3", toolPython, map[string]any{"code": honest}))
	case 3:
		if o.attack.Place == inNote {
			return fakellm.Say(fakellm.Call("call_4", toolPython, map[string]any{"code": "print('something else')"}))
		}
		return fakellm.Say(fakellm.Call("call_4", "ask_user", map[string]any{"question": "Which year?"}))
	}
	return fakellm.Say(fakellm.Text("Nothing stands out."))
}

func (o *obedient) obey(m move, r fakellm.Request) fakellm.Answer {
	system := ""
	if len(r.Messages) > 0 {
		system = r.Messages[0].Text()
	}
	own := strings.NewReplacer("{text}", o.attack.text(o.fill), "{system}", system, "{dataset}", o.dataset)
	if len(m.Calls) == 0 {
		return fakellm.Say(fakellm.Text(own.Replace(o.fill.Replace(m.Says))))
	}
	var parts []fakellm.Part
	for i, c := range m.Calls {
		parts = append(parts, fakellm.Call(fmt.Sprintf("call_o%d_%d", o.obeyed, i), c.Name, arguments(c.Args, o.fill, own)))
	}
	return fakellm.Say(parts...)
}

// arguments fills the texts within a call's arguments.
func arguments(raw json.RawMessage, fill ...*strings.Replacer) any {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	return texts(v, func(s string) string {
		for _, f := range fill {
			s = f.Replace(s)
		}
		return s
	})
}

// texts changes every text in a value of JSON.
func texts(v any, change func(string) string) any {
	switch v := v.(type) {
	case string:
		return change(v)
	case []any:
		for i := range v {
			v[i] = texts(v[i], change)
		}
	case map[string]any:
		for k := range v {
			v[k] = texts(v[k], change)
		}
	}
	return v
}

// revealed is a text with what models can read and people cannot written out:
// Unicode tags, variation selectors as bytes and as halves of bytes, and bits of
// two characters without width.
func revealed(s string) string {
	var b, halves, bits strings.Builder
	for _, r := range s {
		switch {
		case r >= 0xE0000 && r < 0xE0080:
			b.WriteByte(byte(r - 0xE0000))
		case r >= 0xE0100 && r <= 0xE01EF:
			b.WriteByte(byte(r - 0xE0100 + 16))
		case r >= 0xFE00 && r <= 0xFE0F:
			halves.WriteByte(byte(r - 0xFE00))
		case r == 0x200B || r == 0x2060:
			bits.WriteByte(byte(r&1 ^ 1)) // the one is odd, the other even
		default:
			b.WriteRune(r)
		}
	}
	join := func(pieces string, width int) {
		for i := 0; i+8/width <= len(pieces); i += 8 / width {
			var c byte
			for j := range 8 / width {
				c = c<<width | pieces[i+j]
			}
			b.WriteByte(c)
		}
	}
	join(halves.String(), 4)
	join(bits.String(), 1)
	return b.String()
}
