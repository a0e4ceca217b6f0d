// Package filelock keeps the writers of a file apart, of this process and of
// others, and puts what they wrote under its name for good.
package filelock

import (
	"context"
	"errors"
	"os"
	"time"
)

// pause is how long a writer waits before it asks again: no system wakes it for
// a lock and for a context.
const pause = 5 * time.Millisecond

// Wait locks the file once nobody else has it locked, and fails when ctx ends.
// The file is Wait's: unlock closes it, and so does an error. A process that is
// killed has unlocked it. It is an errors.ErrUnsupported where the system has no
// lock that is known to hold between processes.
func Wait(ctx context.Context, file *os.File) (unlock func() error, err error) {
	for {
		locked, err := try(file)
		if err == nil && !locked {
			select {
			case <-ctx.Done():
				err = ctx.Err()
			case <-time.After(pause):
				continue
			}
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return file.Close, nil // which unlocks it
	}
}
