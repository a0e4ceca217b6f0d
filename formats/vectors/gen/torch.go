package main

import (
	"slices"
	"strings"

	tt "github.com/weightgate/weightgate/formats/torch/torchtest"
)

// A checkpoint is the members of a torch archive, in its one directory.
type checkpoint []zipMember

// torchCheckpoint is what torch.save writes for a pickle and its storages, by
// their keys 0, 1 and so on.
func torchCheckpoint(pickle string, storages ...string) checkpoint {
	c := checkpoint{{name: "m/data.pkl", data: pickle}, {name: "m/byteorder", data: "little"}}
	for i, data := range storages {
		c = append(c, zipMember{name: "m/data/" + string(rune('0'+i)), data: data})
	}
	return append(c, zipMember{name: "m/version", data: "3\n"}, zipMember{name: "m/.data/serialization_id", data: strings.Repeat("0", 40)})
}

// with is c with members changed or, if they are new, added behind.
func (c checkpoint) with(members ...zipMember) checkpoint {
	changed := append(checkpoint(nil), c...)
next:
	for _, m := range members {
		for i := range changed {
			if changed[i].name == m.name {
				changed[i] = m
				continue next
			}
		}
		changed = append(changed, m)
	}
	return changed
}

// without is c less one member.
func (c checkpoint) without(name string) checkpoint {
	var rest checkpoint
	for _, m := range c {
		if m.name != name {
			rest = append(rest, m)
		}
	}
	return rest
}

func (c checkpoint) file() []byte { return zipFile(nil, c...) }

// hostile is a pickle that would run a command. Nothing here ever loads it.
func hostile() string { return tt.Pickle(tt.Call("os", "system", tt.Str("id"))) }

const oneToTwo = "\x00\x00\x80\x3f\x00\x00\x00\x40" // two floats

func torchVectors() []vector {
	var list []vector
	add := func(name, expect, about string, data []byte) {
		list = append(list, vector{name, about, expect, []file{{"pytorch_model.bin", data}}})
	}
	weights := tt.Dict(tt.Str("w"), tt.Vector(tt.Storage("FloatStorage", "0", 2), 2))
	good := torchCheckpoint(tt.Pickle(weights), oneToTwo)
	member := func(name, data string) zipMember { return zipMember{name: name, data: data} }

	add("state-dict", "admitted", "a dict of one tensor", good.file())
	add("big-endian", "admitted", "what a big-endian machine wrote", good.with(member("m/byteorder", "big")).file())
	add("no-byteorder", "admitted", "what torch wrote before 2.1", good.without("m/byteorder").file())
	add("order", "admitted", "the pickle behind everything else", zipFile(nil, append(good.without("m/data.pkl"), good[0])...))
	add("pickle-global", "admitted", "a pickle that would run a command: a converter judges it", torchCheckpoint(hostile()).file())
	add("pickle-second", "admitted", "a second pickle behind the first one's end: a converter judges it", torchCheckpoint(tt.Pickle(weights)+hostile(), oneToTwo).file())
	add("pickle-junk", "admitted", "junk and a second pickle behind the first one's end: a converter judges it", torchCheckpoint(tt.Pickle(weights)+"\x00junk"+hostile(), oneToTwo).file())
	add("pickle-broken", "admitted", "a command before an opcode that is none: a converter judges it", torchCheckpoint(strings.TrimSuffix(hostile(), ".")+"\xff", oneToTwo).file())

	add("archive-two", "torch.archive", "a second archive beside the first", good.with(member("n/data.pkl", hostile())).file())
	add("archive-outside", "torch.archive", "a member outside of the directory", good.with(member("data.pkl", hostile())).file())
	add("archive-no-version", "torch.archive", "no version", good.without("m/version").file())
	add("archive-version", "torch.archive", "a version that torch does not read", good.with(member("m/version", "11\n")).file())
	add("archive-version-text", "torch.archive", "a version that is no number", good.with(member("m/version", "+3\n")).file())
	add("archive-version-long", "torch.archive", "a version that is a kilobyte", good.with(member("m/version", "3\n"+strings.Repeat(" ", 1<<10))).file())
	add("described", "admitted", "what torch writes since 2.7", good.with(member("m/.format_version", "1"), member("m/.storage_alignment", "64")).file())
	add("described-program", "torch.archive", "a program for the version of the format", good.with(member("m/.format_version", "\x7fELF")).file())
	add("described-pickle", "torch.archive", "a pickle for an alignment", good.with(member("m/.storage_alignment", hostile())).file())
	add("described-long", "torch.archive", "an identifier that is too long", good.with(member("m/.data/serialization_id", strings.Repeat("0", 41))).file())
	add("described-empty", "torch.archive", "an identifier that is empty", good.with(member("m/.data/serialization_id", "")).file())
	add("byteorder", "torch.byteorder", "a byte order that is none", good.with(member("m/byteorder", "middle")).file())
	add("member", "torch.member", "a pickle of protocol 0 beside the one that is read", good.with(member("m/notes.txt", "cos\nsystem\n(S'id'\ntR.")).file())
	add("member-code", "torch.member", "a script", good.with(member("m/extra/setup.py", "import os\n")).file())
	add("member-zip", "torch.member", "an archive in the archive", good.with(member("m/inner.zip", string(good.file()))).file())
	add("member-storage", "torch.member", "a storage in a directory", good.with(member("m/data/0/1", oneToTwo)).file())
	deflate := func(m zipMember) zipMember {
		m.deflated = deflated(m.data)
		return m
	}
	add("deflated", "torch.deflated", "a deflated pickle", good.with(deflate(good[0])).file())
	add("deflated-storage", "torch.deflated", "a deflated storage", good.with(deflate(good[2])).file())

	add("duplicate", "zip.duplicate", "two pickles of one name, the first of which would run a command", zipFile(nil, append(checkpoint{member("m/data.pkl", hostile())}, good...)...))
	add("mismatch", "zip.mismatch", "another name in the header than in the directory", good.with(zipMember{name: good[0].name, data: good[0].data, local: put(30, "m/data.txt")}).file())
	add("encrypted", "zip.encrypted", "a pickle that is marked as encrypted", good.with(zipMember{name: good[0].name, data: good[0].data, flags: 1}).file())
	add("method", "zip.method", "a pickle that is packed by an unknown method", good.with(zipMember{name: good[0].name, data: good[0].data, local: put(8, "\x0c"), central: put(10, "\x0c")}).file())
	add("crc", "zip.crc", "a storage with another checksum", good.with(zipMember{name: good[2].name, data: good[2].data, local: put(14, "crc!"), central: put(16, "crc!")}).file())
	add("trailing", "zip.trailing", "a pickle behind the archive", append(good.file(), hostile()...))
	add("prefix", "zip.prefix", "bytes before the archive that its offsets count", good.with(zipMember{name: good[0].name, data: good[0].data, before: "junk"}).file())
	add("comment", "zip.comment", "a comment", append(zipFile(put(20, "\x05"), good...), "hello"...))
	add("wrapped", "zip.trailing", "bytes before and behind the archive, which some readers step over", slices.Concat([]byte("junk"), good.file(), []byte("junk")))
	return list
}

func torchLegacyVectors() []vector {
	var list []vector
	add := func(name, expect, about, data string) {
		list = append(list, vector{name, about, expect, []file{{"pytorch_model.bin", []byte(data)}}})
	}
	weights := tt.Dict(tt.Str("w"), tt.Vector(tt.LegacyStorage("FloatStorage", "1", 2, tt.None), 2))
	good := tt.Legacy(weights, tt.Str("1")) + tt.Record(2, oneToTwo)
	const number = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
	behind := strings.TrimPrefix(good, tt.Magic)

	add("state-dict", "admitted", "a dict of one tensor", good)
	add("protocol-0", "admitted", "a magic number in text", "L119547037146038801333356L\n."+behind)
	add("protocol-4", "admitted", "a magic number in a frame", "\x80\x04\x95\x0d\x00\x00\x00\x00\x00\x00\x00"+number+"."+behind)
	add("object-global", "admitted", "an object that would run a command: a converter judges it", tt.Legacy(tt.Call("os", "system", tt.Str("id"))))
	add("magic-memo", "torch.legacy", "a magic number that is put in the memo", "\x80\x02"+number+"q\x00."+behind)
	add("magic-tuple", "torch.legacy", "a magic number that is an argument", "\x80\x02"+number+"\x850"+number+"."+behind)
	add("magic-frame", "torch.legacy", "a magic number in a frame that is longer", "\x80\x04\x95\x0e\x00\x00\x00\x00\x00\x00\x00"+number+"."+behind)
	add("magic-text", "torch.legacy", "a magic number in text, and a command", "L119547037146038801333356L\ncos\nsystem\n(S'id'\ntR."+behind)
	return list
}
