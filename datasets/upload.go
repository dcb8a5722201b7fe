package datasets

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/datasets/samples"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/units"
)

// ErrEmptyFile is the cause of the fault that a file of no bytes is.
var ErrEmptyFile = errors.New("datasets: the file is empty")

//go:embed lock.sql
var lockPerson string

// blobs is what the keys of datasets' files begin with.
const blobs = "datasets"

// Upload stores the file that r holds, reading it as it comes, and returns its
// dataset, PENDING: it is profiled next. Name is what to call the dataset, or ""
// for the file's name; chatID is the chat to add it to, or nil. Errors are
// faults: BAD_USER_INPUT for a file without a byte (ErrEmptyFile) or of a type
// that holds no table, LIMIT_EXCEEDED where it is, or with the person's other
// files would be, too much, NOT_FOUND for the chat. After an error, r's own
// included, neither a row nor a file is left.
func (s *Service) Upload(ctx context.Context, name, fileName string, r io.Reader, chatID *string) (*ent.Dataset, error) {
	fileName = cleanFileName(fileName)
	name, err := cleanName(name, fileName)
	if err != nil {
		return nil, err
	}
	return s.add(ctx, newDataset{name: name, fileName: fileName, content: r, chatID: chatID})
}

// AddSample adds one of the bundled samples as Upload would, with its
// description and attribution.
func (s *Service) AddSample(ctx context.Context, name string, chatID *string) (*ent.Dataset, error) {
	sample, ok := samples.Find(name)
	if !ok {
		return nil, fault.New(fault.NotFound, "There is no sample of that name.").OnField("name")
	}
	content, err := sample.Open()
	if err != nil {
		return nil, fmt.Errorf("add a sample: %w", err)
	}
	defer content.Close()
	return s.add(ctx, newDataset{
		name: sample.Title, fileName: sample.File, description: sample.Description + " " + sample.Attribution,
		content: content, chatID: chatID,
	})
}

type newDataset struct {
	name, fileName, description string
	content                     io.Reader
	chatID                      *string
}

func (s *Service) add(ctx context.Context, n newDataset) (*ent.Dataset, error) {
	viewer, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	// What can be refused is refused before anything is read.
	if err := visibleChat(ctx, s.client, n.chatID); err != nil {
		return nil, err
	}
	left, err := s.room(ctx, s.client)
	if err != nil {
		return nil, err
	}
	object, err := s.store(ctx, n.content, left)
	if err != nil {
		return nil, err
	}
	d, err := s.insert(ctx, viewer, n, object)
	if err != nil {
		s.erase(ctx, object.Key)
		return nil, err
	}
	s.enqueue(ctx, d)
	return d, nil
}

// visibleChat refuses a chat that the viewer does not have.
func visibleChat(ctx context.Context, client *ent.Client, id *string) error {
	if id == nil {
		return nil
	}
	noChat := fault.New(fault.NotFound, "There is no such chat.").OnField("chatId")
	if !ids.Valid(ids.Chat, *id) {
		return noChat
	}
	ok, err := client.Chat.Query().Where(chat.ID(*id)).Exist(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("find the chat: %w", err)
	case !ok:
		return noChat
	}
	return nil
}

// room returns how many more bytes the viewer may store, if another dataset may
// be there at all.
func (s *Service) room(ctx context.Context, client *ent.Client) (int64, error) {
	var used []struct {
		Source dataset.Source
		Count  int
		Sum    int64
	}
	err := client.Dataset.Query().GroupBy(dataset.FieldSource).
		Aggregate(ent.Count(), ent.As(ent.Sum(dataset.FieldSizeBytes), "sum")).Scan(ctx, &used)
	if err != nil {
		return 0, fmt.Errorf("count the datasets: %w", err)
	}
	count, left := 0, s.limits.UserBytes
	for _, u := range used {
		count += u.Count
		if u.Source == dataset.SourceUpload { // a table's bytes are its warehouse's
			left -= u.Sum
		}
	}
	if count >= s.limits.PerUser {
		return 0, fault.New(fault.LimitExceeded, "You have %d datasets, which is the limit. Delete one first.", count)
	}
	if left < 0 {
		return 0, s.full()
	}
	return left, nil
}

func (s *Service) full() error {
	return fault.New(fault.LimitExceeded, "Your datasets would take more than %s together, which is the limit. Delete one first.",
		units.Bytes(s.limits.UserBytes))
}

// store writes the file, if it is worth it.
func (s *Service) store(ctx context.Context, content io.Reader, left int64) (files.Object, error) {
	r := bufio.NewReaderSize(content, 64<<10)
	head, err := r.Peek(sniffBytes)
	switch {
	case fault.CodeOf(err) == fault.LimitExceeded:
		return files.Object{}, s.tooLarge(err, left)
	case err != nil && !errors.Is(err, io.EOF):
		return files.Object{}, fmt.Errorf("read the file: %w", err)
	case len(head) == 0:
		return files.Object{}, fault.Wrap(ErrEmptyFile, fault.BadUserInput, "The file is empty.").OnField("file")
	}
	if err := refuse(head); err != nil {
		return files.Object{}, err
	}
	object, err := s.files.Put(ctx, blobs, r, min(s.limits.UploadBytes, left))
	if fault.CodeOf(err) == fault.LimitExceeded {
		return files.Object{}, s.tooLarge(err, left)
	}
	if err != nil {
		return files.Object{}, fmt.Errorf("store the file: %w", err)
	}
	return object, nil
}

// tooLarge says which limit a file exceeds, whichever reader noticed it first: the
// request's own counts in bytes.
func (s *Service) tooLarge(err error, left int64) error {
	if left < s.limits.UploadBytes {
		return s.full()
	}
	return fault.Wrap(err, fault.LimitExceeded, "The file is larger than %s, which is the limit.",
		units.Bytes(s.limits.UploadBytes)).OnField("file")
}

// insert adds the row, and sees to it that uploads at the same time have not
// used the room up.
func (s *Service) insert(ctx context.Context, viewer auth.Viewer, n newDataset, object files.Object) (*ent.Dataset, error) {
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return nil, fmt.Errorf("add the dataset: %w", err)
	}
	// After a commit there is nothing to undo, and after a failure its reason
	// counts.
	defer tx.Rollback() //nolint:errcheck
	if _, err := tx.ExecContext(ctx, lockPerson, viewer.UserID); err != nil {
		return nil, fmt.Errorf("add the dataset: %w", err)
	}
	left, err := s.room(ctx, tx.Client())
	if err != nil {
		return nil, err
	}
	if object.Size > left {
		return nil, s.full()
	}
	create := tx.Dataset.Create().
		SetName(n.name).SetFileName(n.fileName).SetDescription(n.description).
		SetBlobKey(object.Key).SetSha256(object.SHA256).SetSizeBytes(object.Size)
	if n.chatID != nil {
		create.AddChatIDs(*n.chatID)
	}
	d, err := create.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("add the dataset: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("add the dataset: %w", err)
	}
	return d.Unwrap(), nil
}

// erase deletes a file that no row names, whatever has become of the request.
func (s *Service) erase(ctx context.Context, key string) {
	if err := s.files.Delete(context.WithoutCancel(ctx), key); err != nil {
		s.logger.ErrorContext(ctx, "a dataset's file was left behind", "key", key, "error", err)
	}
}

// Delete erases a dataset of the viewer's, with its file; a table stays in its
// warehouse. Profiling it ends.
// The error is a fault NOT_FOUND where there is none.
func (s *Service) Delete(ctx context.Context, id string) error {
	none := fault.New(fault.NotFound, "There is no such dataset.").OnField("datasetId")
	if !ids.Valid(ids.Dataset, id) {
		return none
	}
	tx, err := s.client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("delete the dataset: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // as in insert
	d, err := tx.Dataset.Get(ctx, id)
	if err == nil {
		err = tx.Dataset.DeleteOneID(id).Exec(ctx)
	}
	if err == nil {
		err = tx.Commit()
	}
	switch {
	case ent.IsNotFound(err):
		return none
	case err != nil:
		return fmt.Errorf("delete the dataset: %w", err)
	}
	s.held.end(id) // where another node has it, that node notices
	if d.BlobKey != "" {
		s.erase(ctx, d.BlobKey)
	}
	return nil
}
