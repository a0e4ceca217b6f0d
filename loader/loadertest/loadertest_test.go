package loadertest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/loadertest"
	"github.com/weightgate/weightgate/policy"
)

// fatal is a test that ends, and is not this one.
type fatal struct {
	testing.TB
	cleanups []func()
	message  string
}

func (f *fatal) Helper()              {}
func (f *fatal) Cleanup(clean func()) { f.cleanups = append(f.cleanups, clean) }
func (f *fatal) Fatal(args ...any) {
	f.message = fmt.Sprint(args...)
	panic(f)
}

// run is one test, as package testing runs it.
func run(t testing.TB, test func(inner testing.TB)) (message string) {
	f := &fatal{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(f) {
			panic(p)
		}
		for _, clean := range f.cleanups {
			clean()
		}
		message = f.message
	}()
	test(f)
	return ""
}

func toy() map[string][]byte {
	return map[string][]byte{
		"weights/model.safetensors": loadertest.Tensors(loadertest.F32("w", []int64{2, 1}, 1, -2)),
		"vocab.txt":                 []byte("a\n"),
	}
}

func TestModel(t *testing.T) {
	var m *loader.Model
	id := formats.TensorID{File: "weights/model.safetensors", Name: "w"}
	require.Empty(t, run(t, func(inner testing.TB) {
		m = loadertest.Model(inner, toy())
		require.Equal(t, policy.Admitted, m.Verdict())
		require.True(t, m.Vouched())
		require.Len(t, m.Tensors(), 1)
		require.Equal(t, []int64{2, 1}, m.Tensors()[0].Shape)
		require.NoError(t, m.View(id, func(b []byte) error {
			require.Equal(t, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, b)
			return nil
		}))
	}))
	require.ErrorIs(t, m.View(id, nil), loader.ErrClosed, "a test that ended has closed its model")
}

// What is changed after it was pinned is refused: the admission is a real one.
func TestChangesAreRefused(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"a flipped bit": func(dir string) error {
			path := filepath.Join(dir, "weights", "model.safetensors")
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[len(data)-1] ^= 1
			return os.WriteFile(path, data, 0o644)
		},
		"another companion": func(dir string) error { return os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte("b\n"), 0o644) },
		"a file more":       func(dir string) error { return os.WriteFile(filepath.Join(dir, "more.txt"), nil, 0o644) },
		"a file less":       func(dir string) error { return os.Remove(filepath.Join(dir, "vocab.txt")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := loadertest.Dir(t, toy())
			gate := loadertest.Gate(t, loader.Dir(dir))
			m, err := gate.Load(context.Background(), loadertest.Name, loader.Dir(dir))
			require.NoError(t, err)
			require.NoError(t, m.Close())

			require.NoError(t, change(dir))
			m, err = gate.Load(context.Background(), loadertest.Name, loader.Dir(dir))
			require.ErrorIs(t, err, loader.ErrDenied)
			require.Nil(t, m)
		})
	}
}

func TestOtherNamesAreRefused(t *testing.T) {
	src := loader.Dir(loadertest.Dir(t, toy()))
	_, err := loadertest.Gate(t, src).Load(context.Background(), "other", src)
	require.ErrorIs(t, err, loader.ErrDenied)
}

// What no Gate admits is not admitted here either.
func TestLoadRefuses(t *testing.T) {
	for name, files := range map[string]map[string][]byte{
		"a tensor that is cut short": {"model.safetensors": toy()["weights/model.safetensors"][:70]},
		"a pickle":                   {"model.bin": []byte("\x80\x02}q\x00.")},
	} {
		m, err := loadertest.Load(files)
		require.ErrorIs(t, err, loader.ErrDenied, name)
		require.Nil(t, m, name)
		require.Contains(t, run(t, func(inner testing.TB) { loadertest.Model(inner, files) }), "denied", name)
	}
	_, err := loadertest.Load(nil)
	require.Error(t, err, "no files")
}

func TestFatal(t *testing.T) {
	require.Contains(t, run(t, func(inner testing.TB) {
		loadertest.Gate(inner, loader.FS(fstest.MapFS{"a": {Mode: os.ModeNamedPipe}}))
	}), "not a regular file")

	require.NotEmpty(t, run(t, func(inner testing.TB) {
		loadertest.Dir(inner, map[string][]byte{"a": nil, "a/b": nil})
	}))
}

func TestTensorsPanics(t *testing.T) {
	defer func() {
		err, _ := recover().(error)
		syntax, ok := errors.AsType[*formats.SyntaxError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, safetensors.CodeLength, syntax.Code)
	}()
	loadertest.Tensors(loadertest.F32("w", []int64{2}, 1))
}

func TestPinFails(t *testing.T) {
	_, err := loadertest.Pin(loader.Dir(filepath.Join(t.TempDir(), "absent")))
	require.True(t, errors.Is(err, loader.ErrUnverifiable), "%v", err)
}
