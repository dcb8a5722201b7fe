package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/datasets/samples"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/datadir"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/daytona"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/keeper"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// The providers of Python sessions, as MARK_SANDBOX names them.
const (
	providerGVisor  = gvisor.Name
	providerDaytona = daytona.Name
)

// openSandbox opens the provider of Python sessions that is configured. Where
// Python cannot run it says why and the service serves without.
func openSandbox(ctx context.Context, c Config, logger *slog.Logger, progress func(string)) (sandbox.Provider, error) {
	var provider sandbox.Provider
	var err error
	switch c.Sandbox.Provider {
	case providerDaytona:
		provider, err = openDaytona(ctx, c, logger)
	default:
		provider, err = openGVisor(ctx, c, logger, progress)
	}
	if err != nil {
		return nil, err
	}
	if i := provider.Isolation(); !i.Ready {
		logger.ErrorContext(ctx, "Python cannot run", "reason", i.Detail)
	}
	return provider, nil
}

// openDaytona speaks to Daytona; it works on every system.
func openDaytona(ctx context.Context, c Config, logger *slog.Logger) (sandbox.Provider, error) {
	d := c.Sandbox.Daytona
	return daytona.New(ctx, daytona.Config{
		APIKey: d.APIKey, APIURL: d.APIURL, Target: d.Target, Snapshot: d.Snapshot, Image: d.Image,
		Dir:    filepath.Join(c.Sandbox.Dir, providerDaytona),
		Limits: pythonLimits(c), Sessions: c.sessions(), Pool: d.Pool, AllowNetwork: d.AllowNetwork,
		Resolve: "example.com", // RFC 2606; it exists
		Logger:  logger,
	})
}

// openGVisor makes what is missing of the Python runtime and of the checkpoint.
func openGVisor(ctx context.Context, c Config, logger *slog.Logger, progress func(string)) (sandbox.Provider, error) {
	launcher, err := c.launcher()
	if err != nil {
		return nil, err
	}
	tree, err := pyruntime.Ensure(ctx, c.Sandbox.Dir, func(p pyruntime.Progress) { progress("Python: " + p.String()) })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return gvisor.Refusing(err), nil
	}
	return gvisor.New(ctx, gvisor.Config{
		Dir: c.Sandbox.Dir, Launcher: launcher, Tree: tree, Limits: pythonLimits(c),
		Sessions: c.sessions(), Pool: gvisor.Pool{Size: c.Sandbox.Pool, MemoryBytes: c.Sandbox.PoolMemory, MaxAge: c.Sandbox.PoolAge},
		Progress: func(phase string) { progress("Sandbox: " + phase) }, Logger: logger,
	})
}

// keepSessions makes what keeps chats' sessions over the provider. Where files are
// shared so are saved sessions: a chat's next question may come to another node.
func keepSessions(c Config, provider sandbox.Provider, blobs *files.Store, now clock.Clock, logger *slog.Logger) (*keeper.Keeper, error) {
	var shared keeper.Shared
	if c.FilesURL != "" {
		shelf, err := blobs.Shelf(datadir.Sessions)
		if err != nil {
			return nil, err
		}
		shared = shelf
	}
	return keeper.New(keeper.Config{
		Shared:   shared,
		Provider: provider, Dir: filepath.Join(c.DataDir, datadir.Sessions),
		KeyFile: filepath.Join(c.DataDir, datadir.Keys, "sessions.age"), Secret: []byte(c.JWTSecret),
		Limits: keeper.Limits{
			LiveSessions: c.Limits.LiveSessions, LiveBytes: c.Limits.LiveMemory,
			SavedBytes: c.Limits.SavedBytes, MaxAge: c.Limits.SavedAge,
		},
		Clock: now, Logger: logger,
	})
}

// launcher is where the program mark-sandbox is: beside this program unless
// configured.
func (c Config) launcher() (string, error) {
	if c.Sandbox.Launcher != "" {
		return filepath.Abs(c.Sandbox.Launcher)
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(self), "mark-sandbox"), nil
}

// pythonLimits are the configured limits over the sandbox's own.
func pythonLimits(c Config) execution.Limits {
	limits := gvisor.DefaultLimits()
	limits.StepTime, limits.CPUTime, limits.MemoryBytes = c.Limits.PythonStepTime, c.Limits.PythonCPUTime, c.Limits.PythonMemory
	return limits
}

func agentLimits(c Config) agent.Limits {
	limits := agent.DefaultLimits()
	limits.Steps, limits.RunTime = c.Limits.Steps, c.Limits.RunTime
	limits.ConcurrentRuns, limits.RunsPerOwner = c.Limits.ConcurrentRuns, c.Limits.RunsPerUser
	limits.HistoryTokens = c.Limits.HistoryTokens
	limits.PerRun, limits.PerDay = c.Limits.PerRun.budget(), c.Limits.PerDay.budget()
	limits.Python = pythonLimits(c)
	limits.ArtifactBytes = limits.Python.ArtifactBytes
	return limits
}

// serverInfo answers `server`.
func serverInfo(parts Parts, limits agent.Limits, uploadBytes int64) func() *model.ServerInfo {
	return func() *model.ServerInfo {
		isolation := parts.Sandbox.Isolation()
		info := &model.ServerInfo{
			Version: version,
			Sandbox: &model.SandboxInfo{Provider: isolation.Provider, Ready: isolation.Ready, Isolation: isolation.Detail},
			Limits: &model.Limits{
				UploadBytes: uploadBytes, QuestionCharacters: limits.QuestionCharacters, StepsPerRun: limits.Steps,
				RunSeconds: int(limits.RunTime.Seconds()), PythonStepSeconds: int(limits.Python.StepTime.Seconds()),
				PythonMemoryBytes: limits.Python.MemoryBytes,
			},
		}
		for _, m := range parts.Models {
			info.Models = append(info.Models, modelInfo(m))
		}
		for _, s := range samples.All() {
			info.Samples = append(info.Samples, &model.SampleInfo{
				Name: s.Name, Title: s.Title, Description: s.Description, Licence: s.Licence, Attribution: s.Attribution,
			})
		}
		return info
	}
}
