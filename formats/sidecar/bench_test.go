package sidecar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/sidecar"
)

// vocabulary is a tokenizer of n words, and their map alone, which is nobody's.
func vocabulary(n int) (tokenizer, words string) {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"token%d":%[1]d`, i)
	}
	words = `{` + b.String()[1:] + `}`
	return `{"added_tokens":[],"model":{"vocab":` + words + `}}`, words
}

// BenchmarkDetect asks every format of the package for what none of them claims.
func BenchmarkDetect(b *testing.B) {
	_, words := vocabulary(1 << 17)
	for b.Loop() {
		require.Nil(b, detect(b, input(words[:60<<10]+`":0}`)))
	}
}

// BenchmarkInspect reads a tokenizer of 131,072 words; MB/s are of its text.
func BenchmarkInspect(b *testing.B) {
	tokenizer, _ := vocabulary(1 << 17)
	in := input(tokenizer)
	f := detect(b, in)
	require.Equal(b, sidecar.Tokenizer, f.Name())
	b.SetBytes(in.Size())
	b.ReportAllocs()
	for b.Loop() {
		_, err := f.Inspect(b.Context(), in, formats.Limits{})
		require.NoError(b, err)
	}
}
