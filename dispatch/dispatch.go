// Package dispatch gives work to the nodes of a service: jobs wait in queues until
// a node has a place for them. It is River (https://riverqueue.com) over the
// service's PostgreSQL, in a schema of its own, or over a file in the data folder
// where the service is one process on SQLite.
//
// Queues are hints, as everything here but the database's own tables is: a job
// can be lost with the node that took it, and can come twice. Whoever enqueues
// must find out by its own tables what was not done, and enqueue it again; whoever
// works must find out whether there is anything left to do. In return nobody waits
// for River to notice that a node has died.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"golang.org/x/sync/semaphore"
)

// Job is what is to be done: a small value that can be written as JSON. Two jobs
// whose JSON is the same are one as long as the first has not ended.
type Job interface {
	// Kind names the sort of job, as people see it in logs and in River's UI.
	Kind() string
}

// Options say how a job waits.
type Options struct {
	// Priority is 1 for what somebody waits for, up to 4 for what can wait.
	Priority int
	// Attempts is how often the job is tried; 0 stands for once.
	Attempts int
	// Here has a job begin where it is enqueued, when the node has a place. Such a
	// job is not in the queue: it is tried once, is lost with its node, and the
	// same one may be done twice at once. It says how a queue is made, and means
	// nothing to With.
	Here bool
}

// Config is what a Dispatcher needs.
type Config struct {
	// URL is PostgreSQL's; empty: SQLite in Dir.
	URL string
	// Dir is where SQLite's file is. What an earlier process left in it is
	// dropped: its jobs are found anew in the service's own tables.
	Dir string
	// Node names this process; it must differ from every other's.
	Node string
	// Logger gets River's warnings and errors.
	Logger *slog.Logger
}

// Dispatcher enqueues and works off jobs. Make it with New, tell it what there is
// to work on with NewQueue and Handle, then Start it.
type Dispatcher struct {
	config  Config
	workers *river.Workers
	queues  map[string]river.QueueConfig
	every   []*river.PeriodicJob
	duties  map[string]duty // by the kind of job
	here    *here

	mu      sync.RWMutex // protects what follows
	client  client
	ui      func(prefix string) (UI, error)
	closers []func()
}

// client is the part of River's client that does not depend on the database.
type client interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
}

// UI is River's page for operators. It works between Start and the end of its
// context.
type UI interface {
	http.Handler
	Start(ctx context.Context) error
}

// ErrNotRunning is returned by Enqueue before Start and after Stop.
var ErrNotRunning = errors.New("dispatch: not running")

const (
	// fetchCooldown is the shortest time between two looks for jobs: what a person
	// waits for a job to begin.
	fetchCooldown = 2 * time.Millisecond
	// notifyCooldown is the shortest time between two notifications of new jobs.
	// Of two jobs that come closer the second may not be told of.
	notifyCooldown = river.FetchCooldownMin
	// fetchPoll is how often a node looks for jobs that it was not told of.
	fetchPoll = 50 * time.Millisecond
	// retryAfter is how long a job that failed waits for its next attempt.
	retryAfter = time.Second
	// jobTime is how long a job may take until its context ends. River takes one
	// whose node has died for lost after it, and not before: until then the job's
	// equals find it in their way.
	jobTime = time.Hour
	// keepEnded is how long ended jobs stay for operators to look at.
	keepEnded = time.Hour
)

// New returns a Dispatcher that does nothing yet.
func New(c Config) *Dispatcher {
	return &Dispatcher{config: c, workers: river.NewWorkers(), queues: map[string]river.QueueConfig{}, duties: map[string]duty{}, here: newHere()}
}

// Queue is where jobs of one type wait.
type Queue[J comparableJob] struct {
	dispatcher *Dispatcher
	name       string
	options    Options
}

type comparableJob interface {
	Job
	comparable
}

// NewQueue makes a queue from which this node works off so many jobs at once. It
// must be called before Start.
func NewQueue[J comparableJob](d *Dispatcher, name string, workers int, o Options) *Queue[J] {
	workers = max(workers, 1)
	d.queues[name] = river.QueueConfig{MaxWorkers: workers, FetchCooldown: fetchCooldown}
	if o.Here {
		var j J
		s := d.duties[j.Kind()]
		s.places = semaphore.NewWeighted(int64(workers))
		d.duties[j.Kind()] = s
	}
	return &Queue[J]{dispatcher: d, name: name, options: o}
}

// With is the same queue for jobs that wait in another way.
func (q *Queue[J]) With(o Options) *Queue[J] {
	return &Queue[J]{dispatcher: q.dispatcher, name: q.name, options: o}
}

// Handle says how jobs of the type J are worked off. Their context ends with the
// Dispatcher, and after an hour. An error means another attempt, where the job has one
// left. The queue has to be there already.
func Handle[J Job](d *Dispatcher, work func(ctx context.Context, job J) error) {
	var j J
	s := d.duties[j.Kind()]
	s.work = work
	d.duties[j.Kind()] = s
	river.AddWorker(d.workers, &worker[J]{dispatcher: d, places: s.places, work: work})
}

// Every enqueues a job at intervals, on one of the nodes, the first time when the
// first interval has passed. It must be called before Start.
func (q *Queue[J]) Every(interval time.Duration, job J) {
	q.dispatcher.every = append(q.dispatcher.every, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return job, q.insertOpts() }, nil))
}

// worker is a function as River wants it.
type worker[J Job] struct {
	river.WorkerDefaults[J]
	dispatcher *Dispatcher
	places     *semaphore.Weighted // nil: the queue alone counts
	work       func(ctx context.Context, job J) error
}

// Work implements river.Worker.
func (w *worker[J]) Work(ctx context.Context, job *river.Job[J]) error {
	if w.places != nil {
		if ok, err := w.dispatcher.await(ctx, w.places); !ok {
			return err
		}
		defer w.places.Release(1)
	}
	return w.work(ctx, job.Args)
}

// NextRetry implements river.Worker: soon, since somebody waits.
func (w *worker[J]) NextRetry(*river.Job[J]) time.Time { return time.Now().Add(retryAfter) }

// Timeout implements river.Worker.
func (w *worker[J]) Timeout(*river.Job[J]) time.Duration { return jobTime }

// Start opens the queues and begins to work. It must be called once.
func (d *Dispatcher) Start(ctx context.Context) error {
	open := d.openSQLite
	if d.config.URL != "" {
		open = d.openPostgres
	}
	if err := open(ctx); err != nil {
		d.close()
		return fmt.Errorf("open the job queue: %w", err)
	}
	// The queues outlive the start: Stop ends them.
	if err := d.running().Start(context.WithoutCancel(ctx)); err != nil {
		d.close()
		return fmt.Errorf("start the job queue: %w", err)
	}
	return nil
}

// Enqueue adds jobs. One that waits or goes on already is left as it is.
func (q *Queue[J]) Enqueue(ctx context.Context, jobs ...J) error {
	c := q.dispatcher.running()
	if c == nil {
		return ErrNotRunning
	}
	var params []river.InsertManyParams
	seen := map[J]bool{} // River refuses a batch that holds the same job twice
	for _, j := range jobs {
		if !seen[j] {
			seen[j] = true
			if q.begin(j) {
				continue
			}
			params = append(params, river.InsertManyParams{Args: j, InsertOpts: q.insertOpts()})
		}
	}
	if len(params) == 0 {
		return nil
	}
	_, err := c.InsertMany(ctx, params)
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	return nil
}

func (q *Queue[J]) insertOpts() *river.InsertOpts {
	return &river.InsertOpts{
		Queue: q.name, Priority: max(q.options.Priority, 1), MaxAttempts: max(q.options.Attempts, 1),
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByQueue: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
}

// Drain takes no more jobs and waits until those that go on have ended, or ctx
// has: then they go on, and the error is ctx's.
func (d *Dispatcher) Drain(ctx context.Context) error {
	c := d.running()
	if c == nil {
		return nil
	}
	// What waits for a place is not to begin any more, and would keep the queue.
	d.here.drain()
	return errors.Join(c.Stop(ctx), d.here.wait(ctx))
}

// Close ends the contexts of the jobs that go on, waits for them until ctx ends,
// and closes the queues. Closing twice is harmless.
func (d *Dispatcher) Close(ctx context.Context) error {
	c := d.running()
	if c == nil {
		return nil
	}
	d.here.end()
	err := errors.Join(c.StopAndCancel(ctx), d.here.wait(ctx))
	d.close()
	return err
}

func (d *Dispatcher) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := len(d.closers) - 1; i >= 0; i-- {
		d.closers[i]()
	}
	d.client, d.closers = nil, nil
}

func (d *Dispatcher) running() client {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.client
}

// riverConfig is what both databases' clients are made with.
func (d *Dispatcher) riverConfig() *river.Config {
	return &river.Config{
		ID: d.config.Node, Queues: d.queues, Workers: d.workers, PeriodicJobs: d.every,
		FetchCooldown: notifyCooldown, FetchPollInterval: fetchPoll, JobTimeout: jobTime, RescueStuckJobsAfter: jobTime,
		CompletedJobRetentionPeriod: keepEnded, CancelledJobRetentionPeriod: keepEnded, DiscardedJobRetentionPeriod: keepEnded,
		Logger: slog.New(newWarnings(d.config.Logger.Handler(), time.Now)),
	}
}
