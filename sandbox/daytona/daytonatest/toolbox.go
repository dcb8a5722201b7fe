package daytonatest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func (s *Server) serveToolbox(w http.ResponseWriter, r *http.Request, id, path string) {
	s.mu.Lock()
	b := s.sandboxes[id]
	if b == nil || b.State != "started" {
		s.mu.Unlock()
		Fail(w, r, http.StatusBadGateway, "failed to reach the sandbox: is it started?")
		return
	}
	b.Touched++
	s.mu.Unlock()
	context, isContext := strings.CutPrefix(path, "process/interpreter/context")
	switch {
	case path == "process/interpreter/execute":
		s.execute(w, r, b)
	case isContext && r.Method == http.MethodPost:
		s.createContext(w, r, b)
	case isContext && r.Method == http.MethodGet:
		s.listContexts(w, b)
	case isContext && r.Method == http.MethodDelete:
		s.deleteContext(w, r, b, strings.TrimPrefix(context, "/"))
	case path == "files/upload" && r.Method == http.MethodPost:
		s.takeUpload(w, r, b)
	case path == "files/download" && r.Method == http.MethodGet:
		s.download(w, r, b)
	case path == "files" && r.Method == http.MethodGet:
		s.listFiles(w, r, b)
	default:
		Fail(w, r, http.StatusNotFound, "no such call of the toolbox")
	}
}

func (s *Server) createContext(w http.ResponseWriter, r *http.Request, b *Sandbox) {
	var q struct{ Cwd, Language string }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	id := make([]byte, 8)
	rand.Read(id)
	i := &interp{id: hex.EncodeToString(id), server: s, root: b.root, made: time.Now()}
	if err := i.start(); err != nil {
		Fail(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	s.mu.Lock()
	b.interps[i.id] = i
	s.mu.Unlock()
	reply(w, http.StatusOK, i.describe())
}

func (s *Server) listContexts(w http.ResponseWriter, b *Sandbox) {
	s.mu.Lock()
	all := []map[string]any{}
	for _, i := range b.interps {
		all = append(all, i.describe())
	}
	s.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"contexts": all})
}

func (s *Server) deleteContext(w http.ResponseWriter, r *http.Request, b *Sandbox, id string) {
	s.mu.Lock()
	i := b.interps[id]
	delete(b.interps, id)
	s.mu.Unlock()
	if i == nil {
		Fail(w, r, http.StatusNotFound, "context with ID '"+id+"' not found")
		return
	}
	i.shutdown()
	reply(w, http.StatusOK, map[string]any{"message": "Context deleted successfully"})
}

// inside returns the path of a request, if it is one in the sandbox.
func inside(w http.ResponseWriter, r *http.Request, b *Sandbox) (string, bool) {
	path := filepath.Clean(r.URL.Query().Get("path"))
	if path != b.root && !strings.HasPrefix(path, b.root+"/") {
		Fail(w, r, http.StatusForbidden, "outside of the sandbox: "+path)
		return "", false
	}
	return path, true
}

// takeUpload writes to the very file, so that who looks meanwhile sees a part.
func (s *Server) takeUpload(w http.ResponseWriter, r *http.Request, b *Sandbox) {
	path, ok := inside(w, r, b)
	if !ok {
		return
	}
	file, _, err := r.FormFile("file")
	if err != nil {
		Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	breaks, corrupts := s.upload, s.corrupt
	s.mu.Unlock()
	broken := breaks != nil && breaks(path)
	if broken || corrupts != nil && corrupts(path) {
		data = data[:len(data)/2]
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if broken {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Server) download(w http.ResponseWriter, r *http.Request, b *Sandbox) {
	if path, ok := inside(w, r, b); ok {
		http.ServeFile(w, r, path)
	}
}

// listFiles answers as newer daemons do, which the SDK v0.148 does not take.
func (s *Server) listFiles(w http.ResponseWriter, r *http.Request, b *Sandbox) {
	path, ok := inside(w, r, b)
	if !ok {
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		Fail(w, r, http.StatusNotFound, err.Error())
		return
	}
	all := []map[string]any{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		at := info.ModTime().UTC().Format(time.RFC3339)
		all = append(all, map[string]any{
			"name": e.Name(), "size": info.Size(), "mode": info.Mode().String(), "modTime": at, "modifiedAt": at,
			"isDir": e.IsDir(), "owner": "daytona", "group": "daytona", "permissions": "0644",
		})
	}
	reply(w, http.StatusOK, all)
}
