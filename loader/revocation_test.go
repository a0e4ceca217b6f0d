package loader

import (
	"context"
	"crypto/ecdsa"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

const listName = "revocations.sig"

func publish(t testing.TB, dir string, key *ecdsa.PrivateKey, l revocation.List) {
	t.Helper()
	payload, err := l.Encode()
	require.NoError(t, err)
	text, err := signature.Seal(key, nil, revocation.PayloadType, payload)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, listName), text, 0o644))
}

// A list beside the policy is read with each load, and may only grow.
func TestRevocation(t *testing.T) {
	key, stranger := newKey(t), newKey(t)
	model := signable(t, 1)
	seen, err := Inspect(context.Background(), "m", Dir(model), InspectConfig{Formats: testFormats, SHA256: true})
	require.NoError(t, err)

	service := t.TempDir()
	text := entry("unpinned: true", `files: {only: ["*.safetensors"]}`)
	text = strings.Replace(text, "lock: weightgate.lock\n",
		signers(t, key)+"revocation: {signers: [release], list: "+listName+", max_age: 24h, monotonic: true}\n", 1)
	path := filepath.Join(service, "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))

	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	load := func() error {
		p, err := policy.Open(path)
		require.NoError(t, err)
		gate, err := New(Config{Policy: p, Formats: testFormats, Now: func() time.Time { return now }, State: FileState(filepath.Join(service, "state"))})
		require.NoError(t, err)
		defer gate.Close()
		m, err := gate.Load(context.Background(), "m", Dir(model))
		if err == nil {
			m.Close()
		}
		return err
	}
	refuses := func(c formats.Code) {
		t.Helper()
		require.Equal(t, []formats.Code{c}, codesOf(t, load()))
	}

	refuses(policy.CodeRevocationMissing)
	first := revocation.List{Version: 2, IssuedAt: now}
	publish(t, service, stranger, first)
	refuses(signature.CodeUntrusted)
	publish(t, service, key, first)
	require.NoError(t, load())
	now = now.Add(25 * time.Hour)
	refuses(policy.CodeRevocationStale)

	weights := seen.Files[0]
	require.Equal(t, "model.safetensors", weights.Name)
	publish(t, service, key, revocation.List{Version: 3, IssuedAt: now, Entries: []revocation.Entry{{File: weights.Verity, Reason: "leaked"}}})
	refuses(policy.CodeRevokedFile)
	publish(t, service, key, revocation.List{Version: 4, IssuedAt: now})
	require.NoError(t, load())
	publish(t, service, key, revocation.List{Version: 3, IssuedAt: now})
	refuses(policy.CodeRevocationRollback)
	require.NoError(t, os.WriteFile(filepath.Join(service, listName), nil, 0o644))
	refuses(signature.CodeSyntax)

	p, err := policy.Open(path)
	require.NoError(t, err)
	_, err = New(Config{Policy: p, Formats: testFormats})
	require.ErrorIs(t, err, ErrConfig, "without a State")
}
