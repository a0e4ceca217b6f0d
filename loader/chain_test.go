package loader

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// naiveShards are the SHA-256 of the pieces of b.
func naiveShards(b []byte, size int64) []manifest.Digest {
	sums := []manifest.Digest{}
	for len(b) > 0 {
		n := min(int64(len(b)), size)
		sums, b = append(sums, sha256.Sum256(b[:n])), b[n:]
	}
	return sums
}

// shardedFiles are files whose sizes lie around chunks and around shards.
func shardedFiles(t *testing.T) map[string][]byte {
	files := map[string][]byte{
		"a.txt": {}, "b.txt": []byte("b"), "m.txt": {}, "z.txt": {},
		"model.safetensors": weights(t, 800_000, 1),
	}
	for i, n := range []int{hashing.Chunk - 1, hashing.Chunk, signature.MinShard, signature.MinShard + 1, 2*signature.MinShard + 26, 5*signature.MinShard - 7} {
		files[fmt.Sprintf("%d.txt", i)] = bytes.Repeat([]byte{byte(i + 1)}, n)
	}
	return files
}

func requireSums(t *testing.T, files map[string][]byte, size int64, got map[string][]manifest.Digest, m manifest.Manifest) {
	t.Helper()
	require.Len(t, got, len(files))
	for name, b := range files {
		require.Equal(t, naiveShards(b, size), got[name], "%s by %d", name, size)
	}
	for _, e := range m {
		require.Equal(t, manifest.Digest(sha256.Sum256(files[e.Name])), e.SHA256, e.Name)
	}
}

// Shards are measured where the bytes are kept and where they are not, from
// files that are read anywhere and from those that are read in order.
func TestShards(t *testing.T) {
	files := shardedFiles(t)
	dir := write(t, files)
	fsys := fstest.MapFS{}
	for name, b := range files {
		fsys[name] = &fstest.MapFile{Data: b}
	}
	for _, size := range []int64{signature.MinShard, signature.MinShard + 13, 3*hashing.Chunk - 1, 1 << 40} {
		for _, src := range []Source{Dir(dir), FS(streamFS{fsys})} {
			report, err := Inspect(context.Background(), "m", src, InspectConfig{Formats: testFormats, SHA256: true, ShardSize: size})
			require.NoError(t, err)
			requireSums(t, files, size, report.Shards, report.Facts().Digest.Manifest)

			kept := newAdmission(EventLoad, "m", src.Origin(), nil)
			kept.limits, kept.room = InspectConfig{}.Limits.WithDefaults(), &room{arena: emptyArena(t)}
			kept.sha256, kept.shardSize = true, size
			found, err := kept.list(context.Background(), src)
			require.NoError(t, err)
			s, err := kept.stage(context.Background(), found)
			require.NoError(t, err)
			requireSums(t, files, size, s.facts.Shards, s.facts.Manifest)
			kept.release()
		}
	}
}

// Nothing asks for shards: there are none.
func TestNoShards(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	report, err := Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats})
	require.NoError(t, err)
	require.Nil(t, report.Shards)
	for _, size := range []int64{-1, 1, signature.MinShard - 1} {
		_, err = Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats, ShardSize: size})
		require.ErrorIs(t, err, ErrConfig)
	}
}

// A file that cannot be read holds no chain up, and has no digest.
func TestShardsOfAFileThatFails(t *testing.T) {
	files := shardedFiles(t)
	dir := write(t, files)
	for range 20 {
		a := newAdmission(EventInspect, "m", policy.Origin{Kind: "dir"}, nil)
		a.limits, a.tolerant, a.sha256, a.shardSize = InspectConfig{}.Limits.WithDefaults(), true, true, signature.MinShard+13
		found, err := a.list(context.Background(), Dir(dir))
		require.NoError(t, err)
		require.NoError(t, os.Truncate(filepath.Join(dir, "5.txt"), signature.MinShard)) // since it was listed
		s, err := a.stage(context.Background(), found)
		require.NoError(t, err)
		require.Len(t, s.facts.Findings, 1)
		require.Equal(t, CodeChanged, s.facts.Findings[0].Code)
		require.Len(t, s.facts.Shards, len(files)-1)
		require.NotContains(t, s.facts.Shards, "5.txt")
		a.release()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "5.txt"), files["5.txt"], 0o644))
	}
}
