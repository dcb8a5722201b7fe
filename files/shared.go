package files

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"github.com/mark-analyst/mark/internal/clock"
)

// Shared says where several nodes keep their blobs.
type Shared struct {
	// URL is file:///folder, for a folder that all nodes see (one machine, NFS),
	// or that of a bucket, which a driver of gocloud.dev/blob must know.
	URL string
	// CacheDir and CacheBytes are where, and how many at most, copies of a
	// bucket's blobs are kept for programs that want files. Those in use stay,
	// whatever they take.
	CacheDir   string
	CacheBytes int64
	Clock      clock.Clock
}

// abandoned is how long after its last byte a blob that is being written is taken
// for one of a node that is gone: the longest silence of an upload is seconds.
const abandoned = 24 * time.Hour

// CheckURL refuses a URL that OpenShared could not open, in a sentence that does
// not repeat what may be secret in it.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" {
		return errors.New("it is no URL like file:///srv/mark-files or s3://bucket?region=eu-central-1")
	}
	if u.Scheme == fileblob.Scheme {
		if u.Host != "" || !filepath.IsAbs(u.Path) || u.RawQuery != "" {
			return errors.New("a folder is written file:///srv/mark-files: three slashes, nothing behind the path")
		}
		return nil
	}
	if known := slices.Sorted(slices.Values(blob.DefaultURLMux().BucketSchemes())); !slices.Contains(known, u.Scheme) {
		return fmt.Errorf("%s:// is not known; there are %s", u.Scheme, strings.Join(known, ", "))
	}
	return nil
}

// OpenShared opens a store that other nodes use too.
func OpenShared(ctx context.Context, c Shared) (*Store, error) {
	if err := CheckURL(c.URL); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	if u, err := url.Parse(c.URL); err == nil && u.Scheme == fileblob.Scheme {
		// Not made: what is not mounted is not there, and this node would keep
		// its blobs where no other sees them.
		if info, err := os.Stat(u.Path); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("files: there is no folder %s: make it, or mount it, on every node", u.Path)
		}
		return openFolder(u.Path, c.Clock.Now().Add(-abandoned))
	}
	bucket, err := blob.OpenBucket(ctx, c.URL)
	if err != nil {
		return nil, fmt.Errorf("files: open the bucket: %w", err)
	}
	reached, err := bucket.IsAccessible(ctx)
	if err == nil && !reached {
		err = errors.New("there is no such bucket")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("files: the bucket cannot be used: %w", err), bucket.Close())
	}
	copies, err := openCache(bucket, c.CacheDir, c.CacheBytes)
	if err != nil {
		return nil, errors.Join(err, bucket.Close())
	}
	return &Store{bucket: bucket, cache: copies}, nil
}
