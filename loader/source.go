package loader

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// A Source is a place that a model's files come from. It is a name until it is
// opened, and safe for concurrent use.
type Source interface {
	// Origin is what the source says of itself; its host vouches for that.
	Origin() policy.Origin

	// Open opens the place. Zero fields of lim are its defaults. The caller
	// closes the Tree.
	Open(ctx context.Context, lim formats.Limits) (Tree, error)
}

// A Tree is an open source. Its methods are safe for concurrent use; Close ends
// the others, and files that were opened before stay open.
type Tree interface {
	// Files lists everything beneath the root that is no directory, in no
	// particular order, while the caller asks for more: MaxFiles is the
	// caller's to count. An error is the last element; its File has at most a
	// name. It is ErrDepth or ErrDirectories where a limit is exceeded.
	Files(ctx context.Context) iter.Seq2[policy.File, error]

	// Open opens a regular file by the name that Files gave it, and waits for
	// no pipe or device. What it returns is an *os.File if and only if that is
	// a local file, which may be read through a mapping.
	Open(ctx context.Context, name string) (fs.File, error)

	// Root is the directory, or the one file, beneath which everything lies
	// that the model consists of; nil if the source claims no such place.
	Root() fs.FileInfo

	Close() error
}

var (
	// ErrDepth says that more than Limits.MaxDepth directories lie above a file.
	ErrDepth = errors.New("loader: directories too deep")

	// ErrDirectories says that a source has more than Limits.MaxFiles directories.
	ErrDirectories = errors.New("loader: too many directories")

	// ErrIrregular says that a name stands for a device, a pipe, a socket, a
	// directory, or a link that is not followed.
	ErrIrregular = errors.New("loader: not a regular file")

	// ErrReplaced says that a name stood for one file when it was looked at and
	// for another when it was opened.
	ErrReplaced = errors.New("loader: replaced by another file")
)

// batch is how many entries of a directory are read at once.
const batch = 256

// parts are the elements of a name of Files, if it can be one.
func parts(name string) ([]string, bool) {
	p := strings.Split(name, "/")
	for _, part := range p {
		if !plain(part) {
			return nil, false
		}
	}
	return p, true
}

// plain reports whether name is one element of a path, which leads nowhere but
// to an entry of its directory.
func plain(name string) bool {
	return filepath.IsLocal(name) && name != "." && !strings.ContainsRune(name, filepath.Separator) && !strings.Contains(name, "/")
}

// walk is one listing under way.
type walk struct {
	ctx         context.Context
	lim         formats.Limits
	directories int
	yield       func(policy.File, error) bool
}

// fail ends the listing.
func (w *walk) fail(name string, err error) bool {
	w.yield(policy.File{Name: name}, err)
	return false
}

// descend counts a directory in which a file has depth directories above it.
func (w *walk) descend(depth int) error {
	w.directories++
	switch {
	case depth > w.lim.MaxDepth:
		return ErrDepth
	case w.directories > w.lim.MaxFiles:
		return ErrDirectories
	}
	return w.ctx.Err()
}
