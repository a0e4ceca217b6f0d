package npy_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/npy"
	"github.com/weightgate/weightgate/formats/zipfile"
)

func input(data []byte) inputtest.File { return inputtest.New("dir/m.npy", data) }

// inspect reads data as a format.
func inspect(f formats.Format, data []byte) (*formats.Inspection, error) {
	return f.Inspect(context.Background(), input(data), formats.Limits{})
}

// samples are the files of the vectors and of testdata that are of a format, by name.
func samples(t testing.TB, f formats.Format) map[string][]byte {
	t.Helper()
	return inputtest.Samples(t, []string{f.Name()}, "testdata/*."+f.Name())
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func TestClaims(t *testing.T) {
	array, archive := npy.Format(), npy.Archive()
	for _, c := range []struct {
		name            string
		data            []byte
		array, archived bool
	}{
		{"an array", fixture(t, "f4.npy"), true, false},
		{"a version of the future", []byte("\x93NUMPY\x09\x00"), true, false},
		{"a magic string alone", []byte("\x93NUMPY"), true, false},
		{"half a magic string", []byte("\x93NUM"), false, false},
		{"an archive", fixture(t, "stored.npz"), false, true},
		{"an archive that is cut short", fixture(t, "stored.npz")[:300], false, true},
		{"an archive of another format", bytes.ReplaceAll(fixture(t, "stored.npz"), []byte(".npy"), []byte(".txt")), false, false},
		{"an archive behind other data", append([]byte("#!"), fixture(t, "stored.npz")...), false, false},
		{"a pickle", []byte("\x80\x02}q\x00."), false, false},
		{"empty", nil, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := array.Claims(context.Background(), input(c.data))
			require.NoError(t, err)
			require.Equal(t, c.array, got)
			got, err = archive.Claims(context.Background(), input(c.data))
			require.NoError(t, err)
			require.Equal(t, c.archived, got)
		})
	}
}

// What Inspect accepts is claimed: else a good file would be of no format.
func TestClaimsWhatInspectAccepts(t *testing.T) {
	set := formats.Set{zipfile.Format(), npy.Format(), npy.Archive()}
	for _, f := range set[1:] {
		accepted := 0
		for name, data := range samples(t, f) {
			if _, err := inspect(f, data); err != nil {
				continue
			}
			accepted++
			got, err := set.Detect(context.Background(), input(data))
			require.NoError(t, err)
			require.Equal(t, f.Name(), got.Name(), name)
		}
		require.Greater(t, accepted, 2)
	}
}

func TestClaimsFailsWithTheRead(t *testing.T) {
	cause := errors.New("disk")
	for _, f := range []formats.Format{npy.Format(), npy.Archive()} {
		_, err := f.Claims(context.Background(), inputtest.Torn{File: input(nil), Promised: 100, Err: cause})
		require.ErrorIs(t, err, cause)
	}
}

func TestInspect(t *testing.T) {
	f := npy.Format()
	require.Equal(t, "npy", f.Name())
	require.Equal(t, formats.Traits{}, formats.TraitsOf(f))

	found, err := inspect(f, fixture(t, "f4.npy"))
	require.NoError(t, err)
	require.Equal(t, &formats.Inspection{
		Format: "npy",
		Tensors: []formats.Tensor{{
			ID:    formats.TensorID{File: "dir/m.npy", Name: "m"},
			DType: formats.F32,
			Shape: []int64{2, 3},
			Place: formats.Range{File: "dir/m.npy", Offset: 128, Length: 24},
		}},
		Claims: []formats.Range{{File: "dir/m.npy", Length: 152}},
	}, found)
}

func TestInspectArchive(t *testing.T) {
	f := npy.Archive()
	require.Equal(t, "npz", f.Name())
	require.Equal(t, formats.Traits{Refines: []string{"zip"}}, formats.TraitsOf(f))

	data := fixture(t, "stored.npz")
	found, err := inspect(f, data)
	require.NoError(t, err)
	require.Equal(t, "npz", found.Format)
	require.Empty(t, found.Findings)
	require.Equal(t, []formats.Range{{File: "dir/m.npy", Length: int64(len(data))}}, found.Claims)
	var names []string
	for _, tensor := range found.Tensors {
		names = append(names, tensor.ID.Name)
		require.False(t, tensor.Inline)
	}
	require.Equal(t, []string{"f4", "scalar", "empty", "c16", "layer/0:w"}, names)
	place := found.Tensors[0].Place
	alone := fixture(t, "f4.npy")
	require.Equal(t, alone[128:], data[place.Offset:place.End()])
}

func TestInspectDeflated(t *testing.T) {
	data := fixture(t, "deflated.npz")
	found, err := inspect(npy.Archive(), data)
	require.NoError(t, err)
	require.Len(t, found.Findings, 1)
	require.Equal(t, npy.CodeDeflated, found.Findings[0].Code)
	require.Equal(t, formats.Info, found.Findings[0].Severity)
	require.Len(t, found.Tensors, 5)
	for _, tensor := range found.Tensors {
		require.True(t, tensor.Inline)
		require.Zero(t, tensor.Place)
	}
	require.Equal(t, []int64{50, 50}, found.Tensors[4].Shape)
}
