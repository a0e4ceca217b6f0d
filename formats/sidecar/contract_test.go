package sidecar_test

import (
	"path"
	"testing"
	"testing/fstest"

	"github.com/weightgate/weightgate/formats/formattest"
	"github.com/weightgate/weightgate/formats/sidecar"
)

// TestContract holds every kind against what all formats promise. Most of a text
// is for others to read: no Inspection shows it.
func TestContract(t *testing.T) {
	corpora := map[string]fstest.MapFS{}
	for _, v := range own(t) {
		corpus := corpora[v.Format]
		if corpus == nil {
			corpus = fstest.MapFS{}
			corpora[v.Format] = corpus
		}
		_, files := loaded(t, v)
		for file, data := range files {
			corpus[path.Join(path.Base(v.Name), file)] = &fstest.MapFile{Data: data}
		}
	}
	for _, f := range sidecar.Formats() {
		if f.Name() == sidecar.JSON {
			continue // its texts are too long to try all mutants
		}
		t.Run(f.Name(), func(t *testing.T) {
			formattest.Run(t, f, corpora[f.Name()], formattest.Terms{
				Free:    func([]byte, int) bool { return true },
				Mutants: 256,
			})
		})
	}
}
