package main

import (
	"bufio"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// A machine is what a check ran on.
type machine struct {
	GPU    string `json:"gpu"`
	Driver string `json:"driver"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory"` // in bytes
	Kernel string `json:"kernel"`

	devices []string // /dev/nvidia0, …
	driver  string   // directory of libcuda.so.1
}

// libcuda is the driver's own library, which no package brings.
const libcuda = "libcuda.so.1"

// driverDirs are where drivers put libcuda, from the root.
func driverDirs() []string {
	return []string{
		"usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib",
		"usr/local/nvidia/lib64", "usr/local/nvidia/lib", "usr/lib/wsl/lib", "usr/local/cuda/compat",
	}
}

var versionNumber = regexp.MustCompile(`\b\d+\.\d+(\.\d+)?\b`)

// lookAt reads what the system beneath root tells of itself. search are further
// directories for libcuda; ask is what nvidia-smi tells, or empty.
func lookAt(root fs.FS, search []string, ask string) machine {
	m := machine{Cores: runtime.NumCPU(), CPU: field(root, "proc/cpuinfo", "model name"), Kernel: firstLine(root, "proc/sys/kernel/osrelease")}
	kilobytes, _, _ := strings.Cut(field(root, "proc/meminfo", "MemTotal"), " ")
	if n, err := strconv.ParseInt(kilobytes, 10, 64); err == nil {
		m.Memory = n << 10
	}
	devices, _ := fs.Glob(root, "dev/nvidia[0-9]*") // the pattern is right
	for _, d := range devices {
		m.devices = append(m.devices, "/"+d)
	}
	m.Driver = versionNumber.FindString(firstLine(root, "proc/driver/nvidia/version"))
	if gpus, _ := fs.Glob(root, "proc/driver/nvidia/gpus/*/information"); len(gpus) > 0 {
		m.GPU = field(root, gpus[0], "Model")
	}
	if told := strings.Split(strings.SplitN(strings.TrimSpace(ask), "\n", 2)[0], ", "); len(told) == 3 {
		m.GPU, m.Driver = told[0]+", "+told[2], told[1]
	}
	for _, dir := range slices.Concat(search, driverDirs()) {
		dir = strings.TrimPrefix(dir, "/")
		if info, err := fs.Stat(root, path.Join(dir, libcuda)); err == nil && !info.IsDir() {
			m.driver = "/" + dir
			break
		}
	}
	return m
}

// lookHere is lookAt of this machine.
func lookHere(ctx context.Context) machine {
	smi, err := exec.LookPath("nvidia-smi")
	if err != nil {
		smi = "/usr/local/nvidia/bin/nvidia-smi"
	}
	told, err := exec.CommandContext(ctx, smi, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader").Output()
	if err != nil {
		told = nil // what it does not tell stays unknown
	}
	return lookAt(os.DirFS("/"), filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), string(told))
}

// missing says, a line each, what a CUDA session lacks on this machine.
func (m machine) missing() (lines []string) {
	if len(m.devices) == 0 {
		lines = append(lines, "no NVIDIA device: there is no /dev/nvidia0; run this on a machine with an NVIDIA GPU, and in a container that was given it")
	}
	if m.driver == "" {
		lines = append(lines, "no NVIDIA driver: "+libcuda+" was not found; install the driver (for CUDA 13: 580 or newer), or name its directory in LD_LIBRARY_PATH")
	}
	return lines
}

func firstLine(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// field is the value of the first line "key: value" in a file.
func field(root fs.FS, name, key string) string {
	f, err := root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
