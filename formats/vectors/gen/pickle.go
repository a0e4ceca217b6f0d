package main

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/weightgate/weightgate/formats/pickle/pickletest"
	tt "github.com/weightgate/weightgate/formats/torch/torchtest"
)

// pickleVectors are the samples of up to 1 KiB, and what hides in pickles. The
// format only names such files: a converter judges what they hold.
func pickleVectors() []vector {
	var list []vector
	add := func(name, about, data string) {
		list = append(list, vector{name, about + ": a converter judges it", "admitted", []file{{"model.bin", []byte(data)}}})
	}
	samples, err := fs.Glob(pickletest.Samples, "testdata/*")
	if err != nil || len(samples) == 0 {
		panic("no samples of pickles")
	}
	for _, sample := range samples {
		data, err := pickletest.Samples.ReadFile(sample)
		if err != nil {
			panic(err)
		}
		if name := path.Base(sample); len(data) <= 1<<10 {
			add(name, "a pickle, "+strings.ReplaceAll(name, "-", " "), string(data))
		}
	}
	command, empty := tt.Call("os", "system", tt.Str("id")), tt.Call("collections", "OrderedDict")
	bytesOf := func(s string) tt.Code {
		return tt.Call("_codecs", "encode", tt.Str(s), tt.Str("latin1"))
	}
	add("command", "a command", tt.Pickle(command))
	add("command-0", "a command in protocol 0", "cos\nsystem\n(S'id'\ntR.")
	add("command-inst", "a command by INST", "(S'id'\nios\nsystem\n.")
	add("command-popped", "a command whose result is thrown away", tt.Pickle(command+"0N"))
	add("command-nested", "a command in a pickle in a string, which nothing reads", tt.Pickle(tt.Dict(tt.Str("a"), bytesOf(latin1(tt.Pickle(command))))))
	add("command-behind", "a command in a second pickle", tt.Pickle(empty)+tt.Pickle(command))
	add("command-behind-junk", "junk, and a command in a second pickle", tt.Pickle(empty)+"junk"+tt.Pickle(command))
	add("command-broken", "a command before a byte that is no opcode", strings.TrimSuffix(tt.Pickle(command), ".")+"\xff")
	add("command-split", "a command whose name is put together from the memo", "\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x30\x30h\x00h\x01\x93\x8c\x02id\x85R.")
	add("extension-2", "a global by a number of two bytes", "\x80\x02\x83\x01\x00)R.")
	add("extension-4", "a global by a number of four bytes", "\x80\x02\x84\x01\x00\x00\x00)R.")
	add("load-from-bytes", "a loader that is called on bytes", tt.Pickle(tt.Call("torch.storage", "_load_from_bytes", tt.Str("x"))))
	add("dotted", "an attribute of what a module imports", "\x80\x04\x8c\x05torch\x8c\x17serialization.os.system\x93\x8c\x02id\x85R.")
	hidden := func(name, about, stream string) {
		list = append(list, vector{"tensors-" + name, "tensors whose length and header read as a line, with " + about + " behind it", "format.ambiguous",
			[]file{{"model.safetensors", swallowed(stream)}}})
	}
	const run = "0cos\nsystem\n(S'id'\ntR."
	hidden("infinity", "an infinity and a command", "Finfinity\n"+run)
	hidden("nan", "what is no number and a command", "F+nan\n"+run)
	hidden("nul", "a number that a NUL ends and a command", "I5\x00x\n"+run)
	hidden("no-number", "a NUL for a number and a command", "I\x00x\n"+run)
	hidden("memo", "a memo number that a NUL ends and a command", "p0\x00x\n0g0\x00x\n"+run)
	hidden("text", "a command whose name is a global that is text", "\x8c\x02os\x8c\x04name\x93\x8c\x06system\x93(S'id'\ntR.")
	hidden("mark", "a mark that is left and a command", "("+run[1:])
	hidden("import", "the import of a module for no name", "cantigravity\nno such name\n.")
	hidden("import-inst", "an import that lacks its mark", "iantigravity\nno such name\n.")
	hidden("import-break", "an import before a byte that is no opcode", "cantigravity\nx\n\xff")
	return list
}

// swallowed is a safetensors file that begins with a line of text to a loader of
// pickles: V is the first byte of the header's length.
func swallowed(pickle string) []byte {
	header := func(name string) string {
		return fmt.Sprintf(`{"%s":{"dtype":"U8","shape":[%d],"data_offsets":[0,%[2]d]}`, name, len(pickle)) + "\n}"
	}
	name := strings.Repeat("t", 'V'-len(header("")))
	return append(safetensorsFile(header(name), 0), pickle...)
}

// latin1 is the text that latin-1 encodes as b.
func latin1(b string) string {
	var text strings.Builder
	for i := range len(b) {
		text.WriteRune(rune(b[i]))
	}
	return text.String()
}
