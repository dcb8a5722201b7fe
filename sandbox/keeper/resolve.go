package keeper

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

// found is the latest that there is of a key's variables. Without an image and
// without a reason there never were any.
type found struct {
	term string // with step, the image; empty: there is none
	step int
	here bool   // it is this node's own
	base string // what it can be resumed on
	// behind says why it lacks the last step; gone, why there is none although
	// there were variables.
	behind string
	gone   string
}

// search looks for what the next process of a key has to begin with.
type search struct {
	keeper *Keeper
	key    string
	own    *note // of this node's own image; nil: there is none
	behind string
}

// resolve returns the latest of the variables, where last is the term in force and
// before are those before it. It goes from the term in force to the one that its
// process came from, and so on; what a node did in a term after another had begun
// the next from an earlier image is not on that way.
func (s *search) resolve(ctx context.Context, last *term, before []*term) (found, error) {
	for t, most := last, last.steps; ; {
		if step, here := s.image(t, most); step > 0 {
			s.lacks(ctx, t, step, most)
			return s.take(ctx, t, step, here)
		}
		if t.gone {
			why, err := s.text(ctx, t, goneBlob)
			return found{gone: why}, err
		}
		s.lacks(ctx, t, 0, most)
		var f from
		known, err := s.keeper.getJSON(ctx, blob(s.key, t.name, fromBlob), &f)
		switch {
		case err != nil:
			return found{}, err
		case !known: // its node ended before it began a process
			if t, before = latest(before); t == nil {
				return s.none(""), nil
			}
			most = t.steps
			continue
		case f.Term == "" && f.Gone == "" && (s.behind == "" || s.behind == goneEnded):
			return found{}, nil
		case f.Term == "":
			return s.none(f.Gone), nil
		}
		s.add(f.Behind)
		if s.owns(f.Term, f.Step) {
			return found{term: f.Term, step: f.Step, here: true, base: s.own.Base, behind: s.behind}, nil
		}
		if t = named(before, f.Term); t == nil {
			return s.none(""), nil
		}
		most = f.Step
	}
}

// add notes why what will be found lacks a step: one reason that is known, or more.
func (s *search) add(why string) {
	switch {
	case why == "":
	case s.behind == "":
		s.behind = why
	default:
		s.behind = goneUnsaved
	}
}

// lacks notes that of the steps of a term those after one are missing.
func (s *search) lacks(ctx context.Context, t *term, step, most int) {
	if step == most {
		return
	}
	why := goneUnsaved
	if step+1 == most {
		if text, err := s.text(ctx, t, numbered(stepBlob, most)); err == nil && text == goneEnded {
			why = goneEnded
		}
	}
	s.add(why)
}

func (s *search) none(why string) found {
	if why == "" || s.behind != "" {
		why = goneUnsaved
	}
	return found{gone: why}
}

// image is the latest image of a term, up to a step; 0: there is none.
func (s *search) image(t *term, most int) (step int, here bool) {
	step = t.image(most)
	if s.own != nil && s.own.Term == t.name && s.own.Step >= step && s.own.Step <= most {
		return s.own.Step, true
	}
	return step, false
}

func (s *search) owns(term string, step int) bool {
	return s.own != nil && s.own.Term == term && s.own.Step == step
}

func (s *search) take(ctx context.Context, t *term, step int, here bool) (found, error) {
	f := found{term: t.name, step: step, here: here, behind: s.behind}
	if here {
		f.base = s.own.Base
		return f, nil
	}
	var c claim
	_, err := s.keeper.getJSON(ctx, blob(s.key, t.name, claimBlob), &c)
	f.base = c.Base
	return f, err
}

// text is the content of a small blob; empty where it is not there.
func (s *search) text(ctx context.Context, t *term, kind string) (string, error) {
	text, err := s.keeper.getText(ctx, blob(s.key, t.name, kind))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return strings.TrimSpace(string(text)), err
}

// named returns the term of a name; nil: it is not there.
func named(terms []*term, name string) *term {
	for _, t := range terms {
		if t.name == name {
			return t
		}
	}
	return nil
}
