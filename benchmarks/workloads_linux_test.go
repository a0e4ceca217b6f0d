package benchmarks

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	"github.com/weightgate/weightgate/formats/safetensors"
)

var (
	sizeFlag   = flag.Int64("size", 0, "MiB of the model of one file, a multiple of 256; 0: 2048, and 256 with -quick")
	shardsFlag = flag.Int64("shards", 0, "MiB of the model of shards at most; 0: a twelfth of the machine's memory, and 13 GiB at most")
)

// A workload is a model whose loads are measured.
type workload struct {
	name, title string
	terms       string // of its policy: what its files are
	write       func(t testing.TB, dir string)
}

const (
	onlySafetensors = "formats: [safetensors]"
	onlyONNX        = "formats: [onnx]"

	companionsOfMiniLM = `, companions: ["*.json", "*.txt", "*/*.json"]`
)

// oneFile is the model that everything is measured on.
func oneFile() workload {
	mib := scaled(int64(2048), 256)
	if *sizeFlag > 0 {
		mib = *sizeFlag
	}
	return workload{"one file", "one file with the blocks of Llama 2 7B at half the width, in BF16", onlySafetensors,
		func(t testing.TB, dir string) {
			writeTensors(t, dir, weightsName, graphs.Seeded(), halfWidth(max(1, mib/256)).tensors())
		}}
}

// oneMebibyte is a model of 1 MiB.
func oneMebibyte() workload {
	return workload{"1 MiB", "one file of 1 MiB", onlySafetensors, func(t testing.TB, dir string) {
		writeTensors(t, dir, weightsName, graphs.Seeded(), mebibyte().tensors())
	}}
}

// workloads are the others.
func workloads() []workload {
	return []workload{
		{"shards", "8 shards with the blocks of Llama 2 7B, as many as the machine holds, in BF16",
			onlySafetensors + `, companions: ["*.json"]`,
			func(t testing.TB, dir string) { writeShards(t, dir, 8, sharded(t)) }},
		{"small tensors", "32,768 tensors of 4 KiB in one file", onlySafetensors, func(t testing.TB, dir string) {
			writeTensors(t, dir, weightsName, graphs.Seeded(), manySmall(32768))
		}},
		{"ONNX, external data", "a graph of ONNX with its weights in a file beside it", onlyONNX,
			made(graphs.MatMuls(4, scaled(int64(4096), 2048)))},
		{"PP-OCR rec", "PP-OCRv4's recognition, as it is published", onlyONNX + `, companions: ["*.txt"]`, published("ppocr-rec")},
		{"PP-OCR det", "PP-OCRv4's detection, as it is published", onlyONNX, published("ppocr-det")},
		{"MiniLM", "all-MiniLM-L6-v2, as it is published", onlySafetensors + companionsOfMiniLM, published("minilm")},
	}
}

// sharded is the tensors of the model of shards.
func sharded(t testing.TB) []safetensors.Tensor {
	if *quickFlag && *shardsFlag == 0 {
		return halfWidth(2).tensors()
	}
	memory, err := memoryTotal()
	require.NoError(t, err)
	size := memory / 12
	if *shardsFlag > 0 {
		size = *shardsFlag << 20
	}
	return fullWidth(size).tensors()
}

const modelsVariable = "WEIGHTGATE_MODELS"

// published copies a public model.
func published(name string) func(t testing.TB, dir string) {
	return func(t testing.TB, dir string) {
		t.Helper()
		require.NoError(t, os.CopyFS(dir, os.DirFS(publishedDir(t, name))))
	}
}

// publishedDir is where examples/fetch has put a public model.
func publishedDir(t testing.TB, name string) string {
	t.Helper()
	models := os.Getenv(modelsVariable)
	dir := filepath.Join(models, name)
	_, err := os.Stat(dir)
	if models == "" || errors.Is(err, fs.ErrNotExist) {
		skip(t, fmt.Errorf("%s has no %s: it is the directory of what examples/fetch fetches", modelsVariable, name))
	}
	return dir
}

// job is the workload in a new directory, pinned and signed.
func (w workload) job(t testing.TB) job {
	t.Helper()
	root := newDir(t)
	w.write(t, filepath.Join(root, modelName))
	j := vouched(t, w.name, root, w.terms)
	j.Tools.Out = root
	return j
}
