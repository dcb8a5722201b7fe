package cluster

import "syscall"

// attributes keep a process out of the reach of Ctrl-C, which is for the cluster,
// and end it with this process: with the thread that started it, to be exact, but
// Go keeps its threads.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
