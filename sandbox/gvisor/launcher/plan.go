package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// plan is what the service wants of a session. The service holds the same
// structure in sandbox/gvisor/launch_linux.go.
type plan struct {
	// Over is any folder that this process may enter; the new root file
	// system is put together on top of it, for this session's processes only.
	Over   string `json:"over"`
	Mounts []bind `json:"mounts"`
	// Spec is the OCI runtime spec; its paths are those of the new root.
	Spec json.RawMessage `json:"spec"`
	// UID and GID are the user to become where this process is really root;
	// 0 where it is the root of a user namespace that is nobody else's.
	UID int `json:"uid"`
	GID int `json:"gid"`
	// Restore names the checkpoint's folder in the new root; "" starts the
	// spec's process instead. Checkpoint names where to write them when the
	// service asks, a folder that is empty each time; "" for none. With Once
	// the session ends with its first.
	Restore     string `json:"restore"`
	Checkpoint  string `json:"checkpoint"`
	Once        bool   `json:"once"`
	MemoryBytes int64  `json:"memoryBytes"`
	// Share is the file, on the host, by which this process enters a cgroup of
	// its own; "" for none.
	Share    string `json:"share"`
	DebugLog string `json:"debugLog"` // a folder of the new root; "" for none
}

// bind is a file or folder of the host that appears in the new root.
type bind struct {
	From     string `json:"from"` // on the host; or, with FD, only for messages
	FD       int    `json:"fd"`   // of a detached mount to attach instead; 0 for none
	To       string `json:"to"`   // in the new root, absolute
	Writable bool   `json:"writable"`
}

func parsePlan(text string) (plan, error) {
	var p plan
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return plan{}, fmt.Errorf("reading the plan (are mark and mark-sandbox of one build?): %w", err)
	}
	return p, nil
}
