package benchmarks

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weightgate/weightgate/benchmarks/results"
)

var (
	resultsFlag = flag.String("results", "", "the file that gets the results of the run; a run that fails leaves it as it is")
	quickFlag   = flag.Bool("quick", false, "small models and few rounds: to see that everything runs")
)

// scaled is usual, and quick with -quick.
func scaled[T any](usual, quick T) T {
	if *quickFlag {
		return quick
	}
	return usual
}

// recorded is the results of this process.
var recorded results.Run

func record(t results.Table) { recorded.Tables = append(recorded.Tables, t) }

// parts are the benchmarks in the order in which results have them.
var parts = []string{"Load", "Admission", "Session", "Throughput", "Convert"}

// rank is the place of a table's benchmark among the parts.
func rank(t results.Table) int {
	part, _, _ := strings.Cut(t.Name, "/")
	return slices.Index(parts, part)
}

// skip ends a benchmark that cannot be measured here, and the results say why.
func skip(t testing.TB, why error) {
	t.Helper()
	recorded.Skipped = append(recorded.Skipped, results.Skipped{
		Name: strings.TrimPrefix(t.Name(), "Benchmark"), Why: why.Error(),
	})
	t.Skipf("not measured: %v", why)
}

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(jobVariable); ok {
		answer(text)
		return
	}
	flag.Parse()
	os.Exit(run(m))
}

// run is m.Run. With -results it begins only if every peer is there, and leaves
// the file if every one was measured.
func run(m *testing.M) int {
	if *resultsFlag == "" {
		return m.Run()
	}
	recorded.Date = time.Now().UTC().Truncate(time.Second)
	if err := missing(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if code := m.Run(); code != 0 {
		fmt.Fprintln(os.Stderr, "a benchmark failed: there are no results")
		return code
	}
	if err := writeResults(*resultsFlag); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func writeResults(path string) (err error) {
	var unmeasured, unknown error
	recorded.Peers, unmeasured = told(&recorded)
	recorded.Machine, unknown = thisMachine()
	recorded.Quick, recorded.Rounds = *quickFlag, *roundsFlag
	slices.SortStableFunc(recorded.Tables, func(a, b results.Table) int { return rank(a) - rank(b) })
	commit, err1 := exec.Command("git", "rev-parse", "HEAD").Output()
	changes, err2 := exec.Command("git", "status", "--porcelain").Output()
	recorded.Commit, recorded.Dirty = strings.TrimSpace(string(commit)), len(changes) > 0
	if err := errors.Join(unmeasured, unknown, err1, err2); err != nil {
		return fmt.Errorf("there are no results: %w", err)
	}
	return recorded.Write(path)
}
