package convert

import (
	"context"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// bytesOf is the length of a storage; it is false for one that no file holds.
func bytesOf(s grammar.Storage) (int64, bool) {
	size := s.DType.Size()
	if size == 0 || s.Elements < 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(s.Elements), uint64(size))
	if hi != 0 || lo > 1<<62 {
		return 0, false
	}
	return int64(lo), true
}

// distinct finds the index of each storage by its key.
func (c *checker) distinct(storages []grammar.Storage) map[string]int {
	index := make(map[string]int, len(storages))
	for i, s := range storages {
		if _, twice := index[s.Key]; twice {
			c.find(CodePlan, 0, "a second storage %s", quote(s.Key))
			return nil
		}
		index[s.Key] = i
	}
	return index
}

// records are the places of a zip checkpoint's storages: each is a record of
// exactly the length that the pickle says.
func (c *checker) records(storages []grammar.Storage, records map[string]formats.Range) []formats.Range {
	if c.distinct(storages) == nil {
		return nil
	}
	places := make([]formats.Range, len(storages))
	for i, s := range storages {
		record, there := records[s.Key]
		n, fits := bytesOf(s)
		switch {
		case !there:
			c.find(CodeStorage, 0, "storage %s is not in the file", quote(s.Key))
		case !fits || n != record.Length || !record.Within(c.size):
			c.find(CodeStorage, record.Offset, "storage %s: %d elements%s in a record of %d bytes", quote(s.Key), s.Elements, named(s.DType), record.Length)
		}
		if len(c.findings) == maxFindings {
			break
		}
		places[i] = record
	}
	if len(c.findings) > 0 {
		return nil
	}
	return places
}

// unnamed looks for records that no storage is: nothing reads their bytes.
func (c *checker) unnamed(storages []grammar.Storage, records map[string]formats.Range) {
	if len(records) <= len(storages) { // each of which has one
		return
	}
	index := c.distinct(storages)
	for _, key := range slices.Sorted(maps.Keys(records)) {
		if _, named := index[key]; !named {
			c.find(CodeUnnamed, records[key].Offset, "%d records that no pickle names, the first is storage %s of %d bytes",
				len(records)-len(storages), quote(key), records[key].Length)
			return
		}
	}
}

// tiles are the places of a legacy checkpoint's storages: each lies behind its
// own count, in the order of the keys, from the end of the pickles to that of
// the file. The error is that of a read.
func (c *checker) tiles(ctx context.Context, in formats.Input, cp *grammar.Checkpoint) ([]formats.Range, error) {
	index := c.distinct(cp.Storages)
	if index == nil {
		return nil, nil
	}
	if len(cp.Keys) != len(cp.Storages) {
		c.find(CodeTile, cp.End, "%d keys of %d storages", len(cp.Keys), len(cp.Storages))
		return nil, nil
	}
	places := make([]formats.Range, len(cp.Storages))
	next := cp.End
	for n, key := range cp.Keys {
		if n%(1<<10) == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		i, known := index[key]
		if !known {
			c.find(CodeTile, next, "storage %s is in no pickle, or lies there twice", quote(key))
			return nil, nil
		}
		delete(index, key)
		s := cp.Storages[i]
		length, fits := bytesOf(s)
		place := formats.Range{File: c.file, Offset: next + countSize, Length: length}
		if next < 0 || next > c.size-countSize || !fits || !place.Within(c.size) {
			c.find(CodeTile, next, "storage %s: %d elements%s leave a file of %d bytes", quote(key), s.Elements, named(s.DType), c.size)
			return nil, nil
		}
		count, err := readCount(in, next)
		if err != nil {
			return nil, err
		}
		if count != s.Elements {
			c.find(CodeTile, next, "storage %s has %d elements where it lies and %d in the pickle", quote(key), count, s.Elements)
			return nil, nil
		}
		places[i], next = place, place.End()
	}
	if next != c.size {
		c.find(CodeTile, next, "%d bytes behind the last storage", c.size-next)
		return nil, nil
	}
	return places, nil
}

// countSize is the length of the count in front of a legacy file's storage.
const countSize = 8

// readCount reads it; torch writes it little-endian on every machine.
func readCount(in formats.Input, offset int64) (int64, error) {
	var b [countSize]byte
	if err := formats.ReadFull(in, b[:], offset); err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint64(b[:])), nil
}
