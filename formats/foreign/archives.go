package foreign

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
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
			verdict: unread("Unpack it and check what it holds, and ask why other bytes were put around it."), fits: (*peek.File).ZipWrapped,
		},
		{
			name: "7z", code: Code7z, what: "a 7-Zip archive",
			verdict: unread(unpackIt), fits: func(p *peek.File) bool { return p.Starts("7z\xbc\xaf\x27\x1c") },
		},
		{
			name: "rar", code: CodeRar, what: "a RAR archive",
			verdict: unread(unpackIt), fits: func(p *peek.File) bool { return p.Starts("Rar!\x1a\x07\x00", "Rar!\x1a\x07\x01\x00") },
		},
	}
}

const tarBlock = 512

// tarMembers is how many members of a tar archive are looked at.
const tarMembers = 64

// isTar asks for a member: an archive of none is zeros, as raw weights may be.
func isTar(p *peek.File) bool { return len(tarNames(p)) > 0 }

// tarNames are the names of the first members, ./ cut off: none if the file does
// not begin with a header whose checksum is right (POSIX.1-2017, pax, ustar
// Interchange Format; the sum is what archives of Unix v7 have as well).
func tarNames(p *peek.File) []string {
	var names []string
	for offset := int64(0); len(names) < tarMembers; {
		header := p.At(offset, tarBlock)
		name, size, ok := tarHeader(header)
		if !ok {
			break
		}
		names = append(names, strings.TrimPrefix(name, "./"))
		if size > p.Size-offset-tarBlock {
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
