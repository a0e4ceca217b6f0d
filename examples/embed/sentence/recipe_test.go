package sentence_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
)

const sentenceData = "testdata"

// A recipe is a file that torch.save wrote, in pieces: the weights in it are
// where safetensors has them too.
type recipe struct {
	Writer string `json:"writer"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Pieces []struct {
		Literal []byte `json:"literal"`
		Offset  int64  `json:"offset"` // in the safetensors file
		Length  int64  `json:"length"`
	} `json:"pieces"`
}

// checkpoint is the file of a recipe: it has the digest of what PyTorch wrote.
func checkpoint(t testing.TB, name string, weights []byte) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join(sentenceData, name))
	require.NoError(t, err)
	text, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	var r recipe
	require.NoError(t, json.NewDecoder(text).Decode(&r))

	var file bytes.Buffer
	file.Grow(int(r.Size))
	for _, p := range r.Pieces {
		file.Write(p.Literal)
		file.Write(weights[p.Offset : p.Offset+p.Length])
	}
	sum := sha256.Sum256(file.Bytes())
	require.Equal(t, r.SHA256, hex.EncodeToString(sum[:]), "not what %s wrote", r.Writer)
	return file.Bytes()
}

// The recipe is held against a PyTorch that is there.
func TestTorchWritesTheRecipe(t *testing.T) {
	python := os.Getenv("WEIGHTGATE_PYTHON")
	if python == "" {
		t.Skip("not run: WEIGHTGATE_PYTHON is not set; it is a Python with torch 2.15 and safetensors")
	}
	path := filepath.Join(t.TempDir(), "pytorch_model.bin")
	out, err := exec.Command(python, filepath.Join(sentenceData, "generate.py"), fetchtest.MiniLM(t), "--save", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(written, checkpoint(t, "checkpoint.json.gz", publishedWeights(t))))
}

// publishedWeights are MiniLM's, as a safetensors file.
func publishedWeights(t testing.TB) []byte {
	t.Helper()
	weights, err := os.ReadFile(filepath.Join(fetchtest.MiniLM(t), "model.safetensors"))
	require.NoError(t, err)
	return weights
}
