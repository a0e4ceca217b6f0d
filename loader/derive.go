package loader

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// The formats of what converters write, and of what steers where tensors lie.
const (
	tensorFormat = "safetensors"
	indexFormat  = "index"
)

// derive takes down what was made of f, and is its name; empty if that is a
// finding.
func (i *inspection) derive(ctx context.Context, f *stagedFile, c *formats.Conversion, format string) (string, error) {
	d, err := newDerivedFile(f, c, i.beside)
	if err != nil {
		i.find(codes.Finding(CodeParser, f.name, 0, "the converter's %s: %v", formats.Quote(c.File), err))
		return "", nil
	}
	before := len(i.facts.Findings)
	var found *formats.Inspection
	err = i.guarded(f, "the reader of what was made of it", func() (err error) {
		found, err = i.readBack(ctx, d, format)
		return err
	})
	if cause := cmp.Or(ctx.Err(), i.s.failed()); cause != nil {
		return "", cause
	}
	if found == nil {
		if len(i.facts.Findings) == before {
			i.find(codes.Finding(CodeParser, f.name, 0, "the converter wrote no %s: %v", format, err))
		}
		return "", nil
	}
	i.facts.Findings = append(i.facts.Findings, found.Findings...)
	i.tensors = append(i.tensors, found.Tensors...)
	i.derived = append(i.derived, d)
	i.from[f.name] = d
	if d.recipe, err = d.recipeOf(); err == nil && !i.mayImply() {
		err = i.measure(ctx, d)
	}
	return d.name, err
}

// readBack is what the set's formats make of a derived file: the converter's
// word is not taken for what it wrote.
func (i *inspection) readBack(ctx context.Context, d *derivedFile, want string) (*formats.Inspection, error) {
	format, err := i.a.formats.Detect(ctx, d)
	if err != nil {
		return nil, err
	}
	if format.Name() != want {
		return nil, fmt.Errorf("it is %s", format.Name())
	}
	found, err := format.Inspect(ctx, d, i.a.limits)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("the parser of %s returned nothing", want)
	}
	seen := make(map[string]bool, len(found.Tensors))
	for _, t := range found.Tensors {
		n, known := formats.ByteLen(t.DType, t.Shape)
		p, whole := d.part(t.Place)
		switch {
		case seen[t.ID.Name] || t.ID.File != d.name || t.Inline || t.Place.File != d.name || !known || n != t.Place.Length:
			return nil, fmt.Errorf("tensor %s is none of its own", formats.Quote(t.ID.Name))
		case !whole:
			return nil, fmt.Errorf("tensor %s lies in pieces", formats.Quote(t.ID.Name))
		case len(p.Bytes) > 0 && i.s.space != nil && !i.s.owns(p.Bytes):
			return nil, fmt.Errorf("tensor %s lies in memory that is not the load's", formats.Quote(t.ID.Name))
		}
		seen[t.ID.Name] = true
	}
	return found, nil
}

// beside is the file of that name as derived files see it: what was derived
// comes before what it was derived from.
func (i *inspection) beside(name string) (formats.Input, bool) {
	if d := derivedNamed(i.derived, name); d != nil {
		return d, true
	}
	return i.s.sibling(name)
}

// madeOf is what was made of the shard that an index names, nil if nothing was.
func (i *inspection) madeOf(index *stagedFile, shard string) *derivedFile {
	full, ok := formats.SiblingName(index.name, shard)
	if !ok {
		return nil
	}
	return i.from[full]
}

// beneath is a name as a file beside or above it has it.
func beneath(file, name string) string {
	return strings.TrimPrefix(name, file[:strings.LastIndexByte(file, '/')+1])
}

// mayImply reports whether the lock may say what was derived: the bytes are
// kept, and nobody asks for them in order.
func (i *inspection) mayImply() bool {
	return i.s.space != nil && !i.a.sha256 && i.a.derived == nil
}

// measure takes the digests of a derived file. Of a ring nothing is kept of it
// then but its head.
func (i *inspection) measure(ctx context.Context, d *derivedFile) error {
	var to io.Writer
	if i.a.derived != nil {
		w, err := i.a.derived(d.name, d.size)
		if err != nil {
			return err
		}
		to = w
	}
	entry, err := d.measure(ctx, i.a.sha256, to)
	if err != nil {
		return err
	}
	i.facts.Derived = append(i.facts.Derived, entry)
	if i.s.space == nil {
		i.a.gathered -= d.forget()
	}
	return nil
}

// settle says what was derived: by its digests, or by the lock's if the lock has
// the recipe that this load has arrived at.
func (i *inspection) settle(ctx context.Context) error {
	slices.SortFunc(i.derived, func(x, y *derivedFile) int { return cmp.Compare(x.name, y.name) })
	recipe := recipeOf(i.derived)
	i.a.report.Recipe = recipe
	if !i.mayImply() {
		i.facts.Derived.Sort()
		return nil
	}
	if files, known := i.a.rules.Made(); known == recipe {
		i.facts.Derived, i.a.report.Implied = files, true
		return nil
	}
	for _, d := range i.derived {
		if err := i.measure(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// recipeDomain begins what a recipe is the digest of.
const recipeDomain = "weightgate.recipe.v1\x00"

// recipeOf names files, sorted by name, by how they are made: SHA-256 over the
// domain and each file's recipe. Equal recipes make equal files.
func recipeOf(files []*derivedFile) manifest.Digest {
	h := sha256.New()
	io.WriteString(h, recipeDomain)
	for _, d := range files {
		h.Write(d.recipe[:])
	}
	return manifest.Digest(h.Sum(nil))
}

// recipeOf is the SHA-256 over a file's name, its source's name and fs-verity
// digest, the number of its parts, and for each part its length and either 0 and
// its SHA-256 or 1 and its offset in the source. Numbers are u64le, names have
// their length before them.
func (d *derivedFile) recipeOf() (manifest.Digest, error) {
	source, err := d.source.tree.Digest()
	if err != nil {
		return manifest.Digest{}, err
	}
	h := sha256.New()
	number := func(n int64) { h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	for _, name := range []string{d.name, d.source.name} {
		number(int64(len(name)))
		io.WriteString(h, name)
	}
	h.Write(source[:])
	number(int64(len(d.parts)))
	for _, p := range d.parts {
		number(p.Len())
		if p.Bytes == nil {
			number(1)
			number(p.Source.Offset)
			continue
		}
		sum := sha256.Sum256(p.Bytes)
		number(0)
		h.Write(sum[:])
	}
	return manifest.Digest(h.Sum(nil)), nil
}
