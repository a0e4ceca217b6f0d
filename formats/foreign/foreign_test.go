package foreign_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/foreign/foreigntest"
	"github.com/weightgate/weightgate/formats/npy"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// memory is a file's bytes as an Input that counts what is read of it.
type memory struct {
	*bytes.Reader
	read int
}

func (*memory) Name() string                         { return "dir/model" }
func (*memory) Sibling(string) (formats.Input, bool) { return nil, false }

func (m *memory) ReadAt(b []byte, offset int64) (int, error) {
	n, err := m.Reader.ReadAt(b, offset)
	m.read += n
	return n, err
}

func input(data []byte) *memory { return &memory{Reader: bytes.NewReader(data)} }

// convertible are the formats that kinds of this package say more of.
var convertible = formats.Set{pickle.Format(), torch.Format(), torch.Legacy()}

// everything is a host's set: the foreign kinds beside formats that are read.
func everything() formats.Set {
	return formats.Set{safetensors.Format(), onnx.Format(), npy.Format(), npy.Archive(), zipfile.Format()}.With(convertible...).With(foreign.Formats()...)
}

// claimants are the names of the kinds that claim data.
func claimants(t require.TestingT, data []byte) []string {
	var names []string
	for _, f := range convertible.With(foreign.Formats()...) {
		ok, err := f.Claims(context.Background(), input(data))
		require.NoError(t, err)
		if ok {
			names = append(names, f.Name())
		}
	}
	return names
}

// samples are the sample files by kind/name.
func samples(t require.TestingT) map[string][]byte {
	all := map[string][]byte{}
	root, err := fs.Sub(foreigntest.Samples, "testdata")
	require.NoError(t, err)
	require.NoError(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[name], err = fs.ReadFile(root, name)
		return err
	}))
	require.NotEmpty(t, all)
	return all
}

// verdicts are what is promised of each kind.
var verdicts = map[string]string{
	"pickle.compressed": "denied critical",
	"joblib":            "denied critical",
	"torch.tar":         "denied critical",
	"torchscript":       "denied critical",
	"keras":             "denied critical",
	"skops":             "unverifiable high",
	"nemo":              "denied critical",
	"gguf":              "unverifiable high",
	"ggml":              "unverifiable high",
	"hdf5":              "unverifiable high",
	"tflite":            "unverifiable high",
	"executorch":        "unverifiable high",
	"ort":               "unverifiable high",
	"tensorrt":          "denied critical",
	"savedmodel":        "denied critical",
	"graphdef":          "denied critical",
	"openvino":          "unverifiable high",
	"pmml":              "unverifiable high",
	"r":                 "denied critical",
	"tar":               "unverifiable high",
	"zip.wrapped":       "unverifiable high",
	"7z":                "unverifiable high",
	"rar":               "unverifiable high",
	"gzip":              "unverifiable high",
	"zlib":              "unverifiable high",
	"bzip2":             "unverifiable high",
	"xz":                "unverifiable high",
	"lzma":              "unverifiable high",
	"lz4":               "unverifiable high",
	"zstd":              "unverifiable high",
	"elf":               "denied high",
	"pe":                "denied high",
	"dos":               "denied high",
	"macho":             "denied high",
	"wasm":              "denied high",
	"java":              "denied high",
	"pyc":               "denied high",
	"script":            "denied high",
	"html":              "denied high",
	"storage.error":     "denied high",
	"lfs":               "denied high",
	"xet":               "denied high",
}

func TestEveryKindHasAVerdictAndASample(t *testing.T) {
	sampled := map[string]bool{}
	for name := range samples(t) {
		sampled[path.Dir(name)] = true
	}
	var names []string
	for _, f := range foreign.Formats() {
		names = append(names, f.Name())
		table := f.Codes()
		require.Len(t, table, 1)
		require.Equal(t, formats.Code("foreign."+f.Name()), table[0].Code)
		require.Equal(t, verdicts[f.Name()], table[0].Class.String()+" "+table[0].Severity.String(), f.Name())
		require.NotEmpty(t, table[0].Advice, f.Name())
		require.True(t, sampled[f.Name()], "no sample of %s", f.Name())
	}
	require.Len(t, names, len(verdicts))
	require.Len(t, sampled, len(verdicts))
	require.Equal(t, len(names), len(slices.Compact(slices.Sorted(slices.Values(names)))), "two kinds of one name")
}

// TestRefinementsAreNamed holds the names that kinds refine against those that
// there are, in this package or promised by another.
func TestRefinementsAreNamed(t *testing.T) {
	known := []string{zipfile.Name, npy.ArchiveName, pickle.Name, torch.Name, torch.LegacyName}
	for _, f := range foreign.Formats() {
		known = append(known, f.Name())
	}
	for _, f := range foreign.Formats() {
		for _, name := range formats.TraitsOf(f).Refines {
			require.Contains(t, known, name, "refined by %s", f.Name())
			require.NotEqual(t, f.Name(), name)
		}
	}
}

func TestSamplesAreNamed(t *testing.T) {
	for name, data := range samples(t) {
		t.Run(name, func(t *testing.T) {
			in := input(data)
			format, err := everything().Detect(context.Background(), in)
			require.NoError(t, err)
			require.Equal(t, path.Dir(name), format.Name())

			found, err := format.Inspect(context.Background(), in, formats.Limits{})
			require.NoError(t, err)
			require.Equal(t, format.Name(), found.Format)
			require.Empty(t, found.Tensors)
			require.Equal(t, []formats.Range{{File: "dir/model", Length: int64(len(data))}}, found.Claims)
			require.Len(t, found.Findings, 1)
			finding := found.Findings[0]
			require.Equal(t, formats.Code("foreign."+path.Dir(name)), finding.Code)
			require.GreaterOrEqual(t, finding.Severity, formats.High)
			require.Equal(t, "dir/model", finding.File)
			require.NotEmpty(t, finding.Detail)
		})
	}
}

// failing is an Input whose disk fails.
type failing struct {
	*memory
	err error
}

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestClaimsTellsOfFailedReads(t *testing.T) {
	disk := errors.New("disk")
	for _, f := range foreign.Formats() {
		ok, err := f.Claims(context.Background(), failing{input(make([]byte, 600)), disk})
		require.ErrorIs(t, err, disk, f.Name())
		require.False(t, ok)
		require.ErrorContains(t, err, "dir/model")
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, f := range foreign.Formats() {
		ok, err := f.Claims(ctx, input(make([]byte, 600)))
		require.ErrorIs(t, err, context.Canceled, f.Name())
		require.False(t, ok)
		found, err := f.Inspect(ctx, input(nil), formats.Limits{})
		require.ErrorIs(t, err, context.Canceled, f.Name())
		require.Nil(t, found)
	}
}

// TestShortFiles asks about a file that ends before the size it was opened with.
func TestShortFiles(t *testing.T) {
	for name, data := range samples(t) {
		in := longer{input(data[:len(data)/2]), int64(len(data))}
		for _, f := range foreign.Formats() {
			if f.Name() != path.Dir(name) {
				continue
			}
			ok, err := f.Claims(context.Background(), in)
			found, failed := f.Inspect(context.Background(), in, formats.Limits{})
			if err == nil { // it was claimed by its first half
				require.True(t, ok, name)
				require.NoError(t, failed)
				continue
			}
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, name)
			require.ErrorIs(t, failed, io.ErrUnexpectedEOF)
			require.Nil(t, found)
		}
	}
}

func TestInspectRefusesOthers(t *testing.T) {
	for _, f := range foreign.Formats() {
		found, err := f.Inspect(context.Background(), input([]byte("no file of any kind")), formats.Limits{})
		require.Nil(t, found)
		syntax, ok := errors.AsType[*formats.SyntaxError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, f.Codes()[0].Code, syntax.Code)
		require.Equal(t, f.Name(), syntax.Format)
	}
}

type longer struct {
	*memory
	size int64
}

func (l longer) Size() int64 { return l.size }

// TestMangled cuts each sample of up to 512 bytes at every byte and turns over each
// of its first 32 bytes: whatever that is, it is judged without a failure.
func TestMangled(t *testing.T) {
	mangled := 0
	for _, data := range samples(t) {
		if len(data) > 512 {
			continue
		}
		for n := range data {
			claimants(t, data[:n])
			mangled++
		}
		for i := range min(len(data), 32) {
			turned := slices.Clone(data)
			turned[i] ^= 0xff
			claimants(t, turned)
			mangled++
		}
	}
	require.Greater(t, mangled, 5_000)
}

func TestLargeFilesAreReadInPart(t *testing.T) {
	for name, data := range samples(t) {
		big := append(slices.Clone(data), make([]byte, 4<<20)...)
		for _, f := range foreign.Formats() {
			in := input(big)
			_, err := f.Claims(context.Background(), in)
			require.NoError(t, err)
			require.LessOrEqual(t, in.read, foreign.MaxRead, "%s reads %s", f.Name(), name)
		}
	}
}

// FuzzClaims holds every kind against the bound on reads, its own second answer,
// and the strict reader of safetensors: what that accepts is foreign only if a
// structure that may begin anywhere was put into its tensors.
func FuzzClaims(f *testing.F) {
	seeds := 0
	for _, data := range samples(f) {
		if len(data) <= 4<<10 {
			f.Add(data)
			seeds++
		}
	}
	for _, length := range []int{376, 640, 1152, 35615, 40056} {
		f.Add(tensors(length, "t", make([]byte, 8)))
		seeds++
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		names := claimants(t, data)
		require.Equal(t, names, claimants(t, data))
		for _, format := range foreign.Formats() {
			in := input(data)
			_, err := format.Claims(context.Background(), in)
			require.NoError(t, err)
			require.LessOrEqual(t, in.read, foreign.MaxRead)
		}
		if _, err := safetensors.Read(context.Background(), input(data), formats.Limits{}); err == nil {
			names = slices.DeleteFunc(names, fromTheEnd)
			require.Empty(t, names, "safetensors reads it as well")
		}
	})
}

// fromTheEnd reports whether files of the kind are found from their end, or
// behind a block of the user's.
func fromTheEnd(name string) bool {
	return slices.Contains([]string{"torch", "torchscript", "keras", "skops", "zip.wrapped", "hdf5"}, name)
}

// sampleNamed is one sample.
func sampleNamed(t *testing.T, name string) []byte {
	data, err := foreigntest.Samples.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return slices.Clone(data)
}

// words are names joined, for messages.
func words(names []string) string { return strings.Join(names, ", ") }
