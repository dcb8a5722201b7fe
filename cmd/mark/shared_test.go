package main

import (
	"strings"
	"testing"
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
