package zipfile

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// A file header of the central directory (APPNOTE 4.3.12).
const (
	centralSignature = "PK\x01\x02"
	centralSize      = 46 // in bytes, without name, extra fields and comment
)

// Versions that may be needed to extract a member (APPNOTE 4.4.3). PyTorch's
// writer leaves the field zero.
const (
	zip64Version = 45
	lastVersion  = 63 // of the current specification
)

// The general purpose flags (APPNOTE 4.4.4).
const (
	flagEncrypted       = 1 << 0
	flagLevel           = 3 << 1 // how hard the deflater tried
	flagDescriptor      = 1 << 3
	flagStrongEncrypted = 1 << 6
	flagUTF8            = 1 << 11
	flagMaskedHeader    = 1 << 13

	flagsEncrypted = flagEncrypted | flagStrongEncrypted | flagMaskedHeader
	flagsKnown     = flagLevel | flagDescriptor | flagUTF8
)

// An entry is what the central directory says of a member.
type entry struct {
	Member
	at      int64 // of the entry
	header  int64 // of the local header
	version uint16
	flags   uint16
	stamp   uint32 // time and date
	wide    bool   // has fields of zip64
}

func (e entry) hasDescriptor() bool { return e.flags&flagDescriptor != 0 }

// directory reads the central directory; its entries come in the order of the
// local headers.
func (r *reader) directory(end end) ([]entry, error) {
	b := make([]byte, end.directory.Length)
	if err := formats.ReadFull(r.in, b, end.directory.Offset); err != nil {
		return nil, err
	}
	entries := make([]entry, 0, end.entries)
	mayInflate, inflated := min(r.lim.MaxInflate, r.lim.MaxBytes), int64(0)
	for at := end.directory.Offset; len(b) > 0; at = end.directory.End() - int64(len(b)) {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		if len(entries) == end.entries {
			return nil, r.fail(CodeDirectory, at, "%d bytes behind the last of %d entries", len(b), end.entries)
		}
		e, n, err := r.entry(b, at, end.directory.Offset)
		if err != nil {
			return nil, err
		}
		if e.Method == Deflated {
			if e.Size > mayInflate-inflated {
				return nil, r.fail(CodeLimit, at, "members that inflate to more than %d bytes", mayInflate)
			}
			inflated += e.Size
		}
		entries = append(entries, e)
		b = b[n:]
	}
	if len(entries) < end.entries {
		return nil, r.fail(CodeDirectory, end.directory.End(), "%d entries of %d", len(entries), end.entries)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.header, b.header) })
	return entries, nil
}

// entry reads the entry at the beginning of b, which takes n bytes of it.
func (r *reader) entry(b []byte, at, directory int64) (e entry, n int, err error) {
	if len(b) < centralSize || string(b[:4]) != centralSignature {
		return entry{}, 0, r.fail(CodeDirectory, at, "no entry of the directory")
	}
	nameEnd := centralSize + int(le16(b[28:]))
	extraEnd := nameEnd + int(le16(b[30:]))
	n = extraEnd + int(le16(b[32:]))
	if n > len(b) {
		return entry{}, 0, r.fail(CodeDirectory, at, "an entry of %d bytes where the directory has %d", n, len(b))
	}
	e = entry{
		Member:  Member{Name: string(b[centralSize:nameEnd]), Method: Method(le16(b[10:])), CRC: le32(b[16:])},
		at:      at,
		version: le16(b[6:]),
		flags:   le16(b[8:]),
		stamp:   le32(b[12:]),
	}
	if err := r.readable(e); err != nil {
		return entry{}, 0, err
	}
	if why := unusable(e.Name, e.flags&flagUTF8 != 0); why != "" {
		return entry{}, 0, r.fail(CodeName, at, "%s: %s", quote(e.Name), why)
	}
	wide, err := r.extra(b[nameEnd:extraEnd], at+int64(nameEnd))
	if err != nil {
		return entry{}, 0, err
	}
	if err := r.measure(&e, b[:centralSize], wide, directory); err != nil {
		return entry{}, 0, err
	}
	if why := e.irregular(le32(b[38:])); why != "" {
		return entry{}, 0, r.fail(CodeKind, at, "%s: %s", quote(e.Name), why)
	}
	if n > extraEnd {
		r.comment(at+int64(extraEnd), int64(n-extraEnd))
	}
	return e, n, nil
}

// readable checks that the bytes of e mean what they say, for a reader of
// stored and deflated members.
func (r *reader) readable(e entry) error {
	unknown := e.flags &^ flagsKnown
	if e.Method != Deflated {
		unknown |= e.flags & flagLevel
	}
	switch {
	case e.flags&flagsEncrypted != 0:
		return r.fail(CodeEncrypted, e.at, "%s is encrypted", quote(e.Name))
	case e.Method != Stored && e.Method != Deflated:
		return r.fail(CodeMethod, e.at, "%s is packed by method %d", quote(e.Name), e.Method)
	case e.version&0xff > zip64Version:
		return r.fail(CodeMethod, e.at, "%s needs version %d.%d to be unpacked", quote(e.Name), e.version&0xff/10, e.version&0xff%10)
	case unknown != 0:
		return r.fail(CodeFlags, e.at, "%s has the flags %#x", quote(e.Name), unknown)
	}
	return nil
}

// measure reads the sizes and the offset of e. Those that do not fit stand in
// the extra field of zip64, in this order and no others (APPNOTE 4.5.3).
func (r *reader) measure(e *entry, b []byte, wide []byte, directory int64) error {
	e.wide = wide != nil
	ok := true
	field := func(narrow []byte) uint64 {
		v := uint64(le32(narrow))
		if v != wide32 {
			return v
		}
		if len(wide) < 8 {
			ok = false
			return 0
		}
		v, wide = le64(wide), wide[8:]
		return v
	}
	size, compressed, header := field(b[24:]), field(b[20:]), field(b[42:])
	const maxRatio = 1032 // two bits of deflated data are at most 258 bytes
	switch {
	case !ok || len(wide) > 0 || e.wide && le32(b[24:]) != wide32 && le32(b[20:]) != wide32 && le32(b[42:]) != wide32:
		return r.fail(CodeZip64, e.at, "%s: the fields of zip64 are not those that are needed", quote(e.Name))
	case le16(b[34:]) != 0:
		return r.fail(CodeEnd, e.at, "%s lies on another disk", quote(e.Name))
	case header >= uint64(directory) || compressed > uint64(directory)-header:
		return r.fail(CodeBounds, e.at, "%s: %d bytes at %d end behind %d", quote(e.Name), compressed, header, directory)
	case e.Method == Stored && size != compressed:
		return r.fail(CodeMismatch, e.at, "%s is stored in %d bytes and has %d", quote(e.Name), compressed, size)
	case size > math.MaxInt64 || size/maxRatio > compressed:
		return r.fail(CodeBounds, e.at, "%s: %d bytes cannot be deflated to %d", quote(e.Name), size, compressed)
	}
	e.Size, e.CompressedSize, e.header = int64(size), int64(compressed), int64(header)
	return nil
}

// irregular says what e is by its external attributes, if it is not a file or
// directory. Unix keeps the mode in their upper half, DOS a bit in the lower.
func (e entry) irregular(attributes uint32) string {
	const (
		typeMask  = 0o170000
		directory = 0o040000
		regular   = 0o100000
		dosDir    = 0x10
		dosVolume = 0x08
	)
	kind := attributes >> 16 & typeMask
	switch {
	case kind != 0 && kind != directory && kind != regular:
		return "a link or a device"
	case attributes&dosVolume != 0:
		return "the name of a volume"
	case e.IsDir() && kind == regular:
		return "a file whose name is that of a directory"
	case e.IsDir() && (e.Size != 0 || e.CompressedSize != 0):
		return "a directory with content"
	case !e.IsDir() && (kind == directory || attributes&dosDir != 0):
		return "a directory whose name is that of a file"
	}
	return ""
}

// names is the index of the entries by folded name.
func (r *reader) names(entries []entry) (map[string]int, error) {
	names := make(map[string]int, len(entries))
	for i, e := range entries {
		key := folded(e.Name)
		first, twice := names[key]
		switch {
		case twice && strings.TrimSuffix(entries[first].Name, "/") == strings.TrimSuffix(e.Name, "/"):
			return nil, r.fail(CodeDuplicate, e.at, "a second %s", quote(e.Name))
		case twice:
			return nil, r.fail(CodeCase, e.at, "%s beside %s", quote(e.Name), quote(entries[first].Name))
		}
		names[key] = i
	}
	return names, nil
}
