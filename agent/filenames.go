package agent

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
)

// nameFiles gives the files of the chat's datasets the names by which Python finds
// them. A name stays a file's for as long as the chat is there, also when the dataset
// has left it: programs that have run name files, and may run again.
func (k *work) nameFiles(ctx context.Context) error {
	c, err := k.Client.Chat.Query().Where(chat.ID(k.row.ChatID)).Select(chat.FieldID, chat.FieldFileNames).Only(ctx)
	if err != nil {
		return fmt.Errorf("read the names of the chat's files: %w", err)
	}
	if k.fileNames = withNames(k.datasets, c.FileNames); len(k.fileNames) == len(c.FileNames) {
		return nil
	}
	err = k.rec.withAll(func(ctx context.Context, tx *ent.Tx) error {
		c, err := tx.Chat.Get(ctx, k.row.ChatID)
		if err != nil {
			return err
		}
		k.fileNames = withNames(k.datasets, c.FileNames)
		return tx.Chat.UpdateOne(c).SetFileNames(k.fileNames).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("store the names of the chat's files: %w", err)
	}
	return nil
}

// withNames returns the names of files by their datasets' ids: those that are given, and
// one for each upload that has none. Of several with one name the later ones get a
// number.
func withNames(datasets []*ent.Dataset, given map[string]string) map[string]string {
	names, taken := make(map[string]string, len(datasets)), map[string]bool{}
	for id, name := range given {
		names[id], taken[strings.ToLower(name)] = name, true
	}
	for _, d := range datasets {
		if isTable(d) || names[d.ID] != "" {
			continue
		}
		name, ext := d.FileName, path.Ext(d.FileName)
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(d.FileName, ext), n, ext)
		}
		names[d.ID], taken[strings.ToLower(name)] = name, true
	}
	return names
}

// fileName is a dataset's file as Python sees it in this chat.
func (k *work) fileName(d *ent.Dataset) string {
	if name := k.fileNames[d.ID]; name != "" {
		return name
	}
	return d.FileName // of a table, or of what has left the chat before it was named
}
