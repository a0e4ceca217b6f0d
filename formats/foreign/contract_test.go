package foreign_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/foreign/foreigntest"
	"github.com/weightgate/weightgate/formats/formattest"
)

// TestContract holds every kind against what all formats promise. An inspection
// shows no byte of the file, and decoders have tables of a constant size.
func TestContract(t *testing.T) {
	for _, f := range foreign.Formats() {
		t.Run(f.Name(), func(t *testing.T) {
			corpus, err := fs.Sub(foreigntest.Samples, "testdata/"+f.Name())
			require.NoError(t, err)
			formattest.Run(t, f, corpus, formattest.Terms{
				Free:        func([]byte, int) bool { return true },
				Constant:    16 << 20,
				Recognition: foreign.MaxRead,
				Mutants:     64,
			})
		})
	}
}
