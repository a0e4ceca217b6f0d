package loader

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// counter is a process that adds to the number n of the State at path, so often
// or, for 0, until it is killed.
func counter(times int, path string) *exec.Cmd {
	c := exec.Command(os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), fmt.Sprintf("%s=count:%d:%s", spoilEnv, times, path))
	return c
}

// countUp is what a child process does: it adds to n, and prints each number
// once it is stored, until it has done so as often as it should or is killed.
func countUp(arg string) {
	times, path, _ := strings.Cut(arg, ":")
	n, _ := strconv.Atoi(times)
	for i := 0; n == 0 || i < n; i++ {
		if err := countOne(FileState(path)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("stored")
	}
}

// Two processes that count together lose no number.
func TestFileStateOfTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	one, two := counter(25, path), counter(25, path)
	require.NoError(t, one.Start())
	require.NoError(t, two.Start())
	require.NoError(t, one.Wait())
	require.NoError(t, two.Wait())
	n, err := FileState(path).Load(context.Background(), "n")
	require.NoError(t, err)
	require.EqualValues(t, 50, n)
}

// A writer that is killed leaves a number that was stored or the one after it,
// and locks nobody out.
func TestFileStateSurvivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for round := range 8 {
		before, err := FileState(path).Load(context.Background(), "n")
		require.NoError(t, err)
		c := counter(0, path)
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		lines, stored := bufio.NewScanner(out), uint64(0)
		for lines.Scan() {
			require.Equal(t, "stored", lines.Text())
			if stored++; stored == uint64(round+1) {
				require.NoError(t, c.Process.Kill())
			}
		}
		require.Error(t, c.Wait()) // killed
		after, err := FileState(path).Load(context.Background(), "n")
		require.NoError(t, err)
		require.GreaterOrEqual(t, after, before+stored)
		require.LessOrEqual(t, after, before+stored+1)
	}
	require.NoError(t, countOne(FileState(path)))
}
