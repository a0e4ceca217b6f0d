package loader

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/loader/internal/filelock"
)

// ErrState says that the file of a FileState is not what it wrote, or that a
// number or a key cannot be stored.
var ErrState = errors.New("loader: state file")

// FileState is a State in the file at path, which only its owner can read. It
// survives a kill at any moment and a loss of power, and any number of processes
// may share it where the system locks files: on unix and windows, and not across
// machines. Beside it lie path.lock, which is locked by whoever writes and which
// nobody removes, and for moments path.new.
//
// A path where nothing lies is a State that has seen nothing yet. Anything else
// that it has not written is ErrState, and never 0.
func FileState(path string) State {
	if absolute, err := filepath.Abs(path); err == nil { // wherever the process is later
		path = absolute
	}
	return fileState(path)
}

type fileState string

const (
	stateHead = "weightgate state v1\n"
	maxState  = 1 << 20 // bytes of the file
	maxKey    = 1 << 10 // bytes of a key
)

func (f fileState) Load(ctx context.Context, key string) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	numbers, err := f.read()
	return numbers[key], err
}

func (f fileState) CompareAndStore(ctx context.Context, key string, old, new uint64) (stored bool, err error) {
	switch {
	case new <= old:
		return false, fmt.Errorf("%w: %d is not above %d", ErrState, new, old)
	case key == "" || len(key) > maxKey:
		return false, fmt.Errorf("%w: a key of %d bytes", ErrState, len(key))
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	numbers, err := f.read()
	if err != nil || numbers[key] != old {
		return false, err
	}
	numbers[key] = new
	if err := f.write(numbers); err != nil {
		return false, err
	}
	return true, nil
}

// lock waits until no other writer is there.
func (f fileState) lock(ctx context.Context) (unlock func() error, err error) {
	return filelock.Wait(ctx, func() (*os.File, error) {
		return os.OpenFile(string(f)+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	})
}

// read is what the file says, nothing if there is none.
func (f fileState) read() (map[string]uint64, error) {
	info, err := os.Lstat(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]uint64{}, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a link is two names, each with a lock of its own; one that leads nowhere is not nothing
		return nil, fmt.Errorf("%w: %s is no regular file", ErrState, string(f))
	}
	file, err := os.OpenFile(string(f), os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxState+1))
	if err != nil {
		return nil, err
	}
	return parseState(text)
}

// write replaces the file by one that is on the disk before it has the name.
func (f fileState) write(numbers map[string]uint64) error {
	text := encodeState(numbers)
	if len(text) > maxState {
		return fmt.Errorf("%w: %d keys are too many", ErrState, len(numbers))
	}
	next := string(f) + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a writer who was killed
		return err
	}
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, string(f)); err != nil {
		return err
	}
	return filelock.SyncNames(func() (*os.File, error) { return os.Open(filepath.Dir(string(f))) })
}

// encodeState writes a head, a line for each key with its number, sorted, and
// the SHA-256 of these lines.
func encodeState(numbers map[string]uint64) []byte {
	b := []byte(stateHead)
	for _, key := range slices.Sorted(maps.Keys(numbers)) {
		b = fmt.Appendf(b, "%d %s\n", numbers[key], strconv.QuoteToASCII(key))
	}
	return fmt.Appendf(b, "sha256 %x\n", sha256.Sum256(b))
}

// parseState reads what encodeState writes, and nothing else.
func parseState(text []byte) (map[string]uint64, error) {
	numbers := map[string]uint64{}
	for line := range strings.Lines(string(text[:min(len(text), maxState)])) {
		number, quoted, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			continue // the head, the sum, or what is not written again below
		}
		if key, err := strconv.Unquote(quoted); err == nil {
			numbers[key] = n
		}
	}
	if !bytes.Equal(text, encodeState(numbers)) {
		return nil, fmt.Errorf("%w: not as it was written", ErrState)
	}
	return numbers, nil
}
