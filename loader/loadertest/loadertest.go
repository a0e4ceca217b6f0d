// Package loadertest admits toy models for other people's tests. Nothing is
// faked: what comes out went through a Gate, with a policy and a lock that pins
// it, and lies in memory that nobody can write.
//
//	m := loadertest.Model(t, map[string][]byte{
//		"model.safetensors": loadertest.Tensors(loadertest.F32("w", []int64{2}, 1, 2)),
//		"vocab.txt":         []byte("a\nb\n"),
//	})
//
// Names of files are slash-separated, beneath the model's root.
package loadertest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// Name is what the model is called in the policy.
const Name = "toy"

// Policy is what a toy stands under: any source, every format that tensors are
// read from, other files as companions, and all of it pinned. It says nothing
// of libraries and sessions, so that View and Hold answer at once.
const Policy = `version: 1
lock: weightgate.lock
models:
  - name: ` + Name + `
    source: [dir, file, fs, hub]
    formats: [safetensors, onnx, npy, npz]
    companions: ["*"]
    pin: required
`

// Model is these files, pinned and loaded. It is closed when the test ends.
func Model(t testing.TB, files map[string][]byte) *loader.Model {
	t.Helper()
	m, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Gate is a Gate that admits, under Name, what src holds now and nothing else.
// It is closed when the test ends.
func Gate(t testing.TB, src loader.Source) *loader.Gate {
	t.Helper()
	g, err := Pin(src)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// Dir is a directory of these files, which is removed when the test ends.
func Dir(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Tensors is a safetensors file of these tensors. It panics if safetensors
// cannot hold them: data of another length than dtype and shape demand, a name
// twice.
func Tensors(tensors ...safetensors.Tensor) []byte {
	var file bytes.Buffer
	if err := safetensors.Write(&file, tensors, nil); err != nil {
		panic(err)
	}
	return file.Bytes()
}

// F32 is a tensor of 32-bit floats, row-major.
func F32(name string, shape []int64, values ...float32) safetensors.Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return safetensors.Tensor{Name: name, DType: formats.F32, Shape: shape, Data: data}
}

// Load is Model for where there is no testing.TB. The error is a
// *loader.Rejection if the files are no model that a Gate admits. The caller
// closes the Model.
func Load(files map[string][]byte) (*loader.Model, error) {
	tree := fstest.MapFS{}
	for name, data := range files {
		tree[name] = &fstest.MapFile{Data: data, Mode: 0o444}
	}
	src := loader.FS(tree)
	g, err := Pin(src)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	return g.Load(context.Background(), Name, src)
}

// Pin is Gate for where there is no testing.TB. The error is a
// *loader.Rejection if src cannot be read. The caller closes the Gate.
func Pin(src loader.Source) (*loader.Gate, error) {
	report, err := loader.Inspect(context.Background(), Name, src, loader.InspectConfig{Formats: all.Formats(), SHA256: true})
	if err != nil {
		return nil, err
	}
	pin := policy.Pin{Name: Name}
	for _, f := range report.Files {
		pin.Files = append(pin.Files, f.Entry)
	}
	lock, err := (&policy.Lock{}).With(pin)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse([]byte(Policy), lock.Encode())
	if err != nil {
		return nil, err
	}
	return loader.New(loader.Config{Policy: p, Formats: all.Formats()})
}
