package testschema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/internal/testschema/generated"
	"github.com/mark-analyst/mark/server/upload"
)

// Secret is in the text of every error that clients must not see.
const Secret = "pq: password authentication failed for user mark"

// Resolvers resolve the schema. Tests see what happens through the channels,
// which may be nil.
type Resolvers struct {
	Began chan string // the name of a field that waits or streams
	Ended chan error  // why it ended
	// Chunk is told how much of an upload has been read so far, and waits
	// until somebody takes the number.
	Chunk chan int64
	// Whoami answers the query of this name.
	Whoami func(context.Context) string
	// Journals are what can be followed, by name.
	Journals map[string]*Journal
	// Hook runs at the beginning of every remember.
	Hook func(context.Context)
}

// New returns the schema over r.
func New(r *Resolvers) graphql.ExecutableSchema {
	return generated.NewExecutableSchema(generated.Config{Resolvers: root{r}})
}

type root struct{ *Resolvers }

func (r root) Query() generated.QueryResolver               { return query(r) }
func (r root) Mutation() generated.MutationResolver         { return mutation(r) }
func (r root) Subscription() generated.SubscriptionResolver { return subscription(r) }
func (r root) Item() generated.ItemResolver                 { return item{} }
func (r root) Entry() generated.EntryResolver               { return entry(r) }
func (r root) Poison() generated.PoisonResolver             { return poison{} }

func (r *Resolvers) begin(name string) {
	if r.Began != nil {
		r.Began <- name
	}
}

func (r *Resolvers) end(err error) {
	if r.Ended != nil {
		r.Ended <- err
	}
}

func fail(how generated.FailureKind) error {
	switch how {
	case generated.FailureKindPanic:
		panic(Secret)
	case generated.FailureKindNotFound:
		return fault.Wrap(errors.New(Secret), fault.NotFound, "There is no such thing.")
	case generated.FailureKindBadInput:
		return fault.New(fault.BadUserInput, "That is no colour.").OnField("input.colour")
	case generated.FailureKindRateLimited:
		return fault.New(fault.RateLimited, "Too often.").After(1500 * time.Millisecond)
	case generated.FailureKindTimeout:
		return context.DeadlineExceeded
	}
	return errors.New(Secret)
}

type query struct{ *Resolvers }

func (query) Hello(_ context.Context, name *string) (string, error) { return "Hello " + *name, nil }

func (query) Fail(_ context.Context, how generated.FailureKind) (*string, error) {
	return nil, fail(how)
}

func (query) FailHard(_ context.Context, how generated.FailureKind) (string, error) {
	return "", fail(how)
}

func (query) Items(context.Context, *int, *int) (*generated.ItemConnection, error) {
	return &generated.ItemConnection{Nodes: []*generated.Item{{ID: "1", Name: "one"}}, TotalCount: 1}, nil
}

func (query) Nodes(_ context.Context, ids []string) ([]*generated.Item, error) {
	return make([]*generated.Item, len(ids)), nil
}

func (q query) Wait(ctx context.Context) (*string, error) {
	q.begin("wait")
	<-ctx.Done()
	q.end(context.Cause(ctx))
	return nil, ctx.Err()
}

func (q query) Whoami(ctx context.Context) (*string, error) {
	if q.Resolvers.Whoami == nil {
		return nil, nil
	}
	who := q.Resolvers.Whoami(ctx)
	return &who, nil
}

func (query) Rubbish(context.Context) (*graphql.Upload, error) {
	return &graphql.Upload{File: strings.NewReader(`{"x`)}, nil
}

type mutation struct{ *Resolvers }

func (m mutation) Remember(ctx context.Context, value int) (int, error) {
	if m.Hook != nil {
		m.Hook(ctx)
	}
	return value, nil
}

func (m mutation) Upload(ctx context.Context, input generated.UploadInput) (*generated.Uploaded, error) {
	u, err := m.read(ctx, input.File)
	if err == nil {
		m.end(nil)
	} else {
		m.end(fmt.Errorf("%w; context: %w", err, context.Cause(ctx)))
	}
	return u, err
}

func (m mutation) UploadMany(ctx context.Context, files []*graphql.Upload) ([]*generated.Uploaded, error) {
	var out []*generated.Uploaded
	for _, f := range files {
		u, err := m.read(ctx, *f)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

func (m mutation) read(ctx context.Context, u graphql.Upload) (*generated.Uploaded, error) {
	m.begin("upload")
	f, err := upload.Of(u.File)
	if err != nil {
		return nil, err
	}
	name, contentType, err := f.Describe()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	buffer := make([]byte, 32<<10)
	var size int64
	for {
		n, err := f.Read(buffer)
		sum.Write(buffer[:n])
		size += int64(n)
		if m.Chunk != nil && n > 0 {
			m.Chunk <- size
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return &generated.Uploaded{
		Filename: name, ContentType: contentType, Size: int(size), Sha256: hex.EncodeToString(sum.Sum(nil)),
	}, ctx.Err()
}

type subscription struct{ *Resolvers }

// stream sends what produce returns until it has no more or ctx is done.
func stream[T any](ctx context.Context, r *Resolvers, name string, produce func(i int) (T, bool)) <-chan T {
	ch := make(chan T)
	r.begin(name)
	go func() {
		defer close(ch)
		for i := 1; ; i++ {
			v, ok := produce(i)
			if !ok {
				r.end(nil)
				return
			}
			select {
			case ch <- v:
			case <-ctx.Done():
				r.end(context.Cause(ctx))
				return
			}
		}
	}()
	return ch
}

func (s subscription) Count(ctx context.Context, to int) (<-chan int, error) {
	return stream(ctx, s.Resolvers, "count", func(i int) (int, bool) { return i, i <= to }), nil
}

func (s subscription) Flood(ctx context.Context, size int) (<-chan string, error) {
	text := strings.Repeat("x", size)
	return stream(ctx, s.Resolvers, "flood", func(int) (string, bool) { return text, true }), nil
}

func (s subscription) Silence(ctx context.Context) (<-chan int, error) {
	ch := make(chan int)
	s.begin("silence")
	go func() {
		<-ctx.Done()
		s.end(context.Cause(ctx))
		close(ch)
	}()
	return ch, nil
}

func (s subscription) WhoStays(ctx context.Context) (<-chan string, error) {
	who := s.Whoami(ctx)
	return stream(ctx, s.Resolvers, "whoStays", func(i int) (string, bool) {
		if i > 1 {
			<-ctx.Done()
		}
		return who, i == 1
	}), nil
}

func (subscription) Refused(_ context.Context, how generated.FailureKind) (<-chan int, error) {
	return nil, fail(how)
}

func (s subscription) Poisoned(ctx context.Context) (<-chan *generated.Poison, error) {
	return stream(ctx, s.Resolvers, "poisoned", func(i int) (*generated.Poison, bool) {
		return &generated.Poison{}, i == 1
	}), nil
}

type item struct{}

func (item) Items(context.Context, *generated.Item, *int, *int) (*generated.ItemConnection, error) {
	return &generated.ItemConnection{Nodes: []*generated.Item{}}, nil
}

type poison struct{}

func (poison) Value(context.Context, *generated.Poison) (int, error) { panic(Secret) }
