package memory

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// A Folder is a directory in which sealed memory stands under names, for
// libraries that look for others beside themselves. Only this user may enter it.
//
// It is reached by its descriptor alone: whoever may write to its parent cannot
// put another directory in its place. A Folder is for one goroutine.
type Folder struct {
	fd   int
	path string // of no use but to remove it
}

// parents are where every user may make directories: in memory, and on the disk.
var parents = []string{"/dev/shm", "/tmp"}

// NewFolder is an empty folder.
func NewFolder() (*Folder, error) {
	var errs []error
	for _, parent := range parents {
		f, err := newFolder(parent)
		if err == nil {
			return f, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// newFolder makes a directory whose name nobody can guess.
func newFolder(parent string) (*Folder, error) {
	path := parent + "/weightgate-" + rand.Text()
	if err := unix.Mkdir(path, 0o700); err != nil {
		return nil, fmt.Errorf("memory: making %s: %w", path, err)
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("memory: opening %s: %w", path, errors.Join(err, unix.Rmdir(path)))
	}
	f := &Folder{fd: fd, path: path}
	if err := f.isOurs(); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return f, nil
}

// isOurs asks whether what was opened is what was made.
func (f *Folder) isOurs() error {
	var s unix.Stat_t
	if err := unix.Fstat(f.fd, &s); err != nil {
		return fmt.Errorf("memory: looking at %s: %w", f.path, err)
	}
	if int(s.Uid) != unix.Geteuid() || s.Mode&^unix.S_IFMT&0o077 != 0 {
		return fmt.Errorf("memory: %s was exchanged: it belongs to user %d, mode %o", f.path, s.Uid, s.Mode&0o7777)
	}
	return nil
}

// Put lets s stand under a name without directories, and is the path to it
// within this process, good until Clear.
func (f *Folder) Put(name string, s *Sealed) (string, error) {
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("memory: %q is no name in a folder", name)
	}
	if err := unix.Symlinkat(s.Path(), f.fd, name); err != nil {
		return "", fmt.Errorf("memory: linking %q: %w", name, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", f.fd, name), nil
}

// Clear takes names out again. Paths to them lead nowhere then, for as long as
// the process lives: the descriptor is never given to anything else.
func (f *Folder) Clear(names ...string) error {
	var errs []error
	for _, name := range names {
		if err := unix.Unlinkat(f.fd, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("memory: taking %q out: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Remove removes the empty folder from the file system. Nothing can be put in
// it any more.
func (f *Folder) Remove() error { return unix.Rmdir(f.path) }
