package main

import (
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/files"
)

// Config is everything that can be set, by flag or by environment variable. The
// table in README.md is made of it.
type Config struct {
	Addr           string         `default:"127.0.0.1:8080" env:"MARK_ADDR" help:"Where to listen."`
	DataDir        string         `default:"./data" env:"MARK_DATA_DIR" type:"path" help:"Folder of the SQLite database, files, keys and the sandbox."`
	DatabaseURL    string         `env:"MARK_DATABASE_URL" help:"postgres://… ; empty: SQLite in the data folder."`
	FilesURL       string         `name:"files-url" env:"MARK_FILES_URL" help:"Where files are, for several nodes: file:///folder or s3://bucket?region=… ; empty: in the data folder."`
	Node           string         `env:"MARK_NODE" help:"This node's name; empty: the machine's, with a random ending."`
	JWTSecret      string         `env:"MARK_JWT_SECRET" help:"What the keys of tokens, links and saved Python sessions are derived from, at least 32 bytes, the same on all nodes; empty: keys are made and kept in the data folder."`
	AllowedOrigins []string       `env:"MARK_ALLOWED_ORIGINS" help:"Origins (https://app.example) whose pages may use the API, beside the server's own."`
	TrustedProxies []netip.Prefix `env:"MARK_TRUSTED_PROXIES" help:"Proxies in front (10.0.0.0/8), which may say in X-Forwarded-For whom they speak for."`
	OperatorAddr   string         `env:"MARK_OPERATOR_ADDR" help:"Where to serve River's page of jobs (127.0.0.1:8081), to whoever can reach it; empty: nowhere."`
	ShutdownGrace  time.Duration  `default:"15s" env:"MARK_SHUTDOWN_GRACE" help:"How long a shutdown may take. In the first half runs come to their end; what goes on then is taken up by another node or the next start."`
	EventRetention time.Duration  `name:"events-retention" default:"168h" env:"MARK_EVENTS_RETENTION" help:"How long the events of a run that has ended are kept; a later reader gets a Snapshot in their place."`
	Production     bool           `env:"MARK_PRODUCTION" help:"Switch introspection and suggestions off."`
	LogLevel       string         `default:"info" enum:"debug,info,warn,error" env:"MARK_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat      string         `default:"text" enum:"text,json" env:"MARK_LOG_FORMAT" help:"text or json."`

	Models string `env:"MARK_MODELS" type:"path" help:"A file that lists further models; see docs/models.md."`

	Warehouses       string        `env:"MARK_WAREHOUSES" type:"path" help:"A file that lists connections to warehouses; see docs/warehouses.md."`
	WarehouseRefresh time.Duration `name:"warehouse-refresh" default:"0" env:"MARK_WAREHOUSE_REFRESH" help:"How often to see whether tables of warehouses have changed, by their metadata, which is free; 0: only when somebody asks."`

	Titles bool `default:"true" negatable:"" env:"MARK_TITLES" help:"Whether the model names a chat after its first answer, beside everything else; false: the first question names it."`

	ReviewCode bool `name:"review-code" env:"MARK_REVIEW_CODE" help:"Each program waits for decideApproval before it runs, whoever asks."`

	LLM     LLMConfig     `embed:"" prefix:"llm-"`
	Sandbox SandboxConfig `embed:""`
	Limits  LimitsConfig  `embed:"" prefix:"limit-"`
}

// LLMConfig says which model answers where a question names none. With none of it
// set that is the first of MARK_MODELS, and without these the offline analyst.
type LLMConfig struct {
	BaseURL string `name:"base-url" env:"MARK_LLM_BASE_URL,OPENAI_BASE_URL" help:"An OpenAI-compatible endpoint, up to and with /v1."`
	APIKey  string `name:"api-key" env:"MARK_LLM_API_KEY,OPENAI_API_KEY" help:"Its key; empty where it needs none."`
	Model   string `env:"MARK_LLM_MODEL" help:"The model's name there."`
	API     string `default:"chat" enum:"chat,responses" env:"MARK_LLM_API" help:"The wire format: chat (Chat Completions) or responses (Responses)."`
	Context int    `env:"MARK_LLM_CONTEXT" help:"How many tokens it takes, prompt and reply together; 0: not known."`
	Reply   int    `env:"MARK_LLM_REPLY" help:"How many tokens one reply may have; 0: a quarter of the context, at most 32768, or 16384 where that is not known."`
}

// The endpoint and model of a configuration that has only a key.
const (
	defaultBaseURL = "https://api.openai.com/v1"
	defaultModel   = "gpt-4.1-mini"
)

// complete fills in what follows from the rest.
func (c LLMConfig) complete() (LLMConfig, error) {
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
		if c.APIKey == "" {
			return c, fmt.Errorf("MARK_LLM_MODEL is set, and neither MARK_LLM_BASE_URL nor MARK_LLM_API_KEY: say where the model is")
		}
		if c.Model == "" {
			c.Model = defaultModel
		}
	}
	if c.Model == "" {
		return c, fmt.Errorf("MARK_LLM_BASE_URL is set, and MARK_LLM_MODEL is not: say which model of that endpoint is to answer")
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return c, fmt.Errorf("MARK_LLM_BASE_URL is no address like https://api.example/v1")
	}
	if c.Context < 0 || c.Context > 0 && c.Context < 1000 {
		return c, fmt.Errorf("MARK_LLM_CONTEXT is a number of tokens, at least 1000, like 128000")
	}
	if c.Reply != 0 && c.Reply < 100 || c.Context > 0 && c.Reply >= c.Context {
		return c, fmt.Errorf("MARK_LLM_REPLY is a number of tokens, at least 100 and fewer than MARK_LLM_CONTEXT, like 16000")
	}
	return c, nil
}

// SandboxConfig says where Python runs.
type SandboxConfig struct {
	Provider string `name:"sandbox" default:"gvisor" enum:"gvisor,daytona" env:"MARK_SANDBOX" help:"gvisor: on this machine; daytona: in Daytona's sandboxes."`
	Dir      string `name:"sandbox-dir" env:"MARK_SANDBOX_DIR" type:"path" help:"Folder of the Python runtime, the checkpoint and the sessions; empty: sandbox in the data folder."`
	Pool     int    `name:"sandbox-pool" default:"2" env:"MARK_SANDBOX_POOL" help:"Python sessions that are started ahead (150 MB each); 0: none."`

	PoolMemory int64         `name:"sandbox-pool-memory-bytes" default:"1073741824" env:"MARK_SANDBOX_POOL_MEMORY_BYTES" help:"What the sessions that are started ahead may take together."`
	PoolAge    time.Duration `name:"sandbox-pool-age" default:"1h" env:"MARK_SANDBOX_POOL_AGE" help:"How long a session that was started ahead waits to be used before it is replaced."`

	Launcher string `name:"sandbox-launcher" env:"MARK_SANDBOX_LAUNCHER" type:"path" help:"The program mark-sandbox; empty: beside the program mark."`

	Daytona DaytonaConfig `embed:"" prefix:"daytona-"`
}

// DaytonaConfig says which Daytona, and what its sandboxes are made from. It counts
// where Python runs there.
type DaytonaConfig struct {
	APIKey       string `name:"api-key" env:"DAYTONA_API_KEY" help:"Daytona: the API key."`
	APIURL       string `name:"api-url" default:"https://app.daytona.io/api" env:"DAYTONA_API_URL" help:"Daytona: where its API is."`
	Snapshot     string `env:"MARK_DAYTONA_SNAPSHOT" help:"Daytona: the snapshot that sandboxes are made from; with no image either: mark-plotly."`
	Image        string `env:"MARK_DAYTONA_IMAGE" help:"Daytona: an image instead of a snapshot; slower to start."`
	Target       string `env:"MARK_DAYTONA_TARGET" help:"Daytona: the region; empty: the organisation's own."`
	Pool         int    `env:"MARK_DAYTONA_POOL" help:"Daytona: sandboxes kept ready for new sessions; they cost like used ones."`
	AllowNetwork bool   `env:"MARK_DAYTONA_ALLOW_NETWORK" help:"Daytona: run code also where it cannot block the network."`
}

// leastRefresh is how often tables may be looked at, each with a call to its
// warehouse.
const leastRefresh = time.Minute

// defaultSnapshot is what deploy/daytona makes.
const defaultSnapshot = "mark-plotly"

// complete refuses what cannot work, and fills in what follows from the rest.
func (c *DaytonaConfig) complete(sessions int) error {
	u, err := url.Parse(c.APIURL)
	switch {
	case c.APIKey == "":
		return fmt.Errorf("MARK_SANDBOX is daytona, and DAYTONA_API_KEY is not set: make a key in Daytona's dashboard")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("DAYTONA_API_URL is no address like https://app.daytona.io/api")
	case c.Snapshot != "" && c.Image != "":
		return fmt.Errorf("MARK_DAYTONA_SNAPSHOT and MARK_DAYTONA_IMAGE are both set: sandboxes are made from one of them")
	case c.Pool < 0 || c.Pool > sessions:
		return fmt.Errorf("MARK_DAYTONA_POOL must be between 0 and %d, the number of sessions at once (twice MARK_LIMIT_CONCURRENT_RUNS, and MARK_LIMIT_LIVE_SESSIONS)", sessions)
	}
	if c.Snapshot == "" && c.Image == "" {
		c.Snapshot = defaultSnapshot
	}
	return nil
}

// LimitsConfig bounds what people can do.
type LimitsConfig struct {
	UploadBytes    int64         `default:"1073741824" env:"MARK_LIMIT_UPLOAD_BYTES" help:"The largest file, bytes."`
	Steps          int           `default:"20" env:"MARK_LIMIT_STEPS" help:"Steps in a run."`
	RunTime        time.Duration `default:"10m" env:"MARK_LIMIT_RUN_TIME" help:"Wall time of a run."`
	ConcurrentRuns int           `default:"4" env:"MARK_LIMIT_CONCURRENT_RUNS" help:"Runs at once on this node."`
	RunsPerUser    int           `default:"3" env:"MARK_LIMIT_RUNS_PER_USER" help:"Runs of one person at once, on all nodes; in a chat one goes on after the other."`
	PythonStepTime time.Duration `default:"1m" env:"MARK_LIMIT_PYTHON_STEP_TIME" help:"Wall time of a step of Python."`
	PythonCPUTime  time.Duration `default:"2m" env:"MARK_LIMIT_PYTHON_CPU_TIME" help:"CPU time of a step of Python, all its processes together. On Daytona nobody counts it: there the size of the sandbox bounds it."`
	LiveSessions   int           `default:"4" env:"MARK_LIMIT_LIVE_SESSIONS" help:"Chats' Python sessions that stay alive between questions; others go on from disk."`
	LiveMemory     int64         `default:"2147483648" env:"MARK_LIMIT_LIVE_MEMORY_BYTES" help:"What those take of the memory together, bytes."`
	SavedBytes     int64         `default:"10737418240" env:"MARK_LIMIT_SAVED_BYTES" help:"What saved Python sessions take of the disk together, bytes."`
	SavedAge       time.Duration `default:"720h" env:"MARK_LIMIT_SAVED_AGE" help:"How long a chat's Python variables are kept unused."`
	FilesCache     int64         `default:"10737418240" env:"MARK_LIMIT_FILES_CACHE_BYTES" help:"What copies of a bucket's files take of the disk together, bytes."`
	PythonMemory   int64         `default:"2147483648" env:"MARK_LIMIT_PYTHON_MEMORY_BYTES" help:"Memory of a Python session, bytes; at least 1 GiB."`
	HistoryTokens  int           `default:"16000" env:"MARK_LIMIT_HISTORY_TOKENS" help:"Tokens of a prompt for what was said before in the chat; what is older is told by a summary."`

	PerRun RunBudgetConfig `embed:"" prefix:"run-"`
	PerDay DayBudgetConfig `embed:"" prefix:"day-"`
}

// RunBudgetConfig is what a run may use, looked at before each step; 0: any amount.
type RunBudgetConfig struct {
	Tokens      int64         `default:"2000000" env:"MARK_LIMIT_RUN_TOKENS" help:"Tokens of a run, sent and written; 0: any number."`
	CostUSD     float64       `name:"cost-usd" default:"5" env:"MARK_LIMIT_RUN_COST_USD" help:"What the model may cost in a run by its prices, US dollars; 0: anything."`
	PythonTime  time.Duration `default:"10m" env:"MARK_LIMIT_RUN_PYTHON_TIME" help:"Time of Python in a run; 0: any."`
	OutputBytes int64         `default:"536870912" env:"MARK_LIMIT_RUN_OUTPUT_BYTES" help:"What the steps of a run make, bytes; 0: any number."`
}

// DayBudgetConfig is what a person may use in a day, in UTC; 0: any amount.
type DayBudgetConfig struct {
	Runs        int64         `default:"0" env:"MARK_LIMIT_DAY_RUNS" help:"Questions of one person in a day; 0: any number."`
	Tokens      int64         `default:"0" env:"MARK_LIMIT_DAY_TOKENS" help:"Tokens of one person in a day; 0: any number."`
	CostUSD     float64       `name:"cost-usd" default:"50" env:"MARK_LIMIT_DAY_COST_USD" help:"What models may cost by their prices for one person in a day, US dollars; 0: anything."`
	PythonTime  time.Duration `default:"0" env:"MARK_LIMIT_DAY_PYTHON_TIME" help:"Time of Python of one person in a day; 0: any."`
	OutputBytes int64         `default:"0" env:"MARK_LIMIT_DAY_OUTPUT_BYTES" help:"What the steps of one person make in a day, bytes; 0: any number."`
}

// budget is the budget as the agent has it.
func (c RunBudgetConfig) budget() agent.Budget {
	return agent.Budget{Tokens: c.Tokens, CostMicros: micros(c.CostUSD), Python: c.PythonTime, OutputBytes: c.OutputBytes}
}

func (c DayBudgetConfig) budget() agent.Budget {
	return agent.Budget{Runs: c.Runs, Tokens: c.Tokens, CostMicros: micros(c.CostUSD), Python: c.PythonTime, OutputBytes: c.OutputBytes}
}

// micros is an amount of dollars in millionths.
func micros(dollars float64) int64 { return int64(math.Round(dollars * 1e6)) }

// badBudget tells whether a part of a budget is below zero, or more than can be
// counted.
func badBudget(b agent.Budget) bool {
	return min(b.Runs, b.Tokens, b.CostMicros, int64(b.Python), b.OutputBytes) < 0
}

// check refuses a configuration that cannot work, in a sentence that says what
// to change.
func (c *Config) check() error {
	if c.Sandbox.Dir == "" {
		c.Sandbox.Dir = filepath.Join(c.DataDir, "sandbox")
	}
	if c.Node == "" {
		name, err := nodeName()
		if err != nil {
			return err
		}
		c.Node = name
	}
	if c.FilesURL != "" {
		if err := files.CheckURL(c.FilesURL); err != nil {
			return fmt.Errorf("MARK_FILES_URL: %w", err)
		}
	}
	switch {
	case !goodNode.MatchString(c.Node):
		return fmt.Errorf("MARK_NODE must be 1 to 100 letters, digits, dots, dashes and underscores")
	case c.FilesURL != "" && c.Limits.FilesCache < 1:
		return fmt.Errorf("MARK_LIMIT_FILES_CACHE_BYTES must be above zero")
	case c.JWTSecret != "" && len(c.JWTSecret) < 32:
		return fmt.Errorf("MARK_JWT_SECRET has %d bytes; at least 32 are needed", len(c.JWTSecret))
	case c.DatabaseURL != "" && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://"):
		return fmt.Errorf("MARK_DATABASE_URL must begin with postgres://, or be empty for SQLite in the data folder")
	case c.Limits.Steps < 2 || c.Limits.ConcurrentRuns < 1 || c.Limits.RunsPerUser < 1 || c.Limits.UploadBytes < 1:
		return fmt.Errorf("a limit is too small: MARK_LIMIT_STEPS at least 2, MARK_LIMIT_CONCURRENT_RUNS, MARK_LIMIT_RUNS_PER_USER and MARK_LIMIT_UPLOAD_BYTES at least 1")
	case c.Limits.PythonMemory < 1<<30:
		return fmt.Errorf("MARK_LIMIT_PYTHON_MEMORY_BYTES is below 1 GiB, with which Python does not start")
	case c.Sandbox.PoolMemory < 1 || c.Sandbox.PoolAge <= 0:
		return fmt.Errorf("MARK_SANDBOX_POOL_MEMORY_BYTES and MARK_SANDBOX_POOL_AGE must be above zero; MARK_SANDBOX_POOL=0 starts nothing ahead")
	case c.Sandbox.Pool < 0 || c.Limits.LiveSessions < 1 || c.Limits.LiveMemory < 1 || c.Limits.SavedBytes < 1 || c.Limits.SavedAge <= 0:
		return fmt.Errorf("MARK_LIMIT_LIVE_SESSIONS, MARK_LIMIT_LIVE_MEMORY_BYTES, MARK_LIMIT_SAVED_BYTES and MARK_LIMIT_SAVED_AGE must be above zero, MARK_SANDBOX_POOL not below")
	case c.Limits.HistoryTokens < 1000:
		return fmt.Errorf("MARK_LIMIT_HISTORY_TOKENS is below 1000, which one answer may take")
	case badBudget(c.Limits.PerRun.budget()) || badBudget(c.Limits.PerDay.budget()):
		return fmt.Errorf("a budget is below zero: MARK_LIMIT_RUN_… and MARK_LIMIT_DAY_… are 0, for no limit, or above")
	case c.EventRetention < 0:
		return fmt.Errorf("MARK_EVENTS_RETENTION must not be below zero")
	case c.WarehouseRefresh < 0 || c.WarehouseRefresh > 0 && c.WarehouseRefresh < leastRefresh:
		return fmt.Errorf("MARK_WAREHOUSE_REFRESH must be 0, for never, or at least %s", leastRefresh)
	case c.Limits.RunTime <= 0 || c.Limits.PythonStepTime <= 0 || c.Limits.PythonCPUTime <= 0:
		return fmt.Errorf("MARK_LIMIT_RUN_TIME, MARK_LIMIT_PYTHON_STEP_TIME and MARK_LIMIT_PYTHON_CPU_TIME must be above zero, like 10m")
	}
	if c.Sandbox.Provider == providerDaytona {
		return c.Sandbox.Daytona.complete(c.sessions())
	}
	return nil
}

// sessions is how many Python sessions there may be at once: those of runs, those
// that look at uploads, and those that wait for their chat's next question.
func (c *Config) sessions() int { return c.Limits.ConcurrentRuns*2 + c.Limits.LiveSessions }

// level is the log level as slog has it.
func (c *Config) level() slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(c.LogLevel)) != nil {
		return slog.LevelInfo
	}
	return l
}
