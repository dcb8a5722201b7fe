package keeper

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var goodPoint = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// point is what is known of an image that holds the variables as a step left them.
// Its file is the newest image's own under a second name, and stays when another
// takes the first one; it was last changed when the snapshot was made.
type point struct {
	Base string `json:"base"` // what it can be resumed on
	// Term and Step are what the image is called where nodes share images.
	Term string `json:"term,omitempty"`
	Step int    `json:"step,omitempty"`
}

// keptPoint is a point in the vault.
type keptPoint struct {
	key, name string
	file      fs.FileInfo
}

// path is that of a point's file; neither keys nor the names of points have a dot.
func (v *vault) path(key, name, ending string) string {
	return filepath.Join(v.dir, key+"."+name+ending)
}

// keep makes a sealed file a point as well.
func (v *vault) keep(key, name, sealed string, p point, made time.Time) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	// What is known of it last: without that it is none.
	path := v.path(key, name, noteEnding)
	err = errors.Join(v.dropPoint(key, name), os.Chtimes(sealed, made, made))
	if err == nil {
		err = os.Link(sealed, v.path(key, name, imageEnding))
	}
	if err == nil {
		err = os.WriteFile(path+newEnding, text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+newEnding, path)
	}
	return err
}

// lend gives the image of a point a further name, which is the caller's to remove.
// fs.ErrNotExist is in the error where the point is not kept.
func (v *vault) lend(key, name string) (path string, p point, err error) {
	p, known := v.point(key, name)
	if !known {
		return "", p, fs.ErrNotExist
	}
	path, err = v.link(v.path(key, name, imageEnding))
	return path, p, err
}

// point returns what is known of a point, and false where nothing is, because it is
// not kept or was half written when the machine ended.
func (v *vault) point(key, name string) (p point, known bool) {
	text, err := os.ReadFile(v.path(key, name, noteEnding))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	return p, err == nil
}

// link gives a file a further name, which is nobody's yet.
func (v *vault) link(path string) (string, error) {
	other := filepath.Join(v.dir, tempPrefix+rand.Text())
	return other, os.Link(path, other)
}

// points returns those of a key, or, where it is "", all; the latest first.
func (v *vault) points(key string) ([]keptPoint, error) {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return nil, err
	}
	var all []keptPoint
	for _, entry := range entries {
		stem, ok := strings.CutSuffix(entry.Name(), imageEnding)
		of, name, named := strings.Cut(stem, ".")
		if !ok || !named || key != "" && key != of {
			continue
		}
		if info, err := entry.Info(); err == nil { // otherwise it was removed meanwhile
			all = append(all, keptPoint{of, name, info})
		}
	}
	slices.SortFunc(all, func(a, b keptPoint) int { return b.file.ModTime().Compare(a.file.ModTime()) })
	return all, nil
}

// trim removes all points of a key but the latest.
func (v *vault) trim(key string, most int) error {
	all, err := v.points(key)
	for _, p := range all[min(most, len(all)):] {
		err = errors.Join(err, v.dropPoint(key, p.name))
	}
	return err
}

func (v *vault) dropPoint(key, name string) error {
	return errors.Join(remove(v.path(key, name, noteEnding)), remove(v.path(key, name, imageEnding)))
}

func (v *vault) erasePoints(key string) error {
	left, err := matching(v.dir, key+".*") // keys hold nothing that means something to it
	for _, path := range left {
		err = errors.Join(err, remove(path))
	}
	return err
}

// room is what there is for files. One that has several names takes it once.
type room struct {
	free  int64
	files map[int64][]fs.FileInfo // that are in it, by size
}

// take puts a file in, and reports whether there is room for it.
func (r *room) take(file fs.FileInfo) bool {
	same := func(other fs.FileInfo) bool { return os.SameFile(file, other) }
	size := file.Size()
	if slices.ContainsFunc(r.files[size], same) {
		return true
	}
	if size > r.free {
		return false
	}
	if r.files == nil {
		r.files = map[int64][]fs.FileInfo{}
	}
	r.free -= size
	r.files[size] = append(r.files[size], file)
	return true
}
