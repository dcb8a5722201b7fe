package bigquery

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// keyFile is a service account's key file with a key of its own, of which the
// secret parts are returned, too. Tokens come from tokenURL.
func keyFile(t *testing.T, tokenURL string) (path string, secrets []string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	data, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "shop", "private_key_id": "key-id-4711", "private_key": text,
		"client_email": "robot-4711@shop.iam.gserviceaccount.com", "client_id": "1", "token_uri": tokenURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, []string{strings.Split(text, "\n")[3], "key-id-4711", "robot-4711"}
}

// Credentials that are wrong in any way give one error, and nothing of them
// stands in it or in what was logged meanwhile.
func TestCredentialsStayUntold(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.SetOutput(&logged)
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr)
	})
	// A token service that refuses, and repeats what it was sent.
	var asked atomic.Int32
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"error": "invalid_grant", "error_description": %q}`, "expired: ya29.secret-token "+string(body))
	}))
	t.Cleanup(tokens.Close)
	good, secrets := keyFile(t, tokens.URL)
	broken := filepath.Join(t.TempDir(), "broken.json")
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	subject := filepath.Join(t.TempDir(), "subject")
	if err := os.WriteFile(subject, []byte("hush-hush-subject"), 0o600); err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(t.TempDir(), "identity.json")
	data, err = json.Marshal(map[string]any{"type": "external_account", "audience": "//iam.googleapis.com/hush-hush-pool", "client_secret": "hush-hush-secret", "client_id": "c",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": tokens.URL, "credential_source": map[string]string{"file": subject}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(identity, data, 0o600); err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, "hush-hush", "ya29.secret", "eyJ")

	for name, c := range map[string]struct {
		credentials Credentials
		adc         string
	}{
		"a key that is not accepted":   {Credentials{Kind: ServiceAccount, File: good}, ""},
		"a key that is broken":         {Credentials{Kind: ServiceAccount, File: broken}, ""},
		"a key that is not there":      {Credentials{Kind: ServiceAccount, File: filepath.Join(t.TempDir(), "none.json")}, ""},
		"a key of another kind":        {Credentials{Kind: ServiceAccount, File: identity}, ""},
		"an identity that has expired": {Credentials{Kind: WorkloadIdentity, File: identity}, ""},
		"an identity of another kind":  {Credentials{Kind: WorkloadIdentity, File: good}, ""},
		"a default that is broken":     {Credentials{Kind: ApplicationDefault}, broken},
		"a default that has expired":   {Credentials{Kind: ApplicationDefault}, identity},
		"a default that was withdrawn": {Credentials{Kind: ApplicationDefault}, good},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", c.adc)
			fake := shop(t)
			fake.Token = "never given out"
			err := firstUse(t, fake, c.credentials)
			e := checkError(t, err, warehouse.CodeBadCredentials)
			told := fmt.Sprintf("%v %+v %s %v", err, e, e.Message, errors.Unwrap(e)) + logged.String()
			for _, secret := range secrets {
				if strings.Contains(told, secret) {
					t.Errorf("%q is told: %s", secret, told)
				}
			}
		})
	}
	if asked.Load() == 0 {
		t.Error("the token service was never asked, so nothing was shown of its answers")
	}
}

// TestNoDefaultCredentials: what nobody has made is not renewed.
func TestNoDefaultCredentials(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir()) // where gcloud keeps them
	err := firstUse(t, shop(t), Credentials{Kind: ApplicationDefault})
	if err == nil {
		t.Skip("this is a machine of Google's, which has some")
	}
	e := checkError(t, err, warehouse.CodeBadCredentials)
	if !strings.Contains(e.Message, "no application default credentials") {
		t.Errorf("it is said: %s", e.Message)
	}
}

func firstUse(t *testing.T, fake *bqfake.Server, credentials Credentials) error {
	t.Helper()
	w, err := Open(context.Background(), Config{Name: "test", Project: "shop", Location: "US", Endpoint: fake.URL,
		Credentials: credentials, Allow: []string{"shop.sales.*"}, Policy: quick()})
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = w.Plan(t.Context(), warehouse.Query{SQL: "SELECT 1"})
	return err
}

func quick() warehouse.Policy {
	p := DefaultPolicy()
	p.MetadataTimeout = 5 * time.Second
	return p
}

func TestConfig(t *testing.T) {
	good := Config{Name: "n", Project: "p", Allow: []string{"p.d.*"}, Policy: DefaultPolicy(), Credentials: Credentials{Kind: NoCredentials},
		Endpoint: "http://127.0.0.1:1"}
	w, err := Open(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Connection(); got.Name != "n" || got.Dialect != warehouse.GoogleSQL || got.Policy != good.Policy {
		t.Errorf("%+v", got)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"no name":                  func(c *Config) { c.Name = "" },
		"no project":               func(c *Config) { c.Project = "" },
		"no tables":                func(c *Config) { c.Allow = nil },
		"no pattern":               func(c *Config) { c.Allow = []string{"d.*"} },
		"no policy":                func(c *Config) { c.Policy = warehouse.Policy{} },
		"a negative limit":         func(c *Config) { c.Policy.BytesPerQuery = -1 },
		"an unknown views policy":  func(c *Config) { c.Policy.Views = "maybe" },
		"unknown credentials":      func(c *Config) { c.Credentials.Kind = "magic" },
		"credentials in the clear": func(c *Config) { c.Credentials.Kind, c.Endpoint = ApplicationDefault, "http://bigquery.example.com" },
	} {
		c := good
		change(&c)
		if _, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s: it opened", name)
		}
	}
}
