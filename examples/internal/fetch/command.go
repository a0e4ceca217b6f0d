package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A command brings the archive of a package into an empty directory. It runs in
// there, so that no project's files have a say, and with the registry, proxy
// and certificates of the user's own configuration.
type command struct {
	args   []string // the first of them is looked up in PATH
	absent error    // the program is not there
	failed error    // it is, and did not deliver
	try    string   // what to try by hand

	// absence is how the program's own words begin where a part of it is
	// missing that it needs; empty: nothing can be.
	absence string
}

// run gives the path of the one file that the command leaves in a directory.
func (c command) run(ctx context.Context, into string) (archive string, err error) {
	program, err := exec.LookPath(c.args[0])
	if err != nil {
		return "", c.absent
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, c.args[1:]...)
	cmd.Dir = into
	cmd.Stderr = &said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case c.absence != "" && strings.Contains(said.String(), c.absence):
			return "", errors.Join(c.absent, errors.New(strings.TrimSpace(said.String())))
		}
		return "", fmt.Errorf("%w (%w); is this machine online, and does `%s` work here?\n%s", c.failed, err, c.try, &said)
	}
	left, err := os.ReadDir(into)
	if err != nil {
		return "", err
	}
	if len(left) != 1 {
		return "", fmt.Errorf("%w: it left %d files, not one archive\n%s", c.failed, len(left), &said)
	}
	return filepath.Join(into, left[0].Name()), nil
}
