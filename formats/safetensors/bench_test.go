package safetensors_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkRead reads the header of a model of 32,768 tensors, and has
// encoding/json do a part of that; MB/s are of the header.
func BenchmarkRead(b *testing.B) {
	header := `{` + entries(1<<15) + `}`
	data := file(header, 1<<15)
	b.Run("safetensors", func(b *testing.B) {
		b.SetBytes(int64(len(header)))
		b.ReportAllocs()
		for b.Loop() {
			_, err := read(data)
			require.NoError(b, err)
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(header)))
		b.ReportAllocs()
		for b.Loop() {
			var tensors map[string]struct {
				DType   string   `json:"dtype"`
				Shape   []int64  `json:"shape"`
				Offsets [2]int64 `json:"data_offsets"`
			}
			require.NoError(b, json.Unmarshal([]byte(header), &tensors))
		}
	})
}
