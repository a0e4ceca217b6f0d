package main

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
)

// A zipMember is a member of an archive as it should be, and what is changed
// in it.
type zipMember struct {
	name         string
	data         string
	deflated     string // the data as it lies in the file; empty: stored
	flags        uint16
	mode         uint16 // of Unix
	localExtra   string
	centralExtra string
	comment      string
	descriptor   string // behind the data
	before       string // before the header

	local   func(header []byte)
	central func(header []byte)
}

// zipFile is an archive of those members with a directory of what is in it.
// changeEnd changes the end record.
func zipFile(changeEnd func(record []byte), members ...zipMember) []byte {
	var file, directory []byte
	for _, m := range members {
		file = append(file, m.before...)
		directory = append(directory, m.entry(len(file))...)
		file = append(file, m.record()...)
	}
	end := zipEnd(len(members), len(directory), len(file))
	if changeEnd != nil {
		changeEnd(end)
	}
	return append(append(file, directory...), end...)
}

func zipEnd(entries, directorySize, directoryOffset int) []byte {
	b := []byte("PK\x05\x06\x00\x00\x00\x00")
	b = u16(b, entries, entries)
	b = u32(b, directorySize, directoryOffset)
	return u16(b, 0)
}

// zip64End are the records of zip64 before an end record, for a directory that
// ends at that offset.
func zip64End(entries, directorySize, directoryOffset int) []byte {
	b := []byte("PK\x06\x06")
	b = u64(b, 44)
	b = u16(b, 45, 45)
	b = u32(b, 0, 0)
	b = u64(b, entries, entries, directorySize, directoryOffset)
	b = append(b, "PK\x06\x07"...)
	b = u32(b, 0)
	b = u64(b, directorySize+directoryOffset)
	return u32(b, 1)
}

func (m zipMember) packed() string {
	if m.deflated != "" {
		return m.deflated
	}
	return m.data
}

// fields are those that a local header and an entry have in common.
func (m zipMember) fields(extra string) []byte {
	method := 0
	if m.deflated != "" {
		method = 8
	}
	b := u16(nil, 20, int(m.flags), method, 0, 0x21)
	b = u32(b, int(crc32.ChecksumIEEE([]byte(m.data))), len(m.packed()), len(m.data))
	return u16(b, len(m.name), len(extra))
}

func (m zipMember) record() []byte {
	b := append([]byte("PK\x03\x04"), m.fields(m.localExtra)...)
	b = append(b, m.name+m.localExtra...)
	if m.local != nil {
		m.local(b)
	}
	return append(b, m.packed()+m.descriptor...)
}

func (m zipMember) entry(offset int) []byte {
	b := u16([]byte("PK\x01\x02"), 3<<8|20)
	b = append(b, m.fields(m.centralExtra)...)
	b = u16(b, len(m.comment), 0, 0, 0, int(m.mode))
	b = u32(b, offset)
	b = append(b, m.name+m.centralExtra+m.comment...)
	if m.central != nil {
		m.central(b)
	}
	return b
}

func u16(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func u32(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return b
}

func u64(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}

// put sets the bytes of a header at an offset to those of value.
func put(at int, value string) func([]byte) {
	return func(b []byte) { copy(b[at:], value) }
}

// deflated is data in one block without compression: the same bytes whoever
// compresses.
func deflated(data string) string {
	b := u16([]byte{1}, len(data), ^len(data))
	return string(b) + data
}

// extraField is an extra field of that id.
func extraField(id int, data string) string {
	return string(u16(nil, id, len(data))) + data
}

func descriptor(data, packed string) string {
	b := u32([]byte("PK\x07\x08"), int(crc32.ChecksumIEEE([]byte(data))), len(packed), len(data))
	return string(b)
}

// zipVectors are archives of one or two small members.
func zipVectors() []vector {
	var list []vector
	add := func(name, expect, about string, data []byte) {
		list = append(list, vector{name, about, expect, []file{{"model.zip", data}}})
	}
	const wide = "\xff\xff\xff\xff"
	one := zipMember{name: "a", data: "one"}
	two := zipMember{name: "b", data: "two"}
	with := func(m zipMember, change func(*zipMember)) zipMember {
		change(&m)
		return m
	}

	add("empty", "admitted", "no members", zipFile(nil))
	add("stored", "zip.unread", "two stored members", zipFile(nil, one, two))
	add("deflated", "zip.unread", "a deflated member", zipFile(nil, with(one, func(m *zipMember) { m.deflated = deflated(m.data) })))
	add("deflated-coded", "zip.unread", "a member that is smaller for being deflated",
		zipFile(nil, zipMember{name: "a", data: strings.Repeat("\x00", 1000), deflated: "\x63\x60\x18\x05\xa3\x60\x14\x0c\x77\x00\x00"}))
	add("directory", "zip.unread", "a directory and a file in it", zipFile(nil, zipMember{name: "d/", mode: 0o040755}, zipMember{name: "d/a", data: "one", mode: 0o100644}))
	add("utf8", "zip.unread", "a name beyond ASCII that is marked", zipFile(nil, zipMember{name: "é", data: "one", flags: 1 << 11}))
	add("order", "zip.unread", "a directory in another order than the members", zipReordered(one, two))
	add("extras", "zip.unread", "times, owner and padding, in the header alone or in both",
		zipFile(nil, with(one, func(m *zipMember) {
			m.localExtra = extraField(0x5455, "\x03aaaabbbb") + extraField(0x7875, "\x01\x04uuuu\x04gggg") + extraField(0x4246, "ZZZ")
			m.centralExtra = extraField(0x5455, "\x03aaaa")
		})))
	descriptorOf := func(text string) zipMember {
		return zipMember{name: "a", data: "one", flags: 1 << 3, descriptor: text, local: put(14, strings.Repeat("\x00", 12))}
	}
	add("descriptor", "zip.unread", "sizes and checksum behind the data", zipFile(nil, descriptorOf(descriptor("one", "one")), two))
	wideSizes := string(u64(nil, 3, 3))
	wideDescriptor := descriptor("one", "one")[:8] + wideSizes
	add("descriptor-wide", "zip.unread", "a descriptor of zip64", zipFile(nil, descriptorOf(wideDescriptor), two))
	add("zip64-sizes", "zip.unread", "sizes of zip64 in the header alone, as NumPy writes them", zipFile(nil, with(one, func(m *zipMember) {
		m.localExtra, m.local = extraField(1, wideSizes), put(18, wide+wide)
	})))
	add("zip64-offset", "zip.unread", "an offset of zip64 behind a descriptor, as PyTorch writes it beyond 4 GiB", zipFile(nil, with(descriptorOf(wideDescriptor), func(m *zipMember) {
		m.localExtra, m.centralExtra, m.central = extraField(1, string(u64(nil, 0))), extraField(1, string(u64(nil, 0))), put(42, wide)
	})))
	zip64 := func(change func(end []byte)) []byte {
		directory := one.entry(0)
		b := append(one.record(), directory...)
		records := zip64End(1, len(directory), len(one.record()))
		records = append(records, zipEnd(1, len(directory), len(one.record()))...)
		change(records)
		return append(b, records...)
	}
	add("zip64-end", "zip.unread", "end records of both kinds, as PyTorch writes them", zip64(func([]byte) {}))
	add("zip64-end-only", "zip.unread", "an end record that refers to the one of zip64", zip64(put(76+8, strings.Repeat("\xff", 12))))

	good := zipFile(nil, one, two)
	add("comment", "zip.comment", "a comment of the archive", append(zipFile(put(20, "\x05"), one), "hello"...))
	add("comment-member", "zip.comment", "a comment of a member", zipFile(nil, with(one, func(m *zipMember) { m.comment = "hello" })))

	add("end-truncated", "zip.end", "a file without its last byte", good[:len(good)-1])
	add("end-missing", "zip.end", "a file without its end record", good[:len(good)-22])
	add("end-two", "zip.end", "an archive in the comment of another: readers take the one or the other", zipInComment(one, two))
	add("end-in-comment", "zip.end", "a comment that begins like an end record", append(zipFile(put(20, "\x04"), one), "PK\x05\x06"...))
	add("end-comment-short", "zip.end", "a comment that is longer than the file", zipFile(put(20, "\x01"), one))
	add("end-disks", "zip.end", "the second disk of two", zipFile(put(4, "\x01\x00\x01"), one))
	add("end-entry-disk", "zip.end", "a member on another disk", zipFile(nil, with(one, func(m *zipMember) { m.central = put(34, "\x01") })))
	add("end-zip64-disks", "zip.end", "two disks, as zip64 says", zip64(put(56+16, "\x02")))

	add("zip64-missing", "zip.zip64", "an end record that refers to one that is not there", zipFile(put(16, wide), one))
	add("zip64-entries", "zip.zip64", "end records that count differently", zip64(put(24, "\x02\x00\x00\x00\x00\x00\x00\x00\x02")))
	add("zip64-version", "zip.zip64", "an end record of zip64 that is longer", zip64(put(4, "\x2d")))
	add("zip64-locator", "zip.zip64", "a locator that points elsewhere", zip64(put(56+8, "\x00")))
	add("zip64-idle", "zip.zip64", "sizes of zip64 beside sizes that fit", zipFile(nil, with(one, func(m *zipMember) { m.centralExtra = extraField(1, wideSizes) })))
	add("zip64-short", "zip.zip64", "a size that refers to zip64 where nothing is", zipFile(nil, with(one, func(m *zipMember) { m.central = put(24, wide) })))
	add("zip64-local-sizes", "zip.zip64", "other sizes of zip64 in the header", zipFile(nil, with(one, func(m *zipMember) {
		m.localExtra, m.local = extraField(1, string(u64(nil, 2, 3))), put(18, wide+wide)
	})))
	add("zip64-local-offset", "zip.zip64", "another offset of zip64 in the header", zipFile(nil, with(one, func(m *zipMember) { m.localExtra = extraField(1, string(u64(nil, 1))) })))

	add("entries-more", "zip.directory", "fewer entries than the end record counts", zipFile(put(8, "\x02\x00\x02"), one))
	add("entries-fewer", "zip.directory", "more entries than the end record counts", zipFile(put(8, "\x01\x00\x01"), one, two))
	add("entry-signature", "zip.directory", "an entry that is none", zipFile(nil, with(one, func(m *zipMember) { m.central = put(0, "PK\x01\x03") })))
	add("entry-long", "zip.directory", "an entry that is longer than the directory", zipFile(nil, with(one, func(m *zipMember) { m.central = put(32, "\x01") })))

	add("prefix", "zip.prefix", "bytes before the archive, which readers step over", append([]byte("junk bytes"), good...))
	add("prefix-counted", "zip.prefix", "bytes before the archive that its offsets count", zipFile(nil, with(one, func(m *zipMember) { m.before = "MZ" })))
	add("trailing", "zip.trailing", "a byte behind the end record", append(zipFile(nil, one), 0))
	add("gap", "zip.gap", "bytes between two members", zipFile(nil, one, with(two, func(m *zipMember) { m.before = "hidden" })))
	add("gap-zero", "zip.gap", "zeros before the directory", zipFile(nil, with(one, func(m *zipMember) { m.descriptor = "\x00\x00\x00\x00" })))
	add("gap-end", "zip.gap", "a byte between the directory and the end record", slices.Insert(zipFile(nil, one), len(zipFile(nil, one))-22, 0))
	add("overlap", "zip.overlap", "a member that another is a part of", zipNested(one))
	add("overlap-same", "zip.overlap", "two entries with one header", zipFile(nil, one, with(two, func(m *zipMember) { m.central = put(42, "\x00") })))
	add("bounds-directory", "zip.bounds", "a directory that begins behind the end record", zipFile(put(16, "\xff\xff\xff\x0f"), one))
	add("bounds-member", "zip.bounds", "a header behind the directory", zipFile(nil, with(one, func(m *zipMember) { m.central = put(42, "\xff\xff") })))
	add("bounds-ratio", "zip.bounds", "a gigabyte in eight bytes", zipFile(nil, with(one, func(m *zipMember) {
		m.deflated, m.central, m.local = deflated(m.data), put(24, "\x00\x00\x00\x40"), put(22, "\x00\x00\x00\x40")
	})))

	mismatch := func(name, about string, at int, value string) {
		add("mismatch-"+name, "zip.mismatch", about, zipFile(nil, with(one, func(m *zipMember) { m.local = put(at, value) })))
	}
	mismatch("signature", "no header where the directory says", 0, "PK\x03\x05")
	mismatch("version", "another version in the header", 4, "\x0a")
	mismatch("flags", "flags in the header alone", 6, "\x00\x08")
	mismatch("method", "another method in the header", 8, "\x08")
	mismatch("time", "another time in the header", 10, "\x01")
	mismatch("crc", "another checksum in the header", 14, "\x00\x00\x00\x00")
	mismatch("compressed", "another compressed size in the header", 18, "\x02")
	mismatch("size", "another size in the header", 22, "\x02")
	mismatch("name", "another name in the header", 30, "b")
	mismatch("name-length", "a shorter name in the header", 26, "\x00")
	add("mismatch-stored", "zip.mismatch", "a stored member of two sizes", zipFile(nil, with(one, func(m *zipMember) { m.central, m.local = put(24, "\x02"), put(22, "\x02") })))
	add("mismatch-descriptor", "zip.mismatch", "another size in the descriptor", zipFile(nil, descriptorOf(descriptor("one", "one!"))))
	add("mismatch-descriptor-missing", "zip.mismatch", "no descriptor where one is announced", zipFile(nil, descriptorOf("")))

	name := func(label, about, text string, flags uint16) {
		add("name-"+label, "zip.name", about, zipFile(nil, zipMember{name: text, data: "one", flags: flags}))
	}
	name("empty", "a member without a name", "", 0)
	name("absolute", "an absolute path", "/etc/passwd", 0)
	name("parent", "a path that climbs", "a/../../b", 0)
	name("backslash", "a path that climbs on Windows", `..\b`, 0)
	name("drive", "a drive of Windows", "C:/b", 0)
	name("double-slash", "an empty element", "a//b", 0)
	name("dot", "an element that is a dot", "./a", 0)
	name("control", "a control character", "a\x1b[2J", 0)
	name("nul", "a NUL, which ends the name for some readers", "a.bin\x00.pkl", 0)
	name("bidi", "text that turns around", "a\u202egpj.exe", 1<<11)
	name("utf8", "a name that is not UTF-8", "\xff", 1<<11)
	name("codepage", "a name beyond ASCII that is not marked", "é", 0)
	add("name-unicode-path", "zip.name", "a second name in an extra field", zipFile(nil, with(one, func(m *zipMember) { m.centralExtra = extraField(0x7075, "\x01ccccb") })))

	add("duplicate", "zip.duplicate", "two members of one name", zipFile(nil, one, with(one, func(m *zipMember) { m.data = "two" })))
	add("duplicate-directory", "zip.duplicate", "a file and a directory of one name", zipFile(nil, one, zipMember{name: "a/"}))
	add("case", "zip.case", "two names that differ in case", zipFile(nil, one, with(two, func(m *zipMember) { m.name = "A" })))
	add("case-kelvin", "zip.case", "the letter K and the unit kelvin", zipFile(nil, with(one, func(m *zipMember) { m.name = "k" }), zipMember{name: "\u212a", flags: 1 << 11}))

	add("kind-link", "zip.kind", "a symbolic link", zipFile(nil, zipMember{name: "a", data: "/etc/passwd", mode: 0o120777}))
	add("kind-device", "zip.kind", "a device", zipFile(nil, zipMember{name: "a", mode: 0o020666}))
	add("kind-directory", "zip.kind", "a directory whose name has no slash", zipFile(nil, with(one, func(m *zipMember) { m.mode = 0o040755 })))
	add("kind-dos-directory", "zip.kind", "a directory of DOS whose name has no slash", zipFile(nil, with(one, func(m *zipMember) { m.central = put(38, "\x10") })))
	add("kind-file", "zip.kind", "a file whose name has a slash", zipFile(nil, zipMember{name: "a/", mode: 0o100644}))
	add("kind-content", "zip.kind", "a directory with content", zipFile(nil, zipMember{name: "a/", data: "one"}))
	add("kind-volume", "zip.kind", "the name of a volume", zipFile(nil, with(one, func(m *zipMember) { m.central = put(38, "\x08") })))

	add("flags-patched", "zip.flags", "data that patches other data", zipFile(nil, with(one, func(m *zipMember) { m.flags = 1 << 5 })))
	add("flags-level", "zip.flags", "the level of a deflater on a stored member", zipFile(nil, with(one, func(m *zipMember) { m.flags = 1 << 1 })))
	method := func(label, about, value string) {
		add("method-"+label, "zip.method", about, zipFile(nil, with(one, func(m *zipMember) { m.central, m.local = put(10, value), put(8, value) })))
	}
	method("lzma", "a member that is packed by LZMA", "\x0e")
	method("unknown", "a method that nobody knows", "\xff\xff")
	add("method-version", "zip.method", "a member that needs version 6.3", zipFile(nil, with(one, func(m *zipMember) { m.central, m.local = put(6, "\x3f"), put(4, "\x3f") })))

	extra := func(label, expect, about, field string) {
		add("extra-"+label, expect, about, zipFile(nil, with(one, func(m *zipMember) { m.localExtra = field })))
	}
	extra("unknown", "zip.extra", "an extra field that nobody knows", extraField(0x1234, "data"))
	extra("padding", "zip.extra", "padding that is not one", extraField(0x4246, "ZZhiddenZ"))
	extra("long", "zip.extra", "an extra field that is longer than all of them", "\x46\x42\x05\x00ZZZZ")
	extra("twice", "zip.extra", "one extra field twice", extraField(0x4246, "ZZ")+extraField(0x4246, "Z"))
	extra("cut", "zip.extra", "half an extra field", "\x00\x00")
	extra("aes", "zip.encrypted", "an extra field of AES", extraField(0x9901, "\x02\x00AE\x03\x00\x00"))
	add("encrypted", "zip.encrypted", "an encrypted member", zipFile(nil, with(one, func(m *zipMember) { m.flags = 1 })))
	add("encrypted-directory", "zip.encrypted", "an archive with masked headers", zipFile(nil, with(one, func(m *zipMember) { m.flags = 1 << 13 })))

	add("crc", "zip.crc", "a stored member with another checksum", zipFile(nil, with(one, func(m *zipMember) { m.central, m.local = put(16, "crc!"), put(14, "crc!") })))
	add("crc-deflated", "zip.crc", "a deflated member with another checksum", zipFile(nil, with(one, func(m *zipMember) {
		m.deflated, m.central, m.local = deflated(m.data), put(16, "crc!"), put(14, "crc!")
	})))
	deflate := func(label, about, data string) {
		add("deflate-"+label, "zip.deflate", about, zipFile(nil, with(one, func(m *zipMember) { m.deflated = data })))
	}
	deflate("broken", "data that is not deflated", "\xff\xff\xff")
	deflate("cut", "data that ends within a block", deflated("one")[:7])
	deflate("short", "data that inflates to less", deflated("on"))
	deflate("long", "data that inflates to more", deflated("one!"))
	deflate("behind", "a byte behind the deflated data", deflated("one")+"!")

	add("limit", "zip.limit", "10,001 members, as the end record says", zipFile(put(8, "\x11\x27\x11\x27"), one))
	return list
}

// zipReordered is an archive whose directory lists the second member first.
func zipReordered(a, b zipMember) []byte {
	records := append(a.record(), b.record()...)
	directory := append(b.entry(len(a.record())), a.entry(0)...)
	return append(append(records, directory...), zipEnd(2, len(directory), len(records))...)
}

// zipInComment is an archive whose comment is another, with offsets that are
// right for both.
func zipInComment(a, b zipMember) []byte {
	file := zipFile(nil, a)
	record, entry := b.record(), b.entry(len(file))
	comment := append(record, entry...)
	comment = append(comment, zipEnd(1, len(entry), len(file)+len(record))...)
	copy(file[len(file)-2:], u16(nil, len(comment)))
	return append(file, comment...)
}

// zipNested is an archive with a member, and with one that lies in its data.
func zipNested(inner zipMember) []byte {
	outer := zipMember{name: "outer", data: string(inner.record())}
	record := outer.record()
	directory := append(outer.entry(0), inner.entry(len(record)-len(outer.data))...)
	return append(append(record, directory...), zipEnd(2, len(directory), len(record))...)
}
