package peek

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The records of a zip file (APPNOTE 6.3.10, 4.3).
const (
	zipLocal   = "PK\x03\x04"
	zipCentral = "PK\x01\x02"
	zipEnd     = "PK\x05\x06"
	zip64End   = "PK\x06\x06"
	zip64Where = "PK\x06\x07"

	zipEndSize     = 22
	zipCentralSize = 46
	zipLocalSize   = 30
	zipMaxComment  = 1<<16 - 1
	zipMaxName     = 4 << 10 // of the first member, if it is to be looked at
)

// zipDirectoryRead is how much of a central directory is looked at, which is some
// 15,000 members: an archive that names what it is behind those is a zip file.
const zipDirectoryRead = 1 << 20

// zipEnds is where tail has end records, the last one first.
func zipEnds(tail []byte) (ends []int) {
	for end := bytes.LastIndex(tail, []byte(zipEnd)); end >= 0 && len(ends) < 8; end = bytes.LastIndex(tail[:end], []byte(zipEnd)) {
		if len(tail)-end >= zipEndSize {
			ends = append(ends, end)
		}
	}
	return ends
}

// ZipWrapped looks for a file that some readers find by its end record, though
// it begins otherwise and goes on behind the record.
func (p *File) ZipWrapped() bool {
	if p.Starts(zipLocal, zipEnd) {
		return false
	}
	tail := p.Tail(zipEndSize + zipMaxComment)
	return slices.ContainsFunc(zipEnds(tail), func(end int) bool {
		comment := int(binary.LittleEndian.Uint16(tail[end+20:]))
		_, ok := zipDirectory(p, tail, end)
		return ok && len(tail)-end-zipEndSize > comment
	})
}

// ZipNames are the names of the members of a zip file, wherever in the file it is: those that the central directory begins
// with, and the first in the file.
func (p *File) ZipNames() []string {
	var names []string
	if name, ok := zipLocalName(p); ok {
		names = append(names, name)
	}
	tail := p.Tail(zipEndSize + zipMaxComment)
	for _, end := range zipEnds(tail) {
		directory, ok := zipDirectory(p, tail, end)
		if !ok {
			continue
		}
		for len(directory) >= zipCentralSize && string(directory[:4]) == zipCentral {
			u16 := func(at int) int { return int(binary.LittleEndian.Uint16(directory[at:])) }
			name, next := zipCentralSize+u16(28), zipCentralSize+u16(28)+u16(30)+u16(32)
			if name > len(directory) {
				break
			}
			names = append(names, string(directory[zipCentralSize:name]))
			directory = directory[min(next, len(directory)):]
		}
		break
	}
	return names
}

// zipLocalName is the name in a local header at the start of the file.
func zipLocalName(p *File) (string, bool) {
	if !p.Starts(zipLocal) {
		return "", false
	}
	header := p.Field(0, zipLocalSize)
	length := int(binary.LittleEndian.Uint16(header[26:]))
	if length > zipMaxName {
		return "", false
	}
	name := p.Head(zipLocalSize + length)
	method := binary.LittleEndian.Uint16(header[8:])
	known := method <= 20 || method >= 93 && method <= 99
	if !known || length == 0 || len(name) < zipLocalSize+length || bytes.IndexByte(name[zipLocalSize:], 0) >= 0 {
		return "", false
	}
	return string(name[zipLocalSize:]), true
}

// zipDirectory is the start of the central directory that the end record at tail[end:]
// points at: where it says, or right before the record if bytes were put before the file.
func zipDirectory(p *File, tail []byte, end int) ([]byte, bool) {
	at := p.Size - int64(len(tail)) + int64(end)
	size := int64(binary.LittleEndian.Uint32(tail[end+12:]))
	offset := int64(binary.LittleEndian.Uint32(tail[end+16:]))
	if where := end - 20; where >= 0 && string(tail[where:where+4]) == zip64Where {
		record := p.At(int64(binary.LittleEndian.Uint64(tail[where+8:])), 56)
		if len(record) == 56 && string(record[:4]) == zip64End {
			at = int64(binary.LittleEndian.Uint64(tail[where+8:]))
			size = int64(binary.LittleEndian.Uint64(record[40:]))
			offset = int64(binary.LittleEndian.Uint64(record[48:]))
		}
	}
	for _, start := range []int64{offset, at - size} {
		if start < 0 || start >= at {
			continue
		}
		if b := p.At(start, 4); string(b) == zipCentral {
			return p.At(start, int(min(at-start, zipDirectoryRead))), true
		}
	}
	return nil, false
}
