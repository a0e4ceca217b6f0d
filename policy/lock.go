package policy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/policy/manifest"
)

const (
	lockHeader = "weightgate.lock v1"
	maxLock    = 16 << 20 // bytes
)

// A Lock holds what names are pinned to. It is immutable and safe for
// concurrent use; the zero Lock pins nothing.
//
// Its text is read by people in a diff, and has one spelling:
//
//	weightgate.lock v1
//	library <fs-verity> <name>
//	model <name> <identity>
//	<fs-verity> <sha256> <size> <name>
//	derived <identity> <recipe>
//	<fs-verity> <sha256> <size> <name>
//
// Libraries come first, then models; libraries, models and the files of each
// are sorted bytewise by name. One space separates fields, \n ends each line,
// the last one too. A derived list is there for converted models only; its
// recipe may be missing.
type Lock struct {
	libraries manifest.Manifest // name and fs-verity digest alone
	pins      []Pin
}

// A Pin is what a name stands for. Every entry has both digests.
type Pin struct {
	Name    string
	Files   manifest.Manifest // of the model as it is published
	Derived manifest.Manifest // of what it is converted into; none if it is not

	// Recipe names how Derived was made, the source's content included: who has
	// done the same with the same has the same. Zero: nobody wrote it down.
	Recipe manifest.Digest
}

// ParseLock reads a lock. What is not well formed is a *ParseError; on error
// the Lock is nil.
func ParseLock(text []byte) (*Lock, error) { return parseLock("lock", text) }

func parseLock(file string, text []byte) (*Lock, error) {
	l, err := readLock(text)
	if err != nil {
		return nil, inFile(file, err)
	}
	return l, nil
}

// Pin is the pin of that name; the caller owns it.
func (l *Lock) Pin(name string) (Pin, bool) {
	i, ok := l.find(name)
	if !ok {
		return Pin{}, false
	}
	return l.pins[i].clone(), true
}

func (l *Lock) find(name string) (int, bool) {
	return slices.BinarySearchFunc(l.pins, name, func(p Pin, n string) int { return cmp.Compare(p.Name, n) })
}

// Names are the names that are pinned, sorted bytewise.
func (l *Lock) Names() []string {
	var names []string
	for _, p := range l.pins {
		names = append(names, p.Name)
	}
	return names
}

// Libraries are the pinned runtime libraries by base name, sorted; their
// entries have no size and no SHA-256. The caller owns the list.
func (l *Lock) Libraries() manifest.Manifest { return slices.Clone(l.libraries) }

// With is l with p in the place of what its name was pinned to; l is
// unchanged. A pin that a lock cannot hold is an error: a name out of grammar,
// a file without one of its digests, files out of order or none.
func (l *Lock) With(p Pin) (*Lock, error) {
	p = p.clone()
	if err := p.check(); err != nil {
		return nil, err
	}
	next := &Lock{libraries: l.libraries, pins: slices.Clone(l.pins)}
	i, pinned := next.find(p.Name)
	if pinned {
		next.pins[i] = p
	} else {
		next.pins = slices.Insert(next.pins, i, p)
	}
	if n := len(next.Encode()); n > maxLock {
		return nil, fmt.Errorf("policy: with the pin of %q the lock has %d bytes: ParseLock reads %d", p.Name, n, maxLock)
	}
	return next, nil
}

// WithLibrary is l with these runtime libraries, each in the place of the one
// of its name; l is unchanged. Size and SHA-256 are not kept. A name that is
// no plain file name, or an entry without digest, is an error.
func (l *Lock) WithLibrary(libraries ...manifest.Entry) (*Lock, error) {
	next := &Lock{libraries: slices.Clone(l.libraries), pins: l.pins}
	for _, e := range libraries {
		e = manifest.Entry{Name: e.Name, Verity: e.Verity}
		if wrong := libraryProblem(e); wrong != "" {
			return nil, fmt.Errorf("policy: library %q %s", e.Name, wrong)
		}
		next.libraries = slices.DeleteFunc(next.libraries, func(old manifest.Entry) bool { return old.Name == e.Name })
		next.libraries = append(next.libraries, e)
	}
	next.libraries.Sort()
	return next, nil
}

// Encode is the text of l: what ParseLock reads back, byte for byte.
func (l *Lock) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(lockHeader + "\n")
	for _, e := range l.libraries {
		fmt.Fprintf(&b, "library %s %s\n", e.Verity, e.Name)
	}
	for _, p := range l.pins {
		fmt.Fprintf(&b, "model %s %s\n", p.Name, p.Files.Identity())
		writeFiles(&b, p.Files)
		if len(p.Derived) > 0 {
			fmt.Fprintf(&b, "derived %s", p.Derived.Identity())
			if !p.Recipe.IsZero() {
				fmt.Fprintf(&b, " %s", p.Recipe)
			}
			b.WriteByte('\n')
			writeFiles(&b, p.Derived)
		}
	}
	return b.Bytes()
}

func writeFiles(b *bytes.Buffer, files manifest.Manifest) {
	for _, e := range files {
		fmt.Fprintf(b, "%s %s %d %s\n", e.Verity, e.SHA256, e.Size, e.Name)
	}
}

// Digest is the SHA-256 of the lock's text.
func (l *Lock) Digest() manifest.Digest { return sha256.Sum256(l.Encode()) }

func (p Pin) clone() Pin {
	p.Files, p.Derived = slices.Clone(p.Files), slices.Clone(p.Derived)
	return p
}

func (p Pin) check() error {
	if wrong := modelName(p.Name); wrong != "" {
		return fmt.Errorf("policy: %q %s", p.Name, wrong)
	}
	for _, e := range slices.Concat(p.Files, p.Derived) {
		if wrong := fileProblem(e); wrong != "" {
			return fmt.Errorf("policy: the pin of %q: the file %q %s", p.Name, e.Name, wrong)
		}
	}
	if p.Files.Identity().IsZero() || len(p.Derived) > 0 && p.Derived.Identity().IsZero() {
		return fmt.Errorf("policy: the pin of %q has no files, or not in bytewise order", p.Name)
	}
	if len(p.Derived) == 0 && !p.Recipe.IsZero() {
		return fmt.Errorf("policy: the pin of %q has a recipe of nothing", p.Name)
	}
	return nil
}

// fileProblem says what keeps e out of a lock.
func fileProblem(e manifest.Entry) string {
	switch {
	case isPath(e.Name) != "":
		return isPath(e.Name)
	case e.Size < 0:
		return "has a negative size"
	case e.Verity.IsZero() || e.SHA256.IsZero():
		return "lacks one of its two digests"
	}
	return ""
}

func libraryProblem(e manifest.Entry) string {
	if e.Verity.IsZero() {
		return "has no digest"
	}
	return isFileName(e.Name)
}

// readLock reads line by line and demands the one spelling that Encode writes.
func readLock(text []byte) (*Lock, error) {
	if len(text) > maxLock {
		return nil, &ParseError{Msg: fmt.Sprintf("longer than %d bytes", maxLock)}
	}
	body, ended := strings.CutSuffix(string(text), "\n")
	lines := strings.Split(body, "\n")
	if lines[0] != lockHeader {
		return nil, &ParseError{Line: 1, Msg: fmt.Sprintf("the first line is not %q", lockHeader)}
	}
	if !ended {
		return nil, &ParseError{Line: len(lines), Msg: "the last line does not end"}
	}
	r := lockReader{lines: lines, at: 1}
	l := &Lock{}
	var err error
	if l.libraries, err = r.libraries(); err != nil {
		return nil, err
	}
	for r.more() {
		p, err := r.model()
		if err != nil {
			return nil, err
		}
		if n := len(l.pins); n > 0 && l.pins[n-1].Name >= p.Name {
			return nil, r.errorf("the model %q is out of order or pinned twice", p.Name)
		}
		l.pins = append(l.pins, p)
	}
	return l, nil
}

// lockReader stands before a line of a lock.
type lockReader struct {
	lines []string
	at    int
}

func (r *lockReader) more() bool { return r.at < len(r.lines) }

// errorf is about the line that was read last.
func (r *lockReader) errorf(format string, args ...any) error {
	return &ParseError{Line: r.at, Msg: fmt.Sprintf(format, args...)}
}

// word takes the next line if it begins with word; rest is what follows it.
func (r *lockReader) word(word string) (rest string, ok bool) {
	if r.more() {
		if rest, ok = strings.CutPrefix(r.lines[r.at], word+" "); ok {
			r.at++
		}
	}
	return rest, ok
}

func (r *lockReader) libraries() (manifest.Manifest, error) {
	var all manifest.Manifest
	for {
		rest, ok := r.word("library")
		if !ok {
			return all, nil
		}
		hex, name, _ := strings.Cut(rest, " ")
		verity, err := manifest.ParseDigest(hex)
		if err != nil {
			return nil, r.errorf("%v", err)
		}
		e := manifest.Entry{Name: name, Verity: verity}
		if wrong := libraryProblem(e); wrong != "" {
			return nil, r.errorf("the library %q %s", name, wrong)
		}
		if n := len(all); n > 0 && all[n-1].Name >= name {
			return nil, r.errorf("the library %q is out of order or pinned twice", name)
		}
		all = append(all, e)
	}
}

func (r *lockReader) model() (Pin, error) {
	rest, ok := r.word("model")
	if !ok {
		r.at++
		return Pin{}, r.errorf("expected a model, not %q", r.lines[r.at-1])
	}
	name, identity, _ := strings.Cut(rest, " ")
	if wrong := modelName(name); wrong != "" {
		return Pin{}, r.errorf("%q %s", name, wrong)
	}
	p := Pin{Name: name}
	var err error
	if p.Files, err = r.files(identity); err != nil {
		return Pin{}, err
	}
	if rest, ok := r.word("derived"); ok {
		identity, recipe, written := strings.Cut(rest, " ")
		if written {
			if p.Recipe, err = manifest.ParseDigest(recipe); err == nil && p.Recipe.IsZero() {
				err = errors.New("it is zero")
			}
			if err != nil {
				return Pin{}, r.errorf("recipe: %v", err)
			}
		}
		if p.Derived, err = r.files(identity); err != nil {
			return Pin{}, err
		}
	}
	return p, nil
}

// files reads a list whose head, the line read last, says its identity.
func (r *lockReader) files(identity string) (manifest.Manifest, error) {
	head := *r
	want, err := manifest.ParseDigest(identity)
	if err != nil {
		return nil, r.errorf("%v", err)
	}
	var all manifest.Manifest
	for r.more() && !strings.HasPrefix(r.lines[r.at], "model ") && !strings.HasPrefix(r.lines[r.at], "derived ") {
		r.at++
		e, err := r.file(r.lines[r.at-1])
		if err != nil {
			return nil, err
		}
		if n := len(all); n > 0 && all[n-1].Name >= e.Name {
			return nil, r.errorf("the file %q is out of order or listed twice", e.Name)
		}
		all = append(all, e)
	}
	if got := all.Identity(); got != want {
		return nil, head.errorf("the identity of these %d files is %s, not %s", len(all), got, want)
	}
	return all, nil
}

func (r *lockReader) file(line string) (manifest.Entry, error) {
	fields := strings.SplitN(line, " ", 4)
	if len(fields) != 4 {
		return manifest.Entry{}, r.errorf("expected two digests, a size and a name, not %q", line)
	}
	var e manifest.Entry
	var err error
	if e.Verity, err = manifest.ParseDigest(fields[0]); err != nil {
		return manifest.Entry{}, r.errorf("fs-verity digest: %v", err)
	}
	if e.SHA256, err = manifest.ParseDigest(fields[1]); err != nil {
		return manifest.Entry{}, r.errorf("SHA-256: %v", err)
	}
	if e.Size, err = strconv.ParseInt(fields[2], 10, 64); err != nil || strconv.FormatInt(e.Size, 10) != fields[2] {
		return manifest.Entry{}, r.errorf("the size %q is no plain decimal number", fields[2])
	}
	e.Name = fields[3]
	if wrong := fileProblem(e); wrong != "" {
		return manifest.Entry{}, r.errorf("the file %q %s", e.Name, wrong)
	}
	return e, nil
}
