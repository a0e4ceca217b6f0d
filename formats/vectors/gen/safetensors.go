package main

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// safetensorsVectors are headers written by hand, since no writer writes them.
func safetensorsVectors() []vector {
	var list []vector
	add := func(name, expect, about string, data []byte) {
		list = append(list, vector{name, about, expect, []file{{"model.safetensors", data}}})
	}
	const t = `"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}`
	header := func(name, about, text string) {
		add(name, "safetensors.header", about, safetensorsFile(text, 4))
	}

	add("minimal", "admitted", "no tensor, no metadata", safetensorsFile(`{}`, 0))
	add("one-tensor", "admitted", "one tensor of four bytes", safetensorsFile(`{`+t+`}`, 4))
	add("metadata", "admitted", "metadata before the tensor", safetensorsFile(`{"__metadata__":{"format":"pt"},`+t+`}`, 4))
	add("padded", "admitted", "spaces behind the brace, as the writers put them", safetensorsFile(`{`+t+`}     `, 4))
	add("spaced", "admitted", "whitespace between the tokens", safetensorsFile("{\n\t"+strings.ReplaceAll(t, ":", " : \r\n")+"\n}", 4))
	add("escapes", "admitted", "a name and keys with escapes, a surrogate pair among them",
		safetensorsFile(`{"\ud83d\ude00\"\\\/\b\f\n\r\t\u00e9":{"d\u0074ype":"\u00558","shape":[4],"data_offsets":[0,4]}}`, 4))
	add("scalar-and-empty", "admitted", "a scalar, and empty tensors at both ends",
		safetensorsFile(`{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"z":{"dtype":"I64","shape":[7,0],"data_offsets":[4,4]}}`, 4))
	add("order", "admitted", "the header lists the second tensor first",
		safetensorsFile(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}`, 4))
	add("pickle-length", "admitted", "a length of 640 bytes, so that the file begins like a pickle", safetensorsFile(fmt.Sprintf("%-640s", `{`+t+`}`), 4))
	add("every-dtype", "admitted", "all element types of the reference", safetensorsFile(everyDType()))

	header("json-truncated", "the object is not closed, but for a space", `{`+t+` `)
	header("json-open-string", "a string that the padding closes", `{"t `)
	header("json-trailing-object", "a second object behind the first", `{`+t+`}{}`)
	header("json-trailing-comma", "a comma before the brace", `{`+t+`,}`)
	header("json-no-comma", "two entries without a comma", `{`+t+` "u":{}}`)
	header("json-no-colon", "a key without a colon", `{"t" {}}`)
	header("json-nested", "arrays without an end where a shape is expected", `{"t":{"shape":`+strings.Repeat("[", 1000)+`}`)
	header("utf8", "a name that is not UTF-8", "{\"\xff\":"+t[4:]+`}`)
	header("control", "a raw control character in a name", "{\"\x01\":"+t[4:]+`}`)
	header("escape-unknown", "an escape that JSON does not have", `{"\x":`+t[4:]+`}`)
	header("escape-hex", "an escape with three hex digits", `{"\u00e":`+t[4:]+`}`)
	header("surrogate-low", "half a surrogate pair", `{"\udc00":`+t[4:]+`}`)
	header("surrogate-high", "a surrogate pair of two first halves", `{"\ud800\ud800":`+t[4:]+`}`)
	header("number-negative", "a negative offset", `{"t":{"dtype":"U8","shape":[4],"data_offsets":[-0,4]}}`)
	header("number-float", "a dimension with a fraction", `{"t":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}`)
	header("number-exponent", "a dimension with an exponent", `{"t":{"dtype":"U8","shape":[4e0],"data_offsets":[0,4]}}`)
	header("number-leading-zero", "a dimension with a leading zero", `{"t":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}}`)
	header("number-64-bits", "a dimension of 2^63", `{"t":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4]}}`)
	header("number-string", "a dimension as a string", `{"t":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}`)
	header("offsets-three", "three offsets", `{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}`)
	header("offsets-one", "one offset", `{"t":{"dtype":"U8","shape":[4],"data_offsets":[4]}}`)
	header("entry-array", "an entry as an array, which the reference reads", `{"t":["U8",[4],[0,4]]}`)
	header("entry-null", "an entry that is null", `{"t":null,"u":`+t[4:]+`}`)
	header("field-unknown", "a field that the format does not have, which the reference skips", `{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"strides":[1]}}`)
	header("field-missing", "an entry without a shape", `{"t":{"dtype":"U8","data_offsets":[0,4]}}`)
	header("metadata-null", "metadata that is null, which the reference reads", `{"__metadata__":null,`+t+`}`)
	header("metadata-number", "a number in the metadata", `{"__metadata__":{"epoch":3},`+t+`}`)
	header("metadata-nested", "an object in the metadata", `{"__metadata__":{"a":{"b":"c"}},`+t+`}`)
	header("metadata-tensor", "a tensor called __metadata__", `{"__metadata__":`+t[4:]+`}`)

	add("name-empty", "safetensors.name", "a tensor without a name", safetensorsFile(`{"":`+t[4:]+`}`, 4))
	add("name-nul", "safetensors.name", "a NUL in a name, which ends it for some readers", safetensorsFile(`{"t\u0000a":`+t[4:]+`}`, 4))

	duplicate := func(name, about, text string) {
		add(name, "safetensors.duplicate", about, safetensorsFile(text, 4))
	}
	duplicate("duplicate-name", "two tensors of one name, of which the reference takes the last", `{`+t+`,`+t+`}`)
	duplicate("duplicate-escaped", "one name in two spellings", `{`+t+`,"\u0074":`+t[4:]+`}`)
	duplicate("duplicate-field", "two shapes", `{"t":{"dtype":"U8","shape":[4],"shape":[2,2],"data_offsets":[0,4]}}`)
	duplicate("duplicate-metadata", "metadata twice", `{"__metadata__":{},"__metadata__":{},`+t+`}`)
	duplicate("duplicate-metadata-key", "one key of the metadata twice", `{"__metadata__":{"a":"1","a":"2"},`+t+`}`)

	dtype := func(name, about, dtype string, bytes int) {
		add("dtype-"+name, "safetensors.dtype", about, safetensorsFile(
			fmt.Sprintf(`{"t":{"dtype":"%s","shape":[4],"data_offsets":[0,%d]}}`, dtype, bytes), bytes))
	}
	dtype("unknown", "an element type that nobody knows", "F7", 4)
	dtype("case", "an element type in lower case", "u8", 4)
	dtype("onnx", "an element type that only ONNX has", "I4", 2)
	dtype("c128", "an element type that the reference does not have", "C128", 64)

	length := func(name, about, dtype, shape string, bytes int) {
		add("length-"+name, "safetensors.length", about, safetensorsFile(
			fmt.Sprintf(`{"t":{"dtype":"%s","shape":%s,"data_offsets":[0,%d]}}`, dtype, shape, bytes), bytes))
	}
	length("short", "fewer bytes than the shape demands", "F32", "[2]", 4)
	length("long", "more bytes than the shape demands", "F32", "[2]", 12)
	length("empty", "no dimension is zero, but there are no bytes", "F32", "[2]", 0)
	length("overflow", "a product of dimensions that is 4 in 64 bits", "U8", "[4611686018427387905,4]", 4)
	length("overflow-empty", "dimensions beyond 64 bits beside one that is zero", "U8", "[0,9223372036854775807,9223372036854775807]", 0)
	length("half-byte", "an odd number of elements of four bits", "F4", "[3]", 2)
	length("six-bits", "elements of six bits that do not fill the last byte", "F6_E2M3", "[5]", 4)

	bounds := func(name, about, offsets string) {
		add("bounds-"+name, "safetensors.bounds", about, safetensorsFile(`{"t":{"dtype":"U8","shape":[4],"data_offsets":`+offsets+`}}`, 4))
	}
	bounds("end", "a tensor that ends behind the file", "[1,5]")
	bounds("reversed", "a tensor that ends before it begins", "[4,0]")
	bounds("far", "offsets whose sum with the header's length is beyond 64 bits", "[9223372036854775803,9223372036854775807]")
	add("bounds-truncated", "safetensors.bounds", "a file without its last byte", safetensorsFile(`{`+t+`}`, 3))

	add("gap-front", "safetensors.gap", "a byte before the first tensor", safetensorsFile(`{"t":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}`, 4))
	add("gap-between", "safetensors.gap", "a byte between two tensors",
		safetensorsFile(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 4))
	add("overlap", "safetensors.overlap", "a byte that two tensors share",
		safetensorsFile(`{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 4))
	add("overlap-same", "safetensors.overlap", "two tensors in one place",
		safetensorsFile(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}`, 4))
	add("overlap-empty", "safetensors.overlap", "an empty tensor inside another",
		safetensorsFile(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}`, 4))
	add("trailing", "safetensors.trailing", "a byte behind the last tensor", safetensorsFile(`{`+t+`}`, 5))
	add("trailing-all", "safetensors.trailing", "bytes in a file without tensors", safetensorsFile(`{}`, 1))

	add("rank", "safetensors.limit", "a shape of 65 dimensions",
		safetensorsFile(`{"t":{"dtype":"U8","shape":[4`+strings.Repeat(",1", 64)+`],"data_offsets":[0,4]}}`, 4))

	add("unclaimed-leading-space", "format.unknown", "a space before the brace, which the reference reads", safetensorsFile(` {`+t+`}`, 4))
	add("unclaimed-newline", "format.unknown", "a newline behind the brace, which the reference reads", safetensorsFile("{"+t+"}\n", 4))
	add("unclaimed-array", "format.unknown", "an array for a header", safetensorsFile(`[{`+t+`}]`, 4))
	add("unclaimed-long", "format.unknown", "a header that is longer than the file", safetensorsFile(`{`+t+`}`, 4)[:40])
	add("unclaimed-zero", "format.unknown", "a header of no bytes", safetensorsFile("", 4))
	return list
}

// safetensorsFile is a file of that header and as many bytes of data.
func safetensorsFile(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range data {
		b = append(b, byte(i))
	}
	return b
}

// everyDType is a header with a tensor of eight elements of each type, and the
// length of the data behind it.
func everyDType() (header string, data int) {
	var entries []string
	for _, d := range []struct {
		name string
		bits int
	}{
		{"BOOL", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8}, {"I8", 8},
		{"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
		{"I16", 16}, {"U16", 16}, {"F16", 16}, {"BF16", 16}, {"I32", 32}, {"U32", 32}, {"F32", 32},
		{"C64", 64}, {"F64", 64}, {"I64", 64}, {"U64", 64},
	} {
		entries = append(entries, fmt.Sprintf(`"%s":{"dtype":"%[1]s","shape":[8],"data_offsets":[%d,%d]}`, d.name, data, data+d.bits))
		data += d.bits
	}
	return "{" + strings.Join(entries, ",") + "}", data
}
