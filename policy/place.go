package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxAncestors is beyond what a path of 4,096 bytes can climb.
const maxAncestors = 2048

var errReplaced = errors.New("was replaced while it was opened")

// readFile reads a regular file of at most limit bytes, and finds every
// directory above it: above the name that was given, and, where that is a
// link, above the file itself.
func readFile(path string, limit int) (text []byte, above []fs.FileInfo, err error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, nil, err
	}
	before, err := os.Lstat(target)
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(target)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !os.SameFile(before, opened) {
		return nil, nil, &fs.PathError{Op: "open", Path: path, Err: errReplaced}
	}
	text, err = io.ReadAll(io.LimitReader(f, int64(limit)+1)) // one byte more shows the parser that it is too long
	if err != nil {
		return nil, nil, err
	}
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(target)} {
		chain, err := climb(dir)
		if err != nil {
			return nil, nil, err
		}
		above = append(above, chain...)
	}
	return text, above, nil
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
