package datasets

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/untrusted"
	"github.com/mark-analyst/mark/warehouse"
)

// The longest names that BigQuery has, bytes.
const (
	maxProject = 255
	maxDataset = 1024
	maxTable   = 1024
)

// maxTableFile is how much of a table's whole name stands in for a file's name,
// bytes.
const maxTableFile = 255

// AddTable adds a table of a warehouse to what the viewer has, or finds it there,
// and returns its dataset, PENDING: its metadata are read next, which bills
// nothing. Connection is the name of one, or "" for the one that may read the
// table: where there are several, they are asked in turn. ChatID is the chat to add
// it to, or nil. Errors are faults: BAD_USER_INPUT for a name that no table has,
// NOT_FOUND for the connection, the chat or, as far as it was looked for, the
// table, LIMIT_EXCEEDED where the viewer has too many datasets, UNAVAILABLE where
// none of several connections could tell.
func (s *Service) AddTable(ctx context.Context, connection, project, name, table string, chatID *string) (*ent.Dataset, error) {
	viewer, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	ref := warehouse.TableRef{Project: project, Dataset: name, Table: table}
	if err := checkRef(ref); err != nil {
		return nil, err
	}
	if err := visibleChat(ctx, s.client, chatID); err != nil {
		return nil, err
	}
	if connection, err = s.choose(ctx, connection, ref); err != nil {
		return nil, err
	}
	d, err := s.insertTable(ctx, viewer, connection, ref, chatID)
	if err != nil {
		return nil, err
	}
	s.enqueue(ctx, d)
	return d, nil
}

func checkRef(ref warehouse.TableRef) error {
	for _, part := range []struct {
		field, name string
		most        int
	}{{"project", ref.Project, maxProject}, {"dataset", ref.Dataset, maxDataset}, {"table", ref.Table, maxTable}} {
		switch {
		case part.name == "":
			return fault.New(fault.BadUserInput, "The name must not be empty.").OnField(part.field)
		case len(part.name) > part.most:
			return fault.New(fault.BadUserInput, "The name has %d bytes; at most %d are taken.", len(part.name), part.most).OnField(part.field)
		case strings.Contains(part.name, "*"):
			return fault.New(fault.BadUserInput, "A wildcard stands for several tables. Add one of them.").OnField(part.field)
		case strings.ContainsFunc(part.name, isNoName) || norm.NFC.String(untrusted.Line(part.name)) != part.name:
			return fault.New(fault.BadUserInput, "The name has characters that no name has.").OnField(part.field)
		}
	}
	return nil
}

// isNoName tells whether a character is in no name: BigQuery's have letters, marks,
// digits, connectors, dashes and spaces, those of projects dots and a colon. What
// passes can stand between backticks and in a prompt.
func isNoName(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc, unicode.Pd, unicode.Zs) && r != '.' && r != ':'
}

// connected is the warehouse of a connection; nil where the configuration has it
// no more.
func (s *Service) connected(connection string) warehouse.Warehouse {
	for _, w := range s.warehouses {
		if w.Connection().Name == connection {
			return w
		}
	}
	return nil
}

// choose returns the connection for a table.
func (s *Service) choose(ctx context.Context, connection string, ref warehouse.TableRef) (string, error) {
	switch {
	case len(s.warehouses) == 0:
		return "", fault.New(fault.NotFound, "This server is connected to no warehouse.").OnField("connection")
	case connection != "":
		if s.connected(connection) == nil {
			return "", fault.New(fault.NotFound, "This server has no connection of that name: see `server { warehouses { name } }`.").OnField("connection")
		}
		return connection, nil
	case len(s.warehouses) == 1:
		return s.warehouses[0].Connection().Name, nil
	}
	var away error
	for _, w := range s.warehouses {
		_, err := w.Table(ctx, ref, warehouse.TableOptions{})
		switch {
		case err == nil:
			return w.Connection().Name, nil
		case ctx.Err() != nil:
			return "", fmt.Errorf("choose a connection: %w", ctx.Err())
		case warehouse.CodeOf(err) != warehouse.CodeNotFound:
			away = err
			s.logger.InfoContext(ctx, "a connection could not tell whether it has a table", "connection", w.Connection().Name, "error", err)
		}
	}
	if away != nil {
		return "", fault.Wrap(away, fault.Unavailable, "No connection could say that it has this table. Try again, or name the connection.").OnField("connection")
	}
	return "", fault.New(fault.NotFound, "No connection of this server has this table, or may read it.").OnField("table")
}

// insertTable adds the row, or finds it, PENDING either way.
func (s *Service) insertTable(ctx context.Context, viewer auth.Viewer, connection string, ref warehouse.TableRef, chatID *string) (*ent.Dataset, error) {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return nil, fmt.Errorf("add the table: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // as in insert
	// The same table added twice at once becomes one dataset.
	if _, err := tx.ExecContext(ctx, lockPerson, viewer.UserID); err != nil {
		return nil, fmt.Errorf("add the table: %w", err)
	}
	d, err := tx.Dataset.Query().Where(
		dataset.SourceEQ(dataset.SourceBigQuery), dataset.Connection(connection),
		dataset.TableProject(ref.Project), dataset.TableDataset(ref.Dataset), dataset.TableName(ref.Table),
	).Order(dataset.ByCreatedAt(), dataset.ByID()).First(ctx)
	switch {
	case ent.IsNotFound(err):
		d, err = s.createTable(ctx, tx, connection, ref, chatID)
	case err == nil:
		d, err = addTo(ctx, tx, d, chatID)
	}
	if err != nil {
		return nil, fmt.Errorf("add the table: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("add the table: %w", err)
	}
	return d.Unwrap(), nil
}

func (s *Service) createTable(ctx context.Context, tx *ent.Tx, connection string, ref warehouse.TableRef, chatID *string) (*ent.Dataset, error) {
	if _, err := s.room(ctx, tx.Client()); err != nil {
		return nil, err
	}
	create := tx.Dataset.Create().SetSource(dataset.SourceBigQuery).
		SetName(firstRunes(ref.Table, maxName)).SetFileName(cut.Bytes(ref.String(), maxTableFile)).
		SetConnection(connection).SetTableProject(ref.Project).SetTableDataset(ref.Dataset).SetTableName(ref.Table)
	if chatID != nil {
		create.AddChatIDs(*chatID)
	}
	return create.Save(ctx)
}

// addTo adds a dataset that is there already to a chat, and has it read again.
func addTo(ctx context.Context, tx *ent.Tx, d *ent.Dataset, chatID *string) (*ent.Dataset, error) {
	if chatID != nil {
		has, err := tx.Dataset.Query().Where(dataset.ID(d.ID), dataset.HasChatsWith(chat.ID(*chatID))).Exist(ctx)
		if err != nil {
			return nil, err
		}
		if !has {
			if err := tx.Dataset.UpdateOneID(d.ID).AddChatIDs(*chatID).Exec(ctx); err != nil {
				return nil, err
			}
		}
	}
	if err := wait(tx.Dataset.Update().Where(dataset.ID(d.ID))).Exec(ctx); err != nil {
		return nil, err
	}
	return tx.Dataset.Get(ctx, d.ID)
}

// firstRunes returns at most n characters of s.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// refOf is the table of a dataset.
func refOf(d *ent.Dataset) warehouse.TableRef {
	return warehouse.TableRef{Project: d.TableProject, Dataset: d.TableDataset, Table: d.TableName}
}
