package zipfile

import (
	"bytes"
	"math"

	"github.com/weightgate/weightgate/formats"
)

// The records at the end of the file (APPNOTE 4.3.14 to 4.3.16), and their sizes
// in bytes without what follows them.
const (
	endSignature     = "PK\x05\x06"
	recordSignature  = "PK\x06\x06"
	locatorSignature = "PK\x06\x07"

	endSize     = 22
	recordSize  = 56
	locatorSize = 20
)

// Values that stand for "see the record of zip64" (APPNOTE 4.4.1.4).
const (
	wide16 = math.MaxUint16
	wide32 = math.MaxUint32
)

// An end is what the records at the end of the file say.
type end struct {
	entries   int
	directory formats.Range // within the file
}

// readTail reads all of the file where an end record can begin.
func readTail(in formats.Input) ([]byte, error) {
	tail := make([]byte, min(in.Size(), endSize+math.MaxUint16))
	return tail, formats.ReadFull(in, tail, in.Size()-int64(len(tail)))
}

// reachesEnd reports whether an end record at that place of the tail has a
// comment that ends with the file.
func reachesEnd(tail []byte, at int) bool {
	return len(tail)-at >= endSize && len(tail)-at-endSize == int(le16(tail[at+20:]))
}

// lastEnd is the place of the last signature in tail if it begins an end record
// whose comment ends with the file, else -1.
func lastEnd(tail []byte) int {
	at := bytes.LastIndex(tail, []byte(endSignature))
	if at < 0 || !reachesEnd(tail, at) {
		return -1
	}
	return at
}

// end finds the end record. Readers search it from either side, so there must
// be no other in the tail that one of them could take for it.
func (r *reader) end() (end, error) {
	tail, err := readTail(r.in)
	if err != nil {
		return end{}, err
	}
	begin := r.in.Size() - int64(len(tail))
	at := bytes.LastIndex(tail, []byte(endSignature))
	switch {
	case at < 0:
		return end{}, r.fail(CodeEnd, begin, "no end record in the last %d bytes", len(tail))
	case len(tail)-at < endSize:
		return end{}, r.fail(CodeEnd, begin+int64(at), "the file ends within an end record, or within a comment that begins like one")
	case !reachesEnd(tail, at):
		comment, rest := int(le16(tail[at+20:])), len(tail)-at-endSize
		if comment > rest {
			return end{}, r.fail(CodeEnd, begin+int64(at), "a comment of %d bytes where the file has %d", comment, rest)
		}
		return end{}, r.fail(CodeTrailing, begin+int64(at+endSize+comment), "%d bytes behind the end record", rest-comment)
	}
	for other := bytes.Index(tail[:at], []byte(endSignature)); other >= 0; {
		if reachesEnd(tail, other) {
			return end{}, r.fail(CodeEnd, begin+int64(other), "a second end record whose comment ends with the file")
		}
		next := bytes.Index(tail[other+1:at], []byte(endSignature))
		if next < 0 {
			break
		}
		other += 1 + next
	}
	if comment := len(tail) - at - endSize; comment > 0 {
		r.comment(begin+int64(at+endSize), int64(comment))
	}
	return r.endAt(tail[at:at+endSize], begin+int64(at))
}

// endAt reads the end record b, and the ones of zip64 before it.
func (r *reader) endAt(b []byte, offset int64) (end, error) {
	if le16(b[4:]) != 0 || le16(b[6:]) != 0 || le16(b[8:]) != le16(b[10:]) {
		return end{}, r.fail(CodeEnd, offset, "an archive on several disks")
	}
	entries, size, start := uint64(le16(b[10:])), uint64(le32(b[12:])), uint64(le32(b[16:]))
	limit := offset // the end of the central directory
	locator, err := r.locator(offset)
	if err != nil {
		return end{}, err
	}
	if locator == nil && (entries == wide16 || size == wide32 || start == wide32) {
		return end{}, r.fail(CodeZip64, offset, "an end record that refers to one of zip64, which is not there")
	}
	if locator != nil {
		limit = offset - locatorSize - recordSize
		wide, err := r.record(locator, limit)
		if err != nil {
			return end{}, err
		}
		if !agree(entries, wide.entries, wide16) || !agree(size, wide.size, wide32) || !agree(start, wide.start, wide32) {
			return end{}, r.fail(CodeZip64, limit, "the end record and the one of zip64 describe two directories")
		}
		entries, size, start = wide.entries, wide.size, wide.start
	}
	switch {
	case start > uint64(limit) || size > uint64(limit)-start:
		return end{}, r.fail(CodeBounds, offset, "a directory of %d bytes at %d that ends behind %d", size, start, limit)
	case entries > uint64(r.lim.MaxFiles):
		return end{}, r.fail(CodeLimit, offset, "%d members; MaxFiles is %d", entries, r.lim.MaxFiles)
	case entries > size/centralSize:
		return end{}, r.fail(CodeDirectory, offset, "%d entries in a directory of %d bytes", entries, size)
	case size > uint64(r.lim.MaxHeader):
		return end{}, r.fail(CodeLimit, offset, "a directory of %d bytes; MaxHeader is %d", size, r.lim.MaxHeader)
	}
	directory := formats.Range{File: r.in.Name(), Offset: int64(start), Length: int64(size)}
	if directory.End() != limit {
		return end{}, r.displaced(directory, limit)
	}
	return end{entries: int(entries), directory: directory}, nil
}

// agree reports whether a narrow field says the same as its wide one.
func agree(narrow, wide, seeWide uint64) bool { return narrow == wide || narrow == seeWide }

// locator is the locator of zip64 before an end record, nil if there is none.
func (r *reader) locator(end int64) ([]byte, error) {
	if end < locatorSize {
		return nil, nil
	}
	b := make([]byte, locatorSize)
	if err := formats.ReadFull(r.in, b, end-locatorSize); err != nil {
		return nil, err
	}
	if string(b[:4]) != locatorSignature {
		return nil, nil
	}
	return b, nil
}

// A wideEnd is the end record of zip64.
type wideEnd struct{ entries, size, start uint64 }

// record reads the end record of zip64, which lies before its locator.
func (r *reader) record(locator []byte, offset int64) (wideEnd, error) {
	if offset < 0 || le64(locator[8:]) != uint64(offset) {
		return wideEnd{}, r.fail(CodeZip64, max(offset, 0), "the end record of zip64 does not lie before its locator")
	}
	var b [recordSize]byte
	if err := formats.ReadFull(r.in, b[:], offset); err != nil {
		return wideEnd{}, err
	}
	const follows = recordSize - 12 // the record's size counts neither its signature nor itself
	switch {
	case string(b[:4]) != recordSignature || le64(b[4:]) != follows || le16(b[14:]) > zip64Version:
		return wideEnd{}, r.fail(CodeZip64, offset, "no end record of zip64 of version 1")
	case le32(locator[4:]) != 0 || le32(locator[16:]) != 1 || le32(b[16:]) != 0 || le32(b[20:]) != 0 || le64(b[24:]) != le64(b[32:]):
		return wideEnd{}, r.fail(CodeEnd, offset, "an archive on several disks")
	}
	return wideEnd{entries: le64(b[32:]), size: le64(b[40:]), start: le64(b[48:])}, nil
}

// displaced says what lies between the directory's end and its end record.
// Readers that forgive bytes before an archive find the directory by its size.
func (r *reader) displaced(directory formats.Range, limit int64) error {
	gap := limit - directory.End()
	if directory.Length >= centralSize {
		b, err := r.bytes(limit-directory.Length, len(centralSignature))
		if err != nil {
			return err
		}
		if string(b) == centralSignature {
			return r.fail(CodePrefix, 0, "%d bytes before the archive", gap)
		}
	}
	return r.fail(CodeGap, directory.End(), "%d bytes between the directory and the end record", gap)
}
