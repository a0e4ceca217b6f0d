package vectors_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/vectors"
)

// The codes that detection's errors become in a load.
const (
	unknown   formats.Code = "format.unknown"
	ambiguous formats.Code = "format.ambiguous"
)

// elsewhere are codes that no small file raises, with the test that raises them.
var elsewhere = map[formats.Code]string{
	torch.CodeLimit:   "formats/torch: TestLimits",
	pickle.CodeOpcode: "formats/pickle: TestInspectRefusesOthers",
}

// outcome is what the built-in set finds in a vector, a failure included.
func outcome(t *testing.T, v vectors.Vector) []formats.Finding {
	in, err := formats.Open(v.FS, v.File)
	require.NoError(t, err)
	defer in.Close()
	format, err := all.Formats().Detect(context.Background(), in)
	if _, several := errors.AsType[*formats.AmbiguousError](err); several {
		return []formats.Finding{{Code: ambiguous}}
	}
	if errors.Is(err, formats.ErrUnknown) {
		return []formats.Finding{{Code: unknown}}
	}
	require.NoError(t, err)
	require.Equal(t, v.Format, format.Name())

	found, err := format.Inspect(context.Background(), in, formats.Limits{})
	if err != nil {
		require.Nil(t, found)
		syntax, ok := errors.AsType[*formats.SyntaxError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, v.File, syntax.File)
		require.NotEmpty(t, syntax.Advice, "%s is in no table", syntax.Code)
		return []formats.Finding{syntax.Finding}
	}
	checkPlaces(t, v, found)
	return found.Findings
}

// checkPlaces checks that what an inspection points at lies in the files.
func checkPlaces(t *testing.T, v vectors.Vector, found *formats.Inspection) {
	require.Equal(t, v.Format, found.Format)
	ranges := slices.Concat(found.Claims, found.Pickles)
	for _, tensor := range found.Tensors {
		if !tensor.Inline {
			ranges = append(ranges, tensor.Place)
		}
	}
	for _, r := range ranges {
		info, err := fs.Stat(v.FS, r.File)
		require.NoError(t, err)
		require.True(t, r.Within(info.Size()), "%+v of %d bytes", r, info.Size())
	}
}

func TestVectors(t *testing.T) {
	all, err := vectors.Load()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			var raised []formats.Code
			for _, f := range outcome(t, v) {
				if v.Expect != vectors.Admitted || f.Severity.Rank() >= formats.High {
					raised = append(raised, f.Code)
				}
			}
			if v.Expect == vectors.Admitted {
				require.Empty(t, raised, v.About)
			} else {
				require.Contains(t, raised, formats.Code(v.Expect), v.About)
			}
		})
	}
}

func TestEveryCodeHasAVector(t *testing.T) {
	list, err := vectors.Load()
	require.NoError(t, err)
	expected := map[formats.Code]bool{}
	for _, v := range list {
		expected[formats.Code(v.Expect)] = true
	}
	seen := map[formats.Code]bool{}
	for _, info := range all.Formats().Codes() {
		require.False(t, seen[info.Code], "%s is twice in the tables", info.Code)
		seen[info.Code] = true
		require.NotEmpty(t, info.Advice, "%s", info.Code)
		require.NotZero(t, info.Severity, "%s", info.Code)
		if test, ok := elsewhere[info.Code]; ok {
			require.False(t, expected[info.Code], "%s has a vector and need not be left to %s", info.Code, test)
			continue
		}
		require.True(t, expected[info.Code], "no vector raises %s", info.Code)
	}
	for code := range expected {
		known := seen[code] || slices.Contains([]formats.Code{vectors.Admitted, unknown, ambiguous}, code)
		require.True(t, known, "a vector expects %s, which no format raises", code)
	}
}
