package zipfile_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/zipfile"
)

func input(data []byte) inputtest.File { return inputtest.New("dir/m.zip", data) }

// failing is an Input of which no read that touches the byte at fails succeeds.
type failing struct {
	inputtest.File
	at  int64
	err error
}

func (f failing) ReadAt(b []byte, offset int64) (int, error) {
	if offset <= f.at && f.at < offset+int64(len(b)) {
		n, _ := f.File.ReadAt(b[:f.at-offset], offset)
		return n, f.err
	}
	return f.File.ReadAt(b, offset)
}

func read(data []byte) (*zipfile.Archive, error) {
	return zipfile.Read(context.Background(), input(data), formats.Limits{})
}

func inspect(data []byte) (*formats.Inspection, error) {
	return zipfile.Format().Inspect(context.Background(), input(data), formats.Limits{})
}

// requireCode requires that err is a finding of that code in an input's file.
func requireCode(t require.TestingT, want formats.Code, err error) *formats.SyntaxError {
	return inputtest.RequireCode(t, zipfile.Name, want, err)
}

// samples are the archives of the vectors and of testdata, by name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	return inputtest.Samples(t, []string{zipfile.Name, "npz"}, "testdata/*.zip", "../npy/testdata/*.npz")
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func TestPeek(t *testing.T) {
	good := fixture(t, "python.zip")
	end := good[len(good)-22:]
	long := bytes.Clone(good)
	binary.LittleEndian.PutUint16(long[28:], 0xffff)
	for _, c := range []struct {
		name  string
		data  []byte
		first string
		want  bool
	}{
		{"an archive", good, "stored.txt", true},
		{"from PyTorch", fixture(t, "torch.zip"), "archive/data.pkl", true},
		{"without its end", good[:len(good)-22], "stored.txt", true},
		{"with bytes behind", append(bytes.Clone(good), "more"...), "stored.txt", true},
		{"with bytes before", append([]byte("#!"), good...), "", true},
		{"with bytes before, from PyTorch", append([]byte("#!"), fixture(t, "torch.zip")...), "", true},
		{"no members", append([]byte("PK\x05\x06"), make([]byte, 18)...), "", true},
		{"a header alone", append([]byte("PK\x03\x04"), append(make([]byte, 22), "\x01\x00\x00\x00a"...)...), "a", true},
		{"empty", nil, "", false},
		{"a signature", []byte("PK\x03\x04"), "", false},
		{"a header without its name", append([]byte("PK\x03\x04"), append(make([]byte, 22), "\x01\x00\x00\x00"...)...), "", false},
		{"a header longer than the file", long[:200], "", false},
		{"a safetensors file whose length is the signature", append([]byte("PK\x03\x04\x00\x00\x00\x00"), `{"a":{"dtype":"F32","shape":[]}}`...), "", false},
		{"an end record behind other data", append(bytes.Repeat([]byte("data"), 99), end...), "", false},
		{"an end record of no members behind other data", append([]byte("data"), append([]byte("PK\x05\x06"), make([]byte, 18)...)...), "", false},
		{"a pickle", []byte("\x80\x02}q\x00."), "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, ok, err := zipfile.Peek(context.Background(), input(c.data))
			require.NoError(t, err)
			require.Equal(t, c.want, ok)
			require.Equal(t, c.first, first)
			ok, err = zipfile.Format().Claims(context.Background(), input(c.data))
			require.NoError(t, err)
			require.Equal(t, c.want, ok)
		})
	}
}

// A name may be longer than what is read at first.
func TestPeekLongName(t *testing.T) {
	name := strings.Repeat("n", 1000)
	first, ok, err := zipfile.Peek(context.Background(), input(archive(member{name, "x"})))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, name, first)
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
		ok, err := zipfile.Format().Claims(context.Background(), input(data))
		require.NoError(t, err)
		require.True(t, ok, name)
	}
	require.Greater(t, accepted, 20)
}

func TestClaimsFailsWithTheRead(t *testing.T) {
	cause := errors.New("disk")
	whole := append([]byte("#!"), fixture(t, "python.zip")...)
	for _, at := range []int{0, 50, len(whole) - 1} {
		_, err := zipfile.Format().Claims(context.Background(), failing{input(whole), int64(at), cause})
		require.ErrorIs(t, err, cause, "byte %d", at)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := zipfile.Format().Claims(canceled, input(whole))
	require.ErrorIs(t, err, context.Canceled)
}

func TestInspect(t *testing.T) {
	f := zipfile.Format()
	require.Equal(t, "zip", f.Name())
	require.Equal(t, formats.Traits{}, formats.TraitsOf(f))

	data := fixture(t, "torch.zip")
	found, err := inspect(data)
	require.NoError(t, err)
	require.Equal(t, "zip", found.Format)
	require.Equal(t, []formats.Range{{File: "dir/m.zip", Length: int64(len(data))}}, found.Claims)
	require.Len(t, found.Findings, 1, "what nobody read is not clean")
	require.Equal(t, zipfile.CodeUnread, found.Findings[0].Code)
	require.Equal(t, formats.Unverifiable, found.Findings[0].Class)

	data[64]++ // the first byte of data.pkl
	_, err = read(data)
	require.NoError(t, err, "Read reads no content")
	found, err = inspect(data)
	requireCode(t, zipfile.CodeCRC, err)
	require.Nil(t, found)
}

func TestInspectFindsComments(t *testing.T) {
	data := append(fixture(t, "python.zip"), "hidden"...)
	data[len(data)-8] = 6
	found, err := inspect(data)
	require.NoError(t, err)
	require.Len(t, found.Findings, 2)
	require.Equal(t, zipfile.CodeComment, found.Findings[1].Code)
	require.Equal(t, int64(len(data)-6), found.Findings[1].Offset)
}
