package foreign

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// Archives that no parser of the house opens. Zip files are package zipfile's,
// but for those that do not even end as one.
const (
	CodeTar        formats.Code = "foreign.tar"
	CodeZipWrapped formats.Code = "foreign.zip.wrapped"
	Code7z         formats.Code = "foreign.7z"
	CodeRar        formats.Code = "foreign.rar"
)

// zipWrapped is the name of what all other kinds refine: each of them says more of
// a file than that a zip file is somewhere in it, and admits it no more.
const zipWrapped = "zip.wrapped"

const unpackIt = "Unpack it and check what it holds; nothing in it was looked at."

func archiveKinds() []kind {
	return []kind{
		{
			name: "tar", code: CodeTar, what: "a tar archive",
			verdict: unread(unpackIt), fits: isTar,
		},
		{
			name: zipWrapped, code: CodeZipWrapped, what: "a zip file with bytes before and behind it",
			verdict: unread("Unpack it and check what it holds, and ask why other bytes were put around it."), fits: isZipWrapped,
		},
		{
			name: "7z", code: Code7z, what: "a 7-Zip archive",
			verdict: unread(unpackIt), fits: func(p *peek) bool { return p.starts("7z\xbc\xaf\x27\x1c") },
		},
		{
			name: "rar", code: CodeRar, what: "a RAR archive",
			verdict: unread(unpackIt), fits: func(p *peek) bool { return p.starts("Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00") },
		},
	}
}

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

// isZipWrapped looks for a file that some readers find by its end record, though
// it begins otherwise and goes on behind the record.
func isZipWrapped(p *peek) bool {
	if p.starts(zipLocal, zipEnd) {
		return false
	}
	tail := p.tail(zipEndSize + zipMaxComment)
	return slices.ContainsFunc(zipEnds(tail), func(end int) bool {
		comment := int(binary.LittleEndian.Uint16(tail[end+20:]))
		_, ok := zipDirectory(p, tail, end)
		return ok && len(tail)-end-zipEndSize > comment
	})
}

// zipNames are the names of the members: those that the central directory begins
// with, and the first in the file.
func zipNames(p *peek) []string {
	var names []string
	if name, ok := zipLocalName(p); ok {
		names = append(names, name)
	}
	tail := p.tail(zipEndSize + zipMaxComment)
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
func zipLocalName(p *peek) (string, bool) {
	if !p.starts(zipLocal) {
		return "", false
	}
	header := p.field(0, zipLocalSize)
	length := int(binary.LittleEndian.Uint16(header[26:]))
	if length > zipMaxName {
		return "", false
	}
	name := p.head(zipLocalSize + length)
	method := binary.LittleEndian.Uint16(header[8:])
	known := method <= 20 || method >= 93 && method <= 99
	if !known || length == 0 || len(name) < zipLocalSize+length || bytes.IndexByte(name[zipLocalSize:], 0) >= 0 {
		return "", false
	}
	return string(name[zipLocalSize:]), true
}

// zipDirectory is the start of the central directory that the end record at tail[end:]
// points at: where it says, or right before the record if bytes were put before the file.
func zipDirectory(p *peek, tail []byte, end int) ([]byte, bool) {
	at := p.size - int64(len(tail)) + int64(end)
	size := int64(binary.LittleEndian.Uint32(tail[end+12:]))
	offset := int64(binary.LittleEndian.Uint32(tail[end+16:]))
	if where := end - 20; where >= 0 && string(tail[where:where+4]) == zip64Where {
		record := p.at(int64(binary.LittleEndian.Uint64(tail[where+8:])), 56)
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
		if b := p.at(start, 4); string(b) == zipCentral {
			return p.at(start, int(min(at-start, zipDirectoryRead))), true
		}
	}
	return nil, false
}

const tarBlock = 512

// tarMembers is how many members of a tar archive are looked at.
const tarMembers = 64

// isTar asks for a member: an archive of none is zeros, as raw weights may be.
func isTar(p *peek) bool { return len(tarNames(p)) > 0 }

// tarNames are the names of the first members, ./ cut off: none if the file does
// not begin with a header whose checksum is right (POSIX.1-2017, pax, ustar
// Interchange Format; the sum is what archives of Unix v7 have as well).
func tarNames(p *peek) []string {
	var names []string
	for offset := int64(0); len(names) < tarMembers; {
		header := p.at(offset, tarBlock)
		name, size, ok := tarHeader(header)
		if !ok {
			break
		}
		names = append(names, strings.TrimPrefix(name, "./"))
		if size > p.size-offset-tarBlock {
			break
		}
		offset += tarBlock + (size+tarBlock-1)/tarBlock*tarBlock
	}
	return names
}

func tarHeader(header []byte) (name string, size int64, ok bool) {
	if len(header) < tarBlock {
		return "", 0, false
	}
	sum, ok := octal(header[148:156])
	if !ok {
		return "", 0, false
	}
	var unsigned, signed int64
	for i, b := range header {
		if i >= 148 && i < 156 {
			b = ' '
		}
		unsigned += int64(b)
		signed += int64(int8(b)) // as some early tars did
	}
	name, _, _ = strings.Cut(string(header[:100]), "\x00")
	if name == "" || sum != unsigned && sum != signed {
		return "", 0, false
	}
	size, ok = octal(header[124:136])
	if header[124]&0x80 != 0 { // GNU: a size beyond 8 GiB, in binary
		size, ok = int64(binary.BigEndian.Uint64(header[128:])), true
	}
	return name, size, ok && size >= 0
}

// octal is a number of a tar header; without digits it is none.
func octal(field []byte) (int64, bool) {
	n, err := strconv.ParseInt(strings.Trim(string(field), " \x00"), 8, 64)
	return n, err == nil
}
