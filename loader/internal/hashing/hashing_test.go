package hashing

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/manifest"
)

// stream is the first size bytes of splitmix64(0), splitmix64(1), …
func stream(size int64) []byte {
	p := make([]byte, (size+7)/8*8)
	for i := range len(p) / 8 {
		z := uint64(i+1) * 0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		binary.LittleEndian.PutUint64(p[8*i:], z^z>>31)
	}
	return p[:size]
}

// treeOf hashes content in the order of a shuffled list, on several goroutines.
func treeOf(content []byte) *Tree {
	tree := NewTree(int64(len(content)))
	order := rand.New(rand.NewPCG(1, uint64(len(content)))).Perm(int(Chunks(tree.Size())))
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for k := worker; k < len(order); k += 4 {
				i := int64(order[k])
				offset, n := tree.Bounds(i)
				tree.Hash(i, content[offset:offset+int64(n)])
			}
		})
	}
	wg.Wait()
	return tree
}

func TestGolden(t *testing.T) {
	f, err := os.Open("testdata/golden.txt")
	require.NoError(t, err)
	defer f.Close()

	content := stream(64<<20 + 2*Chunk)
	count := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kind, hexDigest string
		var size int64
		_, err := fmt.Sscan(lines.Text(), &kind, &size, &hexDigest)
		require.NoError(t, err)
		want, err := manifest.ParseDigest(hexDigest)
		require.NoError(t, err)

		var tree *Tree
		switch kind {
		case "stream":
			tree = treeOf(content[:size])
		case "zeros":
			tree = zeros(size)
		}
		got, err := tree.Digest()
		require.NoError(t, err, "%s of %d bytes", kind, size)
		require.Equal(t, want, got, "%s of %d bytes", kind, size)
		count[kind]++
	}
	require.Equal(t, map[string]int{"stream": 33, "zeros": 3}, count)
}

// zeros is the tree of a file too large for a test to hash: its whole chunks
// have one hash.
func zeros(size int64) *Tree {
	tree, chunk := NewTree(size), make([]byte, Chunk)
	tree.Hash(0, chunk)
	for i := range tree.chunks {
		tree.chunks[i] = tree.chunks[0]
	}
	last := int64(len(tree.chunks)) - 1
	_, n := tree.Bounds(last)
	tree.Hash(last, chunk[:n])
	return tree
}

// TestTool needs the fsverity tool; the golden digests above are its answers
// for machines without it.
func TestTool(t *testing.T) {
	tool, err := exec.LookPath("fsverity")
	if err != nil {
		t.Skip("fsverity is not installed (Debian package fsverity)")
	}
	dir := t.TempDir()
	for _, size := range []int64{0, 1, Block - 1, Block, Block + 1, Chunk - 1, Chunk, Chunk + 1, 5*Chunk + 777} {
		content := stream(size)
		name := filepath.Join(dir, fmt.Sprint(size))
		require.NoError(t, os.WriteFile(name, content, 0o600))
		out, err := exec.Command(tool, "digest", "--compact", name).Output()
		require.NoError(t, err)

		got, err := treeOf(content).Digest()
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(out)), got.String(), "%d bytes", size)
	}
}

func TestIncomplete(t *testing.T) {
	content := stream(2*Chunk + 5)
	chunk := func(i int) []byte { return content[i*Chunk : min((i+1)*Chunk, len(content))] }
	for name, feed := range map[string]func(*Tree){
		"nothing":       func(*Tree) {},
		"first missing": func(tree *Tree) { tree.Hash(1, chunk(1)); tree.Hash(2, chunk(2)) },
		"last missing":  func(tree *Tree) { tree.Hash(0, chunk(0)); tree.Hash(1, chunk(1)) },
		"last short":    func(tree *Tree) { tree.Hash(0, chunk(0)); tree.Hash(1, chunk(1)); tree.Hash(2, chunk(2)[:4]) },
		"last long":     func(tree *Tree) { tree.Hash(0, chunk(0)); tree.Hash(1, chunk(1)); tree.Hash(2, chunk(1)) },
		"first short":   func(tree *Tree) { tree.Hash(0, chunk(2)); tree.Hash(1, chunk(1)); tree.Hash(2, chunk(2)) },
		"beyond": func(tree *Tree) {
			tree.Hash(0, chunk(0))
			tree.Hash(1, chunk(1))
			tree.Hash(3, chunk(2))
			tree.Hash(-1, chunk(2))
		},
	} {
		tree := NewTree(int64(len(content)))
		feed(tree)
		got, err := tree.Digest()
		require.ErrorIs(t, err, ErrIncomplete, name)
		require.Zero(t, got, name)
	}

	negative := NewTree(-1)
	negative.Hash(0, nil)
	_, err := negative.Digest()
	require.ErrorIs(t, err, ErrIncomplete)
}

func TestBounds(t *testing.T) {
	for _, size := range []int64{0, 1, Chunk - 1, Chunk, Chunk + 1, 3 * Chunk} {
		tree, at := NewTree(size), int64(0)
		for i := range Chunks(size) {
			offset, n := tree.Bounds(i)
			require.Equal(t, at, offset)
			require.Positive(t, n)
			at += int64(n)
		}
		require.Equal(t, size, at)
	}
	require.Equal(t, int64(1<<44), Chunks(1<<63-1))
	require.Zero(t, Chunks(-1<<63))
}

func TestChain(t *testing.T) {
	for _, size := range []int64{0, 1, 63, 64, Chunk + 1} {
		content := stream(size)
		chain := NewChain(size)
		for rest := content; len(rest) > 0; {
			n, err := chain.Write(rest[:min(len(rest), 1000)])
			require.NoError(t, err)
			rest = rest[n:]
		}
		got, err := chain.Digest()
		require.NoError(t, err)
		require.Equal(t, manifest.Digest(sha256.Sum256(content)), got)

		chain.Write([]byte{0})
		_, err = chain.Digest()
		require.ErrorIs(t, err, ErrIncomplete)
	}
	_, err := NewChain(1).Digest()
	require.ErrorIs(t, err, ErrIncomplete)
}

func TestNoAllocations(t *testing.T) {
	content := stream(Chunk + 5)
	tree, chain := NewTree(int64(len(content))), NewChain(1<<62)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		tree.Hash(0, content[:Chunk])
		tree.Hash(1, content[Chunk:])
		chain.Write(content)
	}))
}

// reference is the digest by its definition, level by level over whole levels.
func reference(content []byte) manifest.Digest {
	root := manifest.Digest{}
	if len(content) > 0 {
		level := content
		for {
			level = append(bytes.Clone(level), make([]byte, -len(level)&(Block-1))...)
			var up []byte
			for i := 0; i < len(level); i += Block {
				h := sha256.Sum256(level[i : i+Block])
				up = append(up, h[:]...)
			}
			if level = up; len(level) == sha256.Size {
				break
			}
		}
		root = manifest.Digest(level)
	}
	d := append([]byte{1, 1, 12, 0, 0, 0, 0, 0}, binary.LittleEndian.AppendUint64(nil, uint64(len(content)))...)
	d = append(append(d, root[:]...), make([]byte, 256-len(d)-len(root))...)
	return sha256.Sum256(d)
}

// FuzzTree holds the tree, fed in any order, against the definition.
func FuzzTree(f *testing.F) {
	seeds := []uint32{0, 1, Block, Block + 1, Chunk, Chunk + 1, 2 * Chunk}
	require.NotEmpty(f, seeds)
	for _, size := range seeds {
		f.Add(size, []byte("head"))
	}
	f.Fuzz(func(t *testing.T, size uint32, head []byte) {
		content := stream(int64(size % (2*Chunk + Block)))
		copy(content, head)
		got, err := treeOf(content).Digest()
		require.NoError(t, err)
		require.Equal(t, reference(content), got)
	})
}
