package fetch

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// pack lets npm download one package, as its archive, into an empty directory.
// It runs in there, so that no project's files have a say, and with the
// registry, proxy and certificates of the user's own configuration.
func pack(ctx context.Context, pkg, into string) (archive string, err error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", ErrNoNPM
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, npm, "pack", "--ignore-scripts", "--pack-destination", into, "--", pkg)
	cmd.Dir = into
	cmd.Stderr = &said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("%w (%w); is this machine online, and does `npm view %s` work here?\n%s", ErrNPM, err, pkg, &said)
	}
	left, err := os.ReadDir(into)
	if err != nil {
		return "", err
	}
	if len(left) != 1 {
		return "", fmt.Errorf("%w: it left %d files, not one archive\n%s", ErrNPM, len(left), &said)
	}
	return filepath.Join(into, left[0].Name()), nil
}
