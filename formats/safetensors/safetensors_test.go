package safetensors_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/safetensors"
)

func input(data []byte) inputtest.File { return inputtest.New("dir/m.safetensors", data) }

// file is a safetensors file of that header and n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func read(data []byte) (*safetensors.Header, error) {
	return safetensors.Read(context.Background(), input(data), formats.Limits{})
}

// requireCode requires that err is a finding of that code in an input's file.
func requireCode(t require.TestingT, want formats.Code, err error) *formats.SyntaxError {
	return inputtest.RequireCode(t, safetensors.Name, want, err)
}

// samples are the files of the vectors and of the reference, by name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	return inputtest.Samples(t, []string{safetensors.Name}, "testdata/*.safetensors")
}

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"shortest", file("{}", 0), true},
		{"data of any length", file("{}", 99), true},
		{"padded", file("{}      ", 0), true},
		{"a key", file(`{"a":1}`, 0), true},
		{"whitespace before the key", file("{ \n\"a\":1}", 0), true},
		{"more whitespace than is looked at", file("{"+string(bytes.Repeat([]byte{' '}, 99))+"}", 0), true},
		{"begins like a pickle", append([]byte{0x80, 2, 0, 0, 0, 0, 0, 0}, file(`{"a":1}`+string(bytes.Repeat([]byte{' '}, 633)), 0)[8:]...), true},
		{"empty", nil, false},
		{"shorter than a length", []byte("{}"), false},
		{"a length alone", file("", 0), false},
		{"a brace alone", file("{", 9), false},
		{"no brace", file("[]", 0), false},
		{"space before the brace", file(" {}", 0), false},
		{"no key", file("{1}", 0), false},
		{"end is no brace", file(`{"a":1]`, 0), false},
		{"newline behind the brace", file("{}\n", 0), false},
		{"header longer than the file", file(`{"a":1}`, 0)[:14], false},
		{"length beyond 63 bits", append(bytes.Repeat([]byte{0xff}, 8), `{"a":1}`...), false},
		{"pickle", []byte("\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01u."), false},
		{"zip", []byte("PK\x03\x04\x14\x00\x00\x00\x00\x00{}      "), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := safetensors.Format().Claims(context.Background(), input(c.data))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// What Read accepts is claimed, whatever its name: else a good file would be of
// no format.
func TestClaimsWhatReadAccepts(t *testing.T) {
	accepted := 0
	for name, data := range samples(t) {
		if _, err := read(data); err != nil {
			continue
		}
		accepted++
		ok, err := safetensors.Format().Claims(context.Background(), input(data))
		require.NoError(t, err)
		require.True(t, ok, name)
	}
	require.Greater(t, accepted, 10)
}

func TestClaimsFailsWithTheRead(t *testing.T) {
	cause := errors.New("disk")
	whole := file(`{"a":1}`+string(bytes.Repeat([]byte{' '}, 200)), 0)
	for _, n := range []int{4, 20, 100} {
		in := inputtest.Torn{File: input(whole[:n]), Promised: int64(len(whole)), Err: cause}
		_, err := safetensors.Format().Claims(context.Background(), in)
		require.ErrorIs(t, err, cause, "%d bytes", n)
	}
}

func TestInspect(t *testing.T) {
	f := safetensors.Format()
	require.Equal(t, "safetensors", f.Name())
	require.Equal(t, formats.Traits{Data: true}, formats.TraitsOf(f))

	data := file(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 4)
	found, err := f.Inspect(context.Background(), input(data), formats.Limits{})
	require.NoError(t, err)
	require.Equal(t, &formats.Inspection{
		Format: "safetensors",
		Tensors: []formats.Tensor{{
			ID:    formats.TensorID{File: "dir/m.safetensors", Name: "a"},
			DType: formats.F16,
			Shape: []int64{2},
			Place: formats.Range{File: "dir/m.safetensors", Offset: int64(len(data)) - 4, Length: 4},
		}},
		Claims: []formats.Range{{File: "dir/m.safetensors", Length: int64(len(data))}},
	}, found)

	found, err = f.Inspect(context.Background(), input(data[:len(data)-1]), formats.Limits{})
	requireCode(t, safetensors.CodeBounds, err)
	require.Nil(t, found)
}
