package hf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weightgate/weightgate/policy/manifest"
)

const maxName = 1 << 10 // bytes of a file's name

// An entry is a file that the hub lists.
type entry struct {
	name   string
	size   int64
	sha256 manifest.Digest // of a file in Git LFS; zero: it is none
	sha1   [20]byte        // of git's blob, if it is no file in Git LFS
}

// check refuses an entry that no repository can have.
func (e entry) check() error {
	switch {
	case len(e.name) > maxName || !fs.ValidPath(e.name) || e.name == ".":
		return errors.New("not a name beneath the root")
	case strings.ContainsFunc(e.name, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }):
		return errors.New("a control character in a name, or none at all") // a decoder makes U+FFFD of all that is none
	case e.size < 0 || (e.sha256.IsZero() == (e.sha1 == [20]byte{})):
		return errors.New("not one size and one digest")
	}
	return nil
}

// A listing is all files of a commit, sorted bytewise by name.
type listing []entry

// newListing sorts the files, and refuses a name that is there twice or is that
// of a directory too.
func newListing(files []entry) (listing, error) {
	l := listing(files)
	slices.SortFunc(l, func(x, y entry) int { return strings.Compare(x.name, y.name) })
	for i, e := range l {
		if i > 0 && l[i-1].name == e.name {
			return nil, errors.New("a file is there twice")
		}
		beneath := e.name + "/"
		if j, _ := l.search(beneath); j < len(l) && strings.HasPrefix(l[j].name, beneath) {
			return nil, errors.New("a name is that of a file and of a directory")
		}
	}
	return l, nil
}

// search is where a name is, or would be.
func (l listing) search(name string) (int, bool) {
	return slices.BinarySearchFunc(l, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
}

// directories is how many the files lie in, without the root. The files of one
// lie side by side, so each is new where the name before begins otherwise.
func (l listing) directories() int {
	n, before := 0, ""
	for _, e := range l {
		n += strings.Count(e.name[common(before, e.name):], "/")
		before = e.name
	}
	return n
}

// common is how many bytes two names begin with alike.
func common(x, y string) int {
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return i
		}
	}
	return min(len(x), len(y))
}

const listingHead = "weightgate hub listing v1\n"

// encode writes a head, a line for each file, and the SHA-256 of these lines.
func (l listing) encode() []byte {
	b := []byte(listingHead)
	for _, e := range l {
		digest := "sha256:" + e.sha256.String()
		if e.sha256.IsZero() {
			digest = "git:" + hex.EncodeToString(e.sha1[:])
		}
		b = fmt.Appendf(b, "%d %s %s\n", e.size, digest, strconv.QuoteToASCII(e.name))
	}
	return fmt.Appendf(b, "sha256 %x\n", sha256.Sum256(b))
}

// parseListing reads what encode writes, and nothing else.
func parseListing(text []byte) (listing, error) {
	var files []entry
	for line := range strings.Lines(string(text)) {
		size, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		digest, quoted, _ := strings.Cut(rest, " ")
		e, err := parseEntry(size, digest, quoted)
		if err != nil {
			continue // the head, the sum, or what is not written again below
		}
		files = append(files, e)
	}
	l, err := newListing(files)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	if !bytes.Equal(text, l.encode()) {
		return nil, fmt.Errorf("%w: not as the cache wrote it", ErrMetadata)
	}
	return l, nil
}

func parseEntry(size, digest, quoted string) (e entry, err error) {
	if e.size, err = strconv.ParseInt(size, 10, 64); err != nil {
		return entry{}, err
	}
	if e.name, err = strconv.Unquote(quoted); err != nil {
		return entry{}, err
	}
	if sum, ok := strings.CutPrefix(digest, "sha256:"); ok {
		e.sha256, err = manifest.ParseDigest(sum)
	} else if blob, ok := strings.CutPrefix(digest, "git:"); ok {
		e.sha1, err = parseSHA1(blob)
	}
	if err != nil {
		return entry{}, err
	}
	return e, e.check()
}

func parseSHA1(s string) (sum [20]byte, err error) {
	if len(s) != 2*len(sum) {
		return sum, errors.New("no SHA-1 of a blob")
	}
	_, err = hex.Decode(sum[:], []byte(s))
	return sum, err
}
