package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// Names of models under the check's policy.
const (
	modelMiniLM    = "minilm"
	modelDetection = "ppocr-det"
	modelReading   = "ppocr-rec"
	modelLarge     = "large"

	modelWarmUp    = "warm-up"
	modelZeros     = "zeros"
	modelFallback  = "fallback"
	modelElsewhere = "elsewhere" // the warm-up, under a rule that allows only the other device
)

// A workload is a model that is measured, and what it is given.
type workload struct {
	Name  string  `json:"name"`
	Title string  `json:"title"`
	Dir   string  `json:"dir"`   // of the model, as the gate loads it
	Graph string  `json:"graph"` // what is opened by path
	Build bool    `json:"build"` // the graph is built from config and tensors
	Input []array `json:"input"`

	// Shapes says that some nodes work shapes out on the CPU. By path nobody tells
	// whether others do: only the gate's session of the same graph does. Without
	// shapes a session by path has no node on the CPU.
	Shapes bool `json:"shapes"`

	Tolerance float64 `json:"tolerance"` // relative
	terms     string  // of the policy, beside its name, source and devices
}

const onnxTerms = "formats: [onnx]"

// miniLMFiles are what a sentence encoder is loaded from.
func miniLMFiles() []string {
	return []string{"config.json", "model.safetensors", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json"}
}

// modelFiles are the public models, in the layout of examples/fetch.
func modelFiles() (names []string) {
	for _, name := range miniLMFiles() {
		names = append(names, filepath.Join("minilm", name))
	}
	return append(names, "ppocr-det/det.onnx", "ppocr-rec/rec.onnx")
}

// measured are the models that sessions are compared and timed on. They are in
// models, or made in scratch.
func measured(models, scratch string, large graphs.Graph) []workload {
	ids, mask := sentences(4, 48)
	return []workload{
		{
			Name: modelMiniLM, Title: "MiniLM-L6, graph built from its config", Dir: filepath.Join(models, "minilm"), Build: true,
			Graph: filepath.Join(scratch, "minilm-by-path", graphs.GraphFile),
			Input: []array{
				integers("input_ids", ids, 4, 48), integers("attention_mask", mask, 4, 48), integers("token_type_ids", make([]int64, len(ids)), 4, 48),
			},
			Tolerance: 1e-3, Shapes: true,
			terms: fmt.Sprintf(`formats: [safetensors], files: {only: ["%s"]}, companions: ["*.json", "*/*.json"]`,
				strings.Join(miniLMFiles(), `", "`)),
		},
		{
			Name: modelDetection, Title: "PP-OCRv4 detection", Dir: filepath.Join(models, "ppocr-det"),
			Graph: filepath.Join(models, "ppocr-det/det.onnx"), Input: []array{floats("x", waves(3*320*320), 1, 3, 320, 320)},
			Tolerance: 1e-3, terms: onnxTerms,
		},
		{
			Name: modelReading, Title: "PP-OCRv4 recognition", Dir: filepath.Join(models, "ppocr-rec"),
			Graph: filepath.Join(models, "ppocr-rec/rec.onnx"), Input: []array{floats("x", waves(3*48*320), 1, 3, 48, 320)},
			Tolerance: 1e-3, Shapes: true, terms: onnxTerms + ", companions: [ppocr_keys_v1.txt]",
		},
		{
			Name: modelLarge, Title: fmt.Sprintf("%d products with %d × %d", large.Weights, large.Rows, large.Columns), Dir: filepath.Join(scratch, modelLarge),
			Graph: filepath.Join(scratch, modelLarge, graphs.GraphFile), Input: []array{floats("x", waves(int(large.Rows)), 1, large.Rows)},
			Tolerance: 1e-3, terms: onnxTerms,
		},
	}
}

// zerosAsked is how many zeros modelZeros is asked for by a run that must succeed.
const zerosAsked = 3

// probes are small models that sessions are opened or refused on.
func probes(scratch string) []workload {
	at := func(name string) string { return filepath.Join(scratch, name) }
	row := []array{floats("x", waves(64), 1, 64)}
	return []workload{
		{Name: modelWarmUp, Dir: at(modelWarmUp), Graph: filepath.Join(at(modelWarmUp), graphs.GraphFile), Input: row, terms: onnxTerms},
		{Name: modelElsewhere, Dir: at(modelWarmUp), Input: row, terms: onnxTerms},
		{Name: modelZeros, Dir: at(modelZeros), Input: []array{integers("x", []int64{zerosAsked}, 1)}, terms: onnxTerms},
		{Name: modelFallback, Dir: at(modelFallback), Input: []array{floats("x", []float32{1, 2, 3, 5}, 1, 2, 2)}, terms: onnxTerms},
	}
}

// makeModels writes the models that are made.
func makeModels(scratch string, large graphs.Graph) error {
	if err := graphs.MatMuls(2, 64).Write(filepath.Join(scratch, modelWarmUp)); err != nil {
		return err
	}
	if err := writeGraph(filepath.Join(scratch, modelZeros), zeros()); err != nil {
		return err
	}
	if err := writeGraph(filepath.Join(scratch, modelFallback), determinant()); err != nil {
		return err
	}
	return large.Write(filepath.Join(scratch, modelLarge))
}

// sentences are token ids of BERT's vocabulary, the same each time, each
// sentence shorter than the one before it and filled up with padding.
func sentences(batch, length int) (ids, mask []int64) {
	const start, end, words = 101, 102, 29000
	random := graphs.Seeded()
	for row := range batch {
		used := length - 7*row
		for i := range length {
			id, seen := int64(0), int64(0)
			if i < used {
				id, seen = int64(random.Uint64()%(words-1000))+1000, 1
			}
			switch i {
			case 0:
				id = start
			case used - 1:
				id = end
			}
			ids, mask = append(ids, id), append(mask, seen)
		}
	}
	return ids, mask
}

// policyFor lets these models and no others be loaded, and run on either
// device; what it pins is in the lock.
func policyFor(device string, workloads []workload) string {
	var b strings.Builder
	b.WriteString("version: 1\nlock: weightgate.lock\nlibraries: pinned\nmodels:\n")
	for _, w := range workloads {
		devices := "cpu, cuda"
		if w.Name == modelElsewhere {
			devices = map[string]string{deviceCPU: deviceCUDA, deviceCUDA: deviceCPU}[device]
		}
		fmt.Fprintf(&b, "  - {name: %s, source: [dir], %s, pin: required, session: {device: [%s]}}\n", w.Name, w.terms, devices)
	}
	return b.String()
}

// lockFor pins the models and the libraries as they are.
func lockFor(ctx context.Context, f files, workloads []workload) (string, error) {
	lock := new(policy.Lock)
	for _, path := range append([]string{f.library}, f.providers...) {
		entry, err := loader.MeasureLibrary(ctx, path)
		if err != nil {
			return "", err
		}
		if lock, err = lock.WithLibrary(entry); err != nil {
			return "", err
		}
	}
	for _, w := range workloads {
		pinned, err := measure(ctx, w)
		if err != nil {
			return "", err
		}
		if lock, err = lock.With(policy.Pin{Name: w.Name, Files: pinned}); err != nil {
			return "", err
		}
	}
	return string(lock.Encode()), nil
}

// measure is the workload's files with their digests.
func measure(ctx context.Context, w workload) (files manifest.Manifest, err error) {
	report, err := loader.Inspect(ctx, w.Name, loader.Dir(w.Dir), loader.InspectConfig{Formats: modelFormats(), SHA256: true})
	if err != nil {
		return nil, err
	}
	for _, f := range report.Files {
		if w.Name != modelMiniLM || slices.Contains(miniLMFiles(), f.Entry.Name) {
			files = append(files, f.Entry)
		}
	}
	return files, nil
}

// writeBuilt makes a directory in which the built graph can be opened by path.
func writeBuilt(ctx context.Context, m *loader.Model, path string) error {
	g, err := graph.Sentence(ctx, m.FS(), m.Tensors())
	if err != nil {
		return err
	}
	if err := writeGraph(filepath.Dir(path), g.Model); err != nil {
		return err
	}
	return fs.WalkDir(m.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".safetensors" {
			return err
		}
		return copyFile(m.FS(), name, filepath.Join(filepath.Dir(path), name))
	})
}

func copyFile(from fs.FS, name, to string) error {
	r, err := from.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	return w.Close()
}
