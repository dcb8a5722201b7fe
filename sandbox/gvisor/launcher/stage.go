package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Where things stand in the new root.
const (
	selfPath   = "/mark-sandbox"
	bundlePath = "/bundle"
	statePath  = "/state"
	inputsPath = "/input" // there even if the session has no files
	sessionID  = "session"

	// sessionUser is who the second stage and the session's Python are, each
	// within its user namespace. The service's spec says the same.
	sessionUser = 1000
)

// stage builds the new root, enters it, gives up its privileges and waits for
// the second stage.
func stage(text string, control *control) error {
	// Priority and processors are a thread's, and a child has its parent
	// thread's.
	runtime.LockOSThread()
	unix.Umask(0o022) // the second stage, who is somebody else, reads what this one writes
	p, err := parsePlan(text)
	if err != nil {
		return err
	}
	if os.Getpid() != 1 {
		return errors.New("mark-sandbox has to be the first process of a PID namespace")
	}
	if p.Share != "" {
		if err := os.WriteFile(p.Share, []byte("0"), 0); err != nil { // 0 is whoever writes it
			return fmt.Errorf("entering a cgroup: %w", err)
		}
	}
	if err := enterNewRoot(p); err != nil {
		return err
	}
	if err := restrain(); err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: selfPath, Args: sessionArgs(p), Env: os.Environ(), Dir: "/",
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles: []*os.File{control.file},
		// No capability survives the change to a user that is not root, not
		// even within the new user namespace. gVisor makes a further one.
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags:                 unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
			UidMappings:                []syscall.SysProcIDMap{{ContainerID: sessionUser, HostID: p.UID, Size: 1}},
			GidMappings:                []syscall.SysProcIDMap{{ContainerID: sessionUser, HostID: p.GID, Size: 1}},
			GidMappingsEnableSetgroups: p.UID != 0,
			Credential: &syscall.Credential{
				Uid: sessionUser, Gid: sessionUser,
				NoSetGroups: p.UID == 0, // not allowed to whoever is not really root
			},
			Setsid: true,
		},
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("giving up privileges in a user namespace: %w", err)
	}
	return reap(cmd.Process.Pid)
}

const (
	maxProcessors = 4 // that a session may keep busy
	niceness      = 5
)

// restrain makes the session give way to the service and the rest of the machine
// and keeps it to some of the processors: which, is left to chance. Libraries
// start as many threads as they see processors, so this also bounds those.
func restrain() error {
	// The system call, unlike its manual's function, returns 20 - nice.
	inverse, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return fmt.Errorf("asking for the priority: %w", err)
	}
	if 20-inverse < niceness { // otherwise it is low already, and may not be raised
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, niceness); err != nil {
			return fmt.Errorf("lowering the priority: %w", err)
		}
	}
	var may, chosen unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return fmt.Errorf("asking for the processors: %w", err)
	}
	var all []int
	for cpu := 0; len(all) < may.Count(); cpu++ {
		if may.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	for _, i := range rand.Perm(len(all))[:min(len(all), maxProcessors)] {
		chosen.Set(all[i])
	}
	if err := unix.SchedSetaffinity(0, &chosen); err != nil {
		return fmt.Errorf("choosing the processors: %w", err)
	}
	return nil
}

// reap waits for the second stage and, as the first process of a PID namespace
// must, for every orphan that ends before it.
func reap(pid int) error {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case got == pid && status.Signaled():
			return fmt.Errorf("the second stage was ended by signal %v", status.Signal())
		case got == pid:
			os.Exit(status.ExitStatus())
		}
	}
}

// sessionArgs is the command line of the second stage: gVisor's flags, then the
// session command's.
func sessionArgs(p plan) []string {
	args := []string{
		"mark-sandbox",
		"--root=" + statePath,
		"--rootless",         // it holds nothing but a user namespace
		"--network=none",     // not even a loopback that leads anywhere
		"--ignore-cgroups",   // limits are kept by other means, which need no rights
		"--platform=systrap", // needs no device
		"--overlay2=none",    // the root is read-only and stays so
		"--host-uds=none",
		"--host-fifo=none",
	}
	if p.DebugLog != "" {
		args = append(args, "--debug", "--debug-log="+p.DebugLog+"/")
	}
	return append(args, sessionCommand,
		"--memory="+strconv.FormatInt(p.MemoryBytes, 10),
		"--restore="+p.Restore,
		"--checkpoint="+p.Checkpoint,
		"--once="+strconv.FormatBool(p.Once),
		sessionID)
}

// enterNewRoot puts together a root that holds the plan's mounts, /proc and
// nothing else of the host, and makes it this process's root.
func enterNewRoot(p plan) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	mounts := append([]bind{
		{From: "/proc/self/exe", To: selfPath},
		{From: "/dev/null", To: "/dev/null"},
	}, p.Mounts...)
	// The sources are opened first: the new root may cover them.
	sources := make([]int, len(mounts))
	for i, m := range mounts {
		if m.FD != 0 {
			continue
		}
		fd, err := unix.Open(m.From, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("opening %s: %w", m.From, err)
		}
		sources[i] = fd
	}
	if err := unix.Mount("mark-sandbox", p.Over, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=64m"); err != nil {
		return fmt.Errorf("mounting the new root: %w", err)
	}
	for i, m := range mounts {
		if err := attach(m, sources[i], filepath.Join(p.Over, m.To)); err != nil {
			return fmt.Errorf("mounting %s: %w", m.From, err)
		}
	}
	for _, dir := range []string{"proc", "tmp", inputsPath, statePath, bundlePath} {
		if err := os.MkdirAll(filepath.Join(p.Over, dir), 0o755); err != nil {
			return err
		}
	}
	config := filepath.Join(p.Over, bundlePath, "config.json")
	if err := os.WriteFile(config, p.Spec, 0o644); err != nil {
		return err
	}
	for _, dir := range []string{statePath, "tmp"} {
		if err := os.Chown(filepath.Join(p.Over, dir), p.UID, p.GID); err != nil {
			return err
		}
	}
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if err := unix.Mount("proc", filepath.Join(p.Over, "proc"), "proc", flags, ""); err != nil {
		return fmt.Errorf("mounting /proc (inside a container, its own /proc must not be masked): %w", err)
	}
	// Both roots on one folder, the old one on top, which is then let go.
	if err := os.Chdir(p.Over); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("entering the new root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the host's root: %w", err)
	}
	return os.Chdir("/")
}

// attach makes one mount at target. Every mount but a writable one is made
// read-only; none honours set-uid bits or, the null device apart, devices.
func attach(m bind, source int, target string) error {
	from := "/proc/self/fd/" + strconv.Itoa(source)
	dir := false
	if m.FD == 0 {
		var st unix.Stat_t
		if err := unix.Fstat(source, &st); err != nil {
			return err
		}
		dir = st.Mode&unix.S_IFMT == unix.S_IFDIR
	}
	if err := makeMountPoint(target, dir); err != nil {
		return err
	}
	if m.FD != 0 {
		// A single file, whose attributes the service has already set.
		defer unix.Close(m.FD)
		return unix.MoveMount(m.FD, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
	}
	defer unix.Close(source)
	if err := unix.Mount(from, target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err != nil {
		return err
	}
	// Attributes that the host's mount has may be locked: they are kept.
	const kept = unix.ST_NOEXEC | unix.ST_NOATIME | unix.ST_NODIRATIME | unix.ST_RELATIME | unix.ST_NODEV
	flags := uintptr(st.Flags)&kept | unix.MS_REMOUNT | unix.MS_BIND | unix.MS_NOSUID
	if !m.Writable {
		flags |= unix.MS_RDONLY
	}
	if m.To != "/dev/null" {
		flags |= unix.MS_NODEV
	}
	return unix.Mount("", target, "", flags, "")
}

// makeMountPoint makes what is mounted over, where it is not there already: a
// session's folder of inputs holds an empty file for each that is mounted.
func makeMountPoint(target string, dir bool) error {
	if dir {
		return os.MkdirAll(target, 0o755)
	}
	if st, err := os.Lstat(target); err == nil && st.Mode().IsRegular() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}
