package convert_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/formats/vectors"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
)

var update = flag.Bool("update", false, "write testdata/verdicts.txt anew")

// judged are the formats whose vectors hold pickles, or hide one.
var judged = []string{"7z", "joblib", "pickle", "pickle.compressed", "tar", "torch", "torch.legacy", "torch.tar", "torchscript", "zip.wrapped"}

// What the line says of every file that holds a pickle or hides one, with a
// child that reads it: the verdict, and the codes of what speaks against it.
func TestVectors(t *testing.T) {
	list, err := vectors.Load()
	require.NoError(t, err)
	var lines []string
	for _, v := range list {
		if !slices.Contains(judged, v.Format) {
			continue
		}
		report, err := loader.Inspect(t.Context(), v.Name, loader.FS(v.FS), loader.InspectConfig{Formats: all.Formats(), Converter: convert.New(), Convert: weights})
		require.NoError(t, err)
		verdict := "accepted"
		var codes []string
		for _, f := range report.Findings {
			if f.Severity.Rank() < formats.High && f.Class == formats.Denied {
				continue
			}
			codes = append(codes, string(f.Code))
			if verdict = "denied"; f.Class == formats.Unverifiable && len(codes) == 1 {
				verdict = "unverifiable"
			}
		}
		for _, f := range report.Files {
			if f.Format == "" && len(codes) == 0 {
				verdict = "unknown"
			}
		}
		slices.Sort(codes)
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", v.Name, verdict, strings.Join(slices.Compact(codes), " "))))
	}
	const golden = "testdata/verdicts.txt"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, strings.Split(strings.TrimSpace(string(want)), "\n"), lines)
}
