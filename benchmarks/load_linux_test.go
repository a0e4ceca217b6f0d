package benchmarks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// BenchmarkLoad measures every workload, and the main one also cold and by
// numbers of cores.
func BenchmarkLoad(b *testing.B) {
	main := oneFile()
	b.Run("one_file", func(b *testing.B) {
		j := main.job(b)
		b.Run("warm", func(b *testing.B) { j.benchmark(b, loads(main, j, allWarm()).thorough()) })
		b.Run("cold", func(b *testing.B) {
			j := j
			j.Cold = true
			j.benchmark(b, coldLoads(main, j).thorough())
		})
		for _, n := range coreCounts() {
			b.Run(fmt.Sprintf("cores_%d", n), func(b *testing.B) {
				j := j
				j.Cores = n
				j.benchmark(b, loads(main, j, []string{copyUnverified, hashThenLoad, gatePinned, gateSHA256, leavesLimit, chainLimit, b3sum}).unmarked())
			})
		}
	})
	for _, w := range workloads() {
		b.Run(strings.ReplaceAll(strings.ReplaceAll(w.name, ",", ""), " ", "_"), func(b *testing.B) {
			j := w.job(b)
			b.Run("warm", func(b *testing.B) { j.benchmark(b, loads(w, j, j.usualWarm())) })
			if w.name == "shards" {
				b.Run("cold", func(b *testing.B) {
					j := j
					j.Cold = true
					j.benchmark(b, coldLoads(w, j))
				})
			}
		})
	}
}

// allWarm is every way of loading a warm file, and every peer on it.
func allWarm() []string {
	return []string{
		mmapUnverified, copyUnverified, hashThenLoad, hashFresh,
		gatePinned, gateFresh, gateSHA256, gateFiles, gateShards,
		leavesLimit, chainLimit,
		pythonSafeOpen, pythonLoadFile, pythonLoadCopies, modelSigningFiles, modelSigningShards, startOfModelSigning, sha256sum, openssl, b3sum,
	}
}

// usualWarm is those of them that say something of this model.
func (j job) usualWarm() []string {
	return slices.DeleteFunc(allWarm(), func(way string) bool {
		switch way {
		case hashFresh, gateFresh, modelSigningShards, startOfModelSigning:
			return true
		case pythonSafeOpen, pythonLoadFile, pythonLoadCopies:
			return len(j.paths(".safetensors")) == 0
		}
		return false
	})
}

// loads is a table of warm loads.
func loads(w workload, j job, ways []string) table {
	const ahead = "warm load with pins, against "
	t := table{
		title: "Load of " + w.title,
		ways:  ways,
		comparisons: []comparison{
			{"gate/leaves", gatePinned, []string{leavesLimit}, 0.90, "warm load with pins, against crypto/sha256 leaves on all cores without the copy"},
			{"sha256/chain", gateSHA256, []string{chainLimit}, 0.95, "warm load with pins and the file's SHA-256, against one serial chain"},
			{"gate/hash-then-load", gatePinned, []string{hashThenLoad}, 1, ahead + "hash-then-load"},
			{"fresh/hash-then-load", gateFresh, []string{hashFresh}, 1, ahead + "hash-then-load, both without kept memory"},
			{"sha256/hash-then-load", gateSHA256, []string{hashThenLoad}, 1, ""},
			{"files/hash-then-load", gateFiles, []string{hashThenLoad}, 1, ""},
			{"shards/hash-then-load", gateShards, []string{hashThenLoad}, 1, ""},
			{"files/model_signing", gateFiles, []string{modelSigningFiles}, 1, "warm load with a signature over files, against model_signing verify"},
			{"shards/model_signing", gateShards, []string{modelSigningShards}, 1, "warm load with a signature over shards, against model_signing on them"},
			{"gate/sha256sum", gatePinned, []string{sha256sum}, 1, ahead + "sha256sum"},
			{"gate/openssl", gatePinned, []string{openssl}, 1, ahead + "openssl dgst"},
			against("sha256/sha256sum", gateSHA256, sha256sum),
			against("sha256/openssl", gateSHA256, openssl),
			against("gate/b3sum", gatePinned, b3sum),
			against("gate/mmap", gatePinned, mmapUnverified),
			against("gate/copy", gatePinned, copyUnverified),
			against("fresh/leaves", gateFresh, leavesLimit),
			against("gate/safe_open", gatePinned, pythonSafeOpen),
			against("gate/load_file", gatePinned, pythonLoadFile),
			against("gate/load_file-clone", gatePinned, pythonLoadCopies),
		},
		bounds: []bound{memoryOver(gatePinned, j.Workload.Bytes, "memory of a load, beside the model's bytes")},
	}
	return t.without(slices.DeleteFunc(names(), func(way string) bool { return slices.Contains(ways, way) }))
}

// thorough is the table with more rounds than others have.
func (t table) thorough() table {
	t.rounds = 5
	return t
}

// coldLoads is a table of loads from storage.
func coldLoads(w workload, j job) table {
	unverified := []string{mmapUnverified, copyUnverified, directUnverified}
	return table{
		title: "Load of " + w.title,
		ways:  append(unverified, hashThenLoad, gatePinned, gateFiles, gateShards, b3sum),
		comparisons: []comparison{
			{"gate/fastest", gatePinned, unverified, 1 / 1.10, "cold load with pins, against the fastest unverified read of the disk"},
			{"gate/mmap", gatePinned, []string{mmapUnverified}, 1, "cold load with pins, against an unverified mmap load"},
			{"gate/hash-then-load", gatePinned, []string{hashThenLoad}, 1, "cold load with pins, against hash-then-load"},
			against("gate/copy", gatePinned, copyUnverified),
			against("gate/O_DIRECT", gatePinned, directUnverified),
		},
	}
}

// names is the name of every way.
func names() (all []string) {
	for _, w := range ways() {
		all = append(all, w.name)
	}
	return all
}

func milliseconds(s sample) float64 { return 1e3 * s.Seconds }

// memoryOver is the bound on what a way that keeps so many bytes takes besides,
// its process included. Pages of the page cache are not counted: the kernel
// takes them back without asking.
func memoryOver(way string, keeps int64, goal string) bound {
	return bound{
		way: way, unit: "MiB of anonymous and shared memory beside the bytes kept", most: 64, watched: true, goal: goal,
		number: func(s sample) float64 { return float64(s.Anon+s.Shared-keeps) / (1 << 20) },
	}
}

// BenchmarkAdmission measures small loads, many in a process.
func BenchmarkAdmission(b *testing.B) {
	j := oneMebibyte().job(b)
	j.Repeat = 100
	j.benchmark(b, admissions())
}

func admissions() table {
	return table{
		title: "Admission of 1 MiB, no recorder, median of 100 in a process",
		ways:  []string{copyUnverified, hashThenLoad, gatePinned, gateFresh, gateFiles},
		comparisons: []comparison{
			against("gate/hash-then-load", gatePinned, hashThenLoad),
		},
		bounds: []bound{
			{way: gatePinned, unit: "ms", most: 3, number: milliseconds, goal: "admission of a model of 1 MiB"},
			{way: gateFiles, unit: "ms", most: 3, number: milliseconds},
		},
	}
}
