package zipfile

// A local file header (APPNOTE 4.3.7) and a data descriptor (APPNOTE 4.3.9).
const (
	localSignature      = "PK\x03\x04"
	descriptorSignature = "PK\x07\x08"

	localSize          = 30 // in bytes, without name and extra fields
	descriptorSize     = 16
	wideDescriptorSize = 24
)

// A local is a local header.
type local struct {
	version, flags    uint16
	method            Method
	stamp             uint32 // time and date
	crc               uint32
	compressed, size  uint32
	nameLen, extraLen uint16
}

// parseLocal reads the header at the beginning of b, which has localSize bytes.
func parseLocal(b []byte) local {
	return local{
		version:    le16(b[4:]),
		flags:      le16(b[6:]),
		method:     Method(le16(b[8:])),
		stamp:      le32(b[10:]),
		crc:        le32(b[14:]),
		compressed: le32(b[18:]),
		size:       le32(b[22:]),
		nameLen:    le16(b[26:]),
		extraLen:   le16(b[28:]),
	}
}

// locals reads the header of each entry and checks that the members lie one
// behind the other up to the central directory.
func (r *reader) locals(entries []entry, directory int64) error {
	next := int64(0)
	for i := range entries {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		e := &entries[i]
		limit := directory
		if i+1 < len(entries) {
			limit = entries[i+1].header
		}
		switch {
		case e.header > next && i == 0:
			return r.fail(CodePrefix, 0, "%d bytes before the first member", e.header)
		case e.header > next:
			return r.fail(CodeGap, next, "%d bytes before %s belong to none", e.header-next, quote(e.Name))
		}
		if err := r.local(e, limit); err != nil {
			return err
		}
		next = limit
	}
	if next < directory {
		return r.fail(CodePrefix, next, "%d bytes in an archive without members", directory-next)
	}
	return nil
}

// local reads the header of e, whose record has to end at limit.
func (r *reader) local(e *entry, limit int64) error {
	overlap := func() error {
		return r.fail(CodeOverlap, e.header, "%s reaches behind %d, where the next record begins", quote(e.Name), limit)
	}
	if limit-e.header < localSize {
		return overlap()
	}
	b, err := r.bytes(e.header, localSize)
	if err != nil {
		return err
	}
	if string(b[:4]) != localSignature {
		return r.fail(CodeMismatch, e.header, "no header of %s", quote(e.Name))
	}
	h := parseLocal(b)
	if int(h.nameLen) != len(e.Name) {
		return r.fail(CodeMismatch, e.header, "another name than %s", quote(e.Name))
	}
	length := localSize + int(h.nameLen) + int(h.extraLen)
	if int64(length) > limit-e.header || e.CompressedSize > limit-e.header-int64(length) {
		return overlap()
	}
	if b, err = r.bytes(e.header, length); err != nil {
		return err
	}
	nameEnd := localSize + int(h.nameLen)
	if string(b[localSize:nameEnd]) != e.Name {
		return r.fail(CodeMismatch, e.header, "%s is %s in the directory", quote(string(b[localSize:nameEnd])), quote(e.Name))
	}
	wide, err := r.extra(b[nameEnd:], e.header+int64(nameEnd))
	if err != nil {
		return err
	}
	if what := h.contradicts(e, wide); what != "" {
		return r.fail(CodeMismatch, e.header, "%s: its header and the directory differ in its %s", quote(e.Name), what)
	}
	if err := r.wideLocal(h, e, wide); err != nil {
		return err
	}
	e.Offset = e.header + int64(length)
	return r.behind(e, e.Offset+e.CompressedSize, limit)
}

// contradicts is the field in which h and e differ. Where a descriptor follows
// the data, h may leave checksum and sizes zero (APPNOTE 4.4.4).
func (h local) contradicts(e *entry, wide []byte) string {
	// A member needs zip64 for its header or for its entry alone if only one
	// of them was written before the size was known, or has to hold an offset.
	sameVersion := h.version == e.version ||
		wide != nil && h.version == zip64Version || e.wide && e.version == zip64Version
	switch {
	case !sameVersion:
		return "version"
	case h.flags != e.flags:
		return "flags"
	case h.method != e.Method:
		return "method"
	case h.stamp != e.stamp:
		return "time"
	case !e.states(uint64(h.crc), uint64(e.CRC)):
		return "checksum"
	case h.compressed != wide32 && !e.states(uint64(h.compressed), uint64(e.CompressedSize)):
		return "compressed size"
	case h.size != wide32 && !e.states(uint64(h.size), uint64(e.Size)):
		return "size"
	}
	return ""
}

// states reports whether v is what a header of e may say where the entry says want.
func (e entry) states(v, want uint64) bool { return v == want || e.hasDescriptor() && v == 0 }

// wideLocal checks the fields of zip64 of a header. They are both sizes;
// PyTorch's writer adds the offset beyond 4 GiB, there alone if the sizes fit.
func (r *reader) wideLocal(h local, e *entry, wide []byte) error {
	ok := len(wide)%8 == 0 && len(wide) <= 24 && (wide == nil) == (len(wide) == 0)
	sizes := ok && len(wide) >= 16
	if sizes {
		ok = e.states(le64(wide), uint64(e.Size)) && e.states(le64(wide[8:]), uint64(e.CompressedSize))
		wide = wide[16:]
	}
	if ok && len(wide) > 0 {
		ok = le64(wide) == uint64(e.header)
	}
	if !ok || !sizes && (h.size == wide32 || h.compressed == wide32) {
		return r.fail(CodeZip64, e.header, "%s: the fields of zip64 are not those of the directory", quote(e.Name))
	}
	return nil
}

// behind checks what lies between the data of e and the next record: a
// descriptor if e has one, else nothing.
func (r *reader) behind(e *entry, offset, limit int64) error {
	room := limit - offset
	if !e.hasDescriptor() {
		if room > 0 {
			return r.fail(CodeGap, offset, "%d bytes behind %s belong to none", room, quote(e.Name))
		}
		return nil
	}
	if room != descriptorSize && room != wideDescriptorSize {
		return r.fail(CodeMismatch, offset, "%d bytes where %s has its descriptor", room, quote(e.Name))
	}
	b, err := r.bytes(offset, int(room))
	if err != nil {
		return err
	}
	var compressed, size uint64
	if room == descriptorSize {
		compressed, size = uint64(le32(b[8:])), uint64(le32(b[12:]))
	} else {
		compressed, size = le64(b[8:]), le64(b[16:])
	}
	if string(b[:4]) != descriptorSignature || le32(b[4:]) != e.CRC || compressed != uint64(e.CompressedSize) || size != uint64(e.Size) {
		return r.fail(CodeMismatch, offset, "%s: its descriptor and the directory differ", quote(e.Name))
	}
	return nil
}
