package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/foreign/foreigntest"
	tt "github.com/weightgate/weightgate/formats/torch/torchtest"
)

// withForeign is lists and, for each kind of package foreign, its samples: the
// first, and those of up to 1 KiB.
func withForeign(lists map[string][]vector) map[string][]vector {
	for _, kind := range foreign.Formats() {
		samples, err := fs.Glob(foreigntest.Samples, path.Join("testdata", kind.Name(), "*"))
		if err != nil || len(samples) == 0 {
			panic("no sample of " + kind.Name())
		}
		for i, sample := range samples {
			data, err := foreigntest.Samples.ReadFile(sample)
			if err != nil {
				panic(err)
			}
			if i > 0 && len(data) > 1<<10 {
				continue
			}
			name := path.Base(sample)
			lists[kind.Name()] = append(lists[kind.Name()], vector{
				name:   name,
				about:  "a model that is " + kind.Name() + ": " + strings.ReplaceAll(name, "-", " "),
				expect: string(kind.Codes()[0].Code),
				files:  []file{{"model.safetensors", data}},
			})
		}
	}
	lists["tar"] = append(lists["tar"], tarVectors()...)
	return lists
}

// tarVectors are legacy checkpoints that Python's tarfile reads as well, as torch
// does before anything else.
func tarVectors() []vector {
	octal := func(form string) func(int) string {
		return func(n int) string { return fmt.Sprintf(form, n) }
	}
	sum, size := octal("%06o\x00 "), octal("%011o")
	var list []vector
	add := func(name, about string, p tarPolyglot) {
		list = append(list, vector{"legacy-" + name, "a legacy checkpoint that is a tar file too, with " + about, "format.ambiguous",
			[]file{{"pytorch_model.bin", p.file()}}})
	}
	add("octal", "numbers as archives have them", tarPolyglot{sum: sum, size: size})
	add("prefix", "a checksum with 0o before it", tarPolyglot{sum: octal("0o%05o"), size: size})
	add("underscore", "a checksum with an underscore", tarPolyglot{sum: octal("0_%05o"), size: size})
	add("blanks", "a checksum with blanks of all kinds", tarPolyglot{sum: octal("\t%05o\r\x1c"), size: size})
	add("plus", "a checksum with a sign", tarPolyglot{sum: octal("%+07o"), size: size})
	add("binary", "a checksum in binary", tarPolyglot{sum: func(n int) string {
		return "\x80\x00\x00\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(n)))
	}, size: size})
	add("minus", "a checksum of bytes that have a sign", tarPolyglot{sum: octal("%+07o"), size: size, signed: true, target: -100})
	add("blank", "a checksum of 0 that is left out", tarPolyglot{sum: func(int) string { return "" }, size: size, signed: true})
	add("size-prefix", "a size with 0o before it", tarPolyglot{sum: sum, size: octal("0o%09o")})
	add("size-underscore", "a size with an underscore", tarPolyglot{sum: sum, size: octal("0_%09o")})
	add("size-text", "a size that is no number", tarPolyglot{sum: sum, size: octal("size%o")})
	return list
}

// A tarPolyglot is how the numbers of the header are written.
type tarPolyglot struct {
	sum, size func(int) string
	signed    bool // the sum is that of bytes with a sign, and is made to be target
	target    int
}

// file is a checkpoint in whose third pickle a string holds the numbers of a header,
// and in whose storage the other members lie.
func (p tarPolyglot) file() []byte {
	const block = 512
	start := tt.Magic + tt.Version + "\x80\x02}(" + string(tt.Str("a")) + "B"
	header := append([]byte(start), make([]byte, block-len(start))...)
	binary.LittleEndian.PutUint32(header[len(start):], uint32(block-len(start)-4))

	var members bytes.Buffer
	w := tar.NewWriter(&members)
	for _, m := range []struct{ name, data string }{
		{"sys_info", tt.SysInfo(tt.True)}, {"storages", hostile()}, {"tensors", hostile()}, {"pickle", hostile()},
	} {
		must(w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data))}))
		_, err := w.Write([]byte(m.data))
		must(err)
	}
	must(w.Close())

	behind := func(storage string) string {
		n := len(storage) / 4
		weights := tt.Dict(tt.Str("w"), tt.Vector(tt.LegacyStorage("FloatStorage", "0", n, tt.None), n))
		return string(tt.Str("protocol_version")+tt.Int(1001)+tt.Str("little_endian")+tt.True) + "u." + tt.Pickle(weights) + tt.Pickle(tt.List(tt.Str("0"))) + tt.Record(n, storage)
	}
	padding := (block - len(behind(""))%block) % block
	copy(header[124:136], p.size(len(behind(""))+padding))
	const checksum, typeflag, prefix = 148, 156, 345
	copy(header[checksum:typeflag], "        ")
	header[typeflag] = '0'
	sum := 0
	for _, b := range header {
		if sum += int(b); p.signed {
			sum += int(int8(b)) - int(b)
		}
	}
	if p.signed {
		for i := prefix; sum != p.target; i++ {
			down := min(sum-p.target, 128)
			header[i] = byte(-down)
			sum -= down
		}
	}
	copy(header[checksum:typeflag], make([]byte, typeflag-checksum))
	copy(header[checksum:typeflag], p.sum(sum))
	return append(header, behind(strings.Repeat("\x00", padding)+members.String())...)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
