package main

import (
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/internal/fetch"
	"github.com/weightgate/weightgate/policy"
)

func TestWhatIsFetchedIsPinned(t *testing.T) {
	rules, err := policy.Open("policy.yaml")
	require.NoError(t, err)
	for model, item := range map[string]string{"det": "ppocr-det", "rec": "ppocr-rec"} {
		pin, ok := rules.Lock().Pin(model)
		require.True(t, ok, model)
		files, err := fetch.Items(item)
		require.NoError(t, err)
		require.Len(t, pin.Files, len(files))
		for _, f := range files {
			pinned, ok := pin.Files.Find(path.Base(f.Path))
			require.True(t, ok, f.Path)
			require.Equal(t, pinned.Size, f.Size)
			require.Equal(t, pinned.SHA256.String(), f.SHA256)
		}
	}

	libraries, err := fetch.Items("onnxruntime-linux-amd64", "onnxruntime-linux-arm64")
	require.NoError(t, err)
	require.Len(t, rules.Lock().Libraries(), len(libraries))
	for _, f := range libraries {
		pinned, ok := rules.Lock().Libraries().Find(path.Base(f.Path))
		require.True(t, ok, f.Path)
		require.NotZero(t, pinned)
	}
}
