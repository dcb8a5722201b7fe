// Package offline is Mark's offline analyst: the model that answers where none
// is configured. It is no language model. It is a deterministic program that
// speaks the Chat Completions protocol in-process (Transport), so that the
// adapter, the agent, the sandbox and every client work as they do with a real
// model, without a key and without a network.
//
// It reads everything from the request. It understands a documented set of
// questions (README.md), writes real Python for them, and makes its answer of
// what that Python printed. It never computes a number itself, never executes
// anything, and never guesses: what it does not understand it says.
//
// Everything that comes from the data (names, values, printed text) is data to
// it: quoted as a literal in programs, escaped in Markdown, and never a reason
// to do anything else.
package offline
