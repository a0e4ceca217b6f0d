package main

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestLookAt(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	root := fstest.MapFS{
		"proc/cpuinfo":               file("processor\t: 0\nmodel name\t: Some CPU\nmodel name\t: Some CPU\n"),
		"proc/meminfo":               file("MemTotal:       134217728 kB\nMemFree: 1 kB\n"),
		"proc/sys/kernel/osrelease":  file("6.18.44\n"),
		"proc/driver/nvidia/version": file("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build\nGCC version: gcc 13.2.0\n"),
		"proc/driver/nvidia/gpus/0000:01:00.0/information": file("Model: \t\t NVIDIA H200\nIRQ: 1\n"),
		"dev/nvidia0":                       file(""),
		"usr/local/nvidia/lib64/" + libcuda: file("elf"),
		"opt/elsewhere/" + libcuda:          file("elf"),
	}
	m := lookAt(root, nil, "")
	require.Empty(t, m.missing())
	require.Equal(t, []string{"/dev/nvidia0"}, m.devices)
	require.Equal(t, "/usr/local/nvidia/lib64", m.driver)
	require.Equal(t, "NVIDIA H200", m.GPU)
	require.Equal(t, "580.159.04", m.Driver)
	require.Equal(t, "Some CPU", m.CPU)
	require.Equal(t, int64(128<<30), m.Memory)
	require.Equal(t, "6.18.44", m.Kernel)

	m = lookAt(root, []string{"", "/opt/elsewhere"}, "NVIDIA H200, 580.159.03, 143771 MiB\nNVIDIA H200, 1, 2\n")
	require.Equal(t, "/opt/elsewhere", m.driver, "what the user names comes first")
	require.Equal(t, "NVIDIA H200, 143771 MiB", m.GPU)
	require.Equal(t, "580.159.03", m.Driver)
}

func TestMissingFromMachine(t *testing.T) {
	gpu, driver := "dev/nvidia3", "usr/lib/x86_64-linux-gnu/"+libcuda
	for _, c := range []struct {
		name  string
		files []string
		says  []string // how each line begins
	}{
		{"nothing", nil, []string{"no NVIDIA device: ", "no NVIDIA driver: "}},
		{"a GPU without its driver", []string{gpu}, []string{"no NVIDIA driver: "}},
		{"a driver without a GPU", []string{driver}, []string{"no NVIDIA device: "}},
		{"only the device of all GPUs", []string{"dev/nvidiactl", driver}, []string{"no NVIDIA device: "}},
		{"both", []string{gpu, driver}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for _, name := range c.files {
				root[name] = &fstest.MapFile{}
			}
			lines := lookAt(root, nil, "").missing()
			require.Len(t, lines, len(c.says))
			for i, says := range c.says {
				require.Regexp(t, "^"+says, lines[i])
			}
		})
	}
}
