//go:build cgo && linux

package gpu

import (
	"os"
	"slices"
	"strings"
)

// mappedCode are the files that this process has mapped as code, as the kernel
// names them, sorted.
func mappedCode() ([]string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	return parseMaps(string(maps)), nil
}

// parseMaps reads lines of address, permissions, offset, device, inode and
// name (proc_pid_maps(5)); what has no file has no name that begins with "/".
func parseMaps(maps string) []string {
	var files []string
	for line := range strings.Lines(maps) {
		fields := strings.Fields(line)
		if len(fields) < 6 || !strings.Contains(fields[1], "x") || !strings.HasPrefix(fields[5], "/") {
			continue
		}
		files = append(files, strings.TrimSuffix(line[strings.Index(line, "/"):], "\n"))
	}
	slices.Sort(files)
	return slices.Compact(files)
}
