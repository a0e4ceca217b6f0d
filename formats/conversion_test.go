package formats_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

func TestSandboxLevels(t *testing.T) {
	for level := formats.Unconfined; level <= formats.SandboxFull; level++ {
		b, err := json.Marshal(level)
		require.NoError(t, err)
		var back formats.SandboxLevel
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, level, back)
	}
	require.Equal(t, "none", (formats.SandboxFull + 1).String(), "what nobody knows confines nothing")
	var level formats.SandboxLevel
	require.Error(t, level.UnmarshalText([]byte("strong")))
}

func TestConversionSize(t *testing.T) {
	c := formats.Conversion{Parts: []formats.Part{{Bytes: []byte("abc")}, {Source: formats.Range{File: "m", Offset: 7, Length: 39}}, {Bytes: []byte{}}}}
	require.EqualValues(t, 42, c.Size())
}
