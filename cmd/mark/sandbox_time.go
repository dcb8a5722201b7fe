package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/gvisor"
)

type sandboxTimeCmd struct {
	Sessions int `short:"n" default:"20" help:"How many are opened."`
}

// timedCode is the first thing that most questions do.
const timedCode = "print(pd.DataFrame({'a': [1, 2, 3]}).describe())"

// Run opens sessions that the pool has ready, then sessions that it has not.
func (c sandboxTimeCmd) Run(e *environment) error {
	if c.Sessions < 1 {
		return errors.New("-n must be above zero")
	}
	out := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "ms\tp50\tp95\t")
	for _, kind := range []struct {
		name string
		pool int
	}{{"ready in the pool", max(e.config.Sandbox.Pool, 1)}, {"restored when asked for", 0}} {
		e.config.Sandbox.Pool = kind.pool
		var opened, first, closed durations
		err := e.withSandbox(e.ctx, func(p sandbox.Provider) error {
			for range c.Sessions {
				if err := c.once(e, p, &opened, &first, &closed); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, series := range []struct {
			name string
			took durations
		}{{"opened", opened}, {"first pandas output", first}, {"ended", closed}} {
			fmt.Fprintf(out, "%s, %s\t%s\t%s\t\n", kind.name, series.name, series.took.at(0.5), series.took.at(0.95))
		}
	}
	return out.Flush()
}

// once opens a session, uses and ends it.
func (sandboxTimeCmd) once(e *environment, p sandbox.Provider, opened, first, closed *durations) error {
	if local, ok := p.(*gvisor.Provider); ok {
		if err := local.AwaitPool(e.ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	session, err := p.Open(e.ctx, execution.Spec{})
	if err != nil {
		return err
	}
	*opened = append(*opened, time.Since(began))
	var printed strings.Builder
	result, err := session.Run(e.ctx, timedCode, execution.Listener(func(ev execution.Event) {
		if ev.Chunk != nil {
			printed.WriteString(ev.Chunk.Text)
		}
	}))
	*first = append(*first, time.Since(began))
	began = time.Now()
	err = errors.Join(err, session.Close())
	*closed = append(*closed, time.Since(began))
	if err == nil && (result.Failure != nil || !strings.Contains(printed.String(), "mean")) {
		err = fmt.Errorf("the first line of Python printed %q and failed with %+v", printed.String(), result.Failure)
	}
	return err
}

// durations is a series of measurements.
type durations []time.Duration

// at tells a quantile in milliseconds.
func (d durations) at(p float64) string {
	sorted := slices.Sorted(slices.Values(d))
	took := sorted[int(math.Ceil(p*float64(len(sorted))))-1]
	return fmt.Sprintf("%.1f", float64(took.Microseconds())/1000)
}
