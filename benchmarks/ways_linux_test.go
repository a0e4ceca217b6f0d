package benchmarks

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	"github.com/weightgate/weightgate/formats/all"
)

// little is a model of two shards, an index and a file of less than one block.
func little() workload {
	return workload{"little", "a little model", onlySafetensors + `, companions: ["*.json"]`, func(t testing.TB, dir string) {
		writeShards(t, dir, 2, mebibyte().tensors())
	}}
}

// Every way holds the bytes that were written, and says truly what it read.
func TestLoadWays(t *testing.T) {
	for _, w := range []workload{oneMebibyte(), little()} {
		j := w.job(t)
		size := j.Workload.Bytes
		var sums, trees []string
		for _, f := range measured(t, j.Dir, all.Formats()) {
			sums, trees = append(sums, f.SHA256.String()), append(trees, f.Verity.String())
		}
		sha256, verity := strings.Join(sums, " "), strings.Join(trees, " ")
		j.Tools.SHA256Sum = "sha256sum"
		for _, c := range []struct {
			way    string
			digest string
			copied int64
			reads  bool // with read calls
		}{
			{mmapUnverified, sha256, 0, false},
			{copyUnverified, sha256, size, true},
			{hashThenLoad, sha256, 2 * size, true},
			{hashFresh, sha256, 2 * size, true},
			{gatePinned, sha256, size, false},
			{gateFresh, sha256, size, false},
			{gateSHA256, sha256, size, false},
			{gateFiles, sha256, size, false},
			{gateShards, sha256, size, false},
			{gateSlowed, sha256, size, false},
			{leavesLimit, verity, 0, false},
			{chainLimit, sha256, 0, false},
			{sha256sum, sha256, -1, false},
		} {
			t.Run(w.name+"/"+c.way, func(t *testing.T) {
				j := j
				j.Way, j.Check = c.way, true
				s, err := j.inChild()
				require.NoError(t, err)
				require.Equal(t, c.digest, s.Digest)
				require.Equal(t, c.copied, s.Copied)
				require.Positive(t, s.Seconds)
				require.GreaterOrEqual(t, s.Peak, s.Before)
				if c.reads {
					require.GreaterOrEqual(t, s.Read, c.copied)
				}
			})
		}
	}
}

// A way keeps memory for the whole model, touched before its clock starts, or
// none: what its name says.
func TestKeptMemory(t *testing.T) {
	j := workload{"kept", "one file of some 64 MiB", onlySafetensors, func(t testing.TB, dir string) {
		writeTensors(t, dir, weightsName, graphs.Seeded(), manySmall(16384))
	}}.job(t)
	require.Greater(t, j.Workload.Bytes, int64(64<<20))
	for _, way := range loadWays() {
		if way.name == directUnverified { // where the disk has it: the same as the copy
			continue
		}
		t.Run(way.name, func(t *testing.T) {
			j := j
			j.Way = way.name
			s, err := j.inChild()
			require.NoError(t, err)
			switch way.name {
			case copyUnverified, hashThenLoad, gatePinned, gateSHA256, gateFiles, gateShards, gateSlowed:
				require.GreaterOrEqual(t, s.Before, j.Workload.Bytes)
			default:
				require.Less(t, s.Before, j.Workload.Bytes)
			}
		})
	}
}

// Past the page cache come the bytes that were written, a last block that is
// not whole among them; a file system that cannot do it says so.
func TestDirectWay(t *testing.T) {
	j := oneMebibyte().job(t)
	j.Check, j.Way = true, copyUnverified
	want, err := j.inChild()
	require.NoError(t, err)
	require.NotZero(t, j.Workload.Bytes%block)
	j.Way, j.Cold = directUnverified, true
	got, err := j.inChild()
	if err != nil {
		require.ErrorIs(t, err, errNotCold)
		return
	}
	require.Equal(t, want.Digest, got.Digest)
	require.GreaterOrEqual(t, got.Disk, j.Workload.Bytes)
}

// A sample of a way that nobody knows, or of a file that is not there, is an
// error of the parent.
func TestChildFails(t *testing.T) {
	j := oneMebibyte().job(t)
	j.Way = "magic"
	_, err := j.inChild()
	require.ErrorContains(t, err, "magic")

	j.Way, j.Files = copyUnverified, []string{"other.safetensors"}
	_, err = j.inChild()
	require.ErrorContains(t, err, "no such file")
}

// A page cache that has a file and one that has dropped it are told apart; a
// place that cannot drop it says so.
func TestColdIsCold(t *testing.T) {
	j := oneMebibyte().job(t)
	j.Way, j.Cold = copyUnverified, true
	s, err := j.inChild()
	if err != nil {
		require.ErrorIs(t, err, errNotCold)
		return
	}
	require.GreaterOrEqual(t, s.Disk, j.Workload.Bytes)
	j.Cold = false
	s, err = j.inChild()
	require.NoError(t, err)
	require.Less(t, s.Disk, j.Workload.Bytes)
}

// A child runs on the cores that it is to have, and its parent on all of its own
// afterwards.
func TestOnCores(t *testing.T) {
	for _, c := range []struct{ cores, want int }{{1, 1}, {0, runtime.NumCPU()}, {1 << 20, runtime.NumCPU()}} {
		require.NoError(t, onCores(c.cores, func() error {
			said, err := exec.Command("nproc").Output()
			require.Equal(t, fmt.Sprintln(c.want), string(said))
			return err
		}))
	}
}

// A watched sample tells what was resident while it ran, and was given back.
func TestWatchedMemory(t *testing.T) {
	j := oneMebibyte().job(t)
	j.Way, j.Watch = gatePinned, true
	s, err := j.inChild()
	require.NoError(t, err)
	require.Greater(t, s.Anon, j.Workload.Bytes)
	require.GreaterOrEqual(t, s.Peak, s.Anon)
}

// A table without a way tells nothing of it.
func TestTableWithout(t *testing.T) {
	full := table{
		ways:        []string{"a", "b", "c"},
		comparisons: []comparison{against("a/b", "a", "b"), against("a/c", "a", "c"), {metric: "a/both", way: "a", bases: []string{"c", "b"}}},
		bounds:      []bound{{way: "b"}, {way: "c"}},
	}
	less := full.without([]string{"b"})
	require.Equal(t, []string{"a", "c"}, less.ways)
	require.Equal(t, []comparison{against("a/c", "a", "c")}, less.comparisons)
	require.Len(t, less.bounds, 1)
	require.Len(t, full.ways, 3)
}

// Models have the sizes that tables claim.
func TestLayouts(t *testing.T) {
	require.InEpsilon(t, 1<<30, bytesOf(halfWidth(4).tensors()), 1e-3)
	require.InEpsilon(t, 1<<20, bytesOf(mebibyte().tensors()), 1e-2)
	require.Equal(t, transformer{32000, 4096, 11008, 32}, fullWidth(1<<40))
	require.EqualValues(t, 1, fullWidth(1).blocks)
	some := fullWidth(4 << 30)
	require.LessOrEqual(t, bytesOf(some.tensors()), int64(4<<30))
	some.blocks++
	require.Greater(t, bytesOf(some.tensors()), int64(4<<30))
	require.EqualValues(t, 32768*4096, bytesOf(manySmall(32768)))
}
