package sidecar

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
)

// An index is the weight_map of a sharded checkpoint: which file holds which
// tensor, as transformers, diffusers and accelerate write and read it.
type index struct {
	entries []entry
	shards  []string // in the order in which they are named first
	total   *total
}

type entry struct {
	name  span
	shard int
}

// A total is what metadata.total_size says: the bytes of all tensors.
type total struct {
	pos   int
	bytes int64
}

// totalSize keeps n if it is an integer: some writers leave a float.
func (x *index) totalSize(pos int, n []byte) {
	if bytes, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		x.total = &total{pos, bytes}
	}
}

// read reads the map.
func (x *index) read(r *reader) error {
	x.entries = make([]entry, 0, min(cap(r.keys), r.lim.MaxTensors))
	ids := map[string]int{}
	return r.object(CodeIndexTwice, func(key []byte, pos int) error {
		if len(x.entries) == r.lim.MaxTensors {
			return r.fail(CodeLimit, pos, "more tensors than MaxTensors, %d", r.lim.MaxTensors)
		}
		if r.Peek() != '"' {
			return r.fail(CodeIndexForm, pos, "tensor %s lies in no file", quote(key))
		}
		shard, err := r.Str()
		if err != nil {
			return err
		}
		id, known := ids[string(shard)]
		if !known {
			if len(x.shards) == r.lim.MaxFiles {
				return r.fail(CodeLimit, pos, "more shards than MaxFiles, %d", r.lim.MaxFiles)
			}
			id = len(x.shards)
			x.shards = append(x.shards, string(shard))
			ids[x.shards[id]] = id
		}
		x.entries = append(x.entries, entry{span{pos + 1, pos + 1 + len(key)}, id})
		return nil
	})
}

// check holds the map against the shards.
func (x *index) check(r *reader) error {
	slices.SortFunc(x.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), bytes.Compare(r.bytes(a.name), r.bytes(b.name)))
	})
	rest, size, all := x.entries, int64(0), len(x.shards) > 0
	for id, shard := range x.shards {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		n := 0
		for n < len(rest) && rest[n].shard == id {
			n++
		}
		held, known, err := r.shard(shard, rest[:n])
		if err != nil {
			return err
		}
		size, all = size+held, all && known
		rest = rest[n:]
	}
	if all && x.total != nil && x.total.bytes != size {
		r.find(CodeIndexSize, x.total.pos, "total_size is %d, but the tensors have %d bytes", x.total.bytes, size)
	}
	return nil
}

// shard holds the entries of one shard, sorted by name, against it. It returns
// the bytes of the tensors in it, if they can be known.
func (r *reader) shard(name string, entries []entry) (size int64, known bool, err error) {
	first := entries[0].name.from
	for _, e := range entries {
		first = min(first, e.name.from)
	}
	pos := first - 1 // of the quote
	if _, ok := formats.SiblingName(r.in.Name(), name); !ok {
		r.find(CodeIndexPath, pos, "shard %s is no path beneath the index", quote(name))
		return 0, false, nil
	}
	file, ok := r.in.Sibling(name)
	if !ok {
		r.find(CodeIndexMissing, pos, "shard %s is not there", quote(name))
		return 0, false, nil
	}
	header, err := safetensors.Read(r.ctx, file, r.lim)
	if _, malformed := errors.AsType[*formats.SyntaxError](err); malformed {
		r.find(CodeIndexUnchecked, pos, "shard %s cannot be read as safetensors", quote(name))
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return r.compare(name, pos, entries, header.Tensors), true, nil
}

// compare walks both lists by name, and returns the bytes of all tensors.
func (r *reader) compare(shard string, pos int, entries []entry, tensors []formats.Tensor) int64 {
	slices.SortFunc(tensors, func(a, b formats.Tensor) int { return strings.Compare(a.ID.Name, b.ID.Name) })
	size := int64(0)
	for _, t := range tensors {
		size += t.Place.Length
		for len(entries) > 0 && string(r.bytes(entries[0].name)) < t.ID.Name {
			r.absent(shard, entries[0])
			entries = entries[1:]
		}
		if len(entries) > 0 && string(r.bytes(entries[0].name)) == t.ID.Name {
			entries = entries[1:]
			continue
		}
		r.find(CodeIndexUnnamed, pos, "tensor %s of shard %s is not placed there", quote(t.ID.Name), quote(shard))
	}
	for _, e := range entries {
		r.absent(shard, e)
	}
	return size
}

func (r *reader) absent(shard string, e entry) {
	r.find(CodeIndexTensor, e.name.from-1, "tensor %s is not in shard %s", quote(r.bytes(e.name)), quote(shard))
}
