package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy/manifest"
)

// partial is a target with one file that was written.
func partial(t *testing.T, out string) *target {
	target, err := newTarget(out)
	require.NoError(t, err)
	t.Cleanup(target.discard)
	w, err := target.file("sub/w", 1)
	require.NoError(t, err)
	_, err = w.Write([]byte("x"))
	require.NoError(t, err)
	return target
}

func derived(names ...string) *loader.Report {
	r := &loader.Report{}
	for _, name := range names {
		r.DerivedFiles = append(r.DerivedFiles, manifest.Entry{Name: name})
	}
	return r
}

func exists(t *testing.T, path string) bool {
	_, err := os.Lstat(path)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return err == nil
}

func TestTarget(t *testing.T) {
	out := filepath.Join(t.TempDir(), "new", "out")
	target := partial(t, out)
	require.False(t, exists(t, out))
	require.NoError(t, target.publish(derived("sub/w")))
	target.discard()
	require.False(t, exists(t, filepath.Join(filepath.Dir(out), ".out.partial")))
	b, err := os.ReadFile(filepath.Join(out, "sub/w"))
	require.NoError(t, err)
	require.Equal(t, "x", string(b))
	files, err := os.ReadDir(out)
	require.NoError(t, err)
	require.Len(t, files, 2, "the file's directory and the report")
}

// Nothing is published that the report does not have, nor less than it has.
func TestTargetIsWhatTheReportSays(t *testing.T) {
	for _, r := range []*loader.Report{derived(), derived("w"), derived("sub/w", "w")} {
		for _, name := range []string{"out", "out.safetensors"} {
			out := filepath.Join(t.TempDir(), name)
			require.ErrorContains(t, partial(t, out).publish(r), "read back")
			require.False(t, exists(t, out))
		}
	}
}

// What takes the place of a target meanwhile stays.
func TestTargetReplacesNothing(t *testing.T) {
	for _, name := range []string{"out", "out.safetensors"} {
		out := filepath.Join(t.TempDir(), name)
		target := partial(t, out)
		require.NoError(t, os.Mkdir(out, 0o755))
		require.ErrorContains(t, target.publish(derived("sub/w")), "appeared meanwhile")
		files, err := os.ReadDir(out)
		require.NoError(t, err)
		require.Empty(t, files)
	}
}

func TestTargetLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	target := partial(t, filepath.Join(dir, "out"))
	target.discard()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestTargetKeepsOneFileOpen(t *testing.T) {
	target := partial(t, filepath.Join(t.TempDir(), "out"))
	first := target.open
	_, err := target.file("v", 1)
	require.NoError(t, err)
	require.ErrorIs(t, first.Close(), os.ErrClosed)
	require.NotSame(t, first, target.open)
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb é":                          "a\nb é",
		"\x1b]0;x\x07":                    `\x1b]0;x\a`,
		"a\x9bb\u009bc":                   `a\x9bb\u009bc`,
		"a\u202eb\u2028c\rd\x7f":          `a\u202eb\u2028c\rd\x7f`,
		"\ufffd, which is itself":         "\ufffd, which is itself",
		`a\x1b that was escaped "before"`: `a\x1b that was escaped "before"`,
	} {
		require.Equal(t, want, visible(denied("%s", text).(*ended).why))
	}
}
