package daytonatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.mu.Lock()
	intercept := s.intercept
	s.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+s.options.Key || r.Header.Get("X-Daytona-Source") == "" || r.Header.Get("X-Daytona-SDK-Version") == "" {
		Fail(w, r, http.StatusUnauthorized, "Invalid credentials")
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/toolbox/"); ok {
		id, rest, _ := strings.Cut(rest, "/")
		s.serveToolbox(w, r, id, rest)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/api/sandbox")
	name, action, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	switch {
	case !ok:
		Fail(w, r, http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.Path)
	case name == "" && r.Method == http.MethodPost:
		s.create(w, r)
	case name == "paginated" && r.Method == http.MethodGet:
		s.list(w, r)
	case action == "" && r.Method == http.MethodGet:
		s.get(w, r, name)
	case action == "" && r.Method == http.MethodDelete:
		s.delete(w, r, name)
	case action == "start" && r.Method == http.MethodPost:
		s.start(w, r, name)
	case action == "stop" && r.Method == http.MethodPost:
		s.stop(w, r, name)
	default:
		Fail(w, r, http.StatusNotFound, "Cannot "+r.Method+" "+r.URL.Path)
	}
}

// Fail answers with an error in Daytona's form.
func Fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	reply(w, status, map[string]any{
		"path": r.URL.Path, "timestamp": time.Now().UTC().Format(time.RFC3339), "statusCode": status,
		"error": http.StatusText(status), "message": message,
	})
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a client that is gone needs no answer
}

// describe is the JSON of a sandbox. The caller holds mu.
func (s *Server) describe(b *Sandbox) map[string]any {
	return map[string]any{
		"id": b.ID, "organizationId": "organisation", "name": b.Name, "user": "daytona", "env": map[string]string{},
		"labels": b.Labels, "public": false, "networkBlockAll": b.NetworkBlockAll, "target": "here",
		"cpu": 1, "gpu": 0, "memory": 1, "disk": 3, "toolboxProxyUrl": s.url + "/toolbox", "state": b.State,
		"autoStopInterval": b.AutoStop, "autoDeleteInterval": b.AutoDelete,
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Name, Snapshot                       string
		Labels                               map[string]string
		NetworkBlockAll                      bool
		CPU, GPU, Memory, Disk               int32
		AutoStopInterval, AutoDeleteInterval *int32
		BuildInfo                            *struct{ DockerfileContent string }
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		Fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	s.mu.Lock()
	switch {
	case q.BuildInfo == nil && q.CPU+q.GPU+q.Memory+q.Disk > 0:
		s.mu.Unlock()
		Fail(w, r, http.StatusBadRequest, "Cannot specify Sandbox resources when using a snapshot")
		return
	case q.BuildInfo == nil && !s.exists(q.Snapshot):
		s.mu.Unlock()
		Fail(w, r, http.StatusNotFound, "Snapshot "+q.Snapshot+" not found. Did you add it through the Daytona Dashboard?")
		return
	case s.options.Quota > 0 && len(s.sandboxes) >= s.options.Quota:
		s.mu.Unlock()
		Fail(w, r, http.StatusForbidden, fmt.Sprintf("Total CPU limit exceeded. Maximum allowed: %d.", s.options.Quota))
		return
	case q.Name != "" && s.find(q.Name) != nil:
		s.mu.Unlock()
		Fail(w, r, http.StatusConflict, "Sandbox with name "+q.Name+" already exists")
		return
	}
	b := s.add(q.Name)
	b.Labels, b.Snapshot, b.NetworkBlockAll, b.Memory = q.Labels, q.Snapshot, q.NetworkBlockAll, q.Memory
	if q.BuildInfo != nil {
		b.Dockerfile = q.BuildInfo.DockerfileContent
	}
	if q.AutoStopInterval != nil {
		b.AutoStop = *q.AutoStopInterval
	}
	if q.AutoDeleteInterval != nil {
		b.AutoDelete = *q.AutoDeleteInterval
	}
	s.advance(b)
	answer, hold := s.describe(b), s.onCreated
	s.mu.Unlock()
	if hold != nil {
		hold(r.Context())
	}
	reply(w, http.StatusOK, answer)
}

// exists reports whether there is such a snapshot.
func (s *Server) exists(name string) bool {
	if s.options.Snapshots == nil || name == "" {
		return true
	}
	for _, known := range s.options.Snapshots {
		if known == name {
			return true
		}
	}
	return false
}

// advance takes a sandbox that starts one step further. The caller holds mu.
func (s *Server) advance(b *Sandbox) {
	if b.State != "creating" && b.State != "starting" {
		return
	}
	if b.polls--; b.polls < 0 {
		b.State = "started"
		if s.becomes != "" {
			b.State = s.becomes
		}
		b.Starts++
	}
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	b := s.find(name)
	if b == nil {
		s.mu.Unlock()
		Fail(w, r, http.StatusNotFound, "Sandbox with ID or name "+name+" not found")
		return
	}
	s.advance(b)
	answer := s.describe(b)
	s.mu.Unlock()
	reply(w, http.StatusOK, answer)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	labels := map[string]string{}
	if text := r.URL.Query().Get("labels"); text != "" {
		if err := json.Unmarshal([]byte(text), &labels); err != nil {
			Fail(w, r, http.StatusBadRequest, "labels: "+err.Error())
			return
		}
	}
	page, limit := 1, 100
	for name, value := range map[string]*int{"page": &page, "limit": &limit} {
		if text := r.URL.Query().Get(name); text != "" {
			if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 1 {
				*value = int(n)
			}
		}
	}
	s.mu.Lock()
	items := []map[string]any{}
	for _, b := range s.sandboxes {
		fits := true
		for name, value := range labels {
			fits = fits && b.Labels[name] == value
		}
		if fits {
			items = append(items, s.describe(b))
		}
	}
	s.mu.Unlock()
	sort.Slice(items, func(i, j int) bool { return items[i]["id"].(string) < items[j]["id"].(string) })
	total := len(items)
	from, to := min((page-1)*limit, total), min(page*limit, total)
	reply(w, http.StatusOK, map[string]any{
		"items": items[from:to], "total": total, "page": page, "totalPages": (total + limit - 1) / limit,
	})
}

// delete answers before the sandbox is gone, as Daytona does.
func (s *Server) delete(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	b := s.find(name)
	if b == nil {
		s.mu.Unlock()
		Fail(w, r, http.StatusNotFound, "Sandbox with ID or name "+name+" not found")
		return
	}
	answer := s.describe(b)
	s.mu.Unlock()
	s.Delete(b.ID)
	reply(w, http.StatusOK, answer)
}

func (s *Server) start(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	b := s.find(name)
	if b == nil {
		s.mu.Unlock()
		Fail(w, r, http.StatusNotFound, "Sandbox with ID or name "+name+" not found")
		return
	}
	if b.State == "stopped" {
		b.State, b.polls = "starting", s.polls
		s.advance(b)
	}
	answer := s.describe(b)
	s.mu.Unlock()
	reply(w, http.StatusOK, answer)
}

func (s *Server) stop(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	b := s.find(name)
	s.mu.Unlock()
	if b == nil {
		Fail(w, r, http.StatusNotFound, "Sandbox with ID or name "+name+" not found")
		return
	}
	s.Stop(b.ID)
	s.mu.Lock()
	answer := s.describe(b)
	s.mu.Unlock()
	reply(w, http.StatusOK, answer)
}
