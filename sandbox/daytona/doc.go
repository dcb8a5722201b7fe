// Package daytona runs Python sessions in sandboxes of Daytona
// (https://www.daytona.io), through its Go SDK. It works wherever the service
// does: nothing of Python is needed on the service's machine.
//
// A session is a sandbox of its own, with one interpreter context in it. The
// sandbox is deleted when the session ends; what is left behind all the same is
// found by its labels.
//
// The kernel is the one that every provider runs (sandbox/kernel). Daytona has no
// pipe to a process, so a link stands in for one: README.md says how, and why.
package daytona
