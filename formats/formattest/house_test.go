package formattest_test

import (
	"bytes"
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/formattest"
	"github.com/weightgate/weightgate/formats/npy"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/vectors"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// corpora are the vectors of each format, each scenario a directory.
func corpora(t *testing.T) map[string]fstest.MapFS {
	t.Helper()
	list, err := vectors.Load()
	require.NoError(t, err)
	corpora := map[string]fstest.MapFS{}
	for _, v := range list {
		if corpora[v.Format] == nil {
			corpora[v.Format] = fstest.MapFS{}
		}
		require.NoError(t, fs.WalkDir(v.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(v.FS, name)
			corpora[v.Format][path.Join(v.Name, name)] = &fstest.MapFile{Data: data}
			return err
		}))
	}
	return corpora
}

// expanded is what following the calls of functions takes, up to MaxNodes nodes
// however short the file is: in all, never at once.
const expanded = 64 << 20

// bzip2 is what the tables of its decoder take, however short the stream is.
const bzip2 = 4 << 20

// terms are what formats of the house declare of themselves.
var terms = map[string]formattest.Terms{
	"safetensors": {Free: safetensorsFree},
	"onnx":        {Free: anything, Constant: expanded}, // an Inspection shows no node
	"npy":         {Free: npyFree},
	"npz":         {Free: anything, Parts: formats.Set{npy.Format(), zipfile.Format()}}, // times and attributes of members
	"zip":         {Free: anything},                                                     // nor a member
	"torch":       {Free: anything, Parts: formats.Set{zipfile.Format()}, Recognition: torch.MaxRead},
	"pickle":      {Recognition: pickle.MaxRead}, // what may be text is followed for long
	"keras":       {Recognition: foreign.MaxRead},
	"skops":       {Recognition: foreign.MaxRead},

	// Most of what a configuration says steers nothing.
	"config": {Free: anything}, "generation-config": {Free: anything}, "processor-config": {Free: anything},
	"tokenizer-config": {Free: anything}, "tokenizer": {Free: anything}, "index": {Free: anything},
	"model-index": {Free: anything}, "genai-config": {Free: anything}, "adapter-config": {Free: anything},
	"modules": {Free: anything}, "json": {Free: anything},

	"joblib":            {Constant: bzip2},
	"pickle.compressed": {Constant: bzip2},
	"r":                 {Constant: bzip2},
}

func anything([]byte, int) bool { return true }

// safetensorsFree is metadata, whitespace, and the digits of an escape.
func safetensorsFree(file []byte, at int) bool {
	from := bytes.Index(file, []byte(`"__metadata__":{`))
	if from >= 0 && at > from && at < from+bytes.IndexByte(file[from:], '}') {
		return true
	}
	return bytes.IndexByte([]byte(" \t\r\n"), file[at]) >= 0 || bytes.Contains(file[max(0, at-5):at], []byte(`\u`))
}

// npyFree is the version, and the spelling of the header: spaces, commas, and
// the byte order of what has one byte.
func npyFree(file []byte, at int) bool {
	return at == 6 || bytes.IndexByte([]byte(" ,<|"), file[at]) >= 0
}

func TestHouse(t *testing.T) {
	corpora := corpora(t)
	set := all.Formats()
	require.NotEmpty(t, set)
	for _, f := range set {
		t.Run(f.Name(), func(t *testing.T) {
			require.NotEmpty(t, corpora[f.Name()], "no vectors")
			formattest.Run(t, f, corpora[f.Name()], terms[f.Name()])
		})
	}
	for name := range terms {
		require.Contains(t, names(set), name, "terms of a format that is gone")
	}
}

func names(set formats.Set) []string {
	var all []string
	for _, f := range set {
		all = append(all, f.Name())
	}
	return all
}
