package foreign_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/foreign"
)

// CPython runs each of these; a reader that is stricter than CPython about what
// comes before the payload takes them for text.
func TestPicklesInOddShapes(t *testing.T) {
	const payload = "cos\nsystem\n(S'echo'\ntR."
	for name, stream := range map[string]string{
		"a number of another base":   "I0x1\n0" + payload,
		"a number with underscores":  "I1_0\n0" + payload,
		"a number after a blank":     "I 1\n0" + payload,
		"a number beyond 64 bits":    "I99999999999999999999\n0" + payload,
		"a long of another base":     "L0x1L\n0" + payload,
		"a memo number with a blank": "Np 0\n0" + payload,
		"a memo number with a sign":  "Np+0\n0" + payload,
		"in the middle":              "(dp0\nS'a'\np01\nI0x10\nsS'b'\nI1\ns0" + payload,
		"a global that is a string":  "cos\nname\nS'system'\n\x93(S'echo'\ntR.",
		"a long name":                "\x80\x04cos\n" + strings.Repeat("path.os.", 40) + "system\n(S'echo'\ntR.",
		"a long string":              "S'" + strings.Repeat("a", 70_000) + "'\n0" + payload,
		"a long text":                "V" + strings.Repeat("a", 70_000) + "\n0" + payload,
		"much that does nothing":     strings.Repeat("N0", 40_000) + payload + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			in, err := formats.Open(fstest.MapFS{"vocab.txt": {Data: []byte(stream)}}, "vocab.txt")
			require.NoError(t, err)
			defer in.Close()
			found, err := foreign.Formats().Detect(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, "pickle", found.Name())
		})
	}
}

// What people write is text.
func TestTextIsNoPickle(t *testing.T) {
	for _, text := range []string{
		"", "Invalid\n", "I am 5\nF\n", "In 2024\nLong 7\n", "S'il vous plait\n", "Versions\n1\n2\n", "cat\ndog\nfish\n",
		"I1\nI2\nI3\n", "(((((\n", strings.Repeat("Name\n", 10_000), strings.Repeat("the quick brown fox\n", 10_000),
	} {
		in, err := formats.Open(fstest.MapFS{"vocab.txt": {Data: []byte(text)}}, "vocab.txt")
		require.NoError(t, err)
		_, err = foreign.Formats().Detect(t.Context(), in)
		require.ErrorIs(t, err, formats.ErrUnknown, "%.40q", text)
		in.Close()
	}
}
