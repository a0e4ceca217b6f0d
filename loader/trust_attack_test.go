package loader

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// A file that is revoked by its SHA-256 is measured so, where no pin knows it.
func TestRevokedBySHA256(t *testing.T) {
	key := newKey(t)
	model := signable(t, 1)
	seen, err := Inspect(context.Background(), "m", Dir(model), InspectConfig{Formats: testFormats, SHA256: true})
	require.NoError(t, err)
	require.False(t, seen.Files[0].SHA256.IsZero())
	service := t.TempDir()
	text := entry("unpinned: true", `files: {only: ["*.safetensors"]}`)
	text = strings.Replace(text, "lock: weightgate.lock\n", signers(t, key)+"revocation: {signers: [release], list: "+listName+", max_age: 24h}\n", 1)
	path := filepath.Join(service, "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	publish(t, service, key, revocation.List{Version: 3, IssuedAt: now, Entries: []revocation.Entry{{File: seen.Files[0].SHA256, Reason: "leaked"}}})
	p, err := policy.Open(path)
	require.NoError(t, err)
	gate, err := New(Config{Policy: p, Formats: testFormats, Now: func() time.Time { return now }})
	require.NoError(t, err)
	_, err = gate.Load(context.Background(), "m", Dir(model))
	require.ErrorIs(t, err, ErrDenied, "revoked by its SHA-256")
}

// An old approval of another model does not hold the mark down.
func TestReplayOfRelease(t *testing.T) {
	key := newKey(t)
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	yaml := entry(`companions: ["*.txt"]`,
		"signatures: {signers: [release], bundles: {model: ["+bundleName+"]}, subject: m}",
		`approvals: {documents: {model: [approval.sig, second.sig]}, roles: [{role: security, signers: [release]}]}`,
		"release: {monotonic: true}")
	yaml = strings.Replace(yaml, "lock: weightgate.lock\n", signers(t, key), 1)
	approve := func(dir, name string, release uint64, id manifest.Digest) {
		payload, err := attestation.Approval{Name: "m", Identity: id, Role: "security", Release: release, IssuedAt: now.Add(-time.Hour)}.Encode()
		require.NoError(t, err)
		text, err := signature.Seal(key, nil, signature.InToto, payload)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	release := func(seed, number uint64) string {
		dir := signable(t, seed)
		sign(t, dir, key, "m", 0)
		report, err := Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats,
			Keep: func(name string) bool { return !strings.HasSuffix(name, ".sig") }})
		require.NoError(t, err)
		approve(dir, "approval.sig", number, report.Identity)
		return dir
	}
	vulnerable, fixed := release(1, 5), release(2, 9)
	approve(fixed, "second.sig", 1, manifest.Digest{1}) // planted: of whatever else was once approved
	gate := newGate(t, yaml, nil, func(c *Config) {
		c.State, c.Now = FileState(filepath.Join(t.TempDir(), "state")), func() time.Time { return now }
	})
	m, err := gate.Load(context.Background(), "m", Dir(fixed))
	require.NoError(t, err)
	m.Close()
	_, err = gate.Load(context.Background(), "m", Dir(vulnerable))
	require.ErrorIs(t, err, ErrDenied, "release 9 was admitted before, and this is 5")
}

// Nobody stands behind a file that an exception let pass.
func TestExtraWeights(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 1<<19, 1)})
	lock := pins(t, map[string]Source{"m": Dir(dir)})
	gate := newGate(t, entry("pin: required", "exceptions: [{codes: [companion.extra], owner: o, reason: r, expires: 2099-01-01}]"), lock)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "evil.safetensors"), weights(t, 1<<19, 2), 0o644))
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	require.False(t, m.Vouched(), "nobody is behind evil.safetensors")
}
