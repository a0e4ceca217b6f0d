package benchmarks

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCPUModel(t *testing.T) {
	require.Equal(t, "A CPU, sha_ni, avx512f",
		cpuModel("processor\t: 0\nmodel name\t: A CPU\nflags\t\t: fpu sha_ni avx512f\n\nprocessor\t: 1\nmodel name\t: Another\n"))
	require.Contains(t, cpuModel("processor\t: 0\nFeatures\t: fp sha2 crc32\n"), ", sha2")
}

// The innermost mount counts, and of two on one place the later one.
func TestMountOf(t *testing.T) {
	const mountinfo = `22 1 254:0 / / rw - ext4 /dev/vda rw
23 22 0:5 / /dev rw - devtmpfs devtmpfs rw
24 23 0:6 / /dev/shm rw,nosuid shared:3 - tmpfs tmpfs rw
25 22 8:1 / /data rw - xfs /dev/sda1 rw
26 22 8:2 / /data rw - btrfs /dev/sda2 rw
`
	for path, want := range map[string][2]string{
		"/":            {"ext4", "254:0"},
		"/database":    {"ext4", "254:0"},
		"/dev/shm/a/b": {"tmpfs", "0:6"},
		"/data":        {"btrfs", "8:2"},
	} {
		kind, device := mountOf(mountinfo, path)
		require.Equal(t, want, [2]string{kind, device}, path)
	}
}

// A machine tells all of itself that results have.
func TestThisMachine(t *testing.T) {
	m, err := thisMachine()
	require.NoError(t, err)
	require.NotEmpty(t, m.CPU)
	require.Positive(t, m.Cores)
	require.Greater(t, m.Memory, int64(1<<28))
	require.Regexp(t, `^Linux \d`, m.Kernel)
	require.NotEmpty(t, m.Disk)
	require.Regexp(t, `^go1\.`, m.Go)
	for _, n := range coreCounts() {
		require.Less(t, n, m.Cores)
	}
}
