// Command report makes what people read of the results of the benchmarks: every
// table as Markdown, a chart, and the table of the README.
//
//	go run ./benchmarks/report [-results FILE] [-readme FILE]
//
// It writes results.md and chart.svg beside the results. The same results make
// the same files, byte for byte.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/benchmarks/results"
)

func main() {
	file := flag.String("results", "benchmarks/results/results.json", "what the benchmarks left")
	readme := flag.String("readme", "", "a file that shows the chart and the requirements between the lines "+begin+" and "+end)
	flag.Parse()
	if err := write(*file, *readme); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// The names of what is written beside the results.
const (
	tablesName = "results.md"
	chartName  = "chart.svg"
)

func write(file, readme string) error {
	run, err := results.Read(file)
	if err != nil {
		return err
	}
	beside := filepath.Dir(file)
	if err := os.WriteFile(filepath.Join(beside, tablesName), []byte(markdown(run)), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(beside, chartName), []byte(chart(run)), 0o644); err != nil {
		return err
	}
	if readme == "" {
		return nil
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	path, err := link(readme, filepath.Join(beside, chartName))
	if err != nil {
		return err
	}
	made, err := include(string(text), shown(run, path))
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	return os.WriteFile(readme, []byte(made), 0o644)
}

// link is how a file names another.
func link(from, to string) (string, error) {
	from, err1 := filepath.Abs(from)
	to, err2 := filepath.Abs(to)
	path, err3 := filepath.Rel(filepath.Dir(from), to)
	return filepath.ToSlash(path), errors.Join(err1, err2, err3)
}
