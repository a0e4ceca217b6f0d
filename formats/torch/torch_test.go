package torch_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/formats/torch/torchtest"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// samples are the files of the vectors of a format, and what torch wrote of it.
func samples(t testing.TB, f formats.Format) map[string][]byte {
	t.Helper()
	all := inputtest.Samples(t, []string{f.Name()})
	for name := range fixtures(t) {
		if data := fixture(t, name); strings.HasPrefix(string(data), "PK") == (f.Name() == torch.Name) {
			all[name] = data
		}
	}
	return all
}

func inspect(f formats.Format, data []byte) (*formats.Inspection, error) {
	return f.Inspect(context.Background(), input(data), formats.Limits{})
}

const magicInText = "L119547037146038801333356L\n"

func TestClaims(t *testing.T) {
	binary := "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
	checkpoint := string(fixture(t, "state-dict-215.pt"))
	for _, c := range []struct {
		name, data      string
		archive, legacy bool
	}{
		{"a checkpoint", checkpoint, true, false},
		{"a checkpoint behind other data, where its directory is not where it says", "junk" + checkpoint, false, false},
		{"a checkpoint before other data", checkpoint + "junk", true, false},
		{"another archive", strings.ReplaceAll(checkpoint, "data.pkl", "data.txt"), false, false},
		{"a pickle that is in no directory", strings.ReplaceAll(checkpoint, "archive/data.pkl", "archive-data.pkl"), false, false},
		{"a checkpoint that is cut short", checkpoint[:1000], true, false},
		{"protocol 0 or 1", magicInText + ".", false, true},
		{"protocol 2", "\x80\x02" + binary, false, true},
		{"protocol 3", "\x80\x03" + binary, false, true},
		{"protocol 4", "\x80\x04\x95\x0d\x00\x00\x00\x00\x00\x00\x00" + binary, false, true},
		{"protocol 5", "\x80\x05\x95\x0d\x00\x00\x00\x00\x00\x00\x00" + binary, false, true},
		{"protocol 4 without a frame", "\x80\x04" + binary, false, true},
		{"more than the number", "\x80\x02" + binary[:12] + "q\x00.", false, true},
		{"protocol 6", "\x80\x06" + binary, false, false},
		{"protocol 1 by name", "\x80\x01" + binary, false, false},
		{"another number", "\x80\x02" + strings.Replace(binary, "\x19", "\x18", 1), false, false},
		{"a number that is computed", torchtest.Pickle(torchtest.Call("builtins", "int", "L119547037146038801333356L\n")), false, false},
		{"half a number", "\x80\x02" + binary[:6], false, false},
		{"a protocol", "\x80", false, false},
		{"empty", "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := torch.Format().Claims(t.Context(), input([]byte(c.data)))
			require.NoError(t, err)
			require.Equal(t, c.archive, got)
			got, err = torch.Legacy().Claims(t.Context(), input([]byte(c.data)))
			require.NoError(t, err)
			require.Equal(t, c.legacy, got)
		})
	}
}

// An inspection names the pickles and has no tensors; Read finds the same and
// the storages.
func TestInspect(t *testing.T) {
	data := fixture(t, "dtypes-215.pt")
	found, err := inspect(torch.Format(), data)
	require.NoError(t, err)
	container, err := torch.Read(t.Context(), input(data), formats.Limits{})
	require.NoError(t, err)
	require.Equal(t, grammar.Zip, container.Form)
	require.False(t, container.BigEndian)
	require.Equal(t, &formats.Inspection{
		Format:  "torch",
		Claims:  []formats.Range{{File: "dir/m.pt", Length: int64(len(data))}},
		Pickles: []formats.Range{container.Pickles},
	}, found)
	require.Equal(t, "\x80\x02ccollections", string(data[container.Pickles.Offset:][:14]))
	require.Equal(t, byte('.'), data[container.Pickles.End()-1])
	require.Len(t, container.Storages, 20)
	require.Zero(t, container.Storages["0"].Offset%64)
	require.Equal(t, int64(6*8), container.Storages["0"].Length)

	data = fixture(t, "dtypes-legacy-215.pt")
	found, err = inspect(torch.Legacy(), data)
	require.NoError(t, err)
	whole := []formats.Range{{File: "dir/m.pt", Length: int64(len(data))}}
	require.Equal(t, &formats.Inspection{Format: "torch.legacy", Claims: whole, Pickles: whole}, found)
	container, err = torch.Read(t.Context(), input(data), formats.Limits{})
	require.NoError(t, err)
	require.Equal(t, &torch.Container{Form: grammar.Legacy, Pickles: whole[0]}, container)
}

func TestBigEndian(t *testing.T) {
	container, err := torch.Read(t.Context(), input(samples(t, torch.Format())["torch/big-endian"]), formats.Limits{})
	require.NoError(t, err)
	require.True(t, container.BigEndian)
}

// Of a long file the head is to be judged.
func TestHead(t *testing.T) {
	data := append(fixture(t, "dtypes-legacy-215.pt"), make([]byte, torch.Head)...)
	found, err := inspect(torch.Legacy(), data)
	require.NoError(t, err)
	require.Equal(t, []formats.Range{{File: "dir/m.pt", Length: torch.Head}}, found.Pickles)
	require.Equal(t, []formats.Range{{File: "dir/m.pt", Length: int64(len(data))}}, found.Claims)
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		file, format string
		at, below    formats.Limits
	}{
		{"dtypes-215.pt", "torch", formats.Limits{MaxTensors: 20}, formats.Limits{MaxTensors: 19}},
		{"dtypes-215.pt", "torch", formats.Limits{MaxHeader: 1866}, formats.Limits{MaxHeader: 1865}},
		{"dtypes-legacy-215.pt", "torch.legacy", formats.Limits{MaxHeader: 2000}, formats.Limits{MaxHeader: 1000}},
	} {
		in := input(fixture(t, c.file))
		_, err := torch.Read(t.Context(), in, c.at)
		require.NoError(t, err, c.file)
		got, err := torch.Read(t.Context(), in, c.below)
		require.Nil(t, got)
		require.Equal(t, formats.Unverifiable, inputtest.RequireCode(t, c.format, torch.CodeLimit, err).Class)
	}
	_, err := torch.Read(t.Context(), input(fixture(t, "dtypes-215.pt")), formats.Limits{MaxTensors: 5})
	inputtest.RequireCode(t, zipfile.Name, zipfile.CodeLimit, err)
	_, err = torch.Read(t.Context(), input(fixture(t, "dtypes-215.pt")), formats.Limits{MaxFiles: 1})
	require.NoError(t, err, "its members are storages, not files")
}

// What is a file of neither form is refused.
func TestRefusesOthers(t *testing.T) {
	for _, data := range []string{"", "no checkpoint", "\x80\x02N.", "\x80\x02.", "\x80\x04\x95\x0d\x00\x00\x00\x00\x00\x00\x00."} {
		found, err := inspect(torch.Legacy(), []byte(data))
		require.Nil(t, found)
		inputtest.RequireCode(t, torch.LegacyName, torch.CodeLegacy, err)
		found, err = inspect(torch.Format(), []byte(data))
		require.Nil(t, found)
		inputtest.RequireCode(t, zipfile.Name, zipfile.CodeEnd, err)
		container, err := torch.Read(t.Context(), input([]byte(data)), formats.Limits{})
		require.Nil(t, container)
		inputtest.RequireCode(t, zipfile.Name, zipfile.CodeEnd, err)
	}
}

func TestFailedReads(t *testing.T) {
	disk := errors.New("disk")
	for _, f := range []formats.Format{torch.Format(), torch.Legacy()} {
		torn := inputtest.Torn{File: input(nil), Promised: 600, Err: disk}
		claimed, err := f.Claims(t.Context(), torn)
		require.ErrorIs(t, err, disk)
		require.False(t, claimed)
		found, err := f.Inspect(t.Context(), torn, formats.Limits{})
		require.ErrorIs(t, err, disk)
		require.Nil(t, found)
	}
	for name := range map[string]string{"state-dict-215.pt": "", "dtypes-legacy-215.pt": ""} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		container, err := torch.Read(ctx, input(fixture(t, name)), formats.Limits{})
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, container)
	}
}

// safetensors are the element types of torch that a safetensors file can have.
var safetensors = map[grammar.DType]string{
	grammar.F64: "F64", grammar.F32: "F32", grammar.F16: "F16", grammar.BF16: "BF16", grammar.C64: "C64", grammar.Bool: "BOOL",
	grammar.I64: "I64", grammar.I32: "I32", grammar.I16: "I16", grammar.I8: "I8",
	grammar.U64: "U64", grammar.U32: "U32", grammar.U16: "U16", grammar.U8: "U8",
	grammar.F8E4M3FN: "F8_E4M3", grammar.F8E4M3FNUZ: "F8_E4M3FNUZ", grammar.F8E5M2: "F8_E5M2", grammar.F8E5M2FNUZ: "F8_E5M2FNUZ",
	grammar.F8E8M0FNU: "F8_E8M0", grammar.F4E2M1FNx2: "F4",
}

func TestDType(t *testing.T) {
	for d := range grammar.DType(255) {
		got, ok := torch.DType(d)
		want, has := safetensors[d]
		require.Equal(t, has, ok, d.String())
		if !ok {
			require.Equal(t, formats.UnknownDType, got)
			continue
		}
		require.Equal(t, want, got.String())
		size := got.Bits() / 8
		if d == grammar.F4E2M1FNx2 {
			size = 2 * got.Bits() / 8
		}
		require.Equal(t, d.Size(), size, d.String())
	}
}

// Every code stands in the table once, rated.
func TestCodes(t *testing.T) {
	seen := map[formats.Code]bool{}
	for _, info := range torch.Codes() {
		require.False(t, seen[info.Code], info.Code)
		seen[info.Code] = true
		require.NotEmpty(t, info.Advice)
		require.NotZero(t, info.Severity)
	}
	for _, f := range []formats.Format{torch.Format(), torch.Legacy()} {
		for _, info := range f.Codes() {
			require.Contains(t, torch.Codes(), info)
		}
	}
	for _, code := range []formats.Code{
		torch.CodeRoot, torch.CodeRootNone, torch.CodeModule, torch.CodeTensor, torch.CodeStorage, torch.CodeDType, torch.CodeQuantized,
		torch.CodeSparse, torch.CodeMeta, torch.CodeSubclass, torch.CodeDevice, torch.CodeLegacy,
	} {
		require.True(t, seen[code], code)
	}
	require.Len(t, seen, 17, "%v", slices.Sorted(maps.Keys(seen)))
}
