// Package connections reads the list of warehouses that a server is connected
// to: a YAML file (JSON is YAML too), one entry a connection. It holds no
// credential, only where each is.
package connections

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/mark-analyst/mark/warehouse"
)

// Kind is a driver.
type Kind string

// BigQuery is the driver in warehouse/bigquery.
const BigQuery Kind = "bigquery"

// Entry is a connection of the list, checked and completed.
type Entry struct {
	Name     string // unique
	Kind     Kind
	Project  string // that is billed
	Location string // of the data; "": the warehouse finds it out
	// CredentialsFile is a file of a service account or of a workload identity;
	// "": application default credentials.
	CredentialsFile string
	Allow           []string // patterns of project.dataset.table
	Policy          warehouse.Policy
}

// entry is an Entry as it is written.
type entry struct {
	Name     string `yaml:"name"`
	Kind     string `yaml:"kind"`
	Project  string `yaml:"project"`
	Location string `yaml:"location"`
	// Credentials is a text; anything else is there to be told why not.
	Credentials any      `yaml:"credentials"`
	Allow       []string `yaml:"allow"`
	Policy      policy   `yaml:"policy"`
}

const (
	maxFile = 1 << 20
	maxName = 100
	// adc is what credentials say for application default credentials.
	adc = "adc"
)

// Load reads the list in a file. The error says which entry is wrong, and how; it
// holds nothing that may be a credential.
func Load(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("MARK_WAREHOUSES: %w", err)
	}
	defer file.Close() // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("MARK_WAREHOUSES: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("MARK_WAREHOUSES: %s is larger than %d bytes", path, maxFile)
	}
	entries, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("MARK_WAREHOUSES: %s: %w", path, err)
	}
	return entries, nil
}

func parse(text []byte) ([]Entry, error) {
	var written []entry
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&written); err != nil && !errors.Is(err, io.EOF) {
		return nil, plainly(err)
	}
	if len(written) == 0 {
		return nil, errors.New("it lists no connection: an entry has at least a name, a kind, a project and an allow list")
	}
	var out []Entry
	names := map[string]bool{}
	for i, w := range written {
		e, err := w.check()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.which(i), err)
		}
		if names[e.Name] {
			return nil, fmt.Errorf("%s: another connection has the same name", w.which(i))
		}
		names[e.Name] = true
		out = append(out, e)
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
	var size *sizeError
	if errors.As(err, &size) {
		return size
	}
	return errors.New(strings.TrimSpace(yaml.FormatError(err, false, false)))
}

// which names an entry for a person.
func (w entry) which(i int) string {
	if w.Name == "" {
		return fmt.Sprintf("connection %d", i+1)
	}
	return fmt.Sprintf("connection %q", w.Name)
}

func (w entry) check() (Entry, error) {
	e := Entry{Name: w.Name, Kind: Kind(w.Kind), Project: w.Project, Location: w.Location, Allow: w.Allow}
	switch {
	case strings.TrimSpace(w.Name) != w.Name || w.Name == "" || len(w.Name) > maxName:
		return e, fmt.Errorf("name must be 1 to %d bytes, without spaces around it", maxName)
	case e.Kind != BigQuery:
		return e, errors.New("kind must be bigquery")
	case w.Project == "" || strings.ContainsAny(w.Project, " \t\n`"):
		return e, errors.New("project must be the id of the project that pays, like acme-analytics")
	case strings.ContainsAny(w.Location, " \t\n`"):
		return e, errors.New("location is a place like EU or europe-west3")
	case len(w.Allow) == 0:
		return e, errors.New("allow lists no table: nothing may be read that no pattern like project.dataset.* permits")
	}
	var err error
	if e.CredentialsFile, err = credentialsFile(w.Credentials); err != nil {
		return e, err
	}
	e.Policy, err = w.Policy.check()
	return e, err
}

// credentialsFile is the file that credentials name. No error repeats them.
func credentialsFile(credentials any) (string, error) {
	if credentials == nil {
		return "", nil
	}
	path, ok := credentials.(string)
	switch {
	case !ok || strings.ContainsAny(path, "{\n") || strings.Contains(path, "-----BEGIN"):
		return "", errors.New("credentials: a key does not belong into the list; write adc, or the path of its file")
	case path == adc:
		return "", nil
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return "", errors.New("credentials: there is no file of that name; write adc for application default credentials, or the path of a file")
	}
	return path, nil
}
