package keeper

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shared is a store of blobs that all nodes of a service use, so that a chat's
// variables are there on whichever node its next question is answered. What
// is listed must be what was put and not deleted, at any moment and from any
// node, as file systems, S3 and Google Cloud Storage have it. Images are
// encrypted before they get here.
type Shared interface {
	// Put stores a blob, whole or not at all, in place of one of that name.
	Put(ctx context.Context, name string, content io.Reader) error
	// Get opens a blob; fs.ErrNotExist is in the error where there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// Delete removes a blob. One that is not there is no error.
	Delete(ctx context.Context, name string) error
	// List calls each for every blob whose name begins with prefix.
	List(ctx context.Context, prefix string, each func(name string, bytes int64, made time.Time)) error
}

// What a key has in the shared store is ordered in terms. A term is the life of
// one Python process on one node, and only that node writes to it. Whoever begins
// a process claims a term that is higher than all there are, and thereby ends the
// one before: what comes later of that is looked at by nobody. Within a term:
//
//	claim            that it is; what its images can be resumed on
//	from             what the process began with; there before its first step
//	step-000000003   that this step was begun; there before its end is told
//	image-000000003  the variables after this step
//	point-000000003-stp_5…  that this image is kept as the point stp_5…; there before it
//	gone             why there are no images any more
//
// Of a term before the one in force the points stay, and the claim with them.
// So whether an image is the latest is known without asking the node that made it:
// it is that of the last step that was begun.
type term struct {
	name    string // such as 000000000007-k3l…: ordered as the terms are
	claimed bool
	gone    bool
	steps   int           // the last that was begun
	images  map[int]int64 // bytes of those there are, by step
	points  map[int]sharedPoint
	blobs   []string  // the names of all that there is
	made    time.Time // the latest of it
}

const (
	claimBlob, fromBlob, goneBlob = "claim", "from", "gone"
	stepBlob, imageBlob           = "step-", "image-"
	pointBlob                     = "point-"
)

// claim is the content of a blob of that name.
type claim struct {
	Base string `json:"base"`
}

// from is what a process began with.
type from struct {
	// Term and Step name the image; a Term that is empty: none.
	Term string `json:"term,omitempty"`
	Step int    `json:"step,omitempty"`
	// Behind says why that lacks the last step; Gone, why there is none. Where
	// there is neither an image nor a reason, the process began afresh.
	Behind string `json:"behind,omitempty"`
	Gone   string `json:"gone,omitempty"`
}

// blob is the name in the shared store of a key's blob.
func blob(key, term, kind string) string { return key + "/" + term + "." + kind }

func numbered(kind string, step int) string { return fmt.Sprintf("%s%09d", kind, step) }

// after returns the name of a new term that is higher than one, or the first.
// Two nodes that make one at the same time make two different ones.
func after(last string) string {
	number, _, _ := strings.Cut(last, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		n = 0 // there is none
	}
	return fmt.Sprintf("%012d-%s", n+1, strings.ToLower(rand.Text()))
}

// terms lists what there is of a key, in order.
func (k *Keeper) terms(ctx context.Context, key string) ([]*term, error) {
	all, err := k.allTerms(ctx, key+"/")
	return all[key], err
}

// allTerms lists what there is of the keys that begin with a prefix.
func (k *Keeper) allTerms(ctx context.Context, prefix string) (map[string][]*term, error) {
	found := map[[2]string]*term{}
	err := k.c.Shared.List(ctx, prefix, func(name string, bytes int64, made time.Time) {
		key, rest, _ := strings.Cut(name, "/")
		of, kind, ok := strings.Cut(rest, ".")
		if !ok || !goodKey.MatchString(key) {
			return // none of ours
		}
		at := [2]string{key, of}
		t := found[at]
		if t == nil {
			t = &term{name: of, images: map[int]int64{}, points: map[int]sharedPoint{}}
			found[at] = t
		}
		t.add(kind, name, bytes, made)
	})
	if err != nil {
		return nil, fmt.Errorf("list shared Python sessions: %w", err)
	}
	all := map[string][]*term{}
	for at, t := range found {
		all[at[0]] = append(all[at[0]], t)
	}
	for _, terms := range all {
		slices.SortFunc(terms, func(a, b *term) int { return strings.Compare(a.name, b.name) })
	}
	return all, nil
}

func (t *term) add(kind, name string, bytes int64, made time.Time) {
	t.blobs = append(t.blobs, name)
	if made.After(t.made) {
		t.made = made
	}
	begin, rest, _ := strings.Cut(kind, "-")
	number, point, _ := strings.Cut(rest, "-")
	step, err := strconv.Atoi(number)
	switch {
	case kind == claimBlob:
		t.claimed = true
	case kind == goneBlob:
		t.gone = true
	case err != nil: // not of ours, or of no interest here
	case begin+"-" == stepBlob:
		t.steps = max(t.steps, step)
	case begin+"-" == imageBlob:
		t.images[step] = bytes
	case begin+"-" == pointBlob:
		t.points[step] = sharedPoint{name: point, blob: name, made: made}
	}
}

// image is the latest of a term's images up to a step; 0: there is none.
func (t *term) image(most int) (step int) {
	for s := range t.images {
		if s <= most {
			step = max(step, s)
		}
	}
	return step
}

// latest returns the term in force, which is the last that was claimed, and those
// before it; nil: there is none.
func latest(terms []*term) (last *term, before []*term) {
	for i, t := range slices.Backward(terms) {
		if t.claimed {
			return t, terms[:i]
		}
	}
	return nil, nil
}

func (k *Keeper) putJSON(ctx context.Context, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return k.c.Shared.Put(ctx, name, bytes.NewReader(text))
}

// getJSON reports false where there is no such blob.
func (k *Keeper) getJSON(ctx context.Context, name string, value any) (bool, error) {
	text, err := k.getText(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

// mostText bounds what is read of a blob that is no image.
const mostText = 64 << 10

func (k *Keeper) getText(ctx context.Context, name string) ([]byte, error) {
	r, err := k.c.Shared.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, mostText))
}

// remove removes blobs of the shared store.
func (k *Keeper) remove(ctx context.Context, names []string) error {
	var err error
	for _, name := range names {
		err = errors.Join(err, k.c.Shared.Delete(ctx, name))
	}
	return err
}
