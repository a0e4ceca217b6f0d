package memory

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const (
	mountsV2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	mountsV1 = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n" +
		"34 31 0:31 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n" +
		"35 31 0:32 / /sys/fs/cgroup/memory rw shared:8 master:1 - cgroup cgroup rw,memory\n" +
		"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	meminfo = "MemTotal:       16384 kB\nMemFree:          100 kB\nMemAvailable:    8192 kB\n"
)

func TestAvailableFixtures(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64 // -1: not known
	}{
		{"no meminfo", map[string]string{"proc/self/cgroup": "0::/\n"}, -1},
		{"old meminfo", map[string]string{"proc/meminfo": "MemTotal: 1 kB\nMemFree: 1 kB\n"}, -1},
		{"not a number", map[string]string{"proc/meminfo": "MemAvailable: all kB\n"}, -1},
		{"too large a number", map[string]string{"proc/meminfo": "MemAvailable: 9223372036854775807 kB\n"}, -1},
		{"other unit", map[string]string{"proc/meminfo": "MemAvailable: 8 MB\n"}, -1},
		{"no groups", map[string]string{"proc/meminfo": meminfo}, 8 << 20},
		{"v2, no limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV2, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.current": "5\n",
		}, 8 << 20},
		{"v2, own limit less usage, cache is free", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV2, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "1000\n", "sys/fs/cgroup/a/b/memory.current": "700\n",
			"sys/fs/cgroup/a/b/memory.stat": "anon 300\ninactive_anon 9\ninactive_file 250\nactive_file 50\n",
		}, 600},
		{"v2, an ancestor has less", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV2, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "1000\n", "sys/fs/cgroup/a/b/memory.current": "700\n",
			"sys/fs/cgroup/a/memory.max": "2000\n", "sys/fs/cgroup/a/memory.current": "1990\n",
		}, 10},
		{"v2, over its limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV2, "proc/self/cgroup": "0::/a\n",
			"sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/memory.current": "1001\n",
		}, 0},
		{"v2, more cache than usage", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV2, "proc/self/cgroup": "0::/a\n",
			"sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/memory.current": "10\n",
			"sys/fs/cgroup/a/memory.stat": "inactive_file 50\nactive_file 50\n",
		}, 1000},
		{"v2, in a namespace", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV2, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "1000\n", "sys/fs/cgroup/memory.current": "1\n",
		}, 999},
		{"v2, the machine's names in a container", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/docker/1/app\n",
			"proc/self/mountinfo":          "29 23 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/app/memory.max": "1000\n", "sys/fs/cgroup/app/memory.current": "1\n",
			"sys/fs/cgroup/memory.max": "500\n", "sys/fs/cgroup/memory.current": "1\n",
		}, 499},
		{"v2, a group that the mount does not show", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../other\n",
			"proc/self/mountinfo":      "29 23 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/memory.max": "500\n", "sys/fs/cgroup/memory.current": "1\n",
		}, 499},
		{"v1 and v2 mounted, v1 counts memory", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV1,
			"proc/self/cgroup": "9:name=systemd:/\n4:memory:/job/x\n1:cpu:/job\n0::/\n",
			"sys/fs/cgroup/memory/job/x/memory.limit_in_bytes": "9223372036854771712\n",
			"sys/fs/cgroup/memory/job/x/memory.usage_in_bytes": "4096\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes":   "5000\n",
			"sys/fs/cgroup/memory/job/memory.usage_in_bytes":   "4096\n",
			"sys/fs/cgroup/memory/job/memory.stat":             "inactive_file 7\ntotal_inactive_file 100\ntotal_active_file 50\n",
		}, 1054},
		{"v1, controllers together", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:hugetlb,memory:/\n",
			"proc/self/mountinfo":                 "35 31 0:32 / /cg rw - cgroup cgroup rw,hugetlb,memory\n",
			"cg/memory.limit_in_bytes":            "300\n",
			"cg/memory.usage_in_bytes":            "100\n",
			"sys/fs/cgroup/memory.limit_in_bytes": "1\n", "sys/fs/cgroup/memory.usage_in_bytes": "1\n",
		}, 200},
		{"a limit that is not a number", map[string]string{
			"proc/meminfo": meminfo, "proc/self/mountinfo": mountsV2, "proc/self/cgroup": "0::/a\nx\n",
			"sys/fs/cgroup/a/memory.max": "-5\n", "sys/fs/cgroup/a/memory.current": "1\n",
		}, 8 << 20},
	} {
		fsys := fstest.MapFS{}
		for name, content := range c.files {
			fsys[name] = &fstest.MapFile{Data: []byte(content)}
		}
		got, ok := available(fsys)
		require.Equal(t, c.want >= 0, ok, c.name)
		require.Equal(t, max(0, c.want), got, c.name)
	}
}

func TestAvailableHere(t *testing.T) {
	n, ok := Available()
	require.True(t, ok)
	require.Positive(t, n)
	require.Less(t, n, int64(1)<<50)
}
