package loader

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/signature"
)

const bundleName = "sub/model.sig"

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// signers is the list of a policy with one signer, release.
func signers(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return "signers:\n  - name: release\n    keys:\n      - |\n        " +
		strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ") + "\n"
}

// signedPolicy takes m, which release signed in its own directory as the given
// subject, in shards unless their size is 0.
func signedPolicy(t testing.TB, key *ecdsa.PrivateKey, subject string, shardSize string, lines ...string) string {
	t.Helper()
	yaml := entry(append([]string{`companions: ["*.txt"]`,
		"signatures: {signers: [release], bundles: {model: [" + bundleName + "]}, subject: " + subject + shardSize + "}"}, lines...)...)
	return strings.Replace(yaml, "lock: weightgate.lock\n", signers(t, key), 1)
}

// sign puts a bundle over what lies in dir beneath it.
func sign(t testing.TB, dir string, key *ecdsa.PrivateKey, subject string, shardSize int64) {
	t.Helper()
	report, err := Inspect(context.Background(), subject, Dir(dir), InspectConfig{Formats: testFormats, SHA256: true, ShardSize: shardSize,
		Keep: func(name string) bool { return name != bundleName }})
	require.NoError(t, err)
	files := report.Facts().Digest.Manifest
	s := signature.Statement{Subject: subject, Method: signature.Files, Resources: signature.FileResources(files)}
	if shardSize > 0 {
		s.Method, s.ShardSize = signature.Shards, shardSize
		s.Resources = signature.ShardResources(files, shardSize, report.Shards)
	}
	bundle, err := signature.Sign(key, nil, s)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, bundleName), bundle, 0o644))
}

func signable(t testing.TB, seed uint64) string {
	return write(t, map[string][]byte{
		"model.safetensors": weights(t, 1<<19, seed),
		"vocab.txt":         []byte("one\ntwo\n"),
	})
}

const byShards = ", shards: 1048589"

// A signed model is what was signed: its bundle is none of its files.
func TestSignedModel(t *testing.T) {
	key := newKey(t)
	for shardSize, shards := range map[int64]string{0: "", 1048589: byShards} {
		dir := signable(t, 1)
		bare, err := Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats})
		require.NoError(t, err)
		sign(t, dir, key, "m", shardSize)
		gate := newGate(t, signedPolicy(t, key, "m", shards), nil)
		m, err := gate.Load(context.Background(), "m", Dir(dir))
		require.NoError(t, err)
		require.Equal(t, policy.Admitted, m.Verdict())
		require.True(t, m.Vouched())
		require.Equal(t, bare.Identity, m.Identity())

		var names []string
		require.NoError(t, fs.WalkDir(m.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
			names = append(names, path)
			return err
		}))
		require.Equal(t, []string{".", "model.safetensors", "vocab.txt"}, names)
		_, err = fs.ReadFile(m.FS(), bundleName)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NoError(t, m.Close())

		report, err := gate.Verify(context.Background(), "m", Dir(dir))
		require.NoError(t, err)
		require.Len(t, report.Evidence.Signatures, 1)
		require.Equal(t, "release", report.Evidence.Signatures[0].By)
		require.Empty(t, report.Evidence.Signatures[0].Statement.Resources)
		require.NotEmpty(t, report.Facts().Evidence.Signatures[0].Statement.Resources)
		require.Regexp(t, `\n  signed    by release \(key [0-9a-f]{12}…\) as "m", 2 files`, report.String())
		require.Contains(t, string(report.JSON()), `"evidence":{"signatures":[{"document":"`+bundleName+`","by":"release"`)
	}
}

// What was not signed as it lies there is not loaded.
func TestSignedModelRefuses(t *testing.T) {
	key := newKey(t)
	add := func(name string, content []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
		}
	}
	for name, c := range map[string]struct {
		shardSize int64
		spoil     func(t *testing.T, dir string)
		code      formats.Code // "": any
	}{
		"model B of the same signer with its own bundle": {spoil: func(t *testing.T, dir string) {
			add("model.safetensors", weights(t, 1<<19, 2))(t, dir)
			sign(t, dir, key, "b", 0)
		}},
		"model B with A's bundle":    {spoil: add("model.safetensors", weights(t, 1<<19, 2)), code: signature.CodeFileChanged},
		"one shard of model B":       {shardSize: 1048589, spoil: add("model.safetensors", weights(t, 1<<19, 2)), code: signature.CodeFileChanged},
		"another file":               {spoil: add("more.txt", []byte("more")), code: signature.CodeFileExtra},
		"a file of no bytes":         {spoil: add("more.txt", nil), code: signature.CodeFileExtra},
		"a file of no bytes, shards": {shardSize: 1048589, spoil: add("more.txt", nil), code: signature.CodeFileEmpty},
		"a file is gone": {spoil: func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "model.safetensors")))
		}, code: signature.CodeFileMissing},
		"no bundle": {spoil: func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, bundleName)))
		}, code: policy.CodeSignatureMissing},
		"a bundle of another key": {spoil: func(t *testing.T, dir string) { sign(t, dir, newKey(t), "m", 0) }},
		"a bundle that is a link": {spoil: func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(filepath.Join(dir, bundleName), filepath.Join(t.TempDir(), "b")))
			require.NoError(t, os.Symlink("../vocab.txt", filepath.Join(dir, bundleName)))
		}},
		"a bundle without end": {spoil: func(t *testing.T, dir string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, bundleName), maxDocument+1))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, shards := signable(t, 1), ""
			if c.shardSize > 0 {
				shards = byShards
			}
			sign(t, dir, key, "m", c.shardSize)
			gate := newGate(t, signedPolicy(t, key, "m", shards), nil)
			_, err := gate.Verify(context.Background(), "m", Dir(dir))
			require.NoError(t, err)

			c.spoil(t, dir)
			m, err := gate.Load(context.Background(), "m", Dir(dir))
			require.Error(t, err)
			require.Nil(t, m)
			require.NotEmpty(t, codesOf(t, err))
			if c.code != "" {
				require.Contains(t, codesOf(t, err), c.code)
			}
			_, again := gate.Verify(context.Background(), "m", Dir(dir))
			require.Equal(t, codesOf(t, err), codesOf(t, again))
		})
	}
}

// An approval with a number that grows: once a release was admitted, an older
// one is not.
func TestMonotonicRelease(t *testing.T) {
	key := newKey(t)
	dir := signable(t, 1)
	sign(t, dir, key, "m", 0)
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	approve := func(release uint64) {
		t.Helper()
		report, err := Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats,
			Keep: func(name string) bool { return !strings.HasSuffix(name, ".sig") }})
		require.NoError(t, err)
		payload, err := attestation.Approval{Name: "m", Identity: report.Identity, Role: "security", Release: release, IssuedAt: now.Add(-time.Hour)}.Encode()
		require.NoError(t, err)
		text, err := signature.Seal(key, nil, signature.InToto, payload)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "approval.sig"), text, 0o644))
	}
	yaml := signedPolicy(t, key, "m", "", `approvals: {documents: {model: [approval.sig]}, roles: [{role: security, signers: [release]}]}`,
		"release: {monotonic: true}")
	p, err := policy.Parse([]byte(yaml), nil)
	require.NoError(t, err)
	_, err = New(Config{Policy: p, Formats: testFormats})
	require.ErrorIs(t, err, ErrConfig)

	state := FileState(filepath.Join(t.TempDir(), "state"))
	gate := newGate(t, yaml, nil, func(c *Config) {
		c.State, c.Now = state, func() time.Time { return now }
	})
	load := func() error {
		m, err := gate.Load(context.Background(), "m", Dir(dir))
		if err == nil {
			require.Regexp(t, `\n  approved  by release as security, release \d`, m.Report().String())
			require.NoError(t, m.Close())
		}
		return err
	}
	approve(7)
	_, err = gate.Verify(context.Background(), "m", Dir(dir)) // which stores nothing
	require.NoError(t, err)
	approve(6)
	require.NoError(t, load())
	approve(7)
	require.NoError(t, load())
	require.NoError(t, load())
	approve(6)
	require.ErrorIs(t, load(), ErrDenied)
	_, err = gate.Verify(context.Background(), "m", Dir(dir))
	require.ErrorIs(t, err, ErrDenied)

	// Another load was faster between the look and the store.
	approve(8)
	faster := &memoryState{before: func(n map[string]uint64) {}}
	faster.numbers = map[string]uint64{}
	gate = newGate(t, yaml, nil, func(c *Config) {
		c.State, c.Now = &overtaken{memoryState: faster, to: 9}, func() time.Time { return now }
	})
	err = load()
	require.ErrorIs(t, err, ErrUnverifiable)
	require.Equal(t, []formats.Code{CodeState}, codesOf(t, err))

	faster.err = os.ErrPermission
	err = load()
	require.ErrorIs(t, err, ErrUnverifiable)
	require.ErrorIs(t, err, os.ErrPermission)
	require.Equal(t, []formats.Code{CodeState}, codesOf(t, err))
}

// overtaken is a State in which somebody else is always faster.
type overtaken struct {
	*memoryState
	to uint64
}

func (o *overtaken) CompareAndStore(ctx context.Context, key string, old, new uint64) (bool, error) {
	o.numbers[key] = o.to
	return o.memoryState.CompareAndStore(ctx, key, old, new)
}

// A document is read whole, or there is an error and none of it.
func TestReadDocument(t *testing.T) {
	fsys := fstest.MapFS{"a": {Data: []byte("text")}, "long": {Data: make([]byte, maxDocument+1)}}
	tree, err := FS(fsys).Open(context.Background(), formats.Limits{})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		file policy.File
		want string
		err  string
	}{
		"whole":       {policy.File{Name: "a", Size: 4, Kind: policy.Regular}, "text", ""},
		"grown":       {policy.File{Name: "a", Size: 3, Kind: policy.Regular}, "", "listed with 3 bytes, and 4"},
		"shrunk":      {policy.File{Name: "a", Size: 5, Kind: policy.Regular}, "", "listed with 5 bytes, and 4"},
		"no file":     {policy.File{Name: "a", Size: 4}, "", "not a regular file"},
		"gone":        {policy.File{Name: "b", Size: 4, Kind: policy.Regular}, "", "not exist"},
		"long":        {policy.File{Name: "long", Size: maxDocument + 1, Kind: policy.Regular}, "", "32.0 MiB"},
		"grown, long": {policy.File{Name: "long", Size: 5, Kind: policy.Regular}, "", "listed with 5 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := readDocument(context.Background(), tree, c.file)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.Nil(t, text)
				return
			}
			require.NoError(t, err)
			require.True(t, bytes.Equal([]byte(c.want), text))
		})
	}
}
