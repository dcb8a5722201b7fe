package agent

import (
	"context"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/memory"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/storable"
)

// A chat may be longer than a prompt. Where what was said takes more room than a
// history may have, the results of older tools are cleared, and if that is not
// enough older turns are told by a summary. Both are stored with the chat: later
// runs begin with the same, so that their prompts have the same beginning, until the
// room is full again. Each time half of it is made free, so that this is seldom.

// detailedRuns is how many of the latest runs keep their results.
const detailedRuns = 2

// remembered is what of a chat's older turns is told.
type remembered struct {
	through int    // the seq of the last question that text stands for
	cleared int    // the seq of the last question whose results are cleared
	text    string // the summary
}

// recallMemory reads the newest memory that covers only what was asked before a
// message. What an earlier claim of this run paid for one is counted.
func (k *work) recallMemory(ctx context.Context, chatID string, before int) (remembered, error) {
	if k.row.Epoch > 1 {
		mine, err := k.Client.Memory.Query().Where(memory.ChatID(chatID), memory.RunID(k.row.ID)).All(ctx)
		if err != nil {
			return remembered{}, fmt.Errorf("read what the run has remembered: %w", err)
		}
		for _, m := range mine {
			if err := k.recountExpense(m.Expense); err != nil {
				return remembered{}, fmt.Errorf("the memory %s: %w", m.ID, err)
			}
		}
	}
	m, err := newestMemory(ctx, k.Client, chatID, before)
	if err != nil || m == nil {
		return remembered{}, err
	}
	return remembered{through: m.ThroughSeq, cleared: m.ClearedSeq, text: m.Text}, nil
}

// newestMemory is the newest one of a chat that covers nothing from a message on;
// nil where there is none.
func newestMemory(ctx context.Context, c *ent.Client, chatID string, from int) (*ent.Memory, error) {
	m, err := c.Memory.Query().
		Where(memory.ChatID(chatID), memory.ThroughSeqLT(from), memory.ClearedSeqLT(from)).
		Order(ent.Desc(memory.FieldCreatedAt), ent.Desc(memory.FieldID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the chat's memory: %w", err)
	}
	return m, nil
}

// remember makes what was said fit into the room of a history, and stores how.
func (k *work) remember(ctx context.Context, p *past) error {
	if len(p.exchanges) == 0 {
		return nil
	}
	room := k.historyRoom()
	if k.pastTokens(p) <= room {
		return nil
	}
	before := p.memory
	if n := len(p.exchanges); n > detailedRuns {
		p.memory.cleared = max(p.memory.cleared, p.exchanges[n-1-detailedRuns].seq)
	}
	digest := false
	if n := k.surplus(p, room/2); n > 0 && k.pastTokens(p) > room*2/3 {
		s, err := k.summarise(ctx, p.memory.text, p.exchanges[:n], room/4)
		if err != nil {
			return err
		}
		p.memory.text, digest = s.text, s.digest
		p.memory.through = p.exchanges[n-1].seq
		p.memory.cleared = max(p.memory.cleared, p.memory.through)
		p.exchanges = p.exchanges[n:]
	}
	if k.pastTokens(p) > room { // nothing else is left to leave out
		p.memory.cleared = p.exchanges[len(p.exchanges)-1].seq
	}
	if p.memory == before {
		return nil
	}
	return k.storeMemory(p.memory, digest)
}

// surplus is how many of the oldest exchanges are to go, so that the others take at
// most so much room. The newest stays.
func (k *work) surplus(p *past, room int) int {
	keep := 0
	for i := len(p.exchanges) - 1; i > 0; i-- {
		keep += k.tokensOf(p.exchanges[i].messages(p.exchanges[i].seq <= p.memory.cleared))
		if k.cautious(keep) > room {
			return min(i+1, len(p.exchanges)-1)
		}
	}
	return 0
}

// storeMemory keeps what is told of older turns from here on, and what making it
// took.
func (k *work) storeMemory(m remembered, digest bool) error {
	paid := k.expense // no step has begun
	change := func(ctx context.Context, tx *ent.Tx) error {
		create := tx.Memory.Create().SetChatID(k.row.ChatID).SetRunID(k.row.ID).
			SetThroughSeq(m.through).SetClearedSeq(m.cleared).SetText(storable.Text(m.text)).SetDigest(digest).
			SetPromptHash(k.prompts.hash)
		if paid != (expense{}) {
			create.SetExpense(storable.JSON(encode(paid)))
		}
		if err := create.Exec(ctx); err != nil {
			return err
		}
		return k.storeUsed(ctx, tx)
	}
	var told []eventlog.Entry
	if paid != (expense{}) {
		u := k.usage
		told = append(told, eventlog.Entry{Kind: KindUsageUpdated, Body: encode(EventBody{Usage: &u})})
	}
	if err := k.rec.withAll(change, told...); err != nil {
		return fmt.Errorf("store the chat's memory: %w", err)
	}
	return nil
}

// recite puts what was said into the prompt.
func (k *work) recite(p past) {
	k.prompt.summary = p.memory.text
	k.evidence.told = append(k.evidence.told, p.memory.text)
	for _, x := range p.exchanges {
		for _, m := range x.messages(x.seq <= p.memory.cleared) {
			k.prompt.history = append(k.prompt.history, m)
			if m.Role == dialogue.User || m.Role == dialogue.ToolRole {
				k.evidence.told = append(k.evidence.told, m.Content)
			}
		}
	}
}

// pastTokens is what the history takes, with caution.
func (k *work) pastTokens(p *past) int {
	n := k.Tokens.Count(p.memory.text)
	for _, x := range p.exchanges {
		n += k.tokensOf(x.messages(x.seq <= p.memory.cleared))
	}
	return k.cautious(n)
}

// messages are the exchange as it is told, with or without its results.
func (x exchange) messages(cleared bool) []dialogue.Message {
	calls := x.calls
	if cleared {
		calls = clearResults(calls)
	}
	out := append([]dialogue.Message{x.asks}, calls...)
	return append(out, x.says)
}
