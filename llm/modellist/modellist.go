// Package modellist reads the list of models that a server offers: a YAML file
// (JSON is YAML too), one entry a model. It holds no key, only where each is.
package modellist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/llm"
)

// Entry is a model of the list, checked and completed.
type Entry struct {
	Name          string // what people choose it by
	BaseURL       string
	APIKey        string // empty where none is needed
	Format        llm.Format
	Model         string // what its endpoint calls it
	ContextTokens int    // 0: not known
	ReplyTokens   int    // 0: by the context
	Prices        dialogue.Prices
	Tools         llm.Tools
	Fallback      string // the name of another entry; empty: none
}

// entry is an Entry as it is written.
type entry struct {
	Name     string  `yaml:"name"`
	URL      string  `yaml:"url"`
	Key      any     `yaml:"key"` // not taken: it is there to be told why
	KeyEnv   string  `yaml:"keyEnv"`
	KeyFile  string  `yaml:"keyFile"`
	Format   string  `yaml:"format"`
	Model    string  `yaml:"model"`
	Context  int     `yaml:"context"`
	Reply    int     `yaml:"reply"`
	Prices   *prices `yaml:"prices"`
	Tools    *bool   `yaml:"tools"`
	Fallback string  `yaml:"fallback"`
}

type prices struct {
	Input       float64  `yaml:"input"`
	CachedInput *float64 `yaml:"cachedInput"` // missing: as input
	Output      float64  `yaml:"output"`
}

const (
	maxFile     = 1 << 20
	maxName     = 100
	leastTokens = 1000 // of a context: what is less was meant in thousands
	leastReply  = 100  // the same of a reply
	mostDollars = 100_000
)

// Load reads the list in a file. lookup finds environment variables. The error
// says which entry is wrong, and how.
func Load(path string, lookup func(string) (string, bool)) ([]Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("MARK_MODELS: %w", err)
	}
	defer file.Close() // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("MARK_MODELS: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("MARK_MODELS: %s is larger than %d bytes", path, maxFile)
	}
	entries, err := parse(text, lookup)
	if err != nil {
		return nil, fmt.Errorf("MARK_MODELS: %s: %w", path, err)
	}
	return entries, nil
}

func parse(text []byte, lookup func(string) (string, bool)) ([]Entry, error) {
	var written []entry
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&written); err != nil && !errors.Is(err, io.EOF) {
		return nil, plainly(err)
	}
	if len(written) == 0 {
		return nil, errors.New("it lists no model: an entry has at least a name and a url")
	}
	var out []Entry
	byName := map[string]Entry{}
	for i, w := range written {
		e, err := w.check(lookup)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.which(i), err)
		}
		if _, twice := byName[e.Name]; twice {
			return nil, fmt.Errorf("%s: another model has the same name", w.which(i))
		}
		byName[e.Name] = e
		out = append(out, e)
	}
	for i, e := range out {
		if err := fallsBack(e, byName); err != nil {
			return nil, fmt.Errorf("%s: %w", written[i].which(i), err)
		}
	}
	return out, nil
}

// plainly is an error of the library without the names of Go and without what is
// written there: it may be a key that does not belong into the file.
func plainly(err error) error {
	var kind *yaml.TypeError
	if errors.As(err, &kind) {
		at := kind.Token.Position
		return fmt.Errorf("line %d, column %d: what is there is not of the kind that belongs there", at.Line, at.Column)
	}
	return errors.New(strings.TrimSpace(yaml.FormatError(err, false, false)))
}

// which names an entry for a person.
func (w entry) which(i int) string {
	if w.Name == "" {
		return fmt.Sprintf("model %d", i+1)
	}
	return fmt.Sprintf("model %q", w.Name)
}

func (w entry) check(lookup func(string) (string, bool)) (Entry, error) {
	e := Entry{
		Name: w.Name, BaseURL: w.URL, Format: llm.Format(w.Format), Model: w.Model,
		ContextTokens: w.Context, ReplyTokens: w.Reply, Fallback: w.Fallback, Tools: llm.ToolsUnknown,
	}
	switch u, err := url.Parse(w.URL); {
	case strings.TrimSpace(w.Name) != w.Name || w.Name == "" || len(w.Name) > maxName:
		return e, fmt.Errorf("name must be 1 to %d bytes, without spaces around it", maxName)
	case w.Key != nil:
		return e, errors.New("key: a key does not belong into the list; name the environment variable that holds it (keyEnv), or its file (keyFile)")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return e, errors.New("url is no address like https://api.example/v1")
	case u.User != nil:
		return e, errors.New("url holds a user or a password; name the environment variable that holds the key (keyEnv), or its file (keyFile)")
	case w.Format != "" && e.Format != llm.Chat && e.Format != llm.Responses:
		return e, errors.New("format must be chat or responses")
	case w.Context != 0 && w.Context < leastTokens:
		return e, fmt.Errorf("context is a number of tokens, at least %d, like 128000", leastTokens)
	case w.Reply != 0 && w.Reply < leastReply:
		return e, fmt.Errorf("reply is a number of tokens, at least %d, like 16000", leastReply)
	case w.Context != 0 && w.Reply >= w.Context:
		return e, errors.New("reply is as much as the context, which holds the prompt too")
	}
	if e.Model == "" {
		e.Model = e.Name
	}
	if e.Format == "" {
		e.Format = llm.Chat
	}
	if w.Tools != nil {
		e.Tools = llm.ToolsNone
		if *w.Tools {
			e.Tools = llm.ToolsKnown
		}
	}
	var err error
	if e.Prices, err = w.Prices.check(); err != nil {
		return e, err
	}
	e.APIKey, err = w.key(lookup)
	return e, err
}

func (p *prices) check() (dialogue.Prices, error) {
	if p == nil {
		return dialogue.Prices{}, nil
	}
	out := dialogue.Prices{Input: p.Input, CachedInput: p.Input, Output: p.Output}
	if p.CachedInput != nil {
		out.CachedInput = *p.CachedInput
	}
	for _, dollars := range []float64{out.Input, out.CachedInput, out.Output} {
		if math.IsNaN(dollars) || dollars < 0 || dollars > mostDollars {
			return out, fmt.Errorf("prices are US dollars a million tokens, 0 to %d", mostDollars)
		}
	}
	return out, nil
}

// key reads the key from where the entry says that it is.
func (w entry) key(lookup func(string) (string, bool)) (string, error) {
	switch {
	case w.KeyEnv != "" && w.KeyFile != "":
		return "", errors.New("keyEnv and keyFile are both there: a model has one key")
	case w.KeyEnv != "":
		key, _ := lookup(w.KeyEnv)
		if key == "" {
			return "", fmt.Errorf("keyEnv: the environment variable %s is not set", w.KeyEnv)
		}
		return key, nil
	case w.KeyFile != "":
		text, err := os.ReadFile(w.KeyFile)
		if err != nil {
			return "", fmt.Errorf("keyFile: %w", err)
		}
		key := strings.TrimSpace(string(text))
		if key == "" || len(key) > maxFile {
			return "", fmt.Errorf("keyFile: %s holds no key", w.KeyFile)
		}
		return key, nil
	}
	return "", nil
}

// fallsBack refuses a fallback that is not there, or that comes back.
func fallsBack(e Entry, byName map[string]Entry) error {
	seen := map[string]bool{e.Name: true}
	for at := e; at.Fallback != ""; {
		next, ok := byName[at.Fallback]
		switch {
		case !ok:
			return fmt.Errorf("fallback: no model of the list is named %q", at.Fallback)
		case seen[next.Name]:
			return fmt.Errorf("fallback: %q comes back to where it began", at.Fallback)
		}
		seen[next.Name] = true
		at = next
	}
	return nil
}
