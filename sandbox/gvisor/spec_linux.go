//go:build linux && (amd64 || arm64)

package gvisor

import (
	"encoding/json"
	"fmt"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/kernel"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// Where the launcher puts things for gVisor to mount (its new root), and where
// the session sees them.
const (
	treeAt       = "/tree"
	kernelAt     = "/kernel"
	inputsAt     = "/input"
	imageAt      = "/image"
	logAt        = "/log"
	kernelInside = "/opt/mark"
	tempInside   = "/tmp"

	// sessionUser is who a session's Python is; the launcher says the same.
	sessionUser = 1000
)

// The types of an OCI runtime spec (github.com/opencontainers/runtime-spec), as
// far as a session uses them.
type (
	ociSpec struct {
		Version  string     `json:"ociVersion"`
		Process  ociProcess `json:"process"`
		Root     ociRoot    `json:"root"`
		Hostname string     `json:"hostname"`
		Mounts   []ociMount `json:"mounts"`
		Linux    ociLinux   `json:"linux"`
	}
	ociProcess struct {
		User            ociUser     `json:"user"`
		Args            []string    `json:"args"`
		Env             []string    `json:"env"`
		Cwd             string      `json:"cwd"`
		Capabilities    struct{}    `json:"capabilities"` // none
		Rlimits         []ociRlimit `json:"rlimits"`
		NoNewPrivileges bool        `json:"noNewPrivileges"`
	}
	ociUser struct {
		UID int `json:"uid"`
		GID int `json:"gid"`
	}
	ociRlimit struct {
		Type string `json:"type"`
		Soft uint64 `json:"soft"`
		Hard uint64 `json:"hard"`
	}
	ociRoot struct {
		Path     string `json:"path"`
		Readonly bool   `json:"readonly"`
	}
	ociMount struct {
		Destination string   `json:"destination"`
		Type        string   `json:"type"`
		Source      string   `json:"source"`
		Options     []string `json:"options"`
	}
	ociLinux struct {
		Namespaces  []ociNamespace `json:"namespaces"`
		UIDMappings []ociMapping   `json:"uidMappings"`
		GIDMappings []ociMapping   `json:"gidMappings"`
	}
	ociNamespace struct {
		Type string `json:"type"`
	}
	ociMapping struct {
		ContainerID int `json:"containerID"`
		HostID      int `json:"hostID"`
		Size        int `json:"size"`
	}
)

// sessionSpec is the same for the process that is checkpointed and for all that
// are restored from it.
func sessionSpec(limits execution.Limits) (json.RawMessage, error) {
	same := []ociMapping{{ContainerID: sessionUser, HostID: sessionUser, Size: 1}}
	tmpfs := func(at string, bytes int64) ociMount {
		return ociMount{
			Destination: at, Type: "tmpfs", Source: "tmpfs",
			Options: []string{"nosuid", "nodev", "mode=0777", fmt.Sprintf("size=%d", bytes)},
		}
	}
	processes := uint64(limits.Processes)
	return json.Marshal(ociSpec{
		Version: "1.0.2",
		Process: ociProcess{
			User: ociUser{UID: sessionUser, GID: sessionUser},
			Args: kernel.Argv(pyruntime.Interpreter, kernelInside, true),
			Env:  append(kernel.Env(tempInside), "PATH=/usr/bin"),
			Cwd:  "/",
			Rlimits: []ociRlimit{
				{Type: "RLIMIT_NPROC", Soft: processes, Hard: processes},
				{Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 1024},
				{Type: "RLIMIT_CORE"},
			},
			NoNewPrivileges: true,
		},
		Root:     ociRoot{Path: treeAt, Readonly: true},
		Hostname: "mark",
		Mounts: []ociMount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			tmpfs(tempInside, 64<<20),
			tmpfs("/dev/shm", 64<<20), // where multiprocessing keeps its locks
			tmpfs(kernel.WorkDir, limits.DiskBytes),
			{Destination: kernel.InputDir, Type: "bind", Source: inputsAt, Options: []string{"rbind", "ro", "nosuid", "nodev"}},
			{Destination: kernelInside, Type: "bind", Source: kernelAt, Options: []string{"rbind", "ro", "nosuid", "nodev"}},
		},
		Linux: ociLinux{
			Namespaces:  []ociNamespace{{"pid"}, {"mount"}, {"ipc"}, {"uts"}, {"network"}, {"user"}},
			UIDMappings: same,
			GIDMappings: same,
		},
	})
}
