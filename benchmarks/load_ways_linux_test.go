package benchmarks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/loader"
)

// The ways of loading a model's files.
const (
	mmapUnverified   = "mmap, unverified"
	copyUnverified   = "copy, unverified"
	directUnverified = "copy by O_DIRECT, unverified"
	hashThenLoad     = "hash, then load"
	hashFresh        = "hash, then load, no kept memory"
	gatePinned       = "gate, pins"
	gateFresh        = "gate, pins, no kept memory"
	gateSHA256       = "gate, pins and sha256"
	gateFiles        = "gate, signed files"
	gateShards       = "gate, signed shards"
	gateSlowed       = "gate, pins, five times"
	leavesLimit      = "limit: leaves"
	chainLimit       = "limit: chain"
)

func loadWays() []way {
	return []way{
		{mmapUnverified, results.Unverified, here(prepareMmap)},
		{copyUnverified, results.Unverified, here(prepareCopy(readAll))},
		{directUnverified, results.Unverified, here(prepareCopy(readDirect))},
		{hashThenLoad, results.Unverified, here(prepareHashThenLoad)},
		{hashFresh, results.Unverified, here(prepareHashThenMap)},
		{gatePinned, results.Gate, here(prepareGate(modelName, true))},
		{gateFresh, results.Gate, here(prepareGate(modelName, false))},
		{gateSHA256, results.Gate, here(prepareGate(summedName, true))},
		{gateFiles, results.Gate, here(prepareGate(filesName, true))},
		{gateShards, results.Gate, here(prepareGate(shardsName, true))},
		{gateSlowed, results.Gate, here(prepareSlowed)},
		{leavesLimit, results.Limit, here(prepareLeaves)},
		{chainLimit, results.Limit, here(prepareChain)},
	}
}

// prepareMmap maps the files and touches every page of them.
func prepareMmap(j job) (func() (*held, error), error) {
	return func() (*held, error) {
		return overMappings(j, func(b []byte) (digest, error) {
			sum := byte(0)
			for at := 0; at < len(b); at += block {
				sum += b[at]
			}
			runtime.KeepAlive(sum)
			return func() (string, error) { return hexSum(bytes.NewReader(b)) }, nil
		})
	}, nil
}

// prepareCopy reads the files into memory that is kept.
func prepareCopy(read func(into []byte, path string, size int64) error) preparation {
	return func(j job) (func() (*held, error), error) {
		kept, err := keptFor(j)
		if err != nil {
			return nil, err
		}
		return func() (*held, error) { return j.copied(kept, read) }, nil
	}
}

// copied is the files in that memory.
func (j job) copied(into []kept, read func(into []byte, path string, size int64) error) (*held, error) {
	h := &held{copied: j.Workload.Bytes, release: func() error { return nil }}
	for i, k := range into {
		if err := read(k.room, j.path(j.Files[i]), k.size); err != nil {
			return nil, err
		}
		h.digests = append(h.digests, func() (string, error) { return hexSum(bytes.NewReader(k.room[:k.size])) })
	}
	return h, nil
}

// prepareHashThenLoad is what is done today: the files' SHA-256, then the load,
// which reads the files once more and knows nothing of the first time.
func prepareHashThenLoad(j job) (func() (*held, error), error) {
	load, err := prepareCopy(readAll)(j)
	if err != nil {
		return nil, err
	}
	return func() (*held, error) { return j.summedBefore(load) }, nil
}

// prepareHashThenMap is the same into memory of this load alone, as a gate that
// keeps none has it: the copy touches it first, on all cores.
func prepareHashThenMap(j job) (func() (*held, error), error) {
	return func() (*held, error) {
		return j.summedBefore(func() (*held, error) {
			fresh, b, err := mappedFor(j)
			if err != nil {
				return nil, err
			}
			h, err := j.copied(fresh, readAll)
			if err != nil {
				return nil, errors.Join(err, unix.Munmap(b))
			}
			h.release = func() error { return unix.Munmap(b) }
			return h, nil
		})
	}, nil
}

// summedBefore is the load behind a pass over the files. What it holds are the
// bytes of that pass, as far as anybody knows.
func (j job) summedBefore(load func() (*held, error)) (*held, error) {
	sums, err := summed(j)
	if err != nil {
		return nil, err
	}
	h, err := load()
	if err != nil {
		return nil, err
	}
	h.copied *= 2 // once through a buffer
	h.digests = sums
	return h, nil
}

// summed is the SHA-256 of each of the job's files, through a buffer.
func summed(j job) (sums []digest, err error) {
	for _, name := range j.Files {
		f, err := os.Open(j.path(name))
		if err != nil {
			return nil, err
		}
		sum, err := hexSum(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		sums = append(sums, func() (string, error) { return sum, nil })
	}
	return sums, nil
}

// prepareGate loads the model of that name through a gate.
func prepareGate(name string, keep bool) preparation {
	return func(j job) (func() (*held, error), error) {
		gate, err := j.gate(keep)
		if err != nil {
			return nil, err
		}
		return func() (*held, error) { return j.admitted(gate, name) }, nil
	}
}

// admitted loads the model of that name.
func (j job) admitted(gate *loader.Gate, name string) (*held, error) {
	m, err := gate.Load(context.Background(), name, loader.Dir(j.dirOf(name)))
	if err != nil {
		return nil, err
	}
	h := &held{copied: m.Report().Bytes, release: m.Close}
	for _, f := range j.Files {
		h.digests = append(h.digests, func() (string, error) { return hexSumOf(m.FS(), f) })
	}
	return h, nil
}

// prepareSlowed is a gate that is slower than any should be.
func prepareSlowed(j job) (func() (*held, error), error) {
	load, err := prepareGate(modelName, true)(j)
	if err != nil {
		return nil, err
	}
	return func() (*held, error) {
		for range 4 {
			h, err := load()
			if err != nil {
				return nil, err
			}
			if err := h.release(); err != nil {
				return nil, err
			}
		}
		return load()
	}, nil
}

// prepareLeaves is what the gate's hashing is held against: the same hashes of
// the same bytes on all cores, where they are, copied nowhere.
func prepareLeaves(j job) (func() (*held, error), error) {
	return func() (*held, error) {
		return overMappings(j, func(b []byte) (digest, error) {
			tree, err := fsverity(b)
			return func() (string, error) { return hex.EncodeToString(tree[:]), nil }, err
		})
	}, nil
}

// prepareChain is the same for the SHA-256 of whole files, which is serial.
func prepareChain(j job) (func() (*held, error), error) {
	return func() (*held, error) {
		return overMappings(j, func(b []byte) (digest, error) {
			sum := sha256.Sum256(b)
			return func() (string, error) { return hex.EncodeToString(sum[:]), nil }, nil
		})
	}, nil
}

// digest is that of one file.
type digest = func() (string, error)

// digested is all of them, apart by spaces.
func digested(all []digest) (string, error) {
	var sums []string
	for _, d := range all {
		sum, err := d()
		if err != nil {
			return "", err
		}
		sums = append(sums, sum)
	}
	return strings.Join(sums, " "), nil
}

// overMappings runs do over a mapping of each of the job's files.
func overMappings(j job, do func([]byte) (digest, error)) (*held, error) {
	var maps [][]byte
	h := &held{release: func() (err error) {
		for _, b := range maps {
			err = errors.Join(err, unix.Munmap(b))
		}
		return err
	}}
	for _, name := range j.Files {
		b, err := mapped(j.path(name))
		if err != nil {
			return nil, err
		}
		maps = append(maps, b)
		sum, err := do(b)
		if err != nil {
			return nil, err
		}
		h.digests = append(h.digests, sum)
	}
	return h, nil
}

// mapped is a file's mapping, which stays when the file is closed.
func mapped(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mapping(f)
}

func hexSumOf(files fs.FS, name string) (string, error) {
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return hexSum(f)
}

func hexSum(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}
