package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxAncestors = 2048 // beyond what a path of 4,096 bytes can climb
	maxLinks     = 40   // on the way to one file, as Linux has it
	maxTries     = 10   // to read a file that others replace
)

var errReplaced = errors.New("was replaced while it was opened")

// readFile reads a regular file of at most limit bytes. Passed are the
// directories on the way to it, also to one that does not exist.
func readFile(path string, limit int) (text []byte, passed []fs.FileInfo, err error) {
	var w way
	if err := w.follow(path); err != nil {
		return nil, w.passed, err
	}
	text, err = readRegular(w.at, limit)
	return text, w.passed, err
}

// readRegular reads the file at a path without links. A lock is written by
// renaming: one that was replaced between the look and the open is read anew.
func readRegular(path string, limit int) (text []byte, err error) {
	for range maxTries {
		text, err = readOnce(path, limit)
		if !errors.Is(err, errReplaced) {
			break
		}
	}
	return text, err
}

func readOnce(path string, limit int) ([]byte, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(before, opened) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errReplaced}
	}
	return io.ReadAll(io.LimitReader(f, int64(limit)+1)) // one byte more shows the parser that it is too long
}

// A way leads to a file as the file system would go it, one name after the
// other. Whoever writes to a directory in which a name is looked up picks where
// the way ends, so it has passed that directory and all above it. Where it
// begins and climbs from is no such directory by itself.
type way struct {
	at     string        // without a link in it
	above  []fs.FileInfo // at, and all above it, the highest first
	kept   int           // of them that passed has
	passed []fs.FileInfo
	links  int
}

// follow goes on to path, which begins where the way is if it is relative.
func (w *way) follow(path string) error {
	volume := filepath.VolumeName(path)
	path = path[len(volume):]
	var err error
	switch {
	case path != "" && os.IsPathSeparator(path[0]):
		err = w.begin(volume + string(filepath.Separator))
	case volume != "" || w.at == "":
		err = w.begin(volume + ".")
	}
	if err != nil {
		return err
	}
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) }) {
		if err := w.step(name); err != nil {
			return err
		}
	}
	return nil
}

// begin starts again at dir.
func (w *way) begin(dir string) (err error) {
	w.at, w.kept = dir, 0
	w.above, err = climb(dir)
	slices.Reverse(w.above)
	return err
}

// step goes to the entry of that name, and where it is a link, to its target.
func (w *way) step(name string) error {
	if name != ".." {
		w.keep()
	}
	next := w.at + string(filepath.Separator) + name // the file system knows that a file has no ..
	info, err := os.Lstat(next)
	if err != nil {
		return err
	}
	if info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) == 0 { // irregular: a junction of Windows
		w.at = filepath.Join(w.at, name)
		switch {
		case name != ".." && info.IsDir():
			w.above = append(w.above, info)
			w.keep()
		case name == ".." && len(w.above) > 1: // above the root is the root
			w.above = w.above[:len(w.above)-1]
			w.kept = min(w.kept, len(w.above))
		}
		return nil
	}
	if w.links++; w.links > maxLinks {
		return &fs.PathError{Op: "open", Path: next, Err: fmt.Errorf("more than %d links", maxLinks)}
	}
	target, err := os.Readlink(next)
	if err != nil {
		return err
	}
	return w.follow(target)
}

func (w *way) keep() {
	w.passed = append(w.passed, w.above[w.kept:]...)
	w.kept = len(w.above)
}

// climb is dir and all above it. It asks the file system for "..": a path's
// text says nothing about the parents of a link.
func climb(dir string) ([]fs.FileInfo, error) {
	var chain []fs.FileInfo
	for range maxAncestors {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, err
		}
		if n := len(chain); n > 0 && os.SameFile(chain[n-1], info) {
			return chain, nil
		}
		chain = append(chain, info)
		dir += string(filepath.Separator) + ".."
	}
	return nil, fmt.Errorf("more than %d directories above the file", maxAncestors)
}
