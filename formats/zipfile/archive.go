package zipfile

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// A Method is how a member's data is packed (APPNOTE 4.4.5).
type Method uint16

// The methods that an [Archive] has.
const (
	Stored   Method = 0
	Deflated Method = 8
)

// A Member is a file or a directory in an archive.
type Member struct {
	// Name is a valid path as in io/fs, of printable characters; a directory's
	// ends in a slash.
	Name   string
	Method Method
	CRC    uint32 // of the content (IEEE 802.3), as the archive states it

	// Offset is where the data begins in the file, behind the local header.
	Offset         int64
	CompressedSize int64 // in the file, in bytes
	Size           int64 // once inflated, in bytes; CompressedSize if stored
}

// IsDir reports whether m is a directory. Directories have no content.
func (m Member) IsDir() bool { return strings.HasSuffix(m.Name, "/") }

// An Archive is the structure of a zip file. It reads content from the Input
// that it was read from, and is of use as long as that is. It is safe for
// concurrent use; its fields are not to be changed.
type Archive struct {
	Members  []Member          // in the order of their bytes
	Findings []formats.Finding // what calls for a decision

	in    formats.Input
	names map[string]int // index of a member by its folded name
}

// Find is the member of that name.
func (a *Archive) Find(name string) (Member, bool) {
	i, ok := a.names[folded(name)]
	if !ok || a.Members[i].Name != name {
		return Member{}, false
	}
	return a.Members[i], true
}

// Place is where the content of m lies in the file. It is false for content
// that lies nowhere, because it is deflated.
func (a *Archive) Place(m Member) (formats.Range, bool) {
	if m.Method != Stored {
		return formats.Range{}, false
	}
	return formats.Range{File: a.in.Name(), Offset: m.Offset, Length: m.Size}, true
}

// Read reads the structure of in: the end records, the central directory, and
// the header of each member. It reads no content; [Archive.Verify] does. What is
// wrong with the file is a *formats.SyntaxError with one of this package's
// codes; other errors are failed reads and ctx's.
//
// Of lim it keeps MaxFiles for the members, directories included, MaxHeader for
// the central directory, and the lower of MaxInflate and MaxBytes for the sum of
// what deflated members inflate to, which is never more than 1,032 times the
// file. All that a call allocates is at most eight times the central directory
// and a constant.
func Read(ctx context.Context, in formats.Input, lim formats.Limits) (*Archive, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, in: in, lim: lim.WithDefaults()}
	end, err := r.end()
	if err != nil {
		return nil, err
	}
	entries, err := r.directory(end)
	if err != nil {
		return nil, err
	}
	if err := r.locals(entries, end.directory.Offset); err != nil {
		return nil, err
	}
	names, err := r.names(entries)
	if err != nil {
		return nil, err
	}
	a := &Archive{Members: make([]Member, len(entries)), Findings: r.findings(), in: in, names: names}
	for i, e := range entries {
		a.Members[i] = e.Member
	}
	return a, nil
}

// A reader holds what the steps of Read share.
type reader struct {
	ctx context.Context
	in  formats.Input
	lim formats.Limits

	comments     int64 // how many bytes they take
	firstComment int64 // its offset
	window       window
}

func (r *reader) fail(c formats.Code, offset int64, detail string, args ...any) error {
	return codes.Syntax(Name, c, r.in.Name(), offset, detail, args...)
}

// comment notes text of n bytes.
func (r *reader) comment(offset, n int64) {
	if r.comments == 0 {
		r.firstComment = offset
	}
	r.comments += n
}

func (r *reader) findings() []formats.Finding {
	if r.comments == 0 {
		return nil
	}
	return []formats.Finding{codes.Finding(CodeComment, r.in.Name(), r.firstComment, "%d bytes of comments", r.comments)}
}

// A window is the part of the file that was read last. Headers are read in the
// order of the file, so that a descriptor and the header behind it are one read.
type window struct {
	offset int64
	bytes  []byte
}

const windowSize = 4 << 10

// bytes are the n bytes at offset, which lie within the file, until the next call.
func (r *reader) bytes(offset int64, n int) ([]byte, error) {
	w := &r.window
	if offset < w.offset || offset+int64(n) > w.offset+int64(len(w.bytes)) {
		size := int(min(int64(max(n, windowSize)), r.in.Size()-offset))
		if cap(w.bytes) < size {
			w.bytes = make([]byte, size)
		}
		w.offset, w.bytes = offset, w.bytes[:size]
		if err := formats.ReadFull(r.in, w.bytes, offset); err != nil {
			return nil, err
		}
	}
	return w.bytes[offset-w.offset:][:n], nil
}

// failedRead is the error of a read that came short.
func failedRead(in formats.Input, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the file is shorter than the size it was opened with
	}
	return fmt.Errorf("%s: %w", formats.Quote(in.Name()), err)
}

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
