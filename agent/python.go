package agent

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
)

// dataFolder is where a session's files are.
const dataFolder = "/mnt/data/"

// python is a run's session and the files that it reads.
type python struct {
	execution.Session
	release []func()
	onClose func(error)
}

func (p *python) close() {
	if err := p.Close(); err != nil {
		p.onClose(err)
	}
	for _, release := range p.release {
		release()
	}
	p.release = nil
}

// session is the run's Python session, opened at the first step that needs it.
func (k *work) session(ctx context.Context) (*python, error) {
	if k.python != nil {
		return k.python, nil
	}
	p := &python{onClose: func(err error) {
		k.Logger.WarnContext(ctx, "closing a Python session failed", "run", k.row.ID, "error", err)
	}}
	spec := execution.Spec{Limits: k.Limits.Python}
	for _, d := range k.datasets {
		if d.State != dataset.StateReady {
			continue
		}
		host, release, err := k.Blobs.Path(ctx, d.BlobKey)
		if err != nil {
			if there, errThere := k.Client.Dataset.Query().Where(dataset.ID(d.ID)).Exist(ctx); errThere == nil && !there {
				continue // deleted since the run began: Python will say that the file is not there
			}
			for _, r := range p.release {
				r()
			}
			return nil, fmt.Errorf("fetch the file of %s: %w", d.ID, err)
		}
		p.release = append(p.release, release)
		spec.Files = append(spec.Files, execution.File{Name: k.fileName(d), Path: host})
	}
	session, err := k.Sandbox.Open(ctx, spec)
	if err != nil {
		for _, r := range p.release {
			r()
		}
		return nil, err
	}
	p.Session = session
	k.python = p
	return p, nil
}

// fileName is a dataset's file as Python sees it in this chat: of several with
// one name, the later ones get a number.
func (k *work) fileName(d *ent.Dataset) string {
	taken := map[string]bool{}
	for _, other := range k.datasets {
		name := other.FileName
		for n := 2; taken[strings.ToLower(name)]; n++ {
			ext := path.Ext(other.FileName)
			name = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(other.FileName, ext), n, ext)
		}
		taken[strings.ToLower(name)] = true
		if other.ID == d.ID {
			return name
		}
	}
	return d.FileName
}

// loadCode is the expression that loads a dataset in this chat.
func (k *work) loadCode(d *ent.Dataset) string {
	return strings.ReplaceAll(d.LoadCode, dataFolder+d.FileName, dataFolder+k.fileName(d))
}
