package pickle_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/pickle"
)

func set() formats.Set { return formats.Set{pickle.Format()} }

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
		"a very long name":           "\x80\x04cos\n" + strings.Repeat("path.os.", 4000) + "system\n(S'echo'\ntR.",
		"infinity":                   "Finfinity\n0" + payload,
		"infinity in capitals":       "F-Infinity\n0" + payload,
		"a number that is none":      "F+nan\n0" + payload,
		"a number to a NUL":          "I5\x00five\n0" + payload,
		"no number to a NUL":         "I\x00five\n0" + payload,
		"a long to a NUL":            "L5\x00five\n0" + payload,
		"a float to a NUL":           "F5\x00" + strings.Repeat("five", 2000) + "\n0" + payload,
		"a memo number to a NUL":     "Np0\x00zero\n0g0\x00zero\n0" + payload,
		"an id with a tab":           "Pa\tb\n0" + payload,
		"a mark that is left":        "(" + payload,
		"two marks that are left":    "((" + payload,
		"a global that is text":      "\x8c\x02os\x8c\x04name\x93\x8c\x06system\x93(S'echo'\ntR.",
		"a frame without an end":     "\x80\x04\x95" + strings.Repeat("\x7f", 8) + payload,
		"the end in a line":          "(S'echo'\nios\nsystem.", // pickle.py cuts the last byte off
		"a long string":              "S'" + strings.Repeat("a", 70_000) + "'\n0" + payload,
		"a long text":                "V" + strings.Repeat("a", 70_000) + "\n0" + payload,
		"much that does nothing":     strings.Repeat("N0", 40_000) + payload + "\n",

		"a long text, and text behind":      "V" + strings.Repeat("a", 70_000) + "\n0" + payload + "\nThe end.\n",
		"a long string, and text behind":    "S'" + strings.Repeat("a", 70_000) + "'\n0" + payload + "\nThe end.\n",
		"a long number, and text behind":    "I" + strings.Repeat("7", 70_000) + "\n0" + payload + "\nThe end.\n",
		"a long id, and text behind":        "P" + strings.Repeat("a", 70_000) + "\n0" + payload + "\nThe end.\n",
		"a line longer than is read":        "V" + strings.Repeat("a", 2<<20) + "\n0" + payload + "\n",
		"a few long texts":                  "(lp0\n" + strings.Repeat("V"+strings.Repeat("a", 20_000)+"\na", 5) + "0" + payload + "\n",
		"lists, and text behind":            strings.Repeat("]", 70_000) + payload + "\n",
		"more lists than are read":          strings.Repeat("]", 2<<20) + payload + "\n",
		"more marks than are read":          strings.Repeat("(", 2<<20) + "1" + payload + "\n",
		"data alone, and text behind":       "(lp0\n" + strings.Repeat("V"+strings.Repeat("a", 9_000)+"\np1\na", 12) + ".\nThe end.\n",
		"text behind, farther than is read": "V" + strings.Repeat("a", 70_000) + "\n0" + payload + strings.Repeat("\nThe end.\n", 200_000),
	} {
		t.Run(name, func(t *testing.T) {
			in, err := formats.Open(fstest.MapFS{"vocab.txt": {Data: []byte(stream)}}, "vocab.txt")
			require.NoError(t, err)
			defer in.Close()
			found, err := set().Detect(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, "pickle", found.Name())
		})
	}
}

// A loader imports a module before it looks for the name in it, and runs what the
// module does: in other than text that is a pickle, whatever follows.
func TestImportsOutsideOfText(t *testing.T) {
	const binary = "V\x00\n"
	for _, stream := range []string{
		"cevil_module\nx\nzz", "cevil.module\nno such name\n.", "0cevil\n(x)\n", "(ievil\nno such name\n.", "ievil\nx\nzz", "cevil\n\nzz",
		"\x8c\x04evil\x8c\x01x\x93zz", "cevil\n" + strings.Repeat("no such name, really", 1000) + "\n.",
	} {
		claimed, err := pickle.Format().Claims(t.Context(), input([]byte(binary+stream)))
		require.NoError(t, err)
		require.True(t, claimed, "%.40q", stream)
	}
	for _, data := range []string{"c\x00\nx\nzz", "cevil\n", "cevil\n\xff\nzz", "cno module\nx\nzz", "cmo\tdule\nx\nzz"} {
		claimed, err := pickle.Format().Claims(t.Context(), input([]byte(binary+data)))
		require.NoError(t, err)
		require.False(t, claimed, "%q", data)
	}
}

// A line that is longer than a walk reads may end before a command, in text and in
// other data. Where an id is a line, only a loader with ids of its own goes on.
func TestLinesLongerThanAreRead(t *testing.T) {
	const payload = "\ncos\nsystem\n(S'echo'\ntR."
	for opcodes, want := range map[string]bool{"V\x00": true, "(V\x00": true, "I\x00": true, "F1\x00": true, "\x88p5\x00": true, "P\x00": false, "p5\x00": false, "L\x00": false, "g5\x00": false} {
		claimed, err := pickle.Format().Claims(t.Context(), input([]byte(opcodes+strings.Repeat("a", 3<<20)+payload)))
		require.NoError(t, err)
		require.Equal(t, want, claimed, "%q", opcodes)
	}
	// The budget ends where the line does, between two opcodes.
	for n := 1<<20 - 4; n < 1<<20+4; n++ {
		claimed, err := pickle.Format().Claims(t.Context(), input([]byte("V\x00"+strings.Repeat("a", n)+"\n0"+strings.Repeat("V\n0", 5000)+payload[1:])))
		require.NoError(t, err)
		require.True(t, claimed, "a line of %d bytes", n)
	}
}

// TestTextThatIsAPickle has files that people might write and Python would run: the
// first imports a module "at". They are both, and what is both is refused.
func TestTextThatIsAPickle(t *testing.T) {
	for _, text := range []string{"cat\ndog\n.", "cat\ndog\n.\n,\nfish\n", "I1\n.", "N."} {
		claimed, err := pickle.Format().Claims(t.Context(), input([]byte(text)))
		require.NoError(t, err)
		require.True(t, claimed, "%q", text)
	}
}

// What people write is text.
func TestTextIsNoPickle(t *testing.T) {
	for _, text := range []string{
		"", "Invalid\n", "I am 5\nF\n", "In 2024\nLong 7\n", "S'il vous plait\n", "Versions\n1\n2\n", "cat\ndog\nfish\n",
		"cat\ndog\n", "I1\nI2\nI3\n", "(((((\n", "A\n2\n3\n4\n", "A\n2\n3\n4\n5\n6\n7\n8\n9\n10\nJ\nQ\nK\n",
		"V" + strings.Repeat("a", 900_000), strings.Repeat("]", 900_000), strings.Repeat("Name\n", 10_000), strings.Repeat("the quick brown fox\n", 10_000),
	} {
		in, err := formats.Open(fstest.MapFS{"vocab.txt": {Data: []byte(text)}}, "vocab.txt")
		require.NoError(t, err)
		_, err = set().Detect(t.Context(), in)
		require.ErrorIs(t, err, formats.ErrUnknown, "%.40q", text)
		in.Close()
	}
}
