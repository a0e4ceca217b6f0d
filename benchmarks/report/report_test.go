package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
)

var update = flag.Bool("update", false, "write the golden files")

// The same results make the same files.
func TestGolden(t *testing.T) {
	run, err := results.Read("testdata/results.json")
	require.NoError(t, err)
	for _, c := range []struct{ name, made string }{
		{tablesName, markdown(run)},
		{chartName, chart(run)},
		{"summary.md", summary(run)},
	} {
		golden := filepath.Join("testdata", c.name)
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(c.made), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), c.made, "go test ./benchmarks/report -update, and look at what changed")
	}
}

// What the repository shows is what its results say.
func TestWhatIsShown(t *testing.T) {
	run, err := results.Read("../results/results.json")
	require.NoError(t, err)
	for name, made := range map[string]string{tablesName: markdown(run), chartName: chart(run)} {
		shown, err := os.ReadFile(filepath.Join("../results", name))
		require.NoError(t, err)
		require.Equal(t, made, string(shown), "go run ./benchmarks/report -readme README.md makes %s", name)
	}
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	made, err := include(string(readme), shown(run, "benchmarks/results/"+chartName))
	require.NoError(t, err)
	require.True(t, made == string(readme), "the README does not show the results: go run ./benchmarks/report -readme README.md")
}

// The chart is XML, and nothing in it runs or is fetched.
func TestChartIsInert(t *testing.T) {
	run, err := results.Read("testdata/results.json")
	require.NoError(t, err)
	d, texts := xml.NewDecoder(strings.NewReader(chart(run))), 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			require.Contains(t, []string{"svg", "title", "text", "rect", "line", "path"}, e.Name.Local)
			for _, a := range e.Attr {
				require.NotContains(t, a.Name.Local, "href")
				require.False(t, strings.HasPrefix(a.Name.Local, "on"), a.Name.Local)
			}
			if e.Name.Local == "text" {
				texts++
			}
		}
	}
	require.Greater(t, texts, 20)
}

// Bars are ratios of rounds: a machine that halves its speed moves none.
func TestBars(t *testing.T) {
	run, err := results.Read("testdata/results.json")
	require.NoError(t, err)
	all := panels(run)
	require.Len(t, all, 2)
	require.Equal(t, bar{"copy, unverified", results.Unverified, results.Spread{Median: 4, Min: 3, Max: 8}}, all[0].bars[0])
	require.Equal(t, results.Spread{Median: 1, Min: 1, Max: 1}, all[0].bars[1].times)
	for _, b := range all[0].bars {
		require.NotContains(t, b.way, "start of")
	}
	s := scaleOf(all)
	require.Less(t, s.x(0.5), s.x(1))
	require.InDelta(t, s.x(2)-s.x(1), s.x(4)-s.x(2), 1e-9)
}

// A requirement shows the first model, and the worst of the others.
func TestRequirements(t *testing.T) {
	run, err := results.Read("testdata/results.json")
	require.NoError(t, err)
	all := requirements(run)
	require.Len(t, all, 2)
	require.Equal(t, "≥ 0.90 ×", all[0].reach)
	require.True(t, all[0].found[0].reached)
	worst, ok := all[0].worst()
	require.True(t, ok)
	require.Equal(t, "0.45 (0.4..0.5) ×, shards: **missed**", worst.cell())
	require.Equal(t, "≤ 64 MiB", all[1].reach)
}

func TestInclude(t *testing.T) {
	const marked = "a\n" + begin + "\nold\n" + end + "\nb\n"
	made, err := include(marked, "new\n")
	require.NoError(t, err)
	require.Equal(t, "a\n"+begin+"\nnew\n"+end+"\nb\n", made)
	for _, text := range []string{"", "a\n" + begin + "\n", end + "\n" + begin + "\n", marked + marked} {
		_, err := include(text, "new\n")
		require.ErrorIs(t, err, errNoPlace, text)
	}
}

// write makes the files beside the results, and the table of a README.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/results.json")
	require.NoError(t, err)
	file, readme := filepath.Join(dir, "results.json"), filepath.Join(dir, "README.md")
	require.NoError(t, os.WriteFile(file, text, 0o644))
	require.NoError(t, os.WriteFile(readme, []byte(begin+"\n"+end+"\n"), 0o644))
	require.NoError(t, write(file, readme))
	for made, golden := range map[string]string{tablesName: tablesName, chartName: chartName} {
		got, err := os.ReadFile(filepath.Join(dir, made))
		require.NoError(t, err)
		want, err := os.ReadFile(filepath.Join("testdata", golden))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
	made, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.Contains(t, string(made), "](chart.svg)")
	require.Contains(t, string(made), "warm load with pins, against leaves")

	require.NoError(t, os.WriteFile(readme, []byte("no place"), 0o644))
	require.ErrorIs(t, write(file, readme), errNoPlace)
	require.ErrorIs(t, write(filepath.Join(dir, "other.json"), ""), os.ErrNotExist)
}
