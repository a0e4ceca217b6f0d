package benchmarks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// The names of a model, by who vouches for it. Those that are signed are
// directories of the model's files and a bundle; they share the files, so that
// one page cache serves all.
const (
	modelName  = "model"  // a pin
	summedName = "sums"   // a pin, under a rule that asks for the SHA-256 of files
	filesName  = "files"  // a signature over files
	shardsName = "shards" // a signature over shards
)

const (
	publicKeyName = "key.pem"
	bundleName    = "model.sig"
	shardSize     = 64 << 20
)

// vouched is the model in root, in the directory of its name, with all that
// vouches for it. terms are those of its policy that say what its files are.
func vouched(t testing.TB, name, root, terms string) job {
	t.Helper()
	j := job{Dir: filepath.Join(root, modelName)}
	files := measured(t, j.Dir, all.Formats())
	j.Workload = results.Workload{Name: name, Files: len(files)}
	for _, f := range files {
		j.Files = append(j.Files, f.Name)
		j.Workload.Bytes += f.Size
	}
	for _, name := range []string{filesName, shardsName} {
		for _, f := range j.Files {
			linked := filepath.Join(j.dirOf(name), f)
			require.NoError(t, os.MkdirAll(filepath.Dir(linked), 0o755))
			require.NoError(t, os.Link(j.path(f), linked))
		}
	}
	key, public := newKey(t)
	require.NoError(t, os.WriteFile(j.publicKey(), public, 0o644))
	for _, s := range []signature.Statement{
		{Subject: filesName, Method: signature.Files, Resources: signature.FileResources(files)},
		{Subject: shardsName, Method: signature.Shards, ShardSize: shardSize,
			Resources: signature.ShardResources(files, shardSize, j.shards(t))},
	} {
		text, err := signature.Sign(key, nil, s)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(j.bundle(s.Subject), text, 0o644))
	}
	lock := new(policy.Lock)
	for _, name := range []string{modelName, summedName} {
		var err error
		lock, err = lock.With(policy.Pin{Name: name, Files: files})
		require.NoError(t, err)
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
  - {name: model, source: [dir], %[2]s, pin: required}
  - {name: sums, source: [dir], %[2]s, pin: required, measure: [sha256]}
  - {name: files, source: [dir], %[2]s, signatures: {signers: [release], need: 1, bundles: {model: [%[3]s]}, subject: files}}
  - {name: shards, source: [dir], %[2]s, signatures: {signers: [release], need: 1, bundles: {model: [%[3]s]}, subject: shards, shards: %[4]d}}
`, strings.ReplaceAll(strings.TrimSpace(string(public)), "\n", "\n        "), terms, bundleName, shardSize)
	return j
}

// dirOf is the directory of the model under a name.
func (j job) dirOf(name string) string {
	if name == filesName || name == shardsName {
		return filepath.Join(filepath.Dir(j.Dir), name)
	}
	return j.Dir
}

func (j job) publicKey() string         { return filepath.Join(filepath.Dir(j.Dir), publicKeyName) }
func (j job) bundle(name string) string { return filepath.Join(j.dirOf(name), bundleName) }

func newKey(t testing.TB) (key *ecdsa.PrivateKey, public []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// shards is the SHA-256 of each shard of each file.
func (j job) shards(t testing.TB) map[string][]manifest.Digest {
	t.Helper()
	sums := map[string][]manifest.Digest{}
	for _, name := range j.Files {
		f, err := os.Open(j.path(name))
		require.NoError(t, err)
		info, err := f.Stat()
		require.NoError(t, err)
		for at := int64(0); at < info.Size(); at += shardSize {
			h := sha256.New()
			_, err := io.Copy(h, io.NewSectionReader(f, at, shardSize))
			require.NoError(t, err)
			sums[name] = append(sums[name], manifest.Digest(h.Sum(nil)))
		}
		require.NoError(t, f.Close())
	}
	return sums
}

// policyFor is a policy with one model and these terms.
func policyFor(terms string) string {
	return fmt.Sprintf("version: 1\nlock: weightgate.lock\nmodels:\n  - {name: %s, source: [dir], %s}\n", modelName, terms)
}

// pinned is lock with the model in dir under that name.
func pinned(t testing.TB, lock *policy.Lock, name, dir string) *policy.Lock {
	t.Helper()
	lock, err := lock.With(policy.Pin{Name: name, Files: measured(t, dir, all.Formats())})
	require.NoError(t, err)
	return lock
}

// measured is the files in dir with their digests.
func measured(t testing.TB, dir string, set formats.Set) (files manifest.Manifest) {
	t.Helper()
	report, err := loader.Inspect(context.Background(), modelName, loader.Dir(dir), loader.InspectConfig{Formats: set, SHA256: true})
	require.NoError(t, err)
	for _, f := range report.Files {
		files = append(files, f.Entry)
	}
	return files
}

// gate is a gate under the job's policy, which keeps memory for the job's files
// or none.
func (j job) gate(keep bool) (*loader.Gate, error) {
	cfg := loader.Config{Formats: all.Formats()}
	if keep {
		for _, f := range j.Files {
			info, err := os.Stat(j.path(f))
			if err != nil {
				return nil, err
			}
			cfg.ArenaBytes += (info.Size() + hugePage - 1) &^ (hugePage - 1)
		}
	}
	return j.gateOf(cfg)
}

const hugePage = 2 << 20

// gateOf is a gate of that configuration under the job's policy.
func (j job) gateOf(cfg loader.Config) (gate *loader.Gate, err error) {
	if cfg.Policy, err = policy.Parse([]byte(j.Policy), []byte(j.Lock)); err != nil {
		return nil, err
	}
	return loader.New(cfg)
}
