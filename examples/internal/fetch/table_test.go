package fetch

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestItems(t *testing.T) {
	all, err := Items()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	large, err := Items("onnxruntime-gpu-linux-amd64", "cuda-13")
	require.NoError(t, err)
	require.NotEmpty(t, large)
	digest, version := regexp.MustCompile(`^[0-9a-f]{64}$`), regexp.MustCompile(`(@|==)\d+(\.\d+){2,3}$`)
	paths := map[string]bool{}
	for _, item := range append(large, all...) {
		require.Regexp(t, digest, item.SHA256, item.Path)
		require.Regexp(t, version, item.Package, "an exact version")
		require.Positive(t, item.Size)
		require.True(t, filepath.IsLocal(item.Path))
		require.False(t, paths[item.Path], "%s twice", item.Path)
		paths[item.Path] = true
	}
	for _, item := range all {
		require.NotContains(t, large, item, "without names nothing large is fetched")
	}

	ocr, err := Items("ppocr-rec", "onnxruntime-linux-amd64")
	require.NoError(t, err)
	require.Len(t, ocr, 3)
	require.Equal(t, "ppocr-rec", ocr[0].Name)

	_, err = Items("ppocr-rec", "gpt")
	require.ErrorContains(t, err, `no "gpt"`)
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"ppocr-rec pkg@1.0.0 member 10 digest\n", "5 columns, not 6"},
		{"ppocr-rec pkg@1.0.0 member ten digest path\n", `"ten"`},
		{"\n", "0 columns"},
	} {
		items, err := parse("some.txt", "# a comment\n"+c.line)
		require.ErrorContains(t, err, c.says)
		require.ErrorContains(t, err, "some.txt")
		require.Nil(t, items)
	}
}
