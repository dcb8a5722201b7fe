package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

// A start that cannot work says in one line what to change, before it does what
// takes long, and lets go of all that it took.
func TestStartsThatCannotWork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"a model without an address": {func(c *Config) { c.LLM.Model = "m" }, "MARK_LLM_BASE_URL"},
		"an address that is none":    {func(c *Config) { c.LLM.BaseURL, c.LLM.Model = "foo", "m" }, "MARK_LLM_BASE_URL"},
		"an address without a model": {func(c *Config) { c.LLM.BaseURL = "http://127.0.0.1:1/v1" }, "MARK_LLM_MODEL"},
		"a context in thousands":     {func(c *Config) { c.LLM = LLMConfig{BaseURL: "http://127.0.0.1:1/v1", Model: "m", Context: 128} }, "MARK_LLM_CONTEXT"},
		"a reply in thousands": {func(c *Config) {
			c.LLM = LLMConfig{BaseURL: "http://127.0.0.1:1/v1", Model: "m", Reply: 16}
		}, "MARK_LLM_REPLY"},
		"replies without an end": {func(c *Config) {
			c.LLM = LLMConfig{BaseURL: "http://127.0.0.1:1/v1", Model: "m", Context: 8000, Reply: 8000}
		}, "MARK_LLM_REPLY"},
		"a list that is not there":   {func(c *Config) { c.Models = filepath.Join(file, "x") }, "MARK_MODELS"},
		"a short secret":             {func(c *Config) { c.JWTSecret = "short" }, "MARK_JWT_SECRET"},
		"another database":           {func(c *Config) { c.DatabaseURL = "mysql://x" }, "MARK_DATABASE_URL"},
		"a database that is down":    {func(c *Config) { c.DatabaseURL = "postgres://ada:secret@127.0.0.1:1/x" }, "cannot be reached"},
		"files nowhere":              {func(c *Config) { c.FilesURL, c.Limits.FilesCache = "ftp://srv", 1 }, "MARK_FILES_URL"},
		"files that are not mounted": {func(c *Config) { c.FilesURL, c.Limits.FilesCache = "file://"+file, 1 }, "MARK_FILES_URL"},
		"a node of no name":          {func(c *Config) { c.Node = "a b" }, "MARK_NODE"},
		"a data folder under a file": {func(c *Config) { c.DataDir = filepath.Join(file, "data") }, "MARK_DATA_DIR"},
		"too little memory":          {func(c *Config) { c.Limits.PythonMemory = 1 }, "MARK_LIMIT_PYTHON_MEMORY_BYTES"},
		"no steps":                   {func(c *Config) { c.Limits.Steps = 0 }, "MARK_LIMIT_STEPS"},
		"Daytona without a key":      {func(c *Config) { c.Sandbox.Provider = providerDaytona }, "DAYTONA_API_KEY"},
		"Daytona nowhere":            {daytonaWith(func(d *DaytonaConfig) { d.APIURL = "app.daytona.io" }), "DAYTONA_API_URL"},
		"Daytona of two things":      {daytonaWith(func(d *DaytonaConfig) { d.Snapshot, d.Image = "a", "b" }), "MARK_DAYTONA_IMAGE"},
		"a pool too large":           {daytonaWith(func(d *DaytonaConfig) { d.Pool = 4 }), "MARK_DAYTONA_POOL"},
		"no live sessions":           {func(c *Config) { c.Limits.LiveSessions = 0 }, "MARK_LIMIT_LIVE_SESSIONS"},
		"tables all the time":        {func(c *Config) { c.WarehouseRefresh = time.Second }, "MARK_WAREHOUSE_REFRESH"},
		"events of the future":       {func(c *Config) { c.EventRetention = -time.Second }, "MARK_EVENTS_RETENTION"},
		"no time":                    {func(c *Config) { c.Limits.RunTime = -time.Second }, "MARK_LIMIT_RUN_TIME"},
		"no CPU time":                {func(c *Config) { c.Limits.PythonCPUTime = 0 }, "MARK_LIMIT_PYTHON_CPU_TIME"},
	} {
		t.Run(name, func(t *testing.T) {
			sandboxDir := filepath.Join(t.TempDir(), "sandbox")
			c := Config{
				DataDir: t.TempDir(), LLM: LLMConfig{API: "chat"}, Sandbox: SandboxConfig{Provider: "gvisor", Dir: sandboxDir, PoolMemory: 1 << 30, PoolAge: time.Hour},
				Limits: LimitsConfig{
					UploadBytes: 1, Steps: 2, RunTime: time.Minute, ConcurrentRuns: 1, RunsPerUser: 1, PythonStepTime: time.Second, PythonCPUTime: time.Second, PythonMemory: 1 << 30,
					LiveSessions: 1, LiveMemory: 1, SavedBytes: 1, SavedAge: time.Hour, HistoryTokens: 1000,
				},
			}
			tc.change(&c)
			logger := slog.New(slog.NewTextHandler(io.Discard, nil))
			app, err := NewApp(t.Context(), c, logger, func(string) {}, Parts{})
			if err == nil {
				app.Close(t.Context())
				t.Fatal("it started")
			}
			if text := err.Error(); !strings.Contains(text, tc.says) || strings.ContainsAny(text, "\n") || strings.Contains(text, "secret@") {
				t.Errorf("it says %q", text)
			}
			if _, err := os.Stat(sandboxDir); !os.IsNotExist(err) {
				t.Errorf("the sandbox was begun: %v", err)
			}
		})
	}
}

func TestTwoInOneDataFolder(t *testing.T) {
	s := start(t, "", func(_ *Config, p *Parts) { p.Sandbox = absent{} })
	c := s.config
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	app, err := NewApp(t.Context(), c, logger, func(string) {}, Parts{Sandbox: absent{}})
	if err == nil {
		app.Close(t.Context())
		t.Fatal("a second one started")
	}
	if !strings.Contains(err.Error(), "another Mark") || !strings.Contains(err.Error(), "MARK_DATA_DIR") {
		t.Errorf("it says %q", err)
	}
	s.signUp("ada@example.org") // the first one goes on
	s.down()
	s.up() // and its folder is free again
}

// A process that died held a run, and the clock is an hour behind since.
func TestAStartTakesUpRuns(t *testing.T) {
	s := start(t, "", func(_ *Config, p *Parts) { p.Sandbox = absent{} })
	s.down()
	db := storetest.Open(t, store.Config{DataDir: s.config.DataDir})
	ctx := auth.System(t.Context(), "test")
	user := db.Client.User.Create().SetEmail("ada@example.org").SetPasswordHash("-").SaveX(ctx)
	chat := db.Client.Chat.Create().SetOwnerID(user.ID).SetLastMessageSeq(1).SaveX(ctx)
	question := db.Client.Message.Create().SetOwnerID(user.ID).SetChatID(chat.ID).SetSeq(1).SetRole("USER").
		SetParts(json.RawMessage("[]")).SaveX(ctx)
	run := db.Client.Run.Create().SetOwnerID(user.ID).SetChatID(chat.ID).SetQuestionID(question.ID).SetState("RUNNING").
		SetEpoch(1).SetNode("dead").SetLeaseUntil(time.Now().Add(time.Hour)).SetCancelRequested(true).SaveX(ctx)
	log, err := eventlog.New(eventlog.Config{
		Client: db.Client, Dialect: db.Dialect, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler), Poll: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.up()
	limited, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	kind := ""
	for e, err := range log.Follow(limited, run.ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		kind = e.Kind
	}
	if kind != eventlog.RunFinished {
		t.Errorf("the run stands at %q", kind)
	}
}

// Events that are too old go with the start: some never let Mark run for long.
func TestAStartRemovesOldEvents(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, func(_ *Config, p *Parts) { p.Sandbox = absent{} })
		s.down()
		db := storetest.Open(t, store.Config{URL: url, DataDir: s.config.DataDir})
		ctx := auth.System(t.Context(), "test")
		user := db.Client.User.Create().SetEmail("ada@example.org").SetPasswordHash("-").SaveX(ctx)
		chat := db.Client.Chat.Create().SetOwnerID(user.ID).SetLastMessageSeq(1).SaveX(ctx)
		question := db.Client.Message.Create().SetOwnerID(user.ID).SetChatID(chat.ID).SetSeq(1).SetRole("USER").
			SetParts(json.RawMessage("[]")).SaveX(ctx)
		run := db.Client.Run.Create().SetOwnerID(user.ID).SetChatID(chat.ID).SetQuestionID(question.ID).SetState("SUCCEEDED").
			SetLastSeq(2).SetFinishedAt(time.Now().Add(-2 * time.Hour)).SaveX(ctx)
		for seq := 1; seq <= 2; seq++ {
			db.Client.Event.Create().SetOwnerID(user.ID).SetRunID(run.ID).SetSeq(seq).SetCreatedAt(time.Now()).SetKind("X").
				SetBody(json.RawMessage("{}")).ExecX(ctx)
		}
		s.up()
		limited, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		eventually(t, limited, "the old events are gone", func() bool { return db.Client.Event.Query().CountX(ctx) == 1 })
	})
}

func TestTrustedProxiesAreNetworks(t *testing.T) {
	for text, good := range map[string]bool{"10.0.0.0/8,fd00::/8": true, "10.0.0.1/32": true, "10.0.0.1": false, "proxy": false} {
		_, err := command(t, t.TempDir(), "--trusted-proxies", text, "version")
		if (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}
