//go:build unix && !linux

package cluster

import "syscall"

// attributes keep a process out of the reach of Ctrl-C, which is for the cluster.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
