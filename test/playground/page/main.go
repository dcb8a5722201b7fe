// Command page serves the playground as the product does, and passes what is
// sent to /graphql on to the address in its only argument. It prints its own
// address and ends when standard input does. The browser test uses it to try
// the page against a scripted API.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/mark-analyst/mark/web"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: %s http://HOST:PORT", os.Args[0])
	}
	api, err := url.Parse(os.Args[1])
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	playground := web.Playground(web.PlaygroundConfig{})
	mux := http.NewServeMux()
	mux.Handle("/graphiql", playground)
	mux.Handle("/graphiql/", playground)
	mux.Handle("/graphql", httputil.NewSingleHostReverseProxy(api))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Println("http://" + listener.Addr().String())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := server.Close(); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
