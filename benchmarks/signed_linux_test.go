package benchmarks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

var modelSigningFlag = flag.String("model-signing", "python3", "a Python with model-signing 1.1.1")

// The ways of verifying a signed model.
const (
	gatePinned          = "gate, pins"
	gateFiles           = "gate, signed files"
	gateShards          = "gate, signed shards"
	gateSHA256          = "gate, pins and sha256"
	modelSigningFiles   = "model_signing, files"
	modelSigningShards  = "model_signing, shards"
	startOfModelSigning = "start of model_signing"
	sha256sum           = "sha256sum"
)

// What a signed model has beside its one file. Its three models are
// directories that share the file, so that one page cache serves all.
const (
	publicKeyName = "key.pem"
	bundleName    = "model.sig"
	weightsName   = "model.safetensors"
	shardSize     = 64 << 20
)

func signedWays() []way {
	return []way{
		{gatePinned, here(prepareSigned("pins"))},
		{gateSHA256, here(prepareSigned("sums"))},
		{gateFiles, here(prepareSigned("files"))},
		{gateShards, here(prepareSigned("shards"))},
		{modelSigningFiles, started(func(t tools) []string {
			return []string{t.ModelSigning, "-m", "model_signing", "verify", "key", "--public_key", filepath.Join(t.Out, publicKeyName),
				"--signature", filepath.Join(t.Out, "files", bundleName), filepath.Join(t.Out, "files")}
		}).measure},
		{modelSigningShards, started(func(t tools) []string {
			return []string{t.ModelSigning, filepath.Join(t.Scripts, "model_signing_shards.py"), filepath.Join(t.Out, publicKeyName),
				filepath.Join(t.Out, "shards", bundleName), filepath.Join(t.Out, "shards"), fmt.Sprint(shardSize)}
		}).measure},
		{startOfModelSigning, started(func(t tools) []string { return []string{t.ModelSigning, "-m", "model_signing", "--help"} }).measure},
		{sha256sum, started(func(t tools) []string { return []string{"sha256sum", filepath.Join(t.Out, "files", weightsName)} }).measure},
	}
}

func BenchmarkSignedWarm(b *testing.B) {
	j, size := gibibyte().signed(b)
	j.benchmarkSigned(b, "warm", 7, size)
}

func BenchmarkSignedCold(b *testing.B) {
	j, size := gibibyte().signed(b)
	j.Cold = true
	j.benchmarkSigned(b, "cold", 5, size)
}

func (j job) benchmarkSigned(b *testing.B, cache string, rounds int, size int64) {
	python, err := exec.LookPath(*modelSigningFlag)
	require.NoError(b, err, "-model-signing names another")
	j.Tools.ModelSigning = python
	j.benchmark(b, fmt.Sprintf("Verification of %d MiB of signed safetensors, page cache %s", size>>20, cache), rounds, size,
		[]string{gatePinned, gateSHA256, gateFiles, gateShards, modelSigningFiles, modelSigningShards, startOfModelSigning, sha256sum},
		[]comparison{
			{"files/sha256", gateFiles, gateSHA256, 0.95},
			{"shards/pins", gateShards, gatePinned, 0},
			{"files/model_signing", gateFiles, modelSigningFiles, 1},
			{"shards/model_signing", gateShards, modelSigningShards, 1},
			{"files/sha256sum", gateFiles, sha256sum, 0},
			{"shards/sha256sum", gateShards, sha256sum, 0},
		})
}

// prepareSigned loads the model of that name through a gate.
func prepareSigned(name string) preparation {
	return func(j job) (func() (*held, error), error) {
		info, err := os.Stat(j.path(j.Files[0]))
		if err != nil {
			return nil, err
		}
		gate, err := j.gate(safetensorsOnly(), info.Size())
		if err != nil {
			return nil, err
		}
		return func() (*held, error) {
			m, err := gate.Load(context.Background(), name, loader.Dir(j.path(name)))
			if err != nil {
				return nil, err
			}
			return &held{
				copied:  m.Report().Bytes,
				digest:  func() (string, error) { return hexSumOf(m.FS(), weightsName) },
				release: m.Close,
			}, nil
		}, nil
	}
}

// signed is a new model, pinned and signed by files and by shards, each in a
// directory of its own.
func (m transformer) signed(t testing.TB) (j job, size int64) {
	t.Helper()
	j, size = m.published(t)
	scripts, err := os.Getwd()
	require.NoError(t, err)
	j.Tools = tools{Scripts: scripts, Out: j.Dir}
	for _, name := range []string{"pins", "sums", "files", "shards"} {
		require.NoError(t, os.Mkdir(j.path(name), 0o755))
		require.NoError(t, os.Link(j.path(weightsName), filepath.Join(j.path(name), weightsName)))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	require.NoError(t, os.WriteFile(j.path(publicKeyName), public, 0o644))

	files := measured(t, j.path("pins"), safetensorsOnly())
	for name, s := range map[string]signature.Statement{
		"files": {Subject: "files", Method: signature.Files, Resources: signature.FileResources(files)},
		"shards": {Subject: "shards", Method: signature.Shards, ShardSize: shardSize,
			Resources: signature.ShardResources(files, shardSize, shardsOf(t, j.path(weightsName), size))},
	} {
		text, err := signature.Sign(key, nil, s)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(j.path(name), bundleName), text, 0o644))
	}
	lock := new(policy.Lock)
	for _, name := range []string{"pins", "sums"} {
		lock = pinned(t, lock, name, j.path(name), safetensorsOnly())
	}
	j.Lock = string(lock.Encode())
	j.Policy = fmt.Sprintf(`version: 1
lock: weightgate.lock
signers:
  - name: release
    keys:
      - |
        %s
models:
  - {name: pins, source: [dir], formats: [safetensors], pin: required}
  - {name: sums, source: [dir], formats: [safetensors], pin: required, measure: [sha256]}
  - {name: files, source: [dir], formats: [safetensors], signatures: {signers: [release], need: 1, bundles: {model: [%[2]s]}, subject: files}}
  - {name: shards, source: [dir], formats: [safetensors], signatures: {signers: [release], need: 1, bundles: {model: [%[2]s]}, subject: shards, shards: %[3]d}}
`, strings.ReplaceAll(strings.TrimSpace(string(public)), "\n", "\n        "), bundleName, shardSize)
	return j, size
}

// shardsOf is the SHA-256 of each shard of a file.
func shardsOf(t testing.TB, path string, size int64) map[string][]manifest.Digest {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var all []manifest.Digest
	for at := int64(0); at < size; at += shardSize {
		h := sha256.New()
		_, err := io.Copy(h, io.NewSectionReader(f, at, shardSize))
		require.NoError(t, err)
		all = append(all, manifest.Digest(h.Sum(nil)))
	}
	return map[string][]manifest.Digest{weightsName: all}
}

// Every gate holds the bytes that were signed.
func TestSignedWays(t *testing.T) {
	j, size := mebibyte().signed(t)
	j.Check = true
	file := measured(t, j.path("pins"), safetensorsOnly())[0]
	for _, way := range []string{gatePinned, gateSHA256, gateFiles, gateShards} {
		j.Way = way
		s, err := j.inChild()
		require.NoError(t, err, way)
		require.Equal(t, file.SHA256.String(), s.Digest, way)
		require.Equal(t, size, s.Copied, way)
	}
}
