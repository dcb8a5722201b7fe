// Command run starts a cluster of Mark on this machine and ends it with Ctrl-C:
// three nodes, their PostgreSQL, and a balancer. Nothing of it stays.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mark-analyst/mark/test/cluster"
)

// grace is how long the nodes may take to end: a little more than they take
// themselves.
const grace = 20 * time.Second

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "run-cluster:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	var config cluster.Config
	flag.IntVar(&config.Nodes, "nodes", 3, "how many nodes there are")
	flag.StringVar(&config.Binary, "mark", "bin/mark", "the program mark")
	flag.StringVar(&config.SandboxDir, "sandbox", "data/sandbox", "folder of the Python runtime and the checkpoint")
	flag.StringVar(&config.Addr, "addr", "127.0.0.1:8080", "where the balancer listens")
	flag.Parse()
	config.Output = os.Stderr
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Printf("Starting PostgreSQL and %d nodes\n", config.Nodes)
	c, err := cluster.Start(ctx, config)
	if err != nil {
		return err
	}
	fmt.Printf("\n  %-11s %s/graphiql\n", "Playground", c.Balancer.URL())
	for _, n := range c.Nodes {
		fmt.Printf("  %-11s %s  (process %d)\n", n.Name, n.URL(), n.PID())
	}
	fmt.Printf("  %-11s psql '%s'\n\nTry: kill -9 one of the processes. Ctrl-C ends all.\n", "PostgreSQL", c.Postgres.URL("postgres"))
	<-ctx.Done()
	stop() // a second one ends the program, and with it everything
	fmt.Println("\nEnding")
	limited, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return c.Close(limited)
}
