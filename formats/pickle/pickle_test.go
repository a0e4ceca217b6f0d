package pickle_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/pickle/pickletest"
)

func input(data []byte) inputtest.File { return inputtest.New("dir/model.bin", data) }

// samples are the samples by name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	names, err := fs.Glob(pickletest.Samples, "testdata/*")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		all[name], err = pickletest.Samples.ReadFile(name)
		require.NoError(t, err)
	}
	return all
}

// A pickle is named and not read: not one finding, and all of it to be judged.
func TestSamples(t *testing.T) {
	for name, data := range samples(t) {
		claimed, err := pickle.Format().Claims(t.Context(), input(data))
		require.NoError(t, err)
		require.True(t, claimed, name)
		found, err := pickle.Format().Inspect(t.Context(), input(data), formats.Limits{})
		require.NoError(t, err)
		whole := []formats.Range{{File: "dir/model.bin", Length: int64(len(data))}}
		require.Equal(t, &formats.Inspection{Format: "pickle", Claims: whole, Pickles: whole}, found)
	}
}

func TestInspectRefusesOthers(t *testing.T) {
	for _, data := range []string{"", "no pickle", "\x80", "\x80\x02", "PK\x03\x04", "{}"} {
		found, err := pickle.Format().Inspect(t.Context(), input([]byte(data)), formats.Limits{})
		require.Nil(t, found)
		inputtest.RequireCode(t, pickle.Name, pickle.CodeOpcode, err)
	}
}

func TestFailedReads(t *testing.T) {
	disk := errors.New("disk")
	torn := inputtest.Torn{File: input(nil), Promised: 600, Err: disk}
	claimed, err := pickle.Format().Claims(t.Context(), torn)
	require.ErrorIs(t, err, disk)
	require.False(t, claimed)
	found, err := pickle.Format().Inspect(t.Context(), torn, formats.Limits{})
	require.ErrorIs(t, err, disk)
	require.Nil(t, found)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	found, err = pickle.Format().Inspect(ctx, input([]byte("N.")), formats.Limits{})
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, found)
}

// Every code of the machine is rated here, once.
func TestCodes(t *testing.T) {
	table := pickle.Codes()
	seen := map[formats.Code]bool{}
	for _, info := range table {
		require.False(t, seen[info.Code], info.Code)
		seen[info.Code] = true
		require.NotEmpty(t, info.Advice, info.Code)
		require.NotZero(t, info.Severity, info.Code)
	}
	for _, code := range []string{
		machine.CodeGlobalDenied, machine.CodeGlobalDropped, machine.CodeGlobalDangerous, machine.CodeGlobalName, machine.CodeCode,
		machine.CodeCallDenied, machine.CodeCallComputed, machine.CodeBuildDenied, machine.CodeContainer, machine.CodeExt,
		machine.CodeBuffer, machine.CodePersID, machine.CodeProto, machine.CodeFrame, machine.CodeMemoAgain, machine.CodePopped,
		machine.CodeStack, machine.CodeNested, machine.CodeFindings,
	} {
		require.True(t, seen[formats.Code(code)], code)
	}
	for _, code := range []string{
		machine.CodeOpcode, machine.CodeTruncated, machine.CodeUnderflow, machine.CodeArgument, machine.CodeMemo,
		machine.CodeGlobalOperand, machine.CodeLimits,
	} {
		i := slices.IndexFunc(table, func(info formats.CodeInfo) bool { return info.Code == formats.Code(code) })
		require.GreaterOrEqual(t, i, 0, code)
		require.Equal(t, formats.Unverifiable, table[i].Class, code) // it was not read to its end
	}
}

// FuzzClaims holds the recogniser against the machine: what that reads to the end
// of the file is recognised, unless Python would stop at a protocol, a frame or a
// name that it cannot have.
func FuzzClaims(f *testing.F) {
	seeds := 0
	for _, data := range samples(f) {
		if len(data) <= 4<<10 {
			f.Add(data)
			seeds++
		}
	}
	require.Positive(f, seeds)
	f.Fuzz(func(t *testing.T, data []byte) {
		claimed, err := pickle.Format().Claims(context.Background(), input(data))
		require.NoError(t, err)
		result, err := machine.Run(data, machine.Options{})
		odd := func(f machine.Finding) bool {
			return slices.Contains([]string{machine.CodeProto, machine.CodeFrame, machine.CodeGlobalName}, f.Code)
		}
		if err == nil && result.End == int64(len(data)) && !slices.ContainsFunc(result.Findings, odd) {
			require.True(t, claimed, "%q is read as a pickle and not recognised", data)
		}
	})
}
