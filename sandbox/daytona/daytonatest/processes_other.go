//go:build !linux

package daytonatest

import "syscall"

func processAttributes() *syscall.SysProcAttr { return nil }

func endProcesses(string) {}

// Processes finds none: there is no Python to run a sandbox with on this system.
func Processes(string) []int { return nil }
