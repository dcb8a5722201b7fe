package chatfeed

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
)

const (
	// maxMessages is how many messages, new or changed, a follower is told of
	// one by one; with more it gets a snapshot.
	maxMessages = 100
	// maxRuns is how many of the runs that have not ended are told of, the oldest:
	// whoever lets more wait does not look at each of them.
	maxRuns = 100
	// readTime bounds one look at the database, so that one that hangs is noticed
	// and asked again.
	readTime = 5 * time.Second
)

// state is a chat as it stood at one moment, as far as a follower has to know.
type state struct {
	chat    *ent.Chat
	face    face
	runs    []*ent.Run // have not ended
	since   []*ent.Run // have ended since the view
	added   []*ent.Message
	changed []*ent.Message
	// questions are those of the runs that are to be told of.
	questions []*ent.Message
	far       bool // there is more than is told one by one, and not all of it is here
}

// read reads how the chat stands, and what is new to who has seen the view; nil
// has seen nothing. It reads as the viewer in the context, and what it costs
// does not grow with the chat. The error is ErrNoChat where the viewer has none.
func (f *Feed) read(ctx context.Context, chatID string, seen *view) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	options := f.sql.reading
	tx, err := f.client.BeginTx(ctx, &options)
	if err != nil {
		return nil, fmt.Errorf("read chat %s: %w", chatID, err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	s, err := readState(ctx, tx.Client(), chatID, seen)
	if ent.IsNotFound(err) {
		return nil, ErrNoChat
	}
	if err != nil {
		return nil, fmt.Errorf("read chat %s: %w", chatID, err)
	}
	s.unwrap()
	return s, nil
}

func readState(ctx context.Context, c *ent.Client, chatID string, seen *view) (*state, error) {
	row, err := c.Chat.Query().Where(chat.ID(chatID)).WithDatasets(func(q *ent.DatasetQuery) {
		q.Select(dataset.FieldID, dataset.FieldName, dataset.FieldDescription, dataset.FieldState,
			dataset.FieldErrorCode, dataset.FieldErrorMessage).Order(ent.Asc(dataset.FieldID))
	}).Only(ctx)
	if err != nil {
		return nil, err
	}
	s := &state{chat: row, face: faceOf(row)}
	row.Edges.Datasets = nil // they are not whole
	if seen != nil && row.Version == seen.version {
		return s, nil
	}
	s.runs, err = c.Run.Query().
		Where(run.ChatID(chatID), run.StateIn(run.StateQueued, run.StateRunning, run.StateWaiting), indexed("finished_at IS NULL")).
		Order(ent.Asc(run.FieldCreatedAt), ent.Asc(run.FieldID)).Limit(maxRuns).All(ctx)
	if err != nil {
		return nil, err
	}
	if seen != nil {
		if err := s.readMessages(ctx, c, seen); err != nil {
			return nil, err
		}
		if err := s.readEnded(ctx, c, seen); err != nil {
			return nil, err
		}
	}
	return s, s.readQuestions(ctx, c, seen)
}

// readMessages reads the messages that are new or have changed.
func (s *state) readMessages(ctx context.Context, c *ent.Client, seen *view) (err error) {
	if s.chat.LastMessageSeq-seen.seq > maxMessages {
		s.far = true
		return nil
	}
	if s.chat.LastMessageSeq > seen.seq {
		s.added, err = c.Message.Query().Where(message.ChatID(s.chat.ID), message.SeqGT(seen.seq)).
			Order(ent.Asc(message.FieldSeq)).All(ctx)
		if err != nil {
			return err
		}
	}
	// In no order, for which SQLite would go through all of the chat's.
	s.changed, err = c.Message.Query().
		Where(message.ChatID(s.chat.ID), indexed("version > 0"), message.VersionGT(seen.version)).
		Limit(maxMessages + 1).All(ctx)
	if s.far = len(s.changed) > maxMessages; s.far || err != nil {
		return err
	}
	s.changed = slices.DeleteFunc(s.changed, func(m *ent.Message) bool { return m.Seq > seen.seq }) // added, too
	slices.SortFunc(s.changed, func(a, b *ent.Message) int { return a.Seq - b.Seq })
	return nil
}

// indexed is the condition of an index over few rows, word for word: so SQLite
// sees that the index has them all, which of a condition with arguments it cannot.
func indexed(condition string) func(*sql.Selector) {
	return func(s *sql.Selector) { s.Where(sql.ExprP(condition)) }
}

// readEnded reads the runs that were told of as going on and do not any more, and
// those that wrote one of the new messages: among them are the ones that began
// and ended since the view.
func (s *state) readEnded(ctx context.Context, c *ent.Client, seen *view) (err error) {
	var known, answers []string
	for id := range seen.runs {
		if !slices.ContainsFunc(s.runs, func(r *ent.Run) bool { return r.ID == id }) {
			known = append(known, id)
		}
	}
	for _, m := range s.added {
		if m.Role == message.RoleAssistant {
			answers = append(answers, m.ID)
		}
	}
	if len(known)+len(answers) == 0 {
		return nil
	}
	s.since, err = c.Run.Query().
		Where(run.Or(run.IDIn(known...), run.AnswerIDIn(answers...))).
		Order(ent.Asc(run.FieldCreatedAt), ent.Asc(run.FieldID)).All(ctx)
	return err
}

// readQuestions gives the runs that are to be told of what they cannot be shown
// without: it may be gone when they are shown.
func (s *state) readQuestions(ctx context.Context, c *ent.Client, seen *view) error {
	var told []*ent.Run
	var ids []string
	for _, r := range slices.Concat(s.since, s.runs) {
		if s.far || seen.differs(r) {
			told, ids = append(told, r), append(ids, r.QuestionID)
		}
	}
	if len(told) == 0 {
		return nil
	}
	questions, err := c.Message.Query().Where(message.IDIn(ids...)).All(ctx)
	if err != nil {
		return err
	}
	s.questions = questions
	for _, r := range told {
		r.Edges.Chat = s.chat
		for _, q := range questions {
			if q.ID == r.QuestionID {
				r.Edges.Question = q
			}
		}
	}
	return nil
}

// unwrap parts the rows from their transaction: what is read through them later
// is read outside it.
func (s *state) unwrap() {
	s.chat.Unwrap()
	for _, runs := range [][]*ent.Run{s.runs, s.since} {
		for _, r := range runs {
			r.Unwrap()
		}
	}
	for _, messages := range [][]*ent.Message{s.added, s.changed, s.questions} {
		for _, m := range messages {
			m.Unwrap()
		}
	}
}
