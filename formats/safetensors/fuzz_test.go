package safetensors_test

import (
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/safetensors"
)

// FuzzRead holds what is accepted against the file, a second reader and the
// writer.
func FuzzRead(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { check(t, data) })
}

// check reads data and reports whether it was accepted.
func check(t require.TestingT, data []byte) bool {
	h, err := read(data)
	if err != nil {
		require.Nil(t, h)
		return false
	}
	requireCoverage(t, data, h)
	requireAgreement(t, data, h)
	requireRewritten(t, h)
	return true
}

// requireCoverage requires that header and tensors are the whole file, each
// byte once.
func requireCoverage(t require.TestingT, data []byte, h *safetensors.Header) {
	next := 8 + h.Length
	for _, tensor := range h.Tensors {
		require.Equal(t, next, tensor.Place.Offset)
		require.GreaterOrEqual(t, tensor.Place.Length, int64(0))
		next = tensor.Place.End()
	}
	require.Equal(t, int64(len(data)), next)
}

// requireAgreement requires that encoding/json, which believes everything,
// finds the same in the header.
func requireAgreement(t require.TestingT, data []byte, h *safetensors.Header) {
	n := binary.LittleEndian.Uint64(data)
	var entries map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data[8:8+n], &entries))
	var metadata map[string]string
	if raw, ok := entries["__metadata__"]; ok {
		require.NoError(t, json.Unmarshal(raw, &metadata))
		delete(entries, "__metadata__")
	}
	require.Equal(t, metadata, h.Metadata)
	require.Len(t, h.Tensors, len(entries))
	for _, tensor := range h.Tensors {
		var entry struct {
			DType   string   `json:"dtype"`
			Shape   []int64  `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}
		require.NoError(t, json.Unmarshal(entries[tensor.ID.Name], &entry))
		require.Equal(t, entry.DType, tensor.DType.String())
		require.Equal(t, entry.Shape, tensor.Shape)
		require.Equal(t, entry.Offsets[0], tensor.Place.Offset-8-int64(n))
		require.Equal(t, entry.Offsets[1], tensor.Place.End()-8-int64(n))
	}
}

// requireRewritten requires that the writer's file has the same tensors, and is
// its own rewriting.
func requireRewritten(t require.TestingT, h *safetensors.Header) {
	header, placed, err := safetensors.Encode(written(h, make([]byte, end(h))), h.Metadata)
	require.NoError(t, err)
	data := make([]byte, int64(len(header))+end(h)-8-h.Length)
	copy(data, header)
	again, err := read(data)
	require.NoError(t, err)
	require.Equal(t, h.Metadata, again.Metadata)
	require.Len(t, placed, len(h.Tensors))

	place := map[string]formats.Tensor{}
	for _, tensor := range again.Tensors {
		place[tensor.ID.Name] = tensor
	}
	for i, tensor := range h.Tensors {
		same := place[tensor.ID.Name]
		require.Equal(t, tensor.DType, same.DType)
		require.Equal(t, tensor.Shape, same.Shape)
		require.Equal(t, tensor.Place.Length, same.Place.Length)
		require.Equal(t, placed[i].Place.Offset, place[placed[i].ID.Name].Place.Offset)
	}
	twice, _, err := safetensors.Encode(written(again, data), again.Metadata)
	require.NoError(t, err)
	require.Equal(t, string(header), string(twice))
}

func end(h *safetensors.Header) int64 {
	if len(h.Tensors) == 0 {
		return 8 + h.Length
	}
	return h.Tensors[len(h.Tensors)-1].Place.End()
}

// What is mangled may be accepted, as in a name or in data, and is then held
// against the same properties.
func TestMangled(t *testing.T) {
	accepted, refused := inputtest.Mangle(t, samples(t), check)
	require.Greater(t, accepted, 1000)
	require.Greater(t, refused, accepted)
}
