// Command bigquery is a BigQuery on this machine, for tests and for a first look:
// goccy's emulator, which runs the SQL, behind a front that says truly what a query
// reads and may bill, and that runs jobs as BigQuery does.
//
// It is a module of its own: the emulator takes minutes to compile, and nothing of
// it belongs into Mark.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to serve: an address of this machine alone")
	shop := flag.Bool("shop", false, "begin with acme-data.shop: orders made from a seed, as if they were 40 GiB")
	var files loads
	flag.Var(&files, "load", "begin with a table: project.dataset.table=file.csv; may be given several times")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: bigquery [flags] [command [argument…]]\n\n"+
			"With a command it ends when that does; the command finds the address in MARK_TEST_BIGQUERY.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *listen, *shop, files, flag.Args())
	stop()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		os.Exit(max(ended.ExitCode(), 1))
	case err != nil:
		fmt.Fprintln(os.Stderr, "bigquery:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen string, shop bool, files loads, command []string) (err error) {
	listener, err := loopback(ctx, listen)
	if err != nil {
		return err
	}
	front, err := newFront()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, front.close()) }()
	for _, file := range files {
		if err := front.loadFile(ctx, file); err != nil {
			return fmt.Errorf("load %s: %w", file.table, err)
		}
	}
	if shop {
		if err := front.loadShop(ctx); err != nil {
			return fmt.Errorf("make the shop: %w", err)
		}
	}
	server := &http.Server{Handler: front, ReadHeaderTimeout: 10 * time.Second}
	server.SetKeepAlivesEnabled(false) // tests look for connections that clients have left open
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String()
	fmt.Fprintln(os.Stderr, "BigQuery's emulator serves on", url)
	switch {
	case len(command) > 0:
		err = with(ctx, url, command)
	default:
		select {
		case <-ctx.Done():
		case err = <-served:
		}
	}
	return errors.Join(err, server.Close())
}

// loopback listens on an address that no other machine reaches.
func loopback(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is no address of this machine alone, such as 127.0.0.1:0", address)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// with runs a command that finds the emulator, and ends it as ctx ends.
func with(ctx context.Context, url string, command []string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), "MARK_TEST_BIGQUERY="+url)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = time.Minute
	err := c.Run()
	if ctx.Err() != nil { // it was told to end
		return nil
	}
	return err
}

// loads are the flags that begin with tables.
type loads []load

type load struct {
	table tableID
	path  string
}

func (l *loads) String() string { return "" }

// Set implements flag.Value.
func (l *loads) Set(text string) error {
	name, path, ok := strings.Cut(text, "=")
	parts := strings.Split(name, ".")
	if !ok || len(parts) != 3 {
		return errors.New("it is written project.dataset.table=file.csv")
	}
	*l = append(*l, load{tableID{parts[0], parts[1], parts[2]}, path})
	return nil
}
