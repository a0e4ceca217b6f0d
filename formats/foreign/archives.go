package foreign

import (
	"slices"
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

// isTar asks for a header that Python's tarfile takes, since old torch loads the
// pickles of an archive whatever else the file is. Whether its numbers make sense is
// not asked: the checksum is right by no accident, unless it is 0 and the field is
// blank, as arrays may have it. Then there must be a second member.
func isTar(p *peek.File) bool {
	header := p.Head(tarBlock)
	sum, ok := tarSum(header)
	if !ok || sum != 0 || header[156] == gnuSparse {
		return ok
	}
	size, ok := tarNumber(header[124:136])
	return ok && slices.ContainsFunc([]int64{tarBlock, tarNext(0, size)}, func(offset int64) bool {
		_, ok := tarSum(p.At(offset, tarBlock))
		return ok
	})
}

// gnuSparse is the type of a member with more headers behind the first.
const gnuSparse = 'S'

// tarNames are the names of the first members, ./ cut off: none if the file is no
// archive (POSIX.1-2017, pax, ustar Interchange Format).
func tarNames(p *peek.File) []string {
	if !isTar(p) {
		return nil
	}
	var names []string
	for offset := int64(0); len(names) < tarMembers; {
		header := p.At(offset, tarBlock)
		if _, ok := tarSum(header); !ok {
			break
		}
		name, _, _ := strings.Cut(string(header[:100]), "\x00")
		names = append(names, strings.TrimPrefix(name, "./"))
		size, ok := tarNumber(header[124:136])
		if !ok || size < 0 || size > p.Size-offset-tarBlock {
			break
		}
		offset = tarNext(offset, size)
	}
	return names
}

// tarNext is where the header behind a member lies.
func tarNext(offset, size int64) int64 {
	return offset + tarBlock + (size+tarBlock-1)/tarBlock*tarBlock
}

// tarSum is the checksum in a header; it is false if it is not that of the header,
// with bytes that have no sign or, as in some early tars, with bytes that have one.
func tarSum(header []byte) (sum int64, ok bool) {
	if len(header) < tarBlock {
		return 0, false
	}
	var unsigned, signed int64
	for i, b := range header {
		if i >= 148 && i < 156 {
			b = ' '
		}
		unsigned += int64(b)
		signed += int64(int8(b))
	}
	sum, ok = tarNumber(header[148:156])
	return sum, ok && (sum == unsigned || sum == signed)
}

// tarNumber is a number of a tar header as Python reads it (Lib/tarfile.py, nti):
// octal digits to a NUL, among them blanks, a sign, 0o and underscores, or none at
// all for 0; or, as GNU writes what is too large, in binary behind a byte that says so.
func tarNumber(field []byte) (int64, bool) {
	switch field[0] {
	case 0x80:
		return tarBinary(0, field[1:])
	case 0xff:
		return tarBinary(-1, field[1:])
	}
	text, _, _ := strings.Cut(string(field), "\x00")
	text = strings.Trim(text, " \t\n\v\f\r\x1c\x1d\x1e\x1f")
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(strings.NewReplacer("_", "", "o", "", "O", "").Replace(text), 8, 64)
	return n, err == nil
}

// tarBinary takes bytes, the high ones first, behind a sign; more than fit in 64
// bits are no number that an archive could have.
func tarBinary(n int64, digits []byte) (int64, bool) {
	for _, b := range digits {
		if n != n<<8>>8 {
			return 0, false
		}
		n = n<<8 | int64(b)
	}
	return n, true
}
