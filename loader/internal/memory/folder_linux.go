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
// The zero Folder is empty and nowhere.
//
// It is reached by its descriptor alone: whoever may write to its parent cannot
// put another directory in its place. A Folder is for one goroutine.
type Folder struct {
	opened bool
	fd     int    // that paths name, once opened; never given to anything else
	path   string // of no use but to remove it; empty: it is nowhere
	names  []string
}

// A Named is sealed memory and the name that it stands under.
type Named struct {
	Name   string // without directories
	Memory *Sealed
}

// parents are where every user may make directories: in memory, and on the disk.
var parents = []string{"/dev/shm", "/tmp"}

// Fill lets all of files stand in the folder, and is the paths to them within
// this process, good until Clear. A folder that is filled again has the same
// paths: what was opened by one of them goes on to look there for others.
func (f *Folder) Fill(files ...Named) ([]string, error) { return f.fill(parents, files) }

// fill takes the first parent in which everything succeeds.
func (f *Folder) fill(parents []string, files []Named) ([]string, error) {
	var errs []error
	for _, parent := range parents {
		paths, err := f.fillBelow(parent, files)
		if err == nil {
			return paths, nil
		}
		errs = append(errs, err, f.Clear())
	}
	return nil, errors.Join(errs...)
}

func (f *Folder) fillBelow(parent string, files []Named) (paths []string, err error) {
	if err := f.make(parent); err != nil {
		return nil, err
	}
	for _, file := range files {
		path, err := f.put(file.Name, file.Memory)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// make makes a directory whose name nobody can guess.
func (f *Folder) make(parent string) error {
	path := parent + "/weightgate-" + rand.Text()
	if err := unix.Mkdir(path, 0o700); err != nil {
		return fmt.Errorf("memory: making %s: %w", path, err)
	}
	f.path = path
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("memory: opening %s: %w", path, err)
	}
	if err := isOurs(fd, path); err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	if !f.opened {
		f.opened, f.fd = true, fd
		return nil
	}
	if err := unix.Dup3(fd, f.fd, unix.O_CLOEXEC); err != nil {
		err = fmt.Errorf("memory: opening %s as before: %w", path, err)
		return errors.Join(err, unix.Close(fd))
	}
	return unix.Close(fd)
}

// isOurs asks whether what was opened is what was made.
func isOurs(fd int, path string) error {
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return fmt.Errorf("memory: looking at %s: %w", path, err)
	}
	if int(s.Uid) != unix.Geteuid() || s.Mode&^unix.S_IFMT&0o077 != 0 {
		return fmt.Errorf("memory: %s was exchanged: it belongs to user %d, mode %o", path, s.Uid, s.Mode&0o7777)
	}
	return nil
}

func (f *Folder) put(name string, s *Sealed) (string, error) {
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("memory: %q is no name in a folder", name)
	}
	if err := unix.Symlinkat(s.Path(), f.fd, name); err != nil {
		return "", fmt.Errorf("memory: linking %q in %s: %w", name, f.path, err)
	}
	f.names = append(f.names, name)
	path := fmt.Sprintf("/proc/self/fd/%d/%s", f.fd, name)
	return path, s.reachedBy(path)
}

// Clear empties the folder and removes its directory. Paths into it lead nowhere
// then, until it is filled again.
func (f *Folder) Clear() error {
	var errs []error
	for _, name := range f.names {
		if err := unix.Unlinkat(f.fd, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("memory: taking %q out of %s: %w", name, f.path, err))
		}
	}
	if f.path != "" {
		if err := unix.Rmdir(f.path); err != nil {
			errs = append(errs, fmt.Errorf("memory: removing %s: %w", f.path, err))
		}
	}
	f.path, f.names = "", nil
	return errors.Join(errs...)
}
