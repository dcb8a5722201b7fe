// Package agent answers questions: it takes a run from the queue, asks the
// model, runs the tools that the model calls, and stores what comes of it.
//
// The order of things is what keeps a run whole when a process dies: each reply
// of the model and each result of a tool is stored before anything is done with
// it, each step of the work is an event in the run's log (package eventlog), and
// the last event, the run's final state and Mark's message are one transaction.
//
// The package declares what it needs of a model (LLM), of Python (Sandbox) and of
// files (Blobs); it imports none of their implementations.
package agent
