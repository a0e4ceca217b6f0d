package policy_test

import (
	"crypto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

func TestSignedBy(t *testing.T) {
	text := strings.Replace(minimal, "unpinned: true", "pin: required", 1) + "lock: weightgate.lock\n"
	lock := mustLock(t, []policy.Pin{{Name: "ocr", Files: ocrFiles()}}).Encode()
	digest := mustParse(t, text, lock).Digest()
	version := func(who string, d manifest.Digest) []byte {
		return sealed(who, signature.InToto, must(attestation.PolicyVersion{Digest: d, Version: 3}.Encode()))
	}
	for what, c := range map[string]struct {
		text, lock string
		sig        []byte
		key        crypto.PublicKey
		least      uint64
		ok         bool
	}{
		"good":              {text, string(lock), version("release", digest), keyOf("release").Public(), 3, true},
		"edited lock":       {text, string(emptyLock()), version("release", digest), keyOf("release").Public(), 3, false},
		"edited policy":     {text + "mode: audit\n", string(lock), version("release", digest), keyOf("release").Public(), 3, false},
		"older version":     {text, string(lock), version("release", digest), keyOf("release").Public(), 4, false},
		"other key":         {text, string(lock), version("mallory", digest), keyOf("release").Public(), 3, false},
		"no key":            {text, string(lock), version("release", digest), nil, 0, false},
		"no signature":      {text, string(lock), nil, keyOf("release").Public(), 0, false},
		"a bundle for it":   {text, string(lock), bundle("release", bertFiles()), keyOf("release").Public(), 0, false},
		"an approval of it": {text, string(lock), approval("release", "owner", nil), keyOf("release").Public(), 0, false},
		"no bundle":         {text, string(lock), []byte("{}"), keyOf("release").Public(), 0, false},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "policy.yaml")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "weightgate.lock"), []byte(c.lock), 0o600))
			if c.sig != nil {
				require.NoError(t, os.WriteFile(path+policy.SignatureSuffix, c.sig, 0o600))
			}
			p, err := policy.Open(path, policy.SignedBy(c.key, c.least))
			if c.ok {
				require.NoError(t, err)
				require.Equal(t, digest, p.Digest())
				return
			}
			require.Nil(t, p)
			require.ErrorIs(t, err, policy.ErrUnsigned)
		})
	}
	p, err := policy.Parse([]byte(text), lock, policy.SignedBy(keyOf("release").Public(), 0))
	require.Nil(t, p)
	require.ErrorIs(t, err, policy.ErrUnsigned)
}
