package hf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/policy/manifest"
)

const (
	maxMetadata = 16 << 20 // bytes of what the hub says of a commit: 10,000 files take 2 MiB
	maxName     = 1 << 10  // bytes of a file's name
)

// An entry is a file that the hub lists.
type entry struct {
	name   string
	size   int64
	sha256 manifest.Digest // of a file in Git LFS; zero: it is none
	sha1   [20]byte        // of git's blob, if it is no file in Git LFS
}

// A listing is all files of a commit, by name.
type listing map[string]entry

// A sibling is an entry as the hub writes it.
type sibling struct {
	Name string `json:"rfilename"`
	Size *int64 `json:"size"`
	Blob string `json:"blobId"`
	LFS  *struct {
		SHA256 string `json:"sha256"`
		Size   *int64 `json:"size"`
	} `json:"lfs"`
}

// parseMetadata reads the hub's answer to /api/models/{id}/revision/{commit}?blobs=true.
// Each file in what it allocates has its text in the answer.
func parseMetadata(text []byte, commit string) (listing, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	bad := func(err error) (listing, error) { return nil, fmt.Errorf("%w: %w", ErrMetadata, err) }
	if err := delimiter(d, '{'); err != nil {
		return bad(err)
	}
	var sha *string
	var files listing
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return bad(err)
		}
		switch {
		case key == "sha" && sha == nil:
			err = d.Decode(&sha)
		case key == "siblings" && files == nil:
			files, err = parseSiblings(d)
		case key == "sha", key == "siblings":
			err = fmt.Errorf("%s is there twice", key)
		default:
			var skipped json.RawMessage
			err = d.Decode(&skipped)
		}
		if err != nil {
			return bad(err)
		}
	}
	if err := delimiter(d, '}'); err != nil {
		return bad(err)
	}
	switch {
	case len(bytes.TrimSpace(text[d.InputOffset():])) > 0:
		return bad(errors.New("it goes on after its end"))
	case sha == nil || *sha != commit:
		return bad(errors.New("it is not of this commit"))
	case files == nil:
		return bad(errors.New("it lists no files"))
	}
	if err := files.check(); err != nil {
		return bad(err)
	}
	return files, nil
}

func delimiter(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("%v instead of %v", t, want)
	}
	return err
}

func parseSiblings(d *json.Decoder) (listing, error) {
	if err := delimiter(d, '['); err != nil {
		return nil, err
	}
	files := listing{}
	for d.More() {
		var s sibling
		if err := d.Decode(&s); err != nil {
			return nil, err
		}
		e, err := s.entry()
		if err != nil {
			return nil, fmt.Errorf("the file %.80q: %w", s.Name, err)
		}
		if _, twice := files[e.name]; twice {
			return nil, fmt.Errorf("the file %.80q is there twice", e.name)
		}
		files[e.name] = e
	}
	return files, delimiter(d, ']')
}

func (s *sibling) entry() (entry, error) {
	e := entry{name: s.Name}
	switch {
	case s.Size == nil || *s.Size < 0:
		return entry{}, errors.New("no size")
	case s.LFS == nil:
		if n, err := hex.Decode(e.sha1[:], []byte(s.Blob[:min(len(s.Blob), 40)])); err != nil || n != len(e.sha1) || len(s.Blob) != 40 {
			return entry{}, errors.New("no SHA-1 of a blob")
		}
	case s.LFS.Size == nil || *s.LFS.Size != *s.Size:
		return entry{}, errors.New("two sizes")
	default:
		var err error
		if e.sha256, err = manifest.ParseDigest(s.LFS.SHA256); err != nil {
			return entry{}, err
		}
	}
	e.size = *s.Size
	return e, e.check()
}

// check refuses an entry that no repository can have.
func (e entry) check() error {
	switch {
	case len(e.name) > maxName || !fs.ValidPath(e.name) || e.name == ".":
		return errors.New("not a name beneath the root")
	case e.size < 0 || (e.sha256.IsZero() == (e.sha1 == [20]byte{})):
		return errors.New("not one size and one digest")
	}
	return nil
}

// check refuses a file whose name is also that of a directory.
func (l listing) check() error {
	for dir := range l.directories() {
		if _, both := l[dir]; both {
			return fmt.Errorf("%.80q is a file and a directory", dir)
		}
	}
	return nil
}

// directories are those that the files lie in, without the root.
func (l listing) directories() map[string]bool {
	all := map[string]bool{}
	for name := range l {
		for dir := path.Dir(name); dir != "." && !all[dir]; dir = path.Dir(dir) {
			all[dir] = true
		}
	}
	return all
}

const listingHead = "weightgate hub listing v1\n"

// encode writes a head, a line for each file, sorted, and the SHA-256 of these
// lines.
func (l listing) encode() []byte {
	b := []byte(listingHead)
	for _, name := range slices.Sorted(maps.Keys(l)) {
		e := l[name]
		digest := "sha256:" + e.sha256.String()
		if e.sha256.IsZero() {
			digest = "git:" + hex.EncodeToString(e.sha1[:])
		}
		b = fmt.Appendf(b, "%d %s %s\n", e.size, digest, strconv.QuoteToASCII(name))
	}
	return fmt.Appendf(b, "sha256 %x\n", sha256.Sum256(b))
}

// parseListing reads what encode writes, and nothing else.
func parseListing(text []byte) (listing, error) {
	l := listing{}
	for line := range strings.Lines(string(text)) {
		size, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		digest, quoted, _ := strings.Cut(rest, " ")
		e, err := parseEntry(size, digest, quoted)
		if err != nil {
			continue // the head, the sum, or what is not written again below
		}
		l[e.name] = e
	}
	if !bytes.Equal(text, l.encode()) {
		return nil, fmt.Errorf("%w: not as the cache wrote it", ErrMetadata)
	}
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetadata, err)
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
	} else if blob, ok := strings.CutPrefix(digest, "git:"); ok && len(blob) == 40 {
		_, err = hex.Decode(e.sha1[:], []byte(blob))
	}
	if err != nil {
		return entry{}, err
	}
	return e, e.check()
}
