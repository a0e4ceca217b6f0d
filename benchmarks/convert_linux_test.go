package benchmarks

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

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
		{convertThroughGate, here(prepareConverting(true))},
		{convertThroughFresh, here(prepareConverting(false))},
		{convertCommand, converted().measure},
		{torchReference, reference{}.measure},
		{torchSynced, reference{sync: true}.measure},
		{inspection, here(prepareInspection(false))},
		{wholeInspection, here(prepareInspection(true))},
		{inspectCommand, inspected().measure},
		{picklescan, scannedByPicklescan().measure},
		{modelscan, scannedByModelscan().measure},
		{fickling, scannedByFickling().measure},
		{startOfWeightgate, started(func(t tools) []string { return []string{t.Weightgate, "--help"} }).measure},
		{startOfPicklescan, started(func(t tools) []string { return []string{t.Picklescan, "--help"} }).measure},
		{startOfModelscan, started(func(t tools) []string { return []string{t.Modelscan, "--help"} }).measure},
		{startOfFickling, started(func(t tools) []string { return t.fickling() }).measure},
	}
}

func BenchmarkConvert(b *testing.B) {
	j, size := checkpoint(b)
	j.agree(b, convertThroughGate, convertThroughFresh, convertCommand, torchReference, torchSynced)
	of := fmt.Sprintf("of a checkpoint of %d MiB, page cache warm", size>>20)
	b.Run("Load", func(b *testing.B) {
		j.benchmark(b, "Load that converts, "+of, 7, size,
			[]string{convertThroughGate, convertThroughFresh, torchReference},
			[]comparison{
				{"gate/torch", convertThroughGate, torchReference, 1.5},
				{"fresh/torch", convertThroughFresh, torchReference, 1.5},
			})
	})
	b.Run("File", func(b *testing.B) {
		j.benchmark(b, "Conversion to a file, "+of, 7, size,
			[]string{convertCommand, torchReference, torchSynced},
			[]comparison{
				{"convert/torch", convertCommand, torchReference, 1},
				{"convert/synced", convertCommand, torchSynced, 1},
			})
	})
	b.Run("Inspect", func(b *testing.B) {
		j.Repeat = 10
		title := fmt.Sprintf("Judgement %s, median of %d in a process where it is not one that is started", of, j.Repeat)
		j.benchmark(b, title, 7, size,
			[]string{inspection, wholeInspection, inspectCommand, picklescan, modelscan, fickling,
				startOfWeightgate, startOfPicklescan, startOfModelscan, startOfFickling},
			[]comparison{
				{"inspect/picklescan", inspection, picklescan, 0},
				{"inspect/modelscan", inspection, modelscan, 0},
				{"inspect/fickling", inspection, fickling, 0},
			},
			bound{inspection, "ms", func(s sample) float64 { return 1e3 * s.Seconds }, 50},
			bound{inspection, "MiB in the child", func(s sample) float64 { return float64(s.Child) / (1 << 20) }, 64})
	})
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
				digest:  func() (string, error) { return hexSumOf(m.FS(), report.DerivedFiles[0].Name) },
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
