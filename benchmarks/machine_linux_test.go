package benchmarks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// thisMachine is what results say of the machine.
func thisMachine() (results.Machine, error) {
	info, err1 := os.ReadFile("/proc/cpuinfo")
	memory, err2 := memoryTotal()
	kernel, err3 := os.ReadFile("/proc/sys/kernel/osrelease")
	disk, err4 := diskOf(modelsDir())
	return results.Machine{
		CPU:   cpuModel(string(info)),
		Cores: runtime.NumCPU(), Memory: memory,
		Kernel: "Linux " + strings.TrimSpace(string(kernel)),
		Disk:   disk, Go: runtime.Version() + " " + runtime.GOARCH,
	}, errors.Join(err1, err2, err3, err4)
}

// modelsDir is where models are made.
func modelsDir() string {
	if *dirFlag != "" {
		return *dirFlag
	}
	return os.TempDir()
}

func memoryTotal() (int64, error) {
	m, err := fields("/proc/meminfo") // KiB
	return m["MemTotal"] << 10, err
}

// cpuModel is the processor's name, with the extensions that digests live on:
// names of virtual machines do not tell them.
func cpuModel(cpuinfo string) string {
	told := map[string]string{}
	for line := range strings.Lines(cpuinfo) {
		name, value, _ := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); told[name] == "" {
			told[name] = strings.TrimSpace(value)
		}
	}
	model := told["model name"]
	if model == "" {
		model = runtime.GOARCH
	}
	flags := " " + told["flags"] + told["Features"] + " "
	for _, f := range []string{"sha_ni", "sha2", "avx512f"} {
		if strings.Contains(flags, " "+f+" ") {
			model += ", " + f
		}
	}
	return model
}

// diskOf is the file system of a directory, and the block device under it.
func diskOf(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	kind, device := mountOf(string(mounts), path)
	at := filepath.Join("/sys/dev/block", device)
	node, err := filepath.EvalSymlinks(at)
	if err != nil {
		return kind, nil // no block device: a tmpfs, an overlay
	}
	spinning, err := os.ReadFile(filepath.Join(node, "queue/rotational"))
	if err != nil { // of a partition, the disk has the queue
		spinning, err = os.ReadFile(filepath.Join(filepath.Dir(node), "queue/rotational"))
	}
	name, media := filepath.Base(node), "solid state"
	switch {
	case strings.HasPrefix(name, "vd") || strings.HasPrefix(name, "xvd"):
		media = "virtual"
	case err == nil && strings.TrimSpace(string(spinning)) == "1":
		media = "rotating"
	}
	return fmt.Sprintf("%s on %s, %s", kind, name, media), nil
}

// mountOf is the file system of the innermost mount above path, and its
// device's numbers (https://docs.kernel.org/filesystems/proc.html, 3.5).
func mountOf(mountinfo, path string) (kind, device string) {
	longest := -1
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(g) < 1 {
			continue
		}
		inside := f[4] == "/" || path == f[4] || strings.HasPrefix(path, f[4]+"/")
		if inside && len(f[4]) >= longest {
			longest, kind, device = len(f[4]), g[0], f[2]
		}
	}
	return kind, device
}

// coreCounts are the numbers of cores, below all of them, that are measured
// apart: powers of two.
func coreCounts() (all []int) {
	var mine unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		return nil
	}
	for n := 1; n < mine.Count(); n *= 2 {
		all = append(all, n)
	}
	return all
}
