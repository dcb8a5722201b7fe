package backup

import (
	"regexp"
	"time"

	"github.com/mark-analyst/mark/store"
)

// format is the version of the archive's form.
const format = 1

// The members that are no copies of files.
const (
	headerName   = "header.json"
	manifestName = "manifest.json"
)

// Header is an archive's first member.
type Header struct {
	Format    int       `json:"format"`
	Mark      string    `json:"mark"` // the version that made it
	CreatedAt time.Time `json:"createdAt"`
	Migration int64     `json:"migration"` // of the database: the last one applied
	Keys      bool      `json:"keys"`      // whether it holds the key files
	Sessions  bool      `json:"sessions"`  // whether it holds Python variables
}

// Manifest is an archive's last member.
type Manifest struct {
	Members []Member `json:"members"`
	// Lost are blobs that the database refers to and that the data folder did
	// not have.
	Lost []string `json:"lost,omitempty"`
}

// Member is a file in an archive.
type Member struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// members are the names that there are, and how large, in bytes, what they name
// may be. A name that matches none is refused, so none can lead out of a folder.
var members = []struct {
	name *regexp.Regexp
	max  int64
}{
	{regexp.MustCompile(`^header\.json$`), 64 << 10},
	{regexp.MustCompile(`^keys/[a-z]{1,32}(\.[a-z]{1,32})?$`), 64 << 10},
	{regexp.MustCompile(`^sessions/[A-Za-z0-9_-]{1,100}\.json$`), 64 << 10},
	{regexp.MustCompile(`^sessions/[A-Za-z0-9_-]{1,100}\.age$`), 64 << 30},
	{regexp.MustCompile(`^files/[a-z]{1,32}/[a-z2-7]{2}/[a-z2-7]{26}$`), 64 << 30},
	{regexp.MustCompile(`^` + regexp.QuoteMeta(store.File) + `$`), 4 << 40},
	{regexp.MustCompile(`^manifest\.json$`), 1 << 30},
}

// largest returns how large a member may be, and whether there may be one of that
// name.
func largest(name string) (int64, bool) {
	for _, m := range members {
		if m.name.MatchString(name) {
			return m.max, true
		}
	}
	return 0, false
}

// Progress is what was done so far.
type Progress struct {
	Phase string // what is being done
	Done  int64  // bytes of it
	Total int64  // bytes, 0: not known
}
