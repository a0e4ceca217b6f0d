package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// A file is bytes as a formats.Input without siblings.
type file struct {
	*bytes.Reader
	name string
}

func (f file) Name() string                          { return f.name }
func (file) Sibling(string) (formats.Input, bool)    { return nil, false }
func newFile(name string, data []byte) formats.Input { return file{bytes.NewReader(data), name} }

// A scene is a file, what the parent read of it and what a child says of it.
type scene struct {
	data []byte
	from torch.Container
	cp   grammar.Checkpoint
}

// zipScene is an honest one: six numbers, and a storage of two that is not a
// tensor's.
func zipScene() *scene {
	data := make([]byte, 64)
	for i := range data {
		data[i] = byte(i)
	}
	return &scene{
		data: data,
		from: torch.Container{Form: grammar.Zip, Storages: map[string]formats.Range{
			"0": {File: "m.pt", Offset: 16, Length: 24},
			"1": {File: "m.pt", Offset: 40, Length: 8},
		}},
		cp: grammar.Checkpoint{
			Form:     grammar.Zip,
			Storages: []grammar.Storage{{Key: "0", DType: grammar.F32, Elements: 6}, {Key: "1", DType: grammar.U8, Elements: 8}},
			Tensors:  []grammar.Tensor{{Name: "w", DType: grammar.F32, Shape: []int64{2, 3}, Strides: []int64{3, 1}}},
		},
	}
}

// legacyScene is one of two storages behind 10 bytes of pickles.
func legacyScene() *scene {
	data := make([]byte, 10)
	data = binary.LittleEndian.AppendUint64(data, 2)
	data = append(data, 1, 2, 3, 4, 5, 6, 7, 8)
	data = binary.LittleEndian.AppendUint64(data, 3)
	data = append(data, 9, 10, 11)
	return &scene{
		data: data,
		from: torch.Container{Form: grammar.Legacy},
		cp: grammar.Checkpoint{
			Form:     grammar.Legacy,
			End:      10,
			Keys:     []string{"b", "a"},
			Storages: []grammar.Storage{{Key: "a", DType: grammar.I8, Elements: 3}, {Key: "b", DType: grammar.F32, Elements: 2}},
			Tensors: []grammar.Tensor{
				{Name: "x", DType: grammar.I8, Shape: []int64{3}, Strides: []int64{1}},
				{Name: "y", Storage: 1, DType: grammar.F32, Shape: []int64{2}, Strides: []int64{1}},
			},
		},
	}
}

// derive is the file that comes of it, empty if none does.
func (s *scene) derive(t require.TestingT) ([]byte, []formats.Finding) {
	c := &checker{file: "m.pt", size: int64(len(s.data))}
	in := newFile("m.pt", s.data)
	l, err := c.lay(context.Background(), in, &s.from, &s.cp, 1<<17)
	require.NoError(t, err)
	if l == nil {
		return nil, c.findings
	}
	parts, err := c.gather(context.Background(), in, l, s.from.BigEndian, func(n int64) ([]byte, error) {
		return bytes.Repeat([]byte{0xee}, int(n)), nil // memory need not be clean
	})
	require.NoError(t, err)
	return join(t, in, parts), c.findings
}

// join is the bytes of parts.
func join(t require.TestingT, in io.ReaderAt, parts []formats.Part) []byte {
	var out []byte
	for _, p := range parts {
		b := p.Bytes
		if b == nil {
			b = make([]byte, p.Source.Length)
			_, err := in.ReadAt(b, p.Source.Offset)
			require.NoError(t, err)
		}
		require.NotEmpty(t, b)
		out = append(out, b...)
	}
	return out
}

func codesOf(findings []formats.Finding) []formats.Code {
	var list []formats.Code
	for _, f := range findings {
		list = append(list, f.Code)
	}
	return list
}

func TestHonest(t *testing.T) {
	out, findings := zipScene().derive(t)
	require.Empty(t, findings)
	require.Equal(t, `{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}`, strings.TrimRight(string(out[8:len(out)-24]), " "))
	require.Equal(t, zipScene().data[16:40], out[len(out)-24:])

	out, findings = legacyScene().derive(t)
	require.Empty(t, findings)
	require.Equal(t, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, out[len(out)-11:])

	empty := zipScene()
	empty.cp.Tensors = nil
	out, findings = empty.derive(t)
	require.Empty(t, findings)
	require.Empty(t, out)
}

// Each lie of a child that only the file disproves.
func TestLies(t *testing.T) {
	w := func(s *scene) *grammar.Tensor { return &s.cp.Tensors[0] }
	for _, c := range []struct {
		name string
		want formats.Code
		of   func() *scene
		lie  func(*scene)
	}{
		{"another form", CodePlan, zipScene, func(s *scene) { s.cp.Form = grammar.Legacy }},
		{"tensors of a plain pickle", CodePlan, zipScene, func(s *scene) { s.cp.Form, s.from.Form = grammar.Plain, grammar.Plain }},
		{"a storage twice", CodePlan, zipScene, func(s *scene) { s.cp.Storages[1].Key = "0" }},
		{"a tensor in no storage", CodePlan, zipScene, func(s *scene) { w(s).Storage = 2 }},
		{"a tensor in storage -1", CodePlan, zipScene, func(s *scene) { w(s).Storage = -1 }},

		{"a storage that is not there", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[1].Key = "2" }},
		{"more elements than the record", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[0].Elements++ }},
		{"fewer elements than the record", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[0].Elements-- }},
		{"wider elements", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[0].DType = grammar.F64 }},
		{"negative elements", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[0].Elements = -6 }},
		{"elements beyond any file", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[0].Elements = math.MaxInt64 }},
		{"elements that wrap", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[0].Elements = 1<<62 + 6 }},
		{"elements of no type", CodeStorage, zipScene, func(s *scene) { s.cp.Storages[0].DType = 200 }},
		{"a record that leaves the file", CodeStorage, zipScene, func(s *scene) { s.from.Storages["1"] = formats.Range{File: "m.pt", Offset: 57, Length: 8} }},

		{"one element too many", CodeBounds, zipScene, func(s *scene) { w(s).Shape = []int64{7}; w(s).Strides = []int64{1} }},
		{"an offset", CodeBounds, zipScene, func(s *scene) { w(s).Offset = 1 }},
		{"a negative offset", CodeBounds, zipScene, func(s *scene) { w(s).Offset = -1 }},
		{"an offset that wraps", CodeBounds, zipScene, func(s *scene) { w(s).Offset = math.MaxInt64 }},
		{"a long stride", CodeBounds, zipScene, func(s *scene) { w(s).Strides[0] = 4 }},
		{"a stride that wraps", CodeBounds, zipScene, func(s *scene) { w(s).Strides[0] = math.MaxInt64 }},
		{"strides that wrap", CodeBounds, zipScene, func(s *scene) { w(s).Shape[0] = 3; w(s).Strides[0] = 1 << 62; w(s).Strides[1] = 1 << 62 }},
		{"an empty tensor behind its storage", CodeBounds, zipScene, func(s *scene) { w(s).Shape[0], w(s).Offset = 0, 7 }},
		{"wider elements of an untyped storage", CodeBounds, zipScene, func(s *scene) { *w(s) = grammar.Tensor{Name: "w", Storage: 1, DType: grammar.F64, Offset: 1} }},

		{"a negative dimension", CodeShape, zipScene, func(s *scene) { w(s).Shape[0] = -2 }},
		{"a negative stride", CodeShape, zipScene, func(s *scene) { w(s).Strides[0] = -3 }},
		{"a negative stride of nothing", CodeShape, zipScene, func(s *scene) { w(s).Shape[1], w(s).Strides[0] = 0, -3 }},
		{"dimensions that wrap", CodeShape, zipScene, func(s *scene) { w(s).Shape = []int64{1 << 32, 1 << 32}; w(s).Strides = []int64{0, 0} }},
		{"fewer strides", CodeShape, zipScene, func(s *scene) { w(s).Strides = []int64{1} }},
		{"65 dimensions", CodeShape, zipScene, func(s *scene) { w(s).Shape, w(s).Strides = make([]int64, 65), make([]int64, 65) }},
		{"half bytes that wrap", CodeShape, zipScene, func(s *scene) {
			*w(s) = grammar.Tensor{Name: "w", Storage: 1, DType: grammar.F4E2M1FNx2, Shape: []int64{math.MaxInt64}, Strides: []int64{0}}
		}},

		{"an expanded tensor", CodeAmplified, zipScene, func(s *scene) { w(s).Shape = []int64{1 << 23}; w(s).Strides = []int64{0} }},
		{"many expanded tensors", CodeAmplified, zipScene, func(s *scene) {
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				s.cp.Tensors = append(s.cp.Tensors, grammar.Tensor{Name: name, DType: grammar.F32, Shape: []int64{1 << 20}, Strides: []int64{0}})
			}
		}},

		{"a name twice", CodeDuplicate, zipScene, func(s *scene) { s.cp.Tensors = append(s.cp.Tensors, *w(s)) }},
		{"no name", CodeName, zipScene, func(s *scene) { w(s).Name = "" }},
		{"the name of the metadata", CodeName, zipScene, func(s *scene) { w(s).Name = "__metadata__" }},
		{"a long name", CodeName, zipScene, func(s *scene) { w(s).Name = strings.Repeat("n", maxName+1) }},
		{"a name with a NUL", CodeName, zipScene, func(s *scene) { w(s).Name = "w\x00" }},
		{"a name with a line feed", CodeName, zipScene, func(s *scene) { w(s).Name = "w\nv" }},
		{"a name that turns around", CodeName, zipScene, func(s *scene) { w(s).Name = "w\u202e" }},
		{"a name that is not UTF-8", CodeName, zipScene, func(s *scene) { w(s).Name = "w\xff" }},

		{"a type of no elements", CodeDType, zipScene, func(s *scene) { w(s).DType = 200 }},
		{"complex128", CodeDType, zipScene, func(s *scene) { w(s).DType = grammar.C128 }},
		{"another type than the storage", CodeDType, zipScene, func(s *scene) { w(s).DType = grammar.I32 }},
		{"a conjugated real number", CodeDType, zipScene, func(s *scene) { w(s).Conj = true }},
		{"a negated byte", CodeDType, zipScene, func(s *scene) { *w(s) = grammar.Tensor{Name: "w", Storage: 1, DType: grammar.U8, Neg: true} }},
		{"half a byte", CodeDType, zipScene, func(s *scene) { *w(s) = grammar.Tensor{Name: "w", Storage: 1, DType: grammar.F4E2M1FNx2} }},

		{"truth values", CodeBool, zipScene, func(s *scene) {
			*w(s) = grammar.Tensor{Name: "w", Storage: 1, DType: grammar.Bool, Shape: []int64{8}, Strides: []int64{1}}
		}},
		{"truth values that are copied", CodeBool, zipScene, func(s *scene) {
			*w(s) = grammar.Tensor{Name: "w", Storage: 1, DType: grammar.Bool, Shape: []int64{2}, Strides: []int64{2}}
		}},
		{"overlapping parts", CodeShared, zipScene, func(s *scene) {
			s.cp.Tensors = []grammar.Tensor{
				{Name: "a", DType: grammar.F32, Shape: []int64{3}, Strides: []int64{1}},
				{Name: "b", DType: grammar.F32, Shape: []int64{3}, Strides: []int64{1}, Offset: 1},
			}
		}},
		{"more names left out than metadata holds", CodeLimit, zipScene, func(s *scene) {
			for i := range 1 << 14 {
				t := *w(s)
				t.Name = "v" + strings.Repeat("i", i%500) + string(rune('A'+i/500))
				s.cp.Tensors = append(s.cp.Tensors, t)
			}
		}},

		{"an end before the storages", CodeTile, legacyScene, func(s *scene) { s.cp.End-- }},
		{"an end behind the file", CodeTile, legacyScene, func(s *scene) { s.cp.End = 1 << 40 }},
		{"a negative end", CodeTile, legacyScene, func(s *scene) { s.cp.End = -1 }},
		{"other counts", CodeTile, legacyScene, func(s *scene) { s.cp.Storages[1].Elements = 1 }},
		{"other elements", CodeTile, legacyScene, func(s *scene) { s.cp.Storages[1].DType = grammar.F16 }},
		{"elements beyond the file", CodeTile, legacyScene, func(s *scene) { s.cp.Storages[1].Elements = 1 << 60 }},
		{"another order", CodeTile, legacyScene, func(s *scene) { s.cp.Keys = []string{"a", "b"} }},
		{"a key too few", CodeTile, legacyScene, func(s *scene) { s.cp.Keys = s.cp.Keys[:1] }},
		{"a key twice", CodeTile, legacyScene, func(s *scene) { s.cp.Keys[1] = "b" }},
		{"an unknown key", CodeTile, legacyScene, func(s *scene) { s.cp.Keys[1] = "c" }},
		{"bytes behind", CodeTile, legacyScene, func(s *scene) { s.data = append(s.data, 0) }},
		{"a count too few", CodeTile, legacyScene, func(s *scene) { s.data = s.data[:len(s.data)-1] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.of()
			c.lie(s)
			out, findings := s.derive(t)
			require.Empty(t, out)
			require.Contains(t, codesOf(findings), c.want)
			require.LessOrEqual(t, len(findings), maxFindings)
			for _, f := range findings {
				require.Equal(t, "m.pt", f.File)
				require.NotContains(t, f.Detail, "\x00")
			}
		})
	}
}

// A record that the pickle does not name is left out, and said.
func TestUnnamed(t *testing.T) {
	s := zipScene()
	s.cp.Storages = s.cp.Storages[:1]
	out, findings := s.derive(t)
	require.NotEmpty(t, out)
	require.Equal(t, []formats.Code{CodeUnnamed}, codesOf(findings))
	require.Equal(t, "1 records that no pickle names, the first is storage 1 of 8 bytes", findings[0].Detail)
}

// However many lies there are, a report has room for them.
func TestManyLies(t *testing.T) {
	for _, lie := range []func(*scene, int){
		func(s *scene, i int) { s.cp.Tensors = append(s.cp.Tensors, grammar.Tensor{Storage: i % 2}) },
		func(s *scene, i int) {
			s.cp.Storages = append(s.cp.Storages, grammar.Storage{Key: strings.Repeat("k", i+1)})
		},
	} {
		s := zipScene()
		for i := range 10 * maxFindings {
			lie(s, i)
		}
		out, findings := s.derive(t)
		require.Empty(t, out)
		require.Equal(t, maxFindings, len(findings))
	}
}

// A view that is tangled over more bytes than are kept at once is refused, and
// copied if it is over fewer.
func TestTangled(t *testing.T) {
	const half = maxTangle/2 - 1
	s := single(grammar.U8, maxTangle+2, 0, []int64{2, 2, 2}, []int64{half, half - 1, 2})
	out, findings := s.derive(t)
	require.Empty(t, findings)
	require.Equal(t, 1, requireSame(t, s, out))
	s.cp.Tensors[0].Shape[2] = 3
	out, findings = s.derive(t)
	require.Empty(t, out)
	require.Equal(t, []formats.Code{CodeStride}, codesOf(findings))
}

// Views that hold little and cover much are copied while their storage is read
// once, and refused if they are so many that going over it takes too long.
func TestStrewn(t *testing.T) {
	const n = 4 * chunk
	s := single(grammar.U8, n, 0, nil, nil)
	s.cp.Tensors = nil
	for i := range int64(1000) {
		s.cp.Tensors = append(s.cp.Tensors, grammar.Tensor{
			Name: strings.Repeat("n", int(i)%500) + string(rune('a'+i/500)), DType: grammar.U8, Offset: i, Shape: []int64{2}, Strides: []int64{n - 1000},
		})
	}
	counted := &counting{Input: newFile("m.pt", s.data)}
	c := &checker{file: "m.pt", size: int64(len(s.data))}
	l, err := c.lay(t.Context(), counted, &s.from, &s.cp, 1<<17)
	require.NoError(t, err)
	parts, err := c.gather(t.Context(), counted, l, false, func(n int64) ([]byte, error) { return make([]byte, n), nil })
	require.NoError(t, err)
	require.Equal(t, 1000, requireSame(t, s, join(t, counted, parts)))
	require.EqualValues(t, n, counted.n)

	for i := range s.cp.Tensors {
		t := s.cp.Tensors[i]
		for j := range 5 {
			t.Name = s.cp.Tensors[i].Name + string(rune('A'+j))
			s.cp.Tensors = append(s.cp.Tensors, t)
		}
	}
	out, findings := s.derive(t)
	require.Empty(t, out)
	require.Equal(t, []formats.Code{CodeStride}, codesOf(findings))
}

// counting counts the bytes that are read.
type counting struct {
	formats.Input
	n int64
}

func (c *counting) ReadAt(b []byte, offset int64) (int, error) {
	c.n += int64(len(b))
	return c.Input.ReadAt(b, offset)
}
