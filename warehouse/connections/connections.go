// Package connections reads the list of warehouses that a server is connected
// to: a YAML file (JSON is YAML too), one entry a connection. It holds no
// credential, only where each is.
package connections

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/mark-analyst/mark/warehouse/bigquery"
)

// kindBigQuery is the driver in warehouse/bigquery; there is no other yet.
const kindBigQuery = "bigquery"

// entry is a connection as it is written.
type entry struct {
	Name     string `yaml:"name"`
	Kind     string `yaml:"kind"`
	Project  string `yaml:"project"`
	Location string `yaml:"location"`
	// Credentials is a text; anything else is there to be told why not.
	Credentials any      `yaml:"credentials"`
	Allow       []string `yaml:"allow"`
	Endpoint    string   `yaml:"endpoint"`
	Policy      policy   `yaml:"policy"`
}

const (
	maxFile = 1 << 20
	maxName = 100
	maxKey  = 1 << 20
	// What credentials say that are in no file.
	adc  = string(bigquery.ApplicationDefault)
	none = string(bigquery.NoCredentials)
)

// Load reads the list in a file. The error says which entry is wrong, and how; it
// holds nothing that may be a credential.
func Load(path string) ([]bigquery.Config, error) {
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

func parse(text []byte) ([]bigquery.Config, error) {
	var written []entry
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&written); err != nil && !errors.Is(err, io.EOF) {
		return nil, plainly(err)
	}
	if len(written) == 0 {
		return nil, errors.New("it lists no connection: an entry has at least a name, a kind, a project and an allow list")
	}
	var out []bigquery.Config
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

func (w entry) check() (bigquery.Config, error) {
	c := bigquery.Config{Name: w.Name, Project: w.Project, Location: w.Location, Allow: w.Allow, Endpoint: w.Endpoint}
	switch {
	case strings.TrimSpace(w.Name) != w.Name || w.Name == "" || len(w.Name) > maxName:
		return c, fmt.Errorf("name must be 1 to %d bytes, without spaces around it", maxName)
	case w.Kind != kindBigQuery:
		return c, errors.New("kind must be bigquery")
	case w.Project == "" || strings.ContainsAny(w.Project, " \t\n`"):
		return c, errors.New("project must be the id of the project that pays, like acme-analytics")
	case strings.ContainsAny(w.Location, " \t\n`"):
		return c, errors.New("location is a place like EU or europe-west3")
	case len(w.Allow) == 0:
		return c, errors.New("allow lists no table: nothing may be read that no pattern like project.dataset.* permits")
	}
	var err error
	if c.Credentials, err = credentials(w.Credentials); err != nil {
		return c, err
	}
	if c.Credentials.Kind == bigquery.NoCredentials && c.Endpoint == "" {
		return c, errors.New("credentials: none are for an endpoint that asks for none, such as an emulator's")
	}
	c.Policy, err = w.Policy.check()
	return c, err
}

// credentials says where credentials are. No error repeats what is written: it may
// be a key.
func credentials(written any) (bigquery.Credentials, error) {
	if written == nil {
		return bigquery.Credentials{Kind: bigquery.ApplicationDefault}, nil
	}
	path, ok := written.(string)
	switch {
	case !ok || strings.ContainsAny(path, "{\n") || strings.Contains(path, "-----BEGIN"):
		return bigquery.Credentials{}, errors.New("credentials: a key does not belong into the list; write adc, or the path of its file")
	case path == adc, path == none:
		return bigquery.Credentials{Kind: bigquery.CredentialsKind(path)}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return bigquery.Credentials{}, errors.New("credentials: the file cannot be opened; write adc for application default credentials, or the path of a file")
	}
	defer file.Close() // nothing was written
	var content struct {
		Type string `json:"type"`
	}
	if err := json.NewDecoder(io.LimitReader(file, maxKey)).Decode(&content); err == nil {
		switch content.Type {
		case "service_account":
			return bigquery.Credentials{Kind: bigquery.ServiceAccount, File: path}, nil
		case "external_account":
			return bigquery.Credentials{Kind: bigquery.WorkloadIdentity, File: path}, nil
		}
	}
	return bigquery.Credentials{}, errors.New("credentials: the file is neither a service account's key nor of a workload identity (type service_account or external_account)")
}
