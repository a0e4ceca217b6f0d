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

// Wait locks the file that open opens once nobody else has it locked, and fails
// when ctx ends. A process that is killed has unlocked it. A file that was removed
// meanwhile is not what open opens any more: the new one is locked instead. Who
// removes a file that is locked takes the lock away from whoever has it.
//
// It is an errors.ErrUnsupported where the system has no lock that is known to
// hold between processes.
func Wait(ctx context.Context, open func() (*os.File, error)) (unlock func() error, err error) {
	for {
		file, err := open()
		if err != nil {
			return nil, err
		}
		if err := wait(ctx, file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		current, err := leadsTo(open, file)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if current {
			return file.Close, nil // which unlocks it
		}
		if err := errors.Join(file.Close(), later(ctx)); err != nil {
			return nil, err
		}
	}
}

func wait(ctx context.Context, file *os.File) error {
	for {
		locked, err := try(file)
		if err != nil || locked {
			return err
		}
		if err := later(ctx); err != nil {
			return err
		}
	}
}

// later pauses, and fails if ctx ends.
func later(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// leadsTo reports whether open still opens the file.
func leadsTo(open func() (*os.File, error), file *os.File) (bool, error) {
	again, err := open()
	if err != nil {
		return false, err
	}
	defer again.Close()
	was, err := file.Stat()
	if err != nil {
		return false, err
	}
	is, err := again.Stat()
	return err == nil && os.SameFile(was, is), err
}
