package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/store"
)

// command runs Mark's command line in a data folder.
func command(t *testing.T, dataDir string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(append([]string{"--data-dir", dataDir}, args...), strings.NewReader(""), &out, &out)
	return out.String(), err
}

// TestBackupOfARunningService takes backups while people upload and ask, starts
// a service on each, and asks there.
func TestBackupOfARunningService(t *testing.T) {
	s := start(t, "", nil)
	ada := s.signUp("ada@example.org")
	data := ada.sample("penguins")
	chat, done := ada.ask("", "What is the mean body mass by species?", data)
	ada.answered(done)

	ctx, stop := context.WithCancel(t.Context())
	busy := make(chan error, 2)
	go func() {
		var err error
		defer func() { busy <- err }() // also where a failure ends this goroutine
		err = keepUploading(ctx, ada)
	}()
	go func() {
		var err error
		defer func() { busy <- err }()
		for rests(ctx) && err == nil {
			_, run := ada.ask(chat, "How many rows are there?")
			_, err = ada.followErr(run)
		}
	}()
	folder := t.TempDir()
	var archives []string
	for i := range 3 {
		path := filepath.Join(folder, fmt.Sprintf("%d.backup", i))
		told, err := command(t, s.config.DataDir, "backup", "--sessions", path)
		if err != nil {
			t.Fatal(err)
		}
		contains(t, "what is told", told, "files, ", "NOT ENCRYPTED", "sign in as anybody")
		archives = append(archives, path)
	}
	stop()
	for range cap(busy) {
		if err := <-busy; err != nil {
			t.Error(err)
		}
	}
	told, err := command(t, s.config.DataDir, "restore", "--force", archives[0])
	if err == nil || !strings.Contains(err.Error(), "another Mark works in the data folder") {
		t.Errorf("into the running service's folder: %v %s", err, told)
	}
	s.down()

	for _, archive := range archives {
		dir := filepath.Join(t.TempDir(), "data")
		if told, err := command(t, dir, "restore", archive); err != nil {
			t.Fatal(err, told)
		}
		intact(t, dir)
		again := start(t, "", func(c *Config, _ *Parts) { c.DataDir = dir })
		// The same person with the same token: the keys are there.
		back := &person{service: again, token: ada.token, client: ada.client}
		if story, _ := back.answered(done)["story"].(string); !strings.Contains(story, "Gentoo") {
			t.Errorf("the old answer is %q", story)
		}
		_, next := back.ask(chat, "What is the mean body mass by island?")
		if story, _ := back.answered(next)["story"].(string); !strings.Contains(story, "Biscoe") {
			t.Errorf("the new answer is %q", story)
		}
		again.down()
	}
}

// rests waits for a moment, so that a person stays within twenty operations a second;
// false: ctx has ended.
func rests(ctx context.Context) bool {
	timer := time.NewTimer(150 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// keepUploading brings and deletes datasets until ctx ends.
func keepUploading(ctx context.Context, p *person) error {
	for i := 0; rests(ctx); i++ {
		r := p.upload("t.csv", []byte(strings.Repeat("a,b\n1,2\n", 100)))
		id := r.str("uploadDataset", "dataset", "id")
		if i%2 == 0 {
			if r := p.try(`mutation($id: ID!) { deleteDataset(input: {datasetId: $id}) { errors { __typename } } }`, vars{"id": id}); len(r.Errors) > 0 {
				return errors.New(r.Errors[0].Message)
			}
		}
	}
	return nil
}

// followErr reads a run's events to their end over server-sent events.
func (p *person) followErr(run string) (string, error) {
	body := strings.NewReader(`{"query":"subscription { runEvents(runId: \"` + run + `\") { __typename } }"}`)
	req := p.request(body, "application/json")
	req.Header.Set("Accept", "text/event-stream")
	res, err := p.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", res.StatusCode, text)
	}
	return string(text), err
}

// intact looks at a restored database and its files.
func intact(t *testing.T, dir string) {
	t.Helper()
	db, err := store.OpenSQLite(filepath.Join(dir, store.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity_check: %s %v", verdict, err)
	}
	if err := db.QueryRow("PRAGMA foreign_key_check").Scan(&verdict); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("foreign_key_check: %s %v", verdict, err)
	}
	rows, err := db.Query("SELECT blob_key FROM datasets UNION SELECT blob_key FROM artifacts")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	blobs := 0
	for ; rows.Next(); blobs++ {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "files", key)); err != nil {
			t.Error(err)
		}
	}
	if blobs == 0 || rows.Err() != nil {
		t.Errorf("%d files, %v", blobs, rows.Err())
	}
}

func TestBackupSaysWhatItIsNotFor(t *testing.T) {
	for _, args := range [][]string{{"backup", "-"}, {"restore", os.DevNull}} {
		_, err := command(t, t.TempDir(), append([]string{"--database-url", "postgres://db/mark"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), "pg_dump") {
			t.Errorf("%v with PostgreSQL: %v", args, err)
		}
	}
	if _, err := command(t, t.TempDir(), "backup", filepath.Join(t.TempDir(), "x")); err == nil || !strings.Contains(err.Error(), "no database") {
		t.Errorf("of nothing: %v", err)
	}
}

func TestBackupEncrypted(t *testing.T) {
	s := start(t, "", nil)
	s.signUp("ada@example.org")
	folder := t.TempDir()
	phrase, archive := filepath.Join(folder, "phrase"), filepath.Join(folder, "a.backup")
	if err := os.WriteFile(phrase, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	told, err := command(t, s.config.DataDir, "backup", "--passphrase-file", phrase, archive)
	if err != nil || strings.Contains(told, "NOT ENCRYPTED") {
		t.Fatal(err, told)
	}
	text, err := os.ReadFile(archive)
	if err != nil || !bytes.HasPrefix(text, []byte("age-encryption.org/v1")) {
		t.Fatalf("not encrypted: %v", err)
	}
	dir := filepath.Join(folder, "data")
	if _, err := command(t, dir, "restore", archive); err == nil || !strings.Contains(err.Error(), "--passphrase-file") {
		t.Errorf("without the passphrase: %v", err)
	}
	if told, err := command(t, dir, "restore", "--passphrase-file", phrase, archive); err != nil {
		t.Fatal(err, told)
	}
}
