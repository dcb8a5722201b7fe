package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/mark-analyst/mark/internal/execution"
)

// store keeps the artifacts of the last step on the host, under names that it
// counts itself: what the code called them never reaches the file system.
type store struct {
	dir string

	mu     sync.Mutex // Close may come in the middle of a Run
	count  int        // guarded by mu
	paths  []string   // guarded by mu
	closed bool       // guarded by mu
}

func newStore(dir string) *store { return &store{dir: dir} }

func (s *store) create() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("store an artifact: %w", os.ErrClosed)
	}
	s.count++
	path := filepath.Join(s.dir, "artifact-"+strconv.Itoa(s.count))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store an artifact: %w", err)
	}
	s.paths = append(s.paths, path)
	return f, nil
}

// clear removes what the last step left.
func (s *store) clear() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove()
}

// close is clear, for good.
func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.remove()
}

// remove does clear's work. The caller holds mu.
func (s *store) remove() error {
	var errs []error
	for _, path := range s.paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	s.paths = nil
	return errors.Join(errs...)
}

// incoming is an artifact between its first and its last frame.
type incoming struct {
	file  *os.File // nil: it is being dropped, there are too many
	name  string
	title string
	image bool
	size  int64
}

func (in *incoming) abandon() {
	if in != nil && in.file != nil {
		_ = in.file.Close() // the step failed; clear removes the file
	}
}

type artifactHeader struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Title string `json:"title"`
}

func (s *step) beginArtifact(payload []byte) error {
	if s.open != nil {
		return fmt.Errorf("%w: an artifact within an artifact", errFrame)
	}
	var h artifactHeader
	if err := strictJSON(payload, &h); err != nil {
		return err
	}
	if h.Kind != "file" && h.Kind != "image" {
		return fmt.Errorf("%w: an artifact of kind %q", errFrame, h.Kind)
	}
	in := &incoming{name: cleanName(h.Name), title: cleanLine(h.Title, maxTitle), image: h.Kind == "image"}
	limits := s.conn.options.Limits
	if s.artifacts++; s.artifacts > limits.Artifacts {
		s.left.add(leftCount, in.name)
		s.open = in
		return nil
	}
	var err error
	if in.file, err = s.conn.store.create(); err != nil {
		return err
	}
	s.open = in
	return nil
}

func (s *step) artifactBytes(payload []byte) error {
	in := s.open
	if in == nil {
		return fmt.Errorf("%w: an artifact's bytes without an artifact", errFrame)
	}
	limits := s.conn.options.Limits
	in.size += int64(len(payload))
	s.stored += int64(len(payload))
	if in.size > limits.ArtifactBytes || s.stored > limits.ArtifactsBytes {
		return fmt.Errorf("%w: an artifact beyond its limit", errFrame)
	}
	if in.file == nil {
		return nil
	}
	if _, err := in.file.Write(payload); err != nil {
		return fmt.Errorf("store an artifact: %w", err)
	}
	return nil
}

func (s *step) endArtifact() error {
	in := s.open
	if in == nil {
		return fmt.Errorf("%w: the end of no artifact", errFrame)
	}
	s.open = nil
	if in.file == nil {
		return nil
	}
	path := in.file.Name()
	if err := in.file.Close(); err != nil {
		return fmt.Errorf("store an artifact: %w", err)
	}
	mediaType, err := mediaTypeOf(path, in.name)
	if err != nil {
		return err
	}
	out := &execution.Output{
		MIME:  execution.MIMEFile,
		Title: in.title,
		Artifact: &execution.Artifact{
			Name:      s.unique(in.name),
			MIMEType:  mediaType,
			SizeBytes: in.size,
			Open:      func() (io.ReadCloser, error) { return os.Open(path) },
		},
	}
	if in.image {
		if mediaType != execution.MIMEPNG {
			return fmt.Errorf("%w: an image that is no PNG", errFrame)
		}
		out.MIME = execution.MIMEPNG
		if s.outputs++; s.outputs > s.conn.options.Limits.Outputs {
			s.left.add(leftOutputs, "")
			return nil
		}
	}
	s.emit(execution.Event{Output: out})
	return nil
}

// unique returns name, or name with a number, such that no two artifacts of a
// step are called alike, even where file systems ignore case.
func (s *step) unique(name string) string {
	if s.names == nil {
		s.names = map[string]bool{}
	}
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 2; s.names[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s (%d)%s", stem, n, ext)
	}
	s.names[strings.ToLower(name)] = true
	return name
}
