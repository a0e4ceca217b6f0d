package loader

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// errPanicked says that somebody's fs.FS panicked, or broke its contract.
var errPanicked = errors.New("loader: the fs.FS broke its contract")

// guard makes a panic in somebody's fs.FS an error: it is called on goroutines
// of ours, where no recover of the host's would save the process.
func guard[T any](what string, f func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			var none T
			v, err = none, fmt.Errorf("%w: %s panicked: %v", errPanicked, what, p)
		}
	}()
	return f()
}

// guardedInfo is guard for what must not be nil.
func guardedInfo(what string, f func() (fs.FileInfo, error)) (fs.FileInfo, error) {
	info, err := guard(what, f)
	if err == nil && info == nil {
		return nil, fmt.Errorf("%w: %s gave nothing", errPanicked, what)
	}
	return info, err
}

// guardedFile is a file of an fs.FS. It hides what the file is, so that no
// *os.File is taken for a local one.
type guardedFile struct{ f fs.File }

func (g guardedFile) Stat() (fs.FileInfo, error) { return guardedInfo("Stat", g.f.Stat) }
func (g guardedFile) Read(p []byte) (int, error) {
	return guard("Read", func() (int, error) { return checked(g.f.Read(p))(len(p)) })
}

func (g guardedFile) Close() error {
	_, err := guard("Close", func() (struct{}, error) { return struct{}{}, g.f.Close() })
	return err
}

// guardedReaderAt is one that can be read at an offset as well.
type guardedReaderAt struct {
	guardedFile
	at io.ReaderAt
}

func (g guardedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	return guard("ReadAt", func() (int, error) { return checked(g.at.ReadAt(p, off))(len(p)) })
}

// checked holds the count of a read against what was asked for.
func checked(n int, err error) func(asked int) (int, error) {
	return func(asked int) (int, error) {
		if n < 0 || n > asked {
			return 0, fmt.Errorf("%w: a read of %d bytes gave %d", errPanicked, asked, n)
		}
		return n, err
	}
}

func guarded(f fs.File) fs.File {
	if at, ok := f.(io.ReaderAt); ok {
		return guardedReaderAt{guardedFile{f}, at}
	}
	return guardedFile{f}
}
