package policy_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// file is an entry whose digests follow from its content.
func file(name, content string) manifest.Entry {
	return manifest.Entry{
		Name:   name,
		Size:   int64(len(content)),
		Verity: sha256.Sum256([]byte("verity " + content)),
		SHA256: sha256.Sum256([]byte(content)),
	}
}

func library(name, content string) manifest.Entry {
	e := file(name, content)
	return manifest.Entry{Name: e.Name, Verity: e.Verity}
}

func mustLock(t testing.TB, pins []policy.Pin, libraries ...manifest.Entry) *policy.Lock {
	t.Helper()
	l, err := (&policy.Lock{}).WithLibrary(libraries...)
	require.NoError(t, err)
	for _, p := range pins {
		l, err = l.With(p)
		require.NoError(t, err)
	}
	return l
}

func sampleLock(t testing.TB) *policy.Lock {
	return mustLock(t, []policy.Pin{
		{Name: "ocr", Files: manifest.Manifest{file("dict with spaces.txt", "abc"), file("m.onnx", "weights")}},
		{Name: "bert", Files: manifest.Manifest{file("m.bin", "pickle")}, Derived: manifest.Manifest{file("m.safetensors", "tensors")}},
	}, library("libonnxruntime.so.1", "ort"), library("libonnxruntime_providers_shared.so", "shared"))
}

func TestLockText(t *testing.T) {
	l := sampleLock(t)
	d := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	bert, _ := l.Pin("bert")
	ocr, _ := l.Pin("ocr")
	want := "weightgate.lock v1\n" +
		"library " + d("verity ort") + " libonnxruntime.so.1\n" +
		"library " + d("verity shared") + " libonnxruntime_providers_shared.so\n" +
		"model bert " + bert.Files.Identity().String() + "\n" +
		d("verity pickle") + " " + d("pickle") + " 6 m.bin\n" +
		"derived " + bert.Derived.Identity().String() + "\n" +
		d("verity tensors") + " " + d("tensors") + " 7 m.safetensors\n" +
		"model ocr " + ocr.Files.Identity().String() + "\n" +
		d("verity abc") + " " + d("abc") + " 3 dict with spaces.txt\n" +
		d("verity weights") + " " + d("weights") + " 7 m.onnx\n"
	require.Equal(t, want, string(l.Encode()))
	require.Equal(t, manifest.Digest(sha256.Sum256([]byte(want))), l.Digest())
	require.Equal(t, []string{"bert", "ocr"}, l.Names())

	back, err := policy.ParseLock([]byte(want))
	require.NoError(t, err)
	require.Equal(t, l, back)
	require.Equal(t, l.Libraries(), back.Libraries())
}

func TestLockChanges(t *testing.T) {
	before := sampleLock(t)
	text := before.Encode()

	updated := policy.Pin{Name: "ocr", Files: manifest.Manifest{file("n.onnx", "new")}}
	after, err := before.With(updated)
	require.NoError(t, err)
	got, ok := after.Pin("ocr")
	require.True(t, ok)
	require.Equal(t, updated, got)

	bert, ok := after.Pin("bert")
	require.True(t, ok)
	bert.Derived[0].Size = 99
	bert, _ = after.Pin("bert")
	require.Equal(t, manifest.Manifest{file("m.safetensors", "tensors")}, bert.Derived, "lists are not shared")

	updated.Files[0].Size = 99
	got.Files[0].Size = 99
	got, _ = after.Pin("ocr")
	require.EqualValues(t, 3, got.Files[0].Size, "lists are not shared")

	after, err = after.WithLibrary(library("libonnxruntime.so.1", "newer"))
	require.NoError(t, err)
	require.Len(t, after.Libraries(), 2)
	after.Libraries()[0].Name = "x"
	require.Equal(t, library("libonnxruntime.so.1", "newer"), after.Libraries()[0])
	require.Equal(t, string(text), string(before.Encode()), "the old lock is as it was")

	_, ok = after.Pin("nothing")
	require.False(t, ok)
}

func TestLockRefusesPins(t *testing.T) {
	good := manifest.Manifest{file("a", "a"), file("b", "b")}
	with := func(e manifest.Entry) manifest.Manifest { return manifest.Manifest{e} }
	for name, p := range map[string]policy.Pin{
		"no name":             {Files: good},
		"a name of two lines": {Name: "a\nb", Files: good},
		"a pattern":           {Name: "a*", Files: good},
		"no files":            {Name: "a"},
		"order":               {Name: "a", Files: manifest.Manifest{good[1], good[0]}},
		"twice":               {Name: "a", Files: manifest.Manifest{good[0], good[0]}},
		"two lines":           {Name: "a", Files: with(file("a\nb", ""))},
		"climbs":              {Name: "a", Files: with(file("../a", ""))},
		"the root":            {Name: "a", Files: with(file(".", ""))},
		"not printable":       {Name: "a", Files: with(file("a\u202eb", ""))},
		"negative":            {Name: "a", Files: with(manifest.Entry{Name: "a", Size: -1, Verity: good[0].Verity, SHA256: good[0].SHA256})},
		"no SHA-256":          {Name: "a", Files: with(manifest.Entry{Name: "a", Verity: good[0].Verity})},
		"no fs-verity":        {Name: "a", Files: with(manifest.Entry{Name: "a", SHA256: good[0].SHA256})},
		"derived twice":       {Name: "a", Files: good, Derived: manifest.Manifest{good[0], good[0]}},
		"derived climbs":      {Name: "a", Files: good, Derived: with(file("../a", ""))},
		"derived no SHA-256":  {Name: "a", Files: good, Derived: with(library("a", ""))},
		"derived alone":       {Name: "a", Derived: good},
		"derived order":       {Name: "a", Files: good, Derived: manifest.Manifest{good[1], good[0]}},
		"more than is read":   {Name: "a", Files: with(file(strings.Repeat("a", 16<<20), ""))},
	} {
		l, err := (&policy.Lock{}).With(p)
		require.Error(t, err, name)
		require.Nil(t, l, name)
	}
	for _, e := range []manifest.Entry{{Name: "a"}, library("a/b", "x"), library("", "x"), library("a\nb", "x")} {
		l, err := (&policy.Lock{}).WithLibrary(e)
		require.Error(t, err, e.Name)
		require.Nil(t, l)
	}
}

func TestLockSyntax(t *testing.T) {
	const head = "weightgate.lock v1\n"
	text := string(sampleLock(t).Encode())
	lines := strings.SplitAfter(text, "\n")
	swapped := func(i, j int) string {
		l := strings.SplitAfter(text, "\n")
		l[i], l[j] = l[j], l[i]
		return strings.Join(l, "")
	}
	line := func(n int, old, replacement string) string { // n from 1
		l := strings.SplitAfter(text, "\n")
		require.Contains(t, l[n-1], old)
		l[n-1] = strings.Replace(l[n-1], old, replacement, 1)
		return strings.Join(l, "")
	}
	without := func(n int) string { return strings.Replace(text, lines[n-1], "", 1) }
	zeros := strings.Repeat("0", 64)
	for _, c := range []struct {
		name, text string
		line       int
		msg        string
	}{
		{"empty", "", 1, "first line"},
		{"other header", "weightgate.lock v2\n", 1, "first line"},
		{"carriage return", strings.Replace(text, "\n", "\r\n", 1), 1, "first line"},
		{"no last line break", strings.TrimSuffix(text, "\n"), 10, "does not end"},
		{"header without line break", strings.TrimSuffix(head, "\n"), 1, "does not end"},
		{"empty line", head + "\n", 2, "expected a model"},
		{"empty line at the end", text + "\n", 11, "expected two digests"},
		{"comment", head + "# comment\n", 2, "expected a model"},
		{"file before a model", head + lines[4], 2, "expected a model"},
		{"libraries out of order", swapped(1, 2), 3, "out of order"},
		{"library twice", strings.Replace(text, lines[1], lines[1]+lines[1], 1), 3, "pinned twice"},
		{"library after models", text + lines[1], 11, "expected two digests"},
		{"library without name", line(2, " libonnxruntime.so.1", ""), 2, "plain file name"},
		{"library in a directory", line(2, " lib", " a/lib"), 2, "plain file name"},
		{"library without digest", head + "library - a\n", 2, "not a digest"},
		{"library of zeros", head + "library " + zeros + " a\n", 2, "not a digest"},
		{"models out of order", head + lines[7] + lines[8] + lines[9] + lines[3] + lines[4], 6, "out of order"},
		{"model twice", text + lines[7] + lines[8] + lines[9], 13, "pinned twice"},
		{"model without identity", line(4, lines[3], "model bert\n"), 4, "not a digest"},
		{"model without files", head + lines[3], 2, "identity of these 0 files"},
		{"model with a pattern", line(4, "bert", "bert*"), 4, "no model name"},
		{"two spaces", line(4, "model bert", "model  bert"), 4, "no model name"},
		{"identity in capitals", line(4, lines[3], strings.ToUpper(lines[3])), 4, "expected a model"},
		{"other identity", line(4, lines[3], "model bert "+strings.Repeat("1", 64)+"\n"), 4, "identity"},
		{"derived without model", head + lines[5] + lines[6], 2, "expected a model"},
		{"derived twice", strings.Replace(text, lines[7], lines[5]+lines[6]+lines[7], 1), 8, "expected a model"},
		{"derived without files", without(7), 6, "identity of these 0 files"},
		{"derived without identity", line(6, lines[5], "derived\n"), 6, "expected two digests"},
		{"derived of another identity", line(6, lines[5], "derived "+strings.Repeat("1", 64)+"\n"), 6, "identity"},
		{"derived with a name", line(6, "derived ", "derived bert "), 6, "not a digest"},
		{"derived file that climbs", line(7, "m.safetensors", "../m.safetensors"), 7, "shortest form"},
		{"derived file twice", strings.Replace(text, lines[6], lines[6]+lines[6], 1), 8, "listed twice"},
		{"derived before the files", swapped(4, 5), 4, "identity of these 0 files"},
		{"files out of order", swapped(8, 9), 10, "out of order"},
		{"file twice", strings.Replace(text, lines[8], lines[8]+lines[8], 1), 10, "listed twice"},
		{"file left out", without(9), 8, "identity"},
		{"size with a zero before it", line(9, " 3 ", " 03 "), 9, "decimal"},
		{"size with a sign", line(9, " 3 ", " +3 "), 9, "decimal"},
		{"negative size", line(9, " 3 ", " -3 "), 9, "negative"},
		{"size beyond int64", line(9, " 3 ", " 9223372036854775808 "), 9, "decimal"},
		{"other size", line(9, " 3 ", " 4 "), 8, "identity"},
		{"no SHA-256", line(5, file("", "pickle").SHA256.String(), "-"), 5, "SHA-256"},
		{"no fs-verity", line(5, file("", "pickle").Verity.String(), "-"), 5, "fs-verity"},
		{"file without name", line(5, " m.bin", ""), 5, "expected two digests"},
		{"file with an empty name", line(5, "m.bin", ""), 5, "shortest form"},
		{"file that climbs", line(5, "m.bin", "../m.bin"), 5, "shortest form"},
		{"absolute file", line(5, "m.bin", "/m.bin"), 5, "shortest form"},
		{"file not printable", line(5, "m.bin", "m\u202e.bin"), 5, "shortest form"},
		{"file not UTF-8", line(5, "m.bin", "m\xff.bin"), 5, "shortest form"},
		{"too long", head + strings.Repeat("a", 16<<20), 0, "longer than"},
		{"a line too long to quote", head + strings.Repeat("a", 1<<20) + "\n", 2, "expected a model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := policy.ParseLock([]byte(c.text))
			require.Nil(t, l)
			parse, ok := errors.AsType[*policy.ParseError](err)
			require.True(t, ok, err)
			require.Equal(t, "lock", parse.File)
			require.Equal(t, c.line, parse.Line, parse)
			require.Contains(t, parse.Msg, c.msg)
			require.Less(t, len(parse.Error()), 600)
		})
	}
}

func TestZeroLock(t *testing.T) {
	var l policy.Lock
	require.Equal(t, "weightgate.lock v1\n", string(l.Encode()))
	require.Empty(t, l.Names())
	require.Empty(t, l.Libraries())
	_, ok := l.Pin("ocr")
	require.False(t, ok)
}
