//go:build linux && amd64

package parity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

// An Oracle is what PyTorch and Hugging Face's converter say of a checkpoint.
type Oracle struct {
	Torch    string // its version
	Case     string // of cases.py
	Form     string // zip or legacy
	Protocol int
	Root     string // key of the tensors, where the case names one

	// Reader is why the reader of torch.load(weights_only=True) refused the
	// file, which pickle read then: it knows protocol 2 only.
	Reader string

	// Error is why the converter refused the checkpoint, or its own output.
	Error string
}

// A checkpoint is a directory of a matrix: in, out, instead and oracle.json.
type checkpoint struct {
	name string
	dir  string
	Oracle
}

// checkpoints are those of a directory that matrix.py wrote.
func checkpoints(t *testing.T, dir string) []checkpoint {
	t.Helper()
	oracles, err := filepath.Glob(filepath.Join(dir, "*", "oracle.json"))
	require.NoError(t, err)
	var list []checkpoint
	for _, path := range oracles {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		c := checkpoint{dir: filepath.Dir(path), name: filepath.Base(filepath.Dir(path))}
		require.NoError(t, json.Unmarshal(text, &c.Oracle))
		list = append(list, c)
	}
	require.NotEmpty(t, list, "no checkpoints in %s", dir)
	return list
}

// A made is what came of a checkpoint: files, or the codes that refused it or
// say why there are none.
type made struct {
	files    map[string][]byte
	refused  []formats.Code
	findings []formats.Finding
}

// files are those of one of c's directories, none if it is not there.
func (c checkpoint) files(t *testing.T, side string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	dir := filepath.Join(c.dir, side)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return files
}

// convert is what this converter writes.
func (c checkpoint) convert(t *testing.T) made {
	t.Helper()
	written := map[string]*bytes.Buffer{}
	report, err := loader.Inspect(t.Context(), c.name, loader.Dir(filepath.Join(c.dir, "in")), loader.InspectConfig{
		Formats:   all.Formats(),
		Converter: convert.New(),
		Convert:   policy.Convert{Packs: []string{"weights"}, Root: c.Root},
		Derived: func(name string, _ int64) (io.Writer, error) {
			written[name] = new(bytes.Buffer)
			return written[name], nil
		},
	})
	require.NoError(t, err)
	m := made{files: map[string][]byte{}, findings: report.Findings}
	for _, f := range report.Findings {
		if f.Class == formats.Unverifiable || f.Severity.Rank() >= formats.High || len(report.DerivedFiles) == 0 {
			m.refused = append(m.refused, f.Code)
		}
	}
	slices.Sort(m.refused)
	m.refused = slices.Compact(m.refused)
	if len(m.refused) > 0 {
		return m
	}
	for _, v := range report.Conversions {
		require.NotNil(t, v.Sandbox, "%s was read outside of a sandbox", v.File)
	}
	for _, e := range report.DerivedFiles {
		m.files[e.Name] = written[e.Name].Bytes()
	}
	return m
}

// difference is where two sets of files differ first, "" if they do not.
func difference(want, got map[string][]byte) string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		w, wanted := want[name]
		g, made := got[name]
		switch {
		case !made:
			return name + " was not made"
		case !wanted:
			return name + " was made, and the reference makes none"
		case !bytes.Equal(w, g):
			return fmt.Sprintf("%s: want %s, got %s", name, outline(w), outline(g))
		}
	}
	return ""
}

// outline is what a file looks like: its length, and where it begins.
func outline(file []byte) string {
	const enough = 600
	return fmt.Sprintf("%d bytes %q", len(file), file[:min(len(file), enough)])
}

// result is how a checkpoint fared.
type result string

const (
	equal     result = "equal"     // the same bytes, or neither makes any
	explained result = "explained" // another result, of which the table says why
	different result = "different"
)

// judge compares what this converter makes of c with what the reference does,
// and says what the difference is, or why there is one.
func (c checkpoint) judge(t *testing.T) (result, string) {
	t.Helper()
	reference, got := c.files(t, "out"), c.convert(t)
	same := difference(reference, got.files)
	switch {
	case c.Error == "" && same == "":
		return equal, ""
	case c.Error != "" && len(reference) == 0 && len(got.files) == 0:
		return equal, "neither makes anything of it"
	}
	instead := len(got.files) > 0 && difference(c.files(t, "instead"), got.files) == ""
	for i, e := range explanations {
		if e.fits(c.Oracle, same == "", instead, got.refused) {
			explanations[i].used = true
			return explained, e.why
		}
	}
	var detail strings.Builder
	fmt.Fprintf(&detail, "%s (reference: %q)", same, c.Error)
	for _, f := range got.findings {
		fmt.Fprintf(&detail, "\n    %s %s %s: %s", f.Severity, f.Code, f.File, f.Detail)
	}
	return different, detail.String()
}
