package zipfile

import "bytes"

// Extra fields (APPNOTE 4.5.2 and 4.6.1, and those of Info-ZIP).
const (
	extraZip64      = 0x0001
	extraNTFS       = 0x000a // times
	extraEncryption = 0x0017
	extraPadding    = 0x4246 // "FB": PyTorch aligns what it stores
	extraTimes      = 0x5455 // "UT"
	extraOldUnix    = 0x5855 // "UX": times and owner
	extraUnicode    = 0x7075 // another name
	extraUnix       = 0x7875 // "ux": owner
	extraAES        = 0x9901
)

// extra checks the extra fields b and gives those of zip64, nil for none. The
// others that are known carry times, owners and padding, and change nothing.
func (r *reader) extra(b []byte, at int64) (zip64 []byte, err error) {
	seen := map[uint16]bool{}
	for len(b) > 0 {
		if len(b) < 4 || int(le16(b[2:])) > len(b)-4 {
			return nil, r.fail(CodeExtra, at, "an extra field that does not fit into %d bytes", len(b))
		}
		id, n := le16(b), 4+int(le16(b[2:]))
		data := b[4:n]
		if seen[id] {
			return nil, r.fail(CodeExtra, at, "a second extra field %#04x", id)
		}
		seen[id] = true
		known := false
		switch id {
		case extraZip64:
			zip64, known = data, true
		case extraPadding:
			known = len(bytes.Trim(data, "Z")) == 0 || len(bytes.Trim(data, "\x00")) == 0
		case extraTimes:
			known = len(data) <= 13
		case extraOldUnix:
			known = len(data) <= 12
		case extraUnix:
			known = len(data) <= 19
		case extraNTFS:
			known = len(data) <= 32
		case extraUnicode:
			return nil, r.fail(CodeName, at, "a second name in an extra field")
		case extraEncryption, extraAES:
			return nil, r.fail(CodeEncrypted, at, "an extra field of encryption")
		}
		if !known {
			return nil, r.fail(CodeExtra, at, "an extra field %#04x of %d bytes that no known writer writes", id, len(data))
		}
		b, at = b[n:], at+int64(n)
	}
	return zip64, nil
}
