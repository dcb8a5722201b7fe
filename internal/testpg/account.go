package testpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// account is whom the server runs as: oneself, or "nobody" in root's place.
// The zero value is oneself.
type account struct {
	credential *syscall.Credential // nil: oneself
}

func currentAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL does not run as root and there is no other user to run it as: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user id of nobody: %w", err)
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("group id of nobody: %w", err)
	}
	return account{credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// own gives a folder to the account.
func (a account) own(folder string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(folder, int(a.credential.Uid), int(a.credential.Gid))
}

// command prepares a program to run as the account, with an environment that
// none of the caller's PG… variables can disturb.
func (a account) command(ctx context.Context, folder, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=" + locale(), "TZ=UTC", "HOME=" + folder}
	// Its own process group: Ctrl-C at the terminal reaches the test binary
	// alone, whose end the watchdog then notices.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: a.credential}
	return cmd
}

// run runs a program to its end and returns what it printed.
func (a account) run(ctx context.Context, folder, name string, args ...string) (string, error) {
	out, err := a.command(ctx, folder, name, args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, errors.Join(fmt.Errorf("%s: %w", name, err), outputError(text))
	}
	return text, nil
}

func outputError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// locale has UTF-8 letters and the byte order that production sorts by.
func locale() string {
	if runtime.GOOS == "darwin" {
		return "C"
	}
	return "C.UTF-8"
}
