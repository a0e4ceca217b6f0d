package hashing

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkRatios measures all ways in interleaved rounds of one run, so that
// the ratios hold on a machine whose clock drifts.
func BenchmarkRatios(b *testing.B) {
	const size = 64 << 20
	content := stream(size)
	tree := NewTree(size)
	ways := []struct {
		metric string
		hash   func()
		spent  time.Duration
	}{
		{metric: "chain", hash: func() { NewChain(size).Write(content) }},
		{metric: "leaves/chain", hash: func() {
			var hashes [Block]byte
			for at := 0; at < size; at += Chunk {
				leaves(&hashes, content[at:at+Chunk])
			}
		}},
		{metric: "tree/chain", hash: func() { onCores(1, tree, content) }},
		{metric: "tree-all-cores/chain", hash: func() { onCores(runtime.GOMAXPROCS(0), tree, content) }},
	}
	b.SetBytes(int64(len(ways)) * size)
	for b.Loop() {
		for i := range ways {
			start := time.Now()
			ways[i].hash()
			ways[i].spent += time.Since(start)
		}
	}
	for _, w := range ways[1:] {
		b.ReportMetric(float64(ways[0].spent)/float64(w.spent), w.metric)
	}
}

// onCores hashes content as the loader does: each worker takes the next chunk.
func onCores(workers int, tree *Tree, content []byte) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < Chunks(tree.Size()); i = next.Add(1) - 1 {
				tree.Hash(i, content[i*Chunk:(i+1)*Chunk])
			}
		})
	}
	wg.Wait()
}

func BenchmarkLeaves(b *testing.B) {
	chunk := stream(Chunk)
	var hashes [Block]byte
	b.SetBytes(Chunk)
	for b.Loop() {
		leaves(&hashes, chunk)
	}
}

func BenchmarkTree(b *testing.B) {
	chunk := stream(Chunk)
	tree := NewTree(Chunk)
	b.SetBytes(Chunk)
	b.ReportAllocs()
	for b.Loop() {
		tree.Hash(0, chunk)
	}
}

func BenchmarkChain(b *testing.B) {
	chunk := stream(Chunk)
	h := sha256.New()
	b.SetBytes(Chunk)
	for b.Loop() {
		h.Write(chunk)
	}
}
