package vectors

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	v, err := parse([]byte("about: two files: a graph, its data\nformat: onnx\nexpect: onnx.bad\n\n-- d/m.onnx.b64 --\nAP8=\n-- d/w.txt --\nplain\n"))
	require.NoError(t, err)
	require.Equal(t, "two files: a graph, its data", v.About)
	require.Equal(t, "onnx", v.Format)
	require.Equal(t, "onnx.bad", v.Expect)
	require.Equal(t, "d/m.onnx", v.File)
	for name, want := range map[string]string{"d/m.onnx": "\x00\xff", "d/w.txt": "plain\n"} {
		data, err := fs.ReadFile(v.FS, name)
		require.NoError(t, err)
		require.Equal(t, want, string(data))
	}
}

func TestParseRefuses(t *testing.T) {
	const head = "about: a\nformat: f\nexpect: admitted\n"
	for name, text := range map[string]string{
		"empty":          "",
		"no files":       head,
		"no expectation": "about: a\nformat: f\n-- m --\n",
		"unknown key":    head + "expects: b\n-- m --\n",
		"no key":         head + "words\n-- m --\n",
		"not base64":     head + "-- m.b64 --\n!\n",
		"one file twice": head + "-- m --\n-- m.b64 --\n",
	} {
		_, err := parse([]byte(text))
		require.Error(t, err, name)
	}
}
