package benchmarks

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
)

// The ways of converting a checkpoint, and of judging one.
const (
	convertThroughGate  = "converting gate"
	convertThroughFresh = "converting gate, no kept memory"
	convertCommand      = "weightgate convert"
	torchReference      = "torch, save_file"
	torchSynced         = "torch, save_file, fsync"

	inspection        = "inspection"
	wholeInspection   = "inspection, zip read"
	inspectCommand    = "weightgate inspect"
	picklescan        = "picklescan"
	modelscan         = "modelscan"
	fickling          = "fickling"
	startOfWeightgate = "start of weightgate"
	startOfPicklescan = "start of picklescan"
	startOfModelscan  = "start of modelscan"
	startOfFickling   = "start of fickling"
)

func convertWays() []way {
	return []way{
		{convertThroughGate, results.Gate, here(prepareConverting(true))},
		{convertThroughFresh, results.Gate, here(prepareConverting(false))},
		{convertCommand, results.Gate, converted().measure},
		{torchReference, results.Program, reference{taskConvert}.measure},
		{torchSynced, results.Program, reference{taskConvertSync}.measure},
		{inspection, results.Gate, here(prepareInspection(false))},
		{wholeInspection, results.Gate, here(prepareInspection(true))},
		{inspectCommand, results.Gate, inspected().measure},
		{picklescan, results.Program, scannedByPicklescan().measure},
		{modelscan, results.Program, scannedByModelscan().measure},
		{fickling, results.Program, scannedByFickling().measure},
		{startOfWeightgate, results.Gate, started(func(j job) []string { return []string{j.Tools.Weightgate, "--help"} }).measure},
		{startOfPicklescan, results.Program, started(func(j job) []string { return []string{j.Tools.Picklescan, "--help"} }).measure},
		{startOfModelscan, results.Program, started(func(j job) []string { return []string{j.Tools.Modelscan, "--help"} }).measure},
		{startOfFickling, results.Program, started(func(j job) []string { return j.Tools.fickling() }).measure},
	}
}

func BenchmarkConvert(b *testing.B) {
	j := checkpoint(b)
	j.agree(b, convertThroughGate, convertThroughFresh, convertCommand, torchReference, torchSynced)
	b.Run("Load", func(b *testing.B) { j.benchmark(b, convertingLoads(j.Workload.Bytes).thorough()) })
	b.Run("File", func(b *testing.B) { j.benchmark(b, conversions().thorough()) })
	b.Run("Inspect", func(b *testing.B) {
		j.Repeat = 10
		j.benchmark(b, judgements())
	})
}

func convertingLoads(size int64) table {
	const goal = "a load that converts a checkpoint, without kept memory, against torch.load and save_file"
	return table{
		title: "Load of a checkpoint that converts it",
		ways:  []string{convertThroughGate, convertThroughFresh, pythonTorchLoad, torchReference},
		comparisons: []comparison{
			{"fresh/torch", convertThroughFresh, []string{torchReference}, 1.5, goal},
			{"gate/torch", convertThroughGate, []string{torchReference}, 1.5, ""},
			against("gate/torch.load", convertThroughGate, pythonTorchLoad),
		},
		bounds: []bound{memoryOver(convertThroughGate, size, "memory of a load that converts, beside the checkpoint's bytes")},
	}
}

func conversions() table {
	return table{
		title: "Conversion of a checkpoint to a file",
		ways:  []string{convertCommand, torchReference, torchSynced},
		comparisons: []comparison{
			{"convert/torch", convertCommand, []string{torchReference}, 1, "weightgate convert, to a file that is on the disk, against torch.load and save_file, which leaves it in the page cache"},
			{"convert/synced", convertCommand, []string{torchSynced}, 1, "weightgate convert, to a file that is on the disk, against torch.load, save_file and fsync"},
		},
		bounds: []bound{{
			way: convertCommand, unit: "MiB of anonymous and shared memory", most: 256, watched: true, goal: "memory of weightgate convert",
			number: func(s sample) float64 { return float64(s.Anon+s.Shared) / (1 << 20) },
		}},
	}
}

func judgements() table {
	return table{
		title: "Judgement of a checkpoint, median of 10 in a process where it is not one that is started",
		ways: []string{inspection, wholeInspection, inspectCommand, picklescan, modelscan, fickling,
			startOfWeightgate, startOfPicklescan, startOfModelscan, startOfFickling},
		comparisons: []comparison{
			against("inspect/picklescan", inspection, picklescan),
			against("inspect/modelscan", inspection, modelscan),
			against("inspect/fickling", inspection, fickling),
		},
		bounds: []bound{
			{way: inspection, unit: "ms", most: 50, goal: "inspection of a checkpoint's pickle, all walls up", number: milliseconds},
			{way: inspection, unit: "MiB in the child", most: 64, goal: "memory of the child that inspects",
				number: func(s sample) float64 { return float64(s.Child) / (1 << 20) }},
		},
	}
}

// agree runs each way once, and fails unless they make the same file.
func (j job) agree(t testing.TB, ways ...string) {
	t.Helper()
	j.Check = true
	digests := map[string][]string{}
	for _, way := range ways {
		j.Way = way
		s, err := j.inChild()
		require.NoError(t, err, way)
		require.NotEmpty(t, s.Digest, way)
		digests[s.Digest] = append(digests[s.Digest], way)
	}
	require.Len(t, digests, 1, "the ways differ: %v", digests)
}

// prepareConverting loads through a gate with pins, for the file and for what
// is made of it.
func prepareConverting(keep bool) preparation {
	return func(j job) (func() (*held, error), error) {
		cfg := loader.Config{Formats: torchToo(), Converter: convert.New()}
		if keep {
			info, err := os.Stat(j.path(j.Files[0]))
			if err != nil {
				return nil, err
			}
			cfg.ArenaBytes = info.Size()
		}
		gate, err := j.gateOf(cfg)
		if err != nil {
			return nil, err
		}
		return func() (*held, error) {
			m, err := gate.Load(context.Background(), modelName, loader.Dir(j.Dir))
			if err != nil {
				return nil, err
			}
			report := m.Report()
			return &held{
				copied:  report.Bytes,
				child:   report.Conversions[0].Sandbox.MaxRSS,
				digests: []digest{func() (string, error) { return hexSumOf(m.FS(), report.DerivedFiles[0].Name) }},
				release: m.Close,
			}, nil
		}, nil
	}
}

// prepareInspection is all that judges the pickles of an open file, and hashes
// nothing of it: the places of the container, the child behind its walls, what
// is checked of its answer. Whole, the format's own reading of the container,
// with the checksums of all that is in it, counts too.
func prepareInspection(whole bool) preparation {
	return func(j job) (func() (*held, error), error) {
		in, err := formats.Open(os.DirFS(j.Dir), j.Files[0])
		if err != nil {
			return nil, err
		}
		ctx, lim := context.Background(), formats.Limits{}.WithDefaults()
		found, err := torch.Format().Inspect(ctx, in, lim)
		if err != nil {
			return nil, err
		}
		return func() (*held, error) {
			if whole {
				if found, err = torch.Format().Inspect(ctx, in, lim); err != nil {
					return nil, err
				}
			}
			return judged(ctx, in, found, lim)
		}, nil
	}
}

func judged(ctx context.Context, in formats.Input, found *formats.Inspection, lim formats.Limits) (*held, error) {
	alloc := func(n int64) ([]byte, error) { return nil, fmt.Errorf("%d bytes are to be copied", n) }
	c, err := convert.New().Convert(ctx, in, found, weights(), lim, alloc)
	switch {
	case err != nil:
		return nil, err
	case c.File == "":
		return nil, fmt.Errorf("nothing was derived: %v", c.Findings)
	}
	return &held{child: c.Sandbox.MaxRSS, release: func() error { return nil }}, nil
}
