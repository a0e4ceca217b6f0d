package loader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A derivedFile is what a conversion made: a file that exists as a list of
// parts, most of which are verified bytes of the source where they lie. It is
// read, hashed and parsed like any other, and safe for concurrent use.
type derivedFile struct {
	source *stagedFile
	name   string
	size   int64
	parts  []formats.Part  // none is empty
	starts []int64         // offset of each part
	merged map[string]bool // tensors of the source that share the bytes of one that is here
	beside func(name string) (formats.Input, bool)
	recipe manifest.Digest

	head int64 // what can still be read of it
}

// newDerivedFile checks what a converter says against the file that it says it
// of.
func newDerivedFile(source *stagedFile, c *formats.Conversion, beside func(name string) (formats.Input, bool)) (*derivedFile, error) {
	if !fs.ValidPath(c.File) || c.File == "." {
		return nil, errors.New("it is no name beneath the model's root")
	}
	d := &derivedFile{source: source, name: c.File, beside: beside, merged: map[string]bool{}}
	for _, tensor := range c.Merged {
		d.merged[tensor] = true
	}
	for _, p := range c.Parts {
		if p.Bytes == nil && (p.Source.File != source.name || !p.Source.Within(source.size)) {
			return nil, fmt.Errorf("a part of it is %d bytes at %d of %s, which are not there", p.Source.Length, p.Source.Offset, formats.Quote(p.Source.File))
		}
		n := p.Len()
		if n == 0 {
			continue
		}
		if d.size > 1<<62-n {
			return nil, errors.New("it is too large to be counted")
		}
		d.parts, d.starts = append(d.parts, p), append(d.starts, d.size)
		d.size += n
	}
	d.head = d.size
	return d, nil
}

func (d *derivedFile) Name() string { return d.name }
func (d *derivedFile) Size() int64  { return d.size }

func (d *derivedFile) Sibling(name string) (formats.Input, bool) {
	full, ok := formats.SiblingName(d.name, name)
	if !ok {
		return nil, false
	}
	return d.beside(full)
}

// derivedNamed is the file of that name among those that were derived, or nil.
func derivedNamed(files []*derivedFile, name string) *derivedFile {
	for _, d := range files {
		if d.name == name {
			return d
		}
	}
	return nil
}

// at is the part that the byte at offset lies in.
func (d *derivedFile) at(offset int64) int {
	i, found := slices.BinarySearch(d.starts, offset)
	if found {
		return i
	}
	return i - 1
}

// part is the one part that a range lies in whole; an empty range lies in any.
func (d *derivedFile) part(r formats.Range) (formats.Part, bool) {
	if r.Length == 0 {
		return formats.Part{Bytes: []byte{}}, true
	}
	if !r.Within(d.size) {
		return formats.Part{}, false
	}
	i := d.at(r.Offset)
	from := r.Offset - d.starts[i]
	p := d.parts[i]
	if from+r.Length > p.Len() {
		return formats.Part{}, false
	}
	if p.Bytes != nil {
		return formats.Part{Bytes: p.Bytes[from:][:r.Length:r.Length]}, true
	}
	return formats.Part{Source: formats.Range{File: p.Source.File, Offset: p.Source.Offset + from, Length: r.Length}}, true
}

// slice is a range's bytes where they lie, if they lie in one piece in memory.
func (d *derivedFile) slice(r formats.Range) ([]byte, bool) {
	p, ok := d.part(r)
	switch {
	case !ok:
		return nil, false
	case p.Bytes != nil:
		return p.Bytes, true
	case d.source.bytes == nil: // a ring
		return nil, false
	}
	return d.source.bytes[p.Source.Offset:p.Source.End():p.Source.End()], true
}

func (d *derivedFile) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("%s: read at offset %d", d.name, off)
	}
	for n < len(p) {
		if off >= d.size {
			return n, io.EOF
		}
		if off >= d.head {
			return n, fmt.Errorf("%s: it was measured, and is not kept", d.name)
		}
		i := d.at(off)
		from := off - d.starts[i]
		part := d.parts[i]
		want := p[n:][:min(int64(len(p)-n), part.Len()-from)]
		if part.Bytes != nil {
			copy(want, part.Bytes[from:])
		} else if k, err := d.source.ReadAt(want, part.Source.Offset+from); k < len(want) {
			return n + k, cmp.Or(err, io.ErrUnexpectedEOF)
		}
		n, off = n+len(want), off+int64(len(want))
	}
	return n, nil
}

// forget lets go of all bytes but the first part's, a safetensors header, and
// returns how many they were.
func (d *derivedFile) forget() (freed int64) {
	for i := range d.parts {
		if i > 0 && d.parts[i].Bytes != nil {
			freed += d.parts[i].Len()
			d.parts[i] = formats.Part{}
		}
	}
	if len(d.parts) > 0 {
		d.head = d.starts[0] + d.parts[0].Len()
	}
	return freed
}

// measure hashes the file on all cores. What needs its bytes in order, its
// SHA-256 if it is asked for and the writer if there is one, gets each batch of
// chunks while the next one is read.
func (d *derivedFile) measure(ctx context.Context, chained bool, to io.Writer) (manifest.Entry, error) {
	tree, chain := hashing.NewTree(d.size), hashing.NewChain(d.size)
	inOrder := io.Discard
	switch {
	case chained && to != nil:
		inOrder = io.MultiWriter(chain, to)
	case chained:
		inOrder = chain
	case to != nil:
		inOrder = to
	}
	workers := min(int64(runtime.GOMAXPROCS(0)), max(1, hashing.Chunks(d.size)))
	buffers := make([][hashing.Chunk]byte, 2*workers)
	var last [][]byte
	chunks := hashing.Chunks(d.size)
	for first := int64(0); first < chunks || len(last) > 0; first += workers {
		group, ctx := errgroup.WithContext(ctx)
		batch := make([][]byte, max(0, min(workers, chunks-first)))
		for k := range batch {
			group.Go(func() (err error) {
				if err := ctx.Err(); err != nil {
					return err
				}
				i := first + int64(k)
				batch[k], err = d.chunk(tree, i, &buffers[i%int64(len(buffers))])
				return err
			})
		}
		var written error
		for _, chunk := range last {
			if _, written = inOrder.Write(chunk); written != nil {
				break
			}
		}
		if err := cmp.Or(group.Wait(), written); err != nil {
			return manifest.Entry{}, err
		}
		last = batch
	}
	return d.entry(tree, chain, chained)
}

// chunk is chunk i, hashed: where it lies, or in buf.
func (d *derivedFile) chunk(tree *hashing.Tree, i int64, buf *[hashing.Chunk]byte) ([]byte, error) {
	offset, n := tree.Bounds(i)
	chunk, ok := d.slice(formats.Range{Offset: offset, Length: int64(n)})
	if !ok {
		chunk = buf[:n]
		if n, err := d.ReadAt(chunk, offset); n < len(chunk) {
			return nil, err
		}
	}
	tree.Hash(i, chunk)
	return chunk, nil
}

func (d *derivedFile) entry(tree *hashing.Tree, chain *hashing.Chain, chained bool) (e manifest.Entry, err error) {
	e = manifest.Entry{Name: d.name, Size: d.size}
	if e.Verity, err = tree.Digest(); err == nil && chained {
		e.SHA256, err = chain.Digest()
	}
	return e, err
}

var _ formats.Input = (*derivedFile)(nil)
