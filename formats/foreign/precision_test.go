package foreign_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/torch/torchtest"
	"github.com/weightgate/weightgate/formats/vectors"
)

// tensors is a safetensors file whose header is padded to length bytes and has
// one tensor of that name and data.
func tensors(length int, name string, data []byte) []byte {
	header := fmt.Sprintf(`{"%s":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, name, len(data), len(data))
	b := binary.LittleEndian.AppendUint64(nil, uint64(max(length, len(header))))
	b = fmt.Appendf(b, "%-*s", length, header)
	return append(b, data...)
}

// TestSafetensorsOfEveryLength goes through the lengths whose bytes read as the
// start of something else: 640 as a pickle's, 376 as a zlib stream's, 35615 as gzip's.
func TestSafetensorsOfEveryLength(t *testing.T) {
	var lengths []int
	for n := range 4097 - 64 {
		lengths = append(lengths, n+64)
	}
	for _, magic := range []uint16{0x8b1f, 0x0178, 0x5e78, 0x9c78, 0xda78, 0x5a4d, 0x2123, 0x0a58, 0x0a41, 0x005d, 0x2820} {
		lengths = append(lengths, int(magic))
	}
	for _, length := range lengths {
		if length < 64 {
			continue
		}
		for _, name := range []string{"t", "t.weight"} {
			data := tensors(length, name, []byte("tensor data."))
			if length < 4097 || name == "t" {
				_, err := safetensors.Read(context.Background(), input(data), formats.Limits{})
				require.NoError(t, err)
			}
			require.Empty(t, claimants(t, data), "a header of %d bytes", length)
		}
	}
}

// TestSafetensorsOfGreatLength gives the start of files with headers of up to
// 100 MB, which is all that kinds read from the front.
func TestSafetensorsOfGreatLength(t *testing.T) {
	for _, start := range []uint64{0x80, 0x180, 0x280, 0x380, 0x480, 0x580, 0x0178, 0x5e78, 0x9c78, 0xda78, 0x8b1f, 0x5a42, 0x5a4d, 0x4b50, 0x5d} {
		for high := range uint64(0x600) {
			length := start | high<<16
			if length < 64 || length > 100_000_000 || high > 0x100 && high%0x100 > 8 {
				continue
			}
			for _, name := range []string{"t", "h.0.attn"} {
				head := tensors(0, name, make([]byte, 64))
				binary.LittleEndian.PutUint64(head, length)
				head = append(head[:len(head)-64], strings.Repeat(" ", 64)...)
				require.Empty(t, claimants(t, head), "a header of %d bytes and %q", length, name)
			}
		}
	}
}

// TestSafetensorsOfLongHeaders has headers that are longer than a pickle is followed,
// of the lengths that writers align them to: for one in 32 all of it is a line.
func TestSafetensorsOfLongHeaders(t *testing.T) {
	for low := 0; low < 256; low += 8 {
		length := 3<<19 + low
		data := tensors(64, "t", nil)
		binary.LittleEndian.PutUint64(data, uint64(length))
		data = append(data, strings.Repeat(" ", length-64)...)
		_, err := safetensors.Read(t.Context(), input(data), formats.Limits{})
		require.NoError(t, err)
		require.Empty(t, claimants(t, data), "a header of %d bytes", length)
	}
}

func TestVectorsOfOthersAreNotForeign(t *testing.T) {
	all, err := vectors.Load()
	require.NoError(t, err)
	admitted := 0
	for _, v := range all {
		if v.Expect != vectors.Admitted {
			continue
		}
		in, err := formats.Open(v.FS, v.File)
		require.NoError(t, err)
		data := make([]byte, in.Size())
		_, err = in.ReadAt(data, 0)
		require.NoError(t, err)
		require.NoError(t, in.Close())
		if !slices.Contains([]string{"npy", "npz", "zip", "pickle", "torch", "torch.legacy"}, v.Format) {
			admitted++
			require.Empty(t, claimants(t, data), v.Name)
		}
	}
	require.Greater(t, admitted, 8)
}

func TestDressed(t *testing.T) {
	pickle := []byte(torchtest.Pickle(torchtest.Dict(torchtest.Str("w"), torchtest.Call("collections", "OrderedDict"))))
	checkpoint := zipped(t, "archive/data.pkl", pickle)
	arrays := zipped(t, "a.npy", append([]byte("\x93NUMPY\x01\x00\x76\x00{'descr': '|O'}\n"), pickle...))
	for _, c := range []struct {
		name      string
		data      []byte
		want      string
		ambiguous []string
	}{
		{name: "a zip that a tensor holds, at the end of the file", data: tensors(96, "t", checkpoint), ambiguous: []string{"safetensors", "torch"}},
		{name: "a pickle that a tensor holds", data: tensors(96, "t", pickle), want: "safetensors"},
		{name: "a pickle behind a length of safetensors", data: append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(pickle))), pickle...), 0), want: ""},
		{name: "a pickle with tensors behind it", data: append(pickle, tensors(96, "t", nil)...), want: "pickle"},
		{name: "a zip with tensors behind it", data: append(checkpoint, tensors(96, "t", nil)...), want: "torch"},
		{name: "a pickle that swallows the header", data: swallowed(), ambiguous: []string{"pickle", "safetensors"}},
		{name: "a program before a zip", data: append(sampleNamed(t, "elf/library"), checkpoint...), ambiguous: []string{"elf", "torch"}},
		{name: "a zip with a line that ends before a pickle", data: arrays, want: "npz"},
		{name: "a zip of a repository", data: zipped(t, "model/code/train.py", []byte("pass")), want: "zip"},
		{name: "a tar file that begins with tensors", data: tensors(96, "t", sampleNamed(t, "tar/ustar")), want: "safetensors"},
		{name: "a zip with a prefix and bytes behind", data: slices.Concat([]byte("junk"), zipped(t, "a.txt", []byte("a")), []byte("junk")), want: "zip.wrapped"},
		{name: "a checkpoint with a prefix and bytes behind", data: slices.Concat([]byte("junk"), checkpoint, []byte("junk")), want: "torch"},
		{name: "a zip that a tensor holds, with another behind", data: tensors(96, "t", slices.Concat(zipped(t, "a.txt", []byte("a")), []byte("junk"))), ambiguous: []string{"safetensors", "zip.wrapped"}},
		{name: "a pickle that holds a zip", data: pickledBytes(zipped(t, "a.txt", []byte("a"))), want: "pickle"},
		{name: "a tar file that ends in a zip", data: tarred(t, member{"a.zip", zipped(t, "a.txt", []byte("a"))}), want: "tar"},
		{name: "a model that ends in a checkpoint", data: tarred(t, member{"model_config.yaml", nil}, member{"model_weights.ckpt", checkpoint}), want: "nemo"},
		{name: "a checkpoint of many members", data: zippedAll(t, manyNames("archive/data/%d", "archive/data.pkl")), want: "torch"},
		{name: "a model of many members", data: zippedAll(t, manyNames("assets/%d", "config.json", "metadata.json", "model.weights.h5")), want: "keras"},
		{name: "a pickle before a zip", data: append(pickle, checkpoint...), ambiguous: []string{"pickle", "torch"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := everything().Detect(context.Background(), input(c.data))
			switch {
			case c.want != "":
				require.NoError(t, err)
				require.Equal(t, c.want, got.Name())
			case c.ambiguous != nil:
				amb, ok := errors.AsType[*formats.AmbiguousError](err)
				require.True(t, ok, "%v: %v", got, err)
				require.Equal(t, c.ambiguous, amb.Formats)
			default:
				require.ErrorIs(t, err, formats.ErrUnknown)
			}
		})
	}
}

// zipped is a zip file of one member, as it stands.
func zipped(t *testing.T, name string, data []byte) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	require.NoError(t, err)
	_, err = f.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// zippedAll is a zip file of empty members.
func zippedAll(t *testing.T, names []string) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range names {
		_, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// manyNames are 5000 names, which take 300 kB of a directory, and last behind them.
func manyNames(form string, last ...string) []string {
	var names []string
	for i := range 5000 {
		names = append(names, fmt.Sprintf(form, i))
	}
	return append(names, last...)
}

// pickledBytes is a pickle of data.
func pickledBytes(data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("\x80\x03B"), uint32(len(data)))
	return append(append(b, data...), '.')
}

type member struct {
	name string
	data []byte
}

// tarred is a tar file.
func tarred(t *testing.T, members ...member) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.data))}))
		_, err := w.Write(m.data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// swallowed is a safetensors file that is a pickle as well: its length reads as
// PROTO 2 and BINFLOAT, which takes the header's first bytes for a number, and
// the whitespace behind them lets a line of text take the rest.
func swallowed() []byte {
	rest := `V":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`
	data := "\n(lp0\nccollections\nOrderedDict\n(tR."
	header := fmt.Sprintf(`{"t`+rest, len(data), len(data))
	b := binary.LittleEndian.AppendUint64(nil, 0x470280)
	b = append(b, header+strings.Repeat(" ", 0x470280-len(header))...)
	return append(b, data...)
}

func TestTextIsNotForeign(t *testing.T) {
	vocabulary := "[PAD]\n[unused1]\n[CLS]\nthe\nof\nand\n##s\ncat\ndog\nN\nIt\nR\n.\n"
	var characters strings.Builder // a dictionary with one character a line, as OCR models have
	for r := '!'; r < 0x300; r++ {
		fmt.Fprintf(&characters, "%c\n", r)
	}
	for _, text := range []string{
		"",
		"\n",
		vocabulary,
		characters.String(),
		"'\n疗\n绚\n诚\n娇\n溜\n题\n贿\n",
		"#version: 0.2\nĠ t\nĠ a\nh e\ni n\n",
		"---\nlicense: mit\n---\n# A model\n\nSee https://git-lfs.github.com.\n",
		"<h1 align=\"center\">Model</h1>\n<p>An <html> tag.</p>\n",
		"<!-- a comment -->\n<p align=\"center\">Model</p>\n",
		"<?xml version=\"1.0\"?>\n<settings><net/></settings>\n",
		"<?xml version=\"1.0\"?>\n<Error>Code</Error>\n",
		"<Code/>\n<Error/>\n",
		"\xff\xfeh\x00t\x00m\x00l\x00",
		"<?xml version=\"1.0\"\n",
		"<net>\n<p/></net>\n",
		"{\"model_type\": \"bert\", \"hidden_size\": 768}\n",
		"[]",
		"{\n  \"version\": \"1.0\",\n  \"truncation\": null\n}\n",
		"# xet version 0 is a format\n",
		"version https://git-lfs.github.com/spec/v1 is the format of pointers.\n",
		"#include <stdio.h>\n#!/bin/sh\n",
		"import torch\nfrom torch import nn\n",
		"class Model:\n    pass\n",
		"coffee\ntea\nmilk.",
		"cat\ndog\n(many of them)\n",
		"In the beginning.", "None.", "I.", "List.", "(a).", "Vocabulary.", "MIT License\n\nCopyright (c) 2024\n",
		"Apache License\nVersion 2.0, January 2004\n",
		"GGUF is a format.\n", "PK files.\n", "MZ\n", "BZh is bzip2's magic.\n", "ftrt and ptrt are magics of plans.\n",
		strings.Repeat("0 ", 50_000), strings.Repeat("(", 200_000), strings.Repeat("]", 200_000), strings.Repeat("N\n", 40_000),
		"It" + strings.Repeat(" is long", 300_000), "S" + strings.Repeat("o long", 300_000), "c" + strings.Repeat("at and dog, ", 300_000),
		strings.Repeat("P", 200_000), strings.Repeat("Very long text without a line ", 5_000),
		"tree\nversion=v4\nnum_class=1\n", "7767517\n75 83\nInput data 0 1 data\n",
	} {
		names := claimants(t, []byte(text))
		require.Empty(t, names, "%.60q is %s", text, words(names))
	}
}

// TestPackagedModelsAreNotForeign reads the small models of package onnx.
func TestPackagedModelsAreNotForeign(t *testing.T) {
	models, err := filepath.Glob(filepath.Join("..", "onnx", "testdata", "*.onnx"))
	require.NoError(t, err)
	for _, name := range models {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Empty(t, claimants(t, data), name)
	}
}

// field is a field of a protobuf message: bytes under a number below 16.
func field(number byte, data string) string {
	return string(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(data)))) + data
}

func TestProtobufOfOthersIsNotForeign(t *testing.T) {
	piece := field(1, field(1, "<unk>")+"\x15\x00\x00\x00\x00\x18\x02")
	for name, message := range map[string]string{
		"sentencepiece": strings.Repeat(piece, 100) + field(2, field(1, "corpus")),
		"Core ML":       "\x08\x07" + field(2, field(1, field(1, "input"))) + field(3, "\x08\x01"),
		"names alone":   field(1, field(1, "x")) + field(4, ""),
		"a version":     "\x08\x01",
	} {
		require.Empty(t, claimants(t, []byte(message)), name)
	}
}

// TestLargeGraph has more nodes than are looked at, and its versions behind them.
func TestLargeGraph(t *testing.T) {
	node := field(1, field(1, "x")+field(2, "Identity")+field(5, field(1, "T")))
	graph := strings.Repeat(node, 20_000)
	require.Equal(t, []string{"graphdef"}, claimants(t, []byte(graph+field(4, "\x08\x01"))))
	require.Empty(t, claimants(t, []byte(graph[:100*len(node)])), "no versions")
}

func TestNumbersAreNotForeign(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	weights := make([]byte, 0, 4<<10)
	for range 2000 {
		weights = weights[:0]
		for range 256 {
			weights = binary.LittleEndian.AppendUint32(weights, math.Float32bits(float32(random.NormFloat64())))
		}
		require.Empty(t, claimants(t, weights))
	}
	noise := make([]byte, 256)
	for range 5_000 {
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		require.Empty(t, claimants(t, noise), "%x", noise)
	}
	for b := range 256 {
		for _, n := range []int{1, 2, 8, 512, 1024, 70_000} {
			constant := []byte(strings.Repeat(string([]byte{byte(b)}), n))
			require.Empty(t, claimants(t, constant), "%d bytes of %#x", n, b)
		}
	}
}

// TestArraysAreNotTar has a header of which Python's tarfile says that it is right:
// its checksum is 0, and the field for it as blank as all others.
func TestArraysAreNotTar(t *testing.T) {
	array := make([]byte, 4096)
	array[500], array[508] = 0x80, 0x80 // with the blanks for the field, 0 in signed bytes
	require.Empty(t, claimants(t, array))
	copy(array[512:], array[:512])
	require.Equal(t, []string{"tar"}, claimants(t, array), "a second member")

	set := foreign.Formats()
	tars := set[slices.IndexFunc(set, func(f formats.Format) bool { return f.Name() == "tar" })]
	random := rand.New(rand.NewPCG(7, 8))
	for range 20_000 { // floats that had 16 bits
		for i := 0; i < 1024; i += 4 {
			binary.LittleEndian.PutUint32(array[i:], math.Float32bits(float32(random.NormFloat64()))>>16<<16)
		}
		claimed, err := tars.Claims(t.Context(), input(array))
		require.NoError(t, err)
		require.False(t, claimed, "%x", array[:512])
	}
}

// TestIntegersAreNotLZMA has arrays whose first number reads as properties and the
// size of a dictionary, and whose second reads as a length.
func TestIntegersAreNotLZMA(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	rest := map[string]func(int) int64{
		"zeros":   func(int) int64 { return 0 },
		"ones":    func(int) int64 { return 1 },
		"range":   func(i int) int64 { return int64(i) },
		"indices": func(int) int64 { return random.Int64N(1000) },
		"tokens":  func(int) int64 { return random.Int64N(100_000) },
		"noise":   func(int) int64 { return random.Int64() },
		"signs":   func(int) int64 { return random.Int64N(3) - 1 },
	}
	for _, properties := range []int64{0, 1, 0x1b, 0x5d} {
		for _, dictionary := range []int64{1 << 12, 3 << 11, 1 << 16, 1 << 23, 1 << 26, 1<<32 - 1} {
			for _, second := range []int64{1, 2, 5, 100, 1000, 10_000} {
				for _, n := range []int{3, 10, 500, 10_000} {
					for name, next := range rest {
						data := binary.LittleEndian.AppendUint64(nil, uint64(dictionary<<8|properties))
						data = binary.LittleEndian.AppendUint64(data, uint64(second))
						for i := range n - 2 {
							data = binary.LittleEndian.AppendUint64(data, uint64(next(i+2)))
						}
						require.Empty(t, claimants(t, data), "%d numbers, properties %#x, dictionary %#x, then %d and %s", n, properties, dictionary, second, name)
					}
				}
			}
		}
	}
}

// TestNoiseBehindAMagic puts noise behind the short magics that kinds must not
// take at their word.
func TestNoiseBehindAMagic(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 512)
	for _, magic := range []string{"\x80\x02", "\x80\x04", "\x78\x9c", "\x78\x01", "\x1f\x8b", "MZ", "BZh9", "X\n", "A\n", "\x5d\x00\x00", "PK", "(", "]", "}", "c", "\x0a", "\x08\x01\x12"} {
		for range 300 {
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			copy(noise, magic)
			require.Empty(t, claimants(t, noise), "%x", noise)
		}
	}
}
