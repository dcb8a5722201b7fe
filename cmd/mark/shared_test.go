package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/mark-analyst/mark/internal/fakellm"
)

func TestNodesAreNamed(t *testing.T) {
	one, err := nodeName()
	if err != nil {
		t.Fatal(err)
	}
	other, err := nodeName()
	if err != nil {
		t.Fatal(err)
	}
	if one == other || !goodNode.MatchString(one) {
		t.Errorf("named %q, then %q", one, other)
	}
}

// TestASecretMakesNodesAlike: a token and a link that one node has given are good
// on another that shares nothing with it but database, files and secret.
func TestASecretMakesNodesAlike(t *testing.T) {
	url, blobs := databases.PostgresURL(t), t.TempDir()
	model := withModel(t, python(`written = open("/mnt/data/a.csv", "w").write("a\n1\n")`), says("done"))
	node := func(secret string) *service {
		return start(t, url, func(c *Config, p *Parts) {
			model(c, p)
			c.JWTSecret, c.FilesURL = secret, "file://"+blobs
		})
	}
	secret := strings.Repeat("s", 32)
	one := node(secret)
	ada := one.signUp("ada@example.org")
	_, run := ada.ask("", "Write a file")
	ada.answered(run)
	link := ada.run(run).str("node", "steps", 0, "outputs", 0, "artifact", "url")
	one.down()

	status := func(s *service, path string) int {
		res, err := ada.client.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for name, c := range map[string]struct {
		secret string
		code   string
		status int
	}{
		"the same secret": {secret, "", 200},
		"another secret":  {secret + "s", "UNAUTHENTICATED", 404},
		"none":            {"", "UNAUTHENTICATED", 404},
	} {
		t.Run(name, func(t *testing.T) {
			s := node(c.secret)
			there := &person{service: s, token: ada.token, client: ada.client}
			if r := there.try(`{ viewer { email } }`, nil); r.code() != c.code {
				t.Errorf("the token: %q %v", r.code(), r.Data)
			}
			if got := status(s, link); got != c.status {
				t.Errorf("the link: %d", got)
			}
		})
	}
}

// TestFilesInABucket: Python reads what was uploaded, and what it leaves behind
// can be fetched, though the copy of the file on this machine does not outlive
// the question; the chat's variables do.
func TestFilesInABucket(t *testing.T) {
	bucket := s3mem.New()
	if err := bucket.CreateBucket("mark"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(bucket).Server())
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	var answers []fakellm.Answer
	for _, code := range []string{
		"df = pd.read_csv('/mnt/data/t.csv'); print(len(df))",
		"print(len(df), len(pd.read_csv('/mnt/data/t.csv')))",
		"written = open('/mnt/data/out.csv', 'w').write('a\\n1\\n')",
	} {
		answers = append(answers, python(code), says("Done."))
	}
	model := withModel(t, answers...)
	s := start(t, "", func(c *Config, p *Parts) {
		model(c, p)
		c.FilesURL, c.Limits.FilesCache = "s3://mark?region=us-east-1&use_path_style=true&endpoint="+server.URL, 1
	})
	ada := s.signUp("ada@example.org")
	data := ada.upload("t.csv", []byte("a,b\n1,2\n3,4\n")).str("uploadDataset", "dataset", "id")
	if r := ada.profiled(data); r.str("node", "state") != "READY" {
		t.Fatal(r.Data)
	}
	chat, run := ada.ask("", "Go on.", data)
	if out, _ := ada.printed(run); out != "2" {
		t.Errorf("printed %q", out)
	}
	_, run = ada.ask(chat, "Go on.")
	if out, complaint := ada.printed(run); out != "2 2" || complaint != "" {
		t.Errorf("printed %q, %q", out, complaint)
	}
	_, run = ada.ask(chat, "Go on.")
	ada.answered(run)
	res, err := ada.client.Get(s.url + ada.run(run).str("node", "steps", 0, "outputs", 0, "artifact", "url"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("the artifact: %s", res.Status)
	}
	for _, pattern := range []string{"files", "cache/*/*/*"} {
		if found, err := filepath.Glob(filepath.Join(s.config.DataDir, pattern)); err != nil || len(found) > 0 {
			t.Errorf("on this machine: %v, %v", found, err)
		}
	}
}
