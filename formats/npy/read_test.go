package npy_test

import (
	stdzip "archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/npy"
	"github.com/weightgate/weightgate/formats/zipfile"
)

const magic = "\x93NUMPY"

// file is an array of version 1.0 with that header, filled up to 64 bytes, and
// with n bytes of data.
func file(dict string, n int) []byte {
	header := dict + strings.Repeat(" ", 63-(10+len(dict))%64) + "\n"
	b := binary.LittleEndian.AppendUint16([]byte(magic+"\x01\x00"), uint16(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func read(data []byte) (*npy.Array, error) {
	return npy.Read(context.Background(), input(data), formats.Limits{})
}

// numpyNames are the element types as NumPy calls them.
var numpyNames = map[string]formats.DType{
	"|b1": formats.Bool, "|i1": formats.I8, "|u1": formats.U8,
	"<i2": formats.I16, "<u2": formats.U16, "<f2": formats.F16,
	"<i4": formats.I32, "<u4": formats.U32, "<f4": formats.F32,
	"<i8": formats.I64, "<u8": formats.U64, "<f8": formats.F64,
	"<c8": formats.C64, "<c16": formats.C128,
}

// What NumPy writes is what it says that it wrote.
func TestReadNumPy(t *testing.T) {
	dtypes := map[formats.DType]bool{}
	for line := range strings.Lines(string(fixture(t, "arrays.txt"))) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		dtype, rest, _ := strings.Cut(rest, " ")
		shape, content, _ := strings.Cut(rest, "] ")
		data := fixture(t, name+".npy")
		a, err := read(data)
		require.NoError(t, err, name)
		require.Equal(t, numpyNames[dtype], a.DType, name)
		require.Equal(t, shape+"]", formats.ShapeString(a.Shape), name)
		require.Equal(t, content, hex.EncodeToString(data[a.Offset:]), name)
		dtypes[a.DType] = true
	}
	require.Len(t, dtypes, len(numpyNames))
}

func TestReadRefusesNumPy(t *testing.T) {
	for name, code := range map[string]formats.Code{
		"fortran": npy.CodeFortran, "byteorder": npy.CodeByteOrder, "object": npy.CodeObject, "dtype": npy.CodeDType,
	} {
		a, err := read(fixture(t, "refused-"+name+".npy"))
		require.Nil(t, a)
		inputtest.RequireCode(t, "npy", code, err)
	}
}

// Errors say where in the file: in a stored member of an archive too.
func TestReadOffsets(t *testing.T) {
	const good = "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }"
	for _, c := range []struct {
		name   string
		data   []byte
		code   formats.Code
		offset int64
	}{
		{"magic", []byte("\x93NUMPX\x01\x00"), npy.CodeHeader, 0},
		{"version", []byte(magic + "\x04\x00"), npy.CodeHeader, 6},
		{"length", []byte(magic + "\x01\x00\x10\x00"), npy.CodeHeader, 8},
		{"dtype", file(strings.Replace(good, "|u1", "|u9", 1), 4), npy.CodeDType, 10 + 10},
		{"dimension", file(strings.Replace(good, "(4", "(x", 1), 4), npy.CodeHeader, 10 + 51},
		{"fill", file(good+" #", 4), npy.CodeHeader, 10 + int64(len(good)) + 1},
		{"data", file(good, 5), npy.CodeLength, 128},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.data)
			require.Equal(t, c.offset, inputtest.RequireCode(t, "npy", c.code, err).Offset, "%v", err)
		})
	}

	data := fixture(t, "stored.npz")
	at := bytes.Index(data, []byte("'<f4'"))
	data[at+3] = '9'
	found, err := inspect(npy.Archive(), data)
	require.Nil(t, found)
	syntax := inputtest.RequireCode(t, "npz", npy.CodeDType, err)
	require.Equal(t, int64(at), syntax.Offset)
	require.Contains(t, syntax.Detail, "f4.npy")
}

func TestReadLimits(t *testing.T) {
	data := fixture(t, "f4.npy")
	_, err := npy.Read(context.Background(), input(data), formats.Limits{MaxHeader: 118})
	require.NoError(t, err)
	_, err = npy.Read(context.Background(), input(data), formats.Limits{MaxHeader: 117})
	require.Equal(t, formats.Unverifiable, inputtest.RequireCode(t, "npy", npy.CodeLimit, err).Class)

	data = fixture(t, "stored.npz")
	_, err = npy.Archive().Inspect(context.Background(), input(data), formats.Limits{MaxTensors: 5})
	require.NoError(t, err)
	_, err = npy.Archive().Inspect(context.Background(), input(data), formats.Limits{MaxTensors: 4})
	inputtest.RequireCode(t, "npz", npy.CodeLimit, err)

	data = fixture(t, "deflated.npz")
	found, err := npy.Archive().Inspect(context.Background(), input(data), formats.Limits{MaxInflate: 10_764})
	require.NoError(t, err)
	require.NotNil(t, found)
	_, err = npy.Archive().Inspect(context.Background(), input(data), formats.Limits{MaxInflate: 10_764 - 1})
	inputtest.RequireCode(t, "zip", zipfile.CodeLimit, err)
}

func TestReadErrorsAreShort(t *testing.T) {
	long := strings.Repeat("\u202e", 1<<12)
	_, err := read(file("{'"+long+"': 1}", 0))
	require.Less(t, len(inputtest.RequireCode(t, "npy", npy.CodeHeader, err).Error()), 1<<10)
	require.NotContains(t, err.Error(), "\u202e")
}

func TestInspectFailsWithTheRead(t *testing.T) {
	cause := errors.New("disk")
	for name, f := range map[string]formats.Format{"f4.npy": npy.Format(), "stored.npz": npy.Archive(), "deflated.npz": npy.Archive()} {
		whole := fixture(t, name)
		for n := range len(whole) {
			if n >= 128 && f.Name() == "npy" {
				break // the data is not read
			}
			part := inputtest.Torn{File: input(whole[:n]), Promised: int64(len(whole)), Err: cause}
			found, err := f.Inspect(context.Background(), part, formats.Limits{})
			require.ErrorIs(t, err, cause, "%d bytes", n)
			require.Nil(t, found)
			part.Err = nil
			_, err = f.Inspect(context.Background(), part, formats.Limits{})
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", n)
		}
	}
}

func TestInspectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, f := range map[string]formats.Format{"f4.npy": npy.Format(), "stored.npz": npy.Archive()} {
		found, err := f.Inspect(ctx, input(fixture(t, name)), formats.Limits{})
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, found)
	}
}

// deflated is an archive of one array of n zeros.
func deflated(t *testing.T, n int) []byte {
	var b bytes.Buffer
	w := stdzip.NewWriter(&b)
	f, err := w.Create("zeros.npy")
	require.NoError(t, err)
	_, err = f.Write(file(fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", n), n))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// All that a read allocates, live or not, is bounded, whatever the header says
// and however much is inflated.
func TestInspectMemory(t *testing.T) {
	ones := "(" + strings.Repeat("1,", 5000) + ")"
	for name, c := range map[string]struct {
		f    formats.Format
		data []byte
	}{
		"an array":            {npy.Format(), file("{'descr': '|u1', 'fortran_order': False, 'shape': (4194304,), }", 4<<20)},
		"many dimensions":     {npy.Format(), file("{'descr': '|u1', 'fortran_order': False, 'shape': "+ones+", }", 1)},
		"a header of 4 GiB":   {npy.Format(), []byte(magic + "\x02\x00\xff\xff\xff\xff")},
		"a shape without end": {npy.Format(), file("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,), }", 0)},
		"an archive":          {npy.Archive(), fixture(t, "stored.npz")},
		"a deflated archive":  {npy.Archive(), fixture(t, "deflated.npz")},
		"a bomb":              {npy.Archive(), deflated(t, 64<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(c.data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = c.f.Inspect(context.Background(), in, formats.Limits{}) // some are refused
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10), "a file of %d bytes", len(c.data))
		})
	}
}

// A header has one form; how its parts are spaced is the writer's choice.
func TestReadForms(t *testing.T) {
	for dict, ok := range map[string]bool{
		"{'descr':'|u1','fortran_order':False,'shape':(4,)}":                        true,
		"  { 'shape' : ( 2 , 2 , ) , 'fortran_order' : True , 'descr' : '|u1' , }":  false, // columns first
		"  { 'shape' : ( 2 , 2 , ) , 'fortran_order' : False , 'descr' : '|u1' , }": true,
		`{"descr": ">u1", "fortran_order": True, "shape": (1, 4, 1)}`:               true,
		`{"descr": "|u1", "fortran_order": False, "shape": (4)}`:                    false,
		`{"descr": "|u1", "fortran_order": False, "shape": (,4)}`:                   false,
		`{"descr": "|u1", "fortran_order": False,, "shape": (4,)}`:                  false,
		`{,"descr": "|u1", "fortran_order": False, "shape": (4,)}`:                  false,
		`{"descr": '|u1", "fortran_order": False, "shape": (4,)}`:                   false,
		`{"descr": "|u1", "fortran_order": Falsehood, "shape": (4,)}`:               false,
		`{"descr": "|u1", "fortran_order": False, "shape": (+4,)}`:                  false,
		`{"descr": "|u1", "fortran_order": False, "shape": (4_,)}`:                  false,
		"{'descr': '|u1', 'fortran_order': False,\n'shape': (4,), }":                false,
		"{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }}":                false,
		"{'descr': u'|u1', 'fortran_order': False, 'shape': (4,), }":                false,
		"{}": false,
		"":   false,
	} {
		a, err := read(file(dict, 4))
		require.Equal(t, ok, err == nil, "%s: %v", dict, err)
		require.Equal(t, ok, a != nil)
	}
}
