// Package cluster runs several nodes of Mark on this machine, each a process of
// its own, on one PostgreSQL, behind a balancer: to try it (make run-cluster), and
// to break it on purpose.
//
//	c, err := cluster.Start(ctx, cluster.Config{Nodes: 3, Binary: "bin/mark", SandboxDir: dir})
//	defer c.Close(ctx)
//	c.Nodes[0].Kill()                     // kill -9
//	c.Nodes[1].Pause()                    // SIGSTOP, until Resume
//	c.Nodes[2].Database.Cut()             // from PostgreSQL, until Mend
//	c.Postgres.Restart(ctx, testpg.Immediate)
//	c.Nodes[0].Start(ctx)
//
// A node's connections to PostgreSQL lead through a proxy of its own, its Database.
// Everything is in a temporary folder and ends with Close; the nodes and PostgreSQL
// also end when this process does, whatever it ends of.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mark-analyst/mark/internal/testpg"
)

// Config says what a cluster is made of.
type Config struct {
	Nodes      int
	Binary     string   // the program mark; the sandbox's is beside it unless Env says otherwise
	SandboxDir string   // of the Python runtime and the checkpoint, for all nodes
	Addr       string   // the balancer's; empty: a free port
	Env        []string // more of the nodes' environment: NAME=value
	// Output gets what the nodes print, each line with the node's name; nil:
	// nobody does.
	Output io.Writer
}

// Cluster is a running cluster.
type Cluster struct {
	Nodes    []*Node
	Balancer *Balancer
	Postgres *testpg.Server

	folder string
}

// readyTime bounds a node's start: seconds, where the sandbox is made already.
const readyTime = 5 * time.Minute

// Start starts everything, and returns when all nodes are ready.
func Start(ctx context.Context, config Config) (_ *Cluster, err error) {
	c := &Cluster{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start the cluster: %w", err), c.Close(context.WithoutCancel(ctx)))
		}
	}()
	if c.folder, err = os.MkdirTemp("", "mark-cluster-"); err != nil {
		return c, err
	}
	// What was committed must be there after a restart, as with any PostgreSQL.
	if c.Postgres, err = testpg.Start(ctx, "synchronous_commit=on"); err != nil {
		return c, err
	}
	blobs := filepath.Join(c.folder, "files")
	if err := os.Mkdir(blobs, 0o700); err != nil {
		return c, err
	}
	shared := append([]string{
		"MARK_FILES_URL=file://" + blobs,
		"MARK_JWT_SECRET=" + rand.Text() + rand.Text(),
		"MARK_SANDBOX_DIR=" + config.SandboxDir,
		"MARK_SANDBOX_POOL=1", // the machine is one
	}, config.Env...)
	addrs, err := FreeAddrs(ctx, config.Nodes)
	if err != nil {
		return c, err
	}
	for i, addr := range addrs {
		name := fmt.Sprintf("node-%d", i+1)
		n, err := newNode(ctx, name, addr, filepath.Join(c.folder, name), config, c.Postgres.Socket(), shared)
		if err != nil {
			return c, err
		}
		c.Nodes = append(c.Nodes, n)
	}
	for _, n := range c.Nodes {
		if err := n.launch(); err != nil {
			return c, err
		}
	}
	// The first one to come makes what the others wait for.
	ready, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for _, n := range c.Nodes {
		if err := n.AwaitReady(ready); err != nil {
			return c, err
		}
	}
	if c.Balancer, err = NewBalancer(ctx, config.Addr, addrs); err != nil {
		return c, err
	}
	c.Balancer.look(ctx)
	return c, nil
}

// Close ends everything, the nodes as SIGTERM does, until ctx ends, and then as
// SIGKILL does. It leaves nothing. Closing twice is harmless.
func (c *Cluster) Close(ctx context.Context) error {
	var errs []error
	if c.Balancer != nil {
		errs = append(errs, c.Balancer.Close())
	}
	for _, n := range c.Nodes {
		n.terminate()
	}
	for _, n := range c.Nodes {
		n.await(ctx)
		errs = append(errs, n.close())
	}
	if c.Postgres != nil {
		errs = append(errs, c.Postgres.Stop())
	}
	if c.folder != "" {
		errs = append(errs, os.RemoveAll(c.folder))
	}
	return errors.Join(errs...)
}
