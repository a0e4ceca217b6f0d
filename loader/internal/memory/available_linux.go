package memory

import (
	"bytes"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Available is how many bytes this process can still take before the machine
// or one of its control groups has no more: the least of what /proc/meminfo
// calls available and of limit less usage in each group up to the root of the
// hierarchy. File cache counts as free, since it is dropped first. It is false
// if the system does not say.
func Available() (int64, bool) { return available(os.DirFS("/")) }

func available(fsys fs.FS) (int64, bool) {
	left, ok := memAvailable(fsys)
	if !ok {
		return 0, false
	}
	for _, g := range memoryGroups(fsys) {
		for dir := g.dir; ; dir = path.Dir(dir) {
			if n, ok := g.left(fsys, dir); ok {
				left = min(left, n)
			}
			if dir == g.mount || dir == "." {
				break
			}
		}
	}
	return left, true
}

// memAvailable reads MemAvailable, in KiB
// (https://docs.kernel.org/filesystems/proc.html#meminfo).
func memAvailable(fsys fs.FS) (int64, bool) {
	for line := range lines(fsys, "proc/meminfo") {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemAvailable:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 53)
			return n << 10, err == nil && n >= 0
		}
	}
	return 0, false
}

// A group is the control group of this process in one hierarchy that can limit
// memory, and the names of the files in it.
type group struct {
	mount, dir          string // dir lies in mount, or is it
	limit, usage, cache string // cache is how the lines of memory.stat begin
}

// memoryGroups finds this process in the second version of control groups
// (https://docs.kernel.org/admin-guide/cgroup-v2.html#memory) and in the first
// (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html); a machine may
// have both mounted.
func memoryGroups(fsys fs.FS) []group {
	var v1, v2 string // of this process, beneath the root of its hierarchy
	for line := range lines(fsys, "proc/self/cgroup") {
		// hierarchy:controllers:path
		f := strings.SplitN(line, ":", 3)
		switch {
		case len(f) < 3:
		case f[0] == "0" && f[1] == "":
			v2 = f[2]
		case slices.Contains(strings.Split(f[1], ","), "memory"):
			v1 = f[2]
		}
	}
	var groups []group
	for line := range lines(fsys, "proc/self/mountinfo") {
		// id parent device root mount options [tags] - type source options
		before, after, ok := strings.Cut(line, " - ")
		f, t := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(t) < 3 {
			continue
		}
		root, mount := f[3], strings.TrimPrefix(f[4], "/")
		switch {
		case t[0] == "cgroup2" && v2 != "":
			groups = append(groups, group{mount: mount, dir: within(mount, root, v2),
				limit: "memory.max", usage: "memory.current"})
		case t[0] == "cgroup" && v1 != "" && slices.Contains(strings.Split(t[2], ","), "memory"):
			groups = append(groups, group{mount: mount, dir: within(mount, root, v1),
				limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", cache: "total_"})
		}
	}
	return groups
}

// within is where a mount of root shows a group. A group that it does not show
// lies above it, as in a container that sees the machine's names: then the
// mount itself is the group.
func within(mount, root, name string) string {
	rest, ok := strings.CutPrefix(path.Clean("/"+name)+"/", strings.TrimSuffix(root, "/")+"/")
	if !ok {
		return mount
	}
	return path.Join(mount, rest)
}

// left is what one group still has. It is false for a group without a limit.
func (g group) left(fsys fs.FS, dir string) (int64, bool) {
	limit, ok := number(fsys, path.Join(dir, g.limit))
	if !ok {
		return 0, false
	}
	usage, ok := number(fsys, path.Join(dir, g.usage))
	if !ok {
		return 0, false
	}
	for line := range lines(fsys, path.Join(dir, "memory.stat")) {
		key, value, _ := strings.Cut(line, " ")
		if key == g.cache+"inactive_file" || key == g.cache+"active_file" {
			n, _ := strconv.ParseInt(value, 10, 64)
			usage -= max(0, min(n, usage))
		}
	}
	return max(0, limit-usage), true
}

// number reads a file of one number that is not negative; "max" is none.
func number(fsys fs.FS, name string) (int64, bool) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	return n, err == nil && n >= 0
}

// lines yields the lines of a file, none of use if it cannot be read.
func lines(fsys fs.FS, name string) iter.Seq[string] {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return strings.SplitSeq("", "\n")
	}
	return strings.SplitSeq(string(b), "\n")
}
