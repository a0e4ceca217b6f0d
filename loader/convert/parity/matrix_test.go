//go:build parity && linux && amd64

package parity_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var matrix = flag.String("matrix", "", "`directories` that matrix.py wrote, separated by commas")

// TestMatrix compares every checkpoint of every matrix, and prints how many
// fared how. A difference that nobody explained fails it, and so does, if there
// is a matrix of each version, an explanation of what no longer differs.
func TestMatrix(t *testing.T) {
	require.NotEmpty(t, *matrix, "nothing to compare: make parity")
	var table strings.Builder
	versions := map[string]bool{}
	for _, dir := range strings.Split(*matrix, ",") {
		count := map[result]int{}
		list := checkpoints(t, dir)
		for _, c := range list {
			t.Run(c.Torch+"/"+c.name, func(t *testing.T) {
				result, why := c.judge(t)
				count[result]++
				if result == different {
					t.Error(why)
				}
			})
		}
		versions[list[0].Torch] = true
		fmt.Fprintf(&table, "%-10s %5d checkpoints %5d equal %5d explained %5d different\n",
			list[0].Torch, len(list), count[equal], count[explained], count[different])
	}
	for _, e := range explanations {
		if !e.used && len(versions) == len(fixtures(t)) {
			t.Errorf("%s: nothing differs like this any more: %s", e.cases, e.why)
		}
	}
	t.Log("\n" + table.String())
}
