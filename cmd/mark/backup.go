package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mark-analyst/mark/backup"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/units"
)

// backupCmd copies everything into one archive.
type backupCmd struct {
	Archive        string   `arg:"" help:"The file to make; - writes to standard output."`
	Recipient      []string `help:"Encrypt for a public key (age1…, of age-keygen). May be repeated."`
	PassphraseFile string   `type:"existingfile" help:"Encrypt with the passphrase in a file's first line."`
	WithoutKeys    bool     `help:"Leave the keys out: after a restore everybody signs in again."`
	Sessions       bool     `help:"Copy chats' Python variables too."`
}

// Run takes a backup.
func (c backupCmd) Run(e *environment) error {
	if err := e.config.keepsAll("backed up"); err != nil {
		return err
	}
	passphrase, err := readPassphrase(c.PassphraseFile)
	if err != nil {
		return err
	}
	recipients, err := backup.Recipients(c.Recipient, passphrase)
	if err != nil {
		return err
	}
	source := backup.Source{
		DataDir: e.config.DataDir, Version: version, Recipients: recipients,
		WithoutKeys: c.WithoutKeys, Sessions: c.Sessions, Clock: clock.System{}, Progress: e.follow(),
	}
	var report backup.Report
	if c.Archive == "-" {
		if isTerminal(e.stdout) {
			return errors.New("an archive is nothing for a terminal: name a file, or pipe the output into a program")
		}
		report, err = backup.Write(e.ctx, e.stdout, source)
	} else {
		report, err = backup.WriteFile(e.ctx, c.Archive, source)
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	e.tell(report)
	if len(recipients) == 0 {
		e.progress("NOT ENCRYPTED: whoever reads this archive has everybody's data" + map[bool]string{
			true:  ", and can sign in as anybody, for the keys are in it",
			false: "",
		}[report.Keys] + ". Keep it like a password, or encrypt it: --recipient, --passphrase-file.")
	}
	if e.config.JWTSecret != "" {
		e.progress("MARK_JWT_SECRET is not in it: keep it elsewhere. Without it everybody signs in again, and Python variables are lost.")
	}
	return nil
}

// restoreCmd makes a data folder of an archive.
type restoreCmd struct {
	Archive        string `arg:"" help:"The archive; - reads standard input."`
	Identity       string `type:"existingfile" help:"File of the secret key that opens the archive (of age-keygen)."`
	PassphraseFile string `type:"existingfile" help:"File whose first line is the passphrase that opens the archive."`
	Force          bool   `help:"Move what is in the data folder aside."`
}

// Run restores a backup.
func (c restoreCmd) Run(e *environment) error {
	if err := e.config.keepsAll("restored"); err != nil {
		return err
	}
	passphrase, err := readPassphrase(c.PassphraseFile)
	if err != nil {
		return err
	}
	var secret io.Reader
	if c.Identity != "" {
		text, err := os.ReadFile(c.Identity)
		if err != nil {
			return err
		}
		secret = bytes.NewReader(text)
	}
	identities, err := backup.Identities(secret, passphrase)
	if err != nil {
		return err
	}
	archive := e.stdin
	if c.Archive != "-" {
		f, err := os.Open(c.Archive)
		if err != nil {
			return err
		}
		defer f.Close()
		archive = f
	}
	restored, err := backup.Restore(e.ctx, archive, backup.Target{
		DataDir: e.config.DataDir, Replace: c.Force, Identities: identities, Clock: clock.System{}, Progress: e.follow(),
	})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	e.tell(restored.Report)
	if restored.Aside != "" {
		e.progress("What was there before is in " + restored.Aside + ".")
	}
	if !restored.Keys {
		e.progress("It holds no keys: new ones are made, and everybody signs in again.")
	}
	e.progress("The data folder is " + e.config.DataDir + ". Runs that went on are taken up when Mark starts.")
	return nil
}

// keepsAll refuses to work on one folder where not everything is in it.
func (c Config) keepsAll(done string) error {
	if c.DatabaseURL != "" {
		return fmt.Errorf("MARK_DATABASE_URL is set: PostgreSQL is %s by its own means, pg_dump and pg_restore. "+
			"Files and keys are %s apart from it, files after the database: docs/backup.md says how", done, done)
	}
	if c.FilesURL != "" {
		return fmt.Errorf("MARK_FILES_URL is set: one archive is for files in the data folder. "+
			"The database and the files are %s apart: docs/backup.md says how", done)
	}
	return nil
}

// tell says what is in an archive.
func (e *environment) tell(r backup.Report) {
	e.progress(fmt.Sprintf("Mark %s of %s: %d files, %s in all.", r.Mark, r.CreatedAt.Format(time.RFC3339), r.Files, units.Bytes(r.Bytes)))
	for _, key := range r.Lost {
		e.progress("WARNING: the database refers to files/" + key + ", which was not in the data folder.")
	}
}

// followEvery is how often progress is told.
const followEvery = time.Second

// follow tells how a copy comes along.
func (e *environment) follow() func(backup.Progress) {
	next := time.Now().Add(followEvery)
	return func(p backup.Progress) {
		now := time.Now()
		if now.Before(next) {
			return
		}
		next = now.Add(followEvery)
		line := p.Phase
		if p.Done > 0 {
			line += ", " + units.Bytes(p.Done)
		}
		if p.Total > 0 {
			line += " of " + units.Bytes(p.Total)
		}
		e.progress(line)
	}
}

// readPassphrase reads a file's first line.
func readPassphrase(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("the first line of %s is empty", path)
	}
	return line, nil
}
