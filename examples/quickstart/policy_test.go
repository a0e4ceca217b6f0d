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
	pin, ok := rules.Lock().Pin("ocr")
	require.True(t, ok)
	require.Len(t, pin.Files, 2)

	model, err := fetch.Items("ppocr-rec")
	require.NoError(t, err)
	require.Len(t, model, len(pin.Files))
	for _, item := range model {
		pinned, ok := pin.Files.Find(path.Base(item.Path))
		require.True(t, ok, item.Path)
		require.Equal(t, pinned.Size, item.Size)
		require.Equal(t, pinned.SHA256.String(), item.SHA256)
	}

	libraries, err := fetch.Items("onnxruntime-linux-amd64", "onnxruntime-linux-arm64")
	require.NoError(t, err)
	require.Len(t, libraries, len(rules.Lock().Libraries()))
	for _, item := range libraries {
		_, ok := rules.Lock().Libraries().Find(path.Base(item.Path))
		require.True(t, ok, item.Path)
	}
}

func TestTamperedFilesArePinned(t *testing.T) {
	rules, err := policy.Open("policy.yaml")
	require.NoError(t, err)
	pin, _ := rules.Lock().Pin("ocr")
	for _, c := range tamperings {
		_, ok := pin.Files.Find(c.file)
		require.True(t, ok, c.file)
	}
}
