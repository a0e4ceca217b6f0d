package main

import (
	"fmt"
	"strings"
)

// npyFile is an array of version 1.0 of that header, filled up as NumPy does,
// and that data.
func npyFile(dict, data string) []byte {
	const before = len(npyMagic) + 4
	header := dict + strings.Repeat(" ", 63-(before+len(dict))%64) + "\n"
	return []byte(npyMagic + "\x01\x00" + string(u16(nil, len(header))) + header + data)
}

const npyMagic = "\x93NUMPY"

// npyVectors are arrays whose headers are written by hand.
func npyVectors() []vector {
	var list []vector
	add := func(name, expect, about string, data []byte) {
		list = append(list, vector{name, about, expect, []file{{"model.npy", data}}})
	}
	const good = "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }"
	const data = "\x00\x01\x02\x03"
	array := func(name, expect, about, dict string) { add(name, expect, about, npyFile(dict, data)) }
	later := func(version, text string) []byte {
		return []byte(npyMagic + version + string(u32(nil, len(text))) + text + data)
	}
	padded := fmt.Sprintf("%-115s\n", good)

	array("one-dimension", "admitted", "four bytes", good)
	array("two-dimensions", "admitted", "two rows of two bytes", strings.Replace(good, "(4,)", "(2, 2)", 1))
	add("scalar", "admitted", "a shape without dimensions", npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", data))
	add("no-elements", "admitted", "a dimension of zero", npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }", ""))
	array("dense", "admitted", "no spaces, other quotes, another order, no last comma", `{"shape":(4,),"descr":"<i1","fortran_order":False}`)
	array("fortran-one-dimension", "admitted", "a column-major array of one column", strings.NewReplacer("False", "True", "(4,)", "(4, 1)").Replace(good))
	add("version-2", "admitted", "version 2.0", later("\x02\x00", padded))
	add("version-3", "admitted", "version 3.0", later("\x03\x00", padded))
	add("aligned-16", "admitted", "a header that ends at a multiple of 16, as before NumPy 1.14",
		[]byte(npyMagic+"\x01\x00"+string(u16(nil, 70))+fmt.Sprintf("%-69s\n", good)+data))
	for _, d := range []struct {
		name string
		size int
	}{
		{"|b1", 1}, {"|i1", 1}, {"|u1", 1}, {"<i2", 2}, {"<u2", 2}, {"<f2", 2}, {"<i4", 4}, {"<u4", 4}, {"<f4", 4},
		{"<i8", 8}, {"<u8", 8}, {"<f8", 8}, {"<c8", 8}, {"<c16", 16},
	} {
		add("dtype-"+d.name[1:], "admitted", "two elements of type "+d.name, npyFile(
			fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (2,), }", d.name), strings.Repeat("\x00", 2*d.size)))
	}

	header := func(name, about, dict string) { array("header-"+name, "npy.header", about, dict) }
	header("not-a-dict", "a tuple", "('|u1', False, (4,))")
	header("key-missing", "no shape", "{'descr': '|u1', 'fortran_order': False, }")
	header("key-twice", "two shapes, of which Python takes the last", strings.Replace(good, ", }", ", 'shape': (2, 2), }", 1))
	header("key-unknown", "a key that the format does not have", strings.Replace(good, ", }", ", 'strides': (1,), }", 1))
	header("expression", "an expression that Python would have to evaluate", strings.Replace(good, "(4,)", "(2+2,)", 1))
	header("call", "a call", strings.Replace(good, "(4,)", "__import__('os').getcwd()", 1))
	header("escape", "an escape in a string", strings.Replace(good, "|u1", `\x7cu1`, 1))
	header("string-open", "a string without an end", "{'descr")
	header("list", "a list for a shape", strings.Replace(good, "(4,)", "[4]", 1))
	header("number-in-brackets", "a number in brackets for a shape", strings.Replace(good, "(4,)", "(4)", 1))
	header("tuple-comma", "a tuple with two commas", strings.Replace(good, "(4,)", "(4,,)", 1))
	header("number-negative", "a negative dimension", strings.Replace(good, "(4,)", "(-4,)", 1))
	header("number-leading-zero", "a dimension with a leading zero", strings.Replace(good, "(4,)", "(04,)", 1))
	header("number-long", "a dimension of 2^63", strings.Replace(good, "(4,)", "(9223372036854775808,)", 1))
	header("number-python2", "a long number of Python 2", strings.Replace(good, "(4,)", "(4L,)", 1))
	header("order-number", "a number for a boolean", strings.Replace(good, "False", "0", 1))
	header("behind", "a comment behind the dictionary", good+"#")
	header("colon", "a key without a value", strings.Replace(good, "': '", "' '", 1))
	header("comma", "entries without a comma", strings.Replace(good, "', '", "' '", 1))
	add("header-no-newline", "npy.header", "a header that ends in a space", []byte(npyMagic+"\x01\x00"+string(u16(nil, 70))+fmt.Sprintf("%-70s", good)+data))
	add("header-unaligned", "npy.header", "a header that ends at an odd place", []byte(npyMagic+"\x01\x00"+string(u16(nil, len(good)+1))+good+"\n"+data))
	add("header-version", "npy.header", "version 4.0", later("\x04\x00", padded))
	add("header-minor", "npy.header", "version 1.1", later("\x01\x01", padded))
	add("header-truncated", "npy.header", "a file that ends within the header", npyFile(good, "")[:100])
	add("header-length-truncated", "npy.header", "a file that ends within the length", npyFile(good, "")[:9])
	add("header-long", "npy.limit", "a header of 4 GiB", []byte(npyMagic+"\x02\x00\xff\xff\xff\xff{"))
	array("rank", "npy.limit", "a shape of 65 dimensions", strings.Replace(good, "(4,)", "("+strings.Repeat("1, ", 64)+"4)", 1))

	object := func(name, about, descr string) {
		add("object-"+name, "npy.object", about, npyFile("{'descr': "+descr+", 'fortran_order': False, 'shape': (), }", "\x80\x04N."))
	}
	object("array", "a pickle in the place of numbers", "'|O'")
	object("size", "objects as old versions write them", "'|O8'")
	object("record", "records with an object in them", "[('a', '<f4'), ('b', '|O')]")
	for _, d := range []struct{ name, about, descr string }{
		{"record", "records", "[('a', '<f4'), ('b', '<i4')]"},
		{"text", "text", "'<U1'"},
		{"date", "dates", "'<M8[s]'"},
		{"void", "raw bytes, as which NumPy writes bfloat16", "'|V2'"},
		{"long-double", "floats of 80 bits", "'<f16'"},
		{"no-order", "a type without a byte order", "'f4'"},
		{"irrelevant-order", "a type of four bytes whose order is said not to matter", "'|f4'"},
		{"empty", "a type without a name", "''"},
	} {
		array("dtype-"+d.name, "npy.dtype", d.about, strings.Replace(good, "'|u1'", d.descr, 1))
	}
	array("big-endian", "npy.byteorder", "big-endian numbers", strings.NewReplacer("|u1", ">f4", "(4,)", "(1,)").Replace(good))
	array("native-endian", "npy.byteorder", "numbers in the order of whoever reads them", strings.NewReplacer("|u1", "=f4", "(4,)", "(1,)").Replace(good))
	array("fortran", "npy.fortran", "a column-major array", strings.NewReplacer("False", "True", "(4,)", "(2, 2)").Replace(good))

	array("length-short", "npy.length", "fewer bytes than the shape demands", strings.Replace(good, "4", "5", 1))
	array("length-long", "npy.length", "more bytes than the shape demands", strings.Replace(good, "4", "3", 1))
	array("length-overflow", "npy.length", "a product of dimensions that is 4 in 64 bits", strings.Replace(good, "(4,)", "(4611686018427387905, 4)", 1))
	array("length-overflow-empty", "npy.length", "dimensions beyond 64 bits beside one that is zero", strings.Replace(good, "(4,)", "(0, 9223372036854775807, 9223372036854775807)", 1))
	add("length-pickle", "npy.length", "a pickle behind the array", append(npyFile(good, data), "\x80\x04N."...))
	return list
}

// npzVectors are archives of such arrays.
func npzVectors() []vector {
	var list []vector
	add := func(name, expect, about string, members ...zipMember) {
		list = append(list, vector{name, about, expect, []file{{"model.npz", zipFile(nil, members...)}}})
	}
	array := func(name, descr string) zipMember {
		return zipMember{name: name, data: string(npyFile("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (4,), }", "\x00\x01\x02\x03"))}
	}
	packed := func(m zipMember) zipMember {
		m.deflated = deflated(m.data)
		return m
	}
	a := array("a.npy", "|u1")
	add("stored", "admitted", "two arrays, one of them in a directory", a, array("d/b.npy", "|i1"))
	add("deflated", "npz.deflated", "an array that is deflated", packed(a))
	add("member", "npz.member", "a pickle beside the arrays", a, zipMember{name: "b.pkl", data: "\x80\x04N."})
	add("member-no-name", "npz.member", "an array without a name", a, array(".npy", "|u1"))
	add("member-directory", "npz.member", "a directory", a, zipMember{name: "d/"})
	add("object", "npy.object", "an array of Python objects", a, array("b.npy", "|O"))
	add("object-deflated", "npy.object", "a deflated array of Python objects", a, packed(array("b.npy", "|O")))
	add("not-an-array", "npy.header", "a member that begins unlike an array, which NumPy gives to its caller as it is", zipMember{name: "a.npy", data: "\x80\x04N."})
	add("length-deflated", "npy.length", "a deflated array with fewer bytes than its shape demands", packed(array("a.npy", "<u2")))
	add("duplicate", "zip.duplicate", "two arrays of one name", a, array("a.npy", "|i1"))
	add("duplicate-key", "npz.duplicate", "an array whose name is that of another's member, which NumPy gives for it", array("a.npy.npy", "|i1"), a)
	add("suffix", "admitted", "an array whose name ends as those of members do", array("a.npy.npy", "|u1"))
	add("crc", "zip.crc", "an array with another checksum", zipMember{name: a.name, data: a.data, local: put(14, "crc!"), central: put(16, "crc!")})
	return list
}
