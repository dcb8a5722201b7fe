package testpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// BinVariable names the environment variable that points at a folder with
// PostgreSQL's initdb and postgres. When it is set nothing else is tried.
const BinVariable = "MARK_TEST_PG_BIN"

// oldestVersion is the oldest major version taken: the oldest one the
// PostgreSQL project still maintains (https://www.postgresql.org/support/versioning/).
const oldestVersion = 14

// ErrUnavailable says that this machine has no usable PostgreSQL and that none
// could be installed from npm.
var ErrUnavailable = errors.New("no PostgreSQL server to test with")

// locator finds the folder with the server's programs.
type locator struct {
	account  account
	explicit string   // MARK_TEST_PG_BIN
	path     []string // folders of PATH
	debian   string   // glob of Debian's folders
	npm      func(context.Context) (string, error)
}

func newLocator(a account) locator {
	return locator{
		account:  a,
		explicit: os.Getenv(BinVariable),
		path:     filepath.SplitList(os.Getenv("PATH")),
		debian:   "/usr/lib/postgresql/*/bin",
		npm:      installFromNPM,
	}
}

// find returns a folder that holds initdb and postgres, both of which the
// account can run; scratch is a folder of the account's, which may come to
// hold a copy of the programs.
func (l locator) find(ctx context.Context, scratch string) (string, error) {
	if l.explicit != "" {
		if err := l.check(ctx, scratch, l.explicit); err != nil {
			return "", fmt.Errorf("%s=%s: %w", BinVariable, l.explicit, err)
		}
		return l.explicit, nil
	}
	var reasons []error
	for _, folder := range slices.Concat(l.path, l.debianFolders()) {
		if !holdsServer(folder) {
			continue
		}
		err := l.check(ctx, scratch, folder)
		if err == nil {
			return folder, nil
		}
		reasons = append(reasons, err)
	}
	folder, err := l.fromNPM(ctx, scratch)
	if err == nil {
		return folder, nil
	}
	return "", errors.Join(ErrUnavailable, errors.Join(reasons...), err)
}

// fromNPM takes the npm package, copied where the account cannot reach the
// cache it lies in: root's home is closed to nobody.
func (l locator) fromNPM(ctx context.Context, scratch string) (string, error) {
	native, err := l.npm(ctx)
	if err != nil {
		return "", fmt.Errorf("from npm: %w", err)
	}
	folder := filepath.Join(native, "bin")
	err = l.check(ctx, scratch, folder)
	if err == nil || !errors.Is(err, os.ErrPermission) {
		return folder, err
	}
	copied := filepath.Join(scratch, "native")
	if err := os.CopyFS(copied, os.DirFS(native)); err != nil {
		return "", fmt.Errorf("copy the programs: %w", err)
	}
	folder = filepath.Join(copied, "bin")
	return folder, l.check(ctx, scratch, folder)
}

// debianFolders lists Debian's folders, newest version first.
func (l locator) debianFolders() []string {
	folders, err := filepath.Glob(l.debian)
	if err != nil {
		return nil // only for a malformed pattern
	}
	slices.SortFunc(folders, func(a, b string) int { return cmp.Compare(folderVersion(b), folderVersion(a)) })
	return folders
}

func folderVersion(folder string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	if err != nil {
		return 0
	}
	return n
}

func holdsServer(folder string) bool {
	for _, program := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(folder, program)); err != nil {
			return false
		}
	}
	return true
}

// majorVersion matches "postgres (PostgreSQL) 15.18 (Debian …)", "18beta1".
var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// check tells whether the account can run both programs and whether they are
// new enough.
func (l locator) check(ctx context.Context, scratch, folder string) error {
	for _, program := range []string{"initdb", "postgres"} {
		out, err := l.account.run(ctx, scratch, filepath.Join(folder, program), "--version")
		if err != nil {
			return err
		}
		found := majorVersion.FindStringSubmatch(out)
		if found == nil {
			return fmt.Errorf("%s/%s --version printed %q", folder, program, out)
		}
		if major, err := strconv.Atoi(found[1]); err != nil || major < oldestVersion {
			return fmt.Errorf("%s/%s is version %s; %d or newer is needed", folder, program, found[1], oldestVersion)
		}
	}
	return nil
}
