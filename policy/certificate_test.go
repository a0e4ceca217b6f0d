package policy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// issue makes a certificate that is valid for the hours around noon.
func issue(t *testing.T, subject, email string, serial int64, key *ecdsa.PrivateKey, by *x509.Certificate, with *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: subject},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	if email != "" {
		c.EmailAddresses = []string{email}
	}
	if by == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, by = true, true, x509.KeyUsageCertSign, c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), with)
	require.NoError(t, err)
	made, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return made
}

// A certificate is a signer's if its chain ends in the signer's roots and it
// says what the policy wants it to say.
func TestCertificates(t *testing.T) {
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		require.NoError(t, err)
		keys[i] = key
	}
	root := issue(t, "Vendor Root", "", 1, keys[0], nil, keys[0])
	leaf := issue(t, "Models", "models@vendor.example", 0x2a, keys[1], root, keys[0])
	statement := signature.Statement{Subject: "m", Method: signature.Files, Resources: signature.FileResources(bare().Digest.Manifest)}
	bundle, err := signature.Sign(keys[1], []*x509.Certificate{leaf}, statement)
	require.NoError(t, err)
	id, err := signature.KeyID(keys[1].Public())
	require.NoError(t, err)
	text := strings.ReplaceAll(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))), "\n", "\n        ")
	guard := newCast(t, "guard")

	for _, c := range []struct {
		name, lines string
		now         time.Time
		revokes     []revocation.Entry
		want        formats.Code // none: admitted
	}{
		{"by address", `names: ["email:models@vendor.example"]`, noon, nil, ""},
		{"by subject", `subject: "CN=Models"`, noon, nil, ""},
		{"by both", "subject: \"CN=Models\"\n    names: [\"email:models@vendor.example\"]", noon, nil, ""},
		{"another address", `names: ["email:other@vendor.example"]`, noon, nil, signature.CodeUntrusted},
		{"another kind of name", `names: ["uri:models@vendor.example"]`, noon, nil, signature.CodeUntrusted},
		{"another subject", `subject: "CN=Model"`, noon, nil, signature.CodeUntrusted},
		{"expired", `subject: "CN=Models"`, noon.Add(2 * time.Hour), nil, signature.CodeExpired},
		{"not valid yet", `subject: "CN=Models"`, noon.Add(-2 * time.Hour), nil, signature.CodeEarly},
		{"no time", `subject: "CN=Models"`, time.Time{}, nil, signature.CodeTrust},
		{"expired, and taken", "subject: \"CN=Models\"\n    insecure_leaf_not_before: true", noon.Add(2 * time.Hour), nil, ""},
		{"another subject, taken when expired", "subject: \"CN=Model\"\n    insecure_leaf_not_before: true", noon.Add(2 * time.Hour), nil, signature.CodeUntrusted},
		{"revoked", `subject: "CN=Models"`, noon, []revocation.Entry{{Issuer: "CN=Vendor Root", Serial: "2a"}}, policy.CodeRevokedSigner},
		{"its root revoked", `subject: "CN=Models"`, noon, []revocation.Entry{{Issuer: "CN=Vendor Root", Serial: "1"}}, policy.CodeRevokedSigner},
		{"its key revoked", `subject: "CN=Models"`, noon, []revocation.Entry{{Key: id}}, policy.CodeRevokedSigner},
		{"another of the issuer's revoked", `subject: "CN=Models"`, noon, []revocation.Entry{{Issuer: "CN=Vendor Root", Serial: "2b"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, "version: 1\n"+guard.yaml+"  - name: vendor\n    roots:\n      - |\n        "+text+"\n    "+c.lines+
				"\nrevocation: {signers: [guard], list: r, max_age: 24h}\nmodels:\n  - name: m\n    source: [dir]\n    formats: [onnx]\n"+
				"    signatures: {signers: [vendor], bundles: {model: [s]}, subject: m}\n", nil)
			rules := p.For("m", policy.Origin{Kind: "dir"})
			payload, err := revocation.List{Version: 1, IssuedAt: noon.UTC(), Entries: c.revokes}.Encode()
			require.NoError(t, err)
			list, err := signature.Seal(guard.keys["guard"], nil, revocation.PayloadType, payload)
			require.NoError(t, err)
			facts := rules.Authenticate([]policy.Document{
				{Evidence: policy.Evidence{Use: policy.UseSignature, InModel: true, Name: "s"}, Text: bundle},
				{Evidence: policy.Evidence{Use: policy.UseRevocation, Name: "r"}, Text: list},
			}, c.now)
			signed := facts.Signatures[0]
			if c.want != "" {
				require.NotNil(t, signed.Problem)
				require.Equal(t, c.want, signed.Problem.Code, signed.Problem.Detail)
				require.Empty(t, signed.By)
				return
			}
			require.Nil(t, signed.Problem)
			require.Equal(t, "vendor", signed.By)
			f := bare()
			f.Evidence = facts
			require.Empty(t, rules.Decide(policy.PhaseDigest, f).Reasons)
			require.NotEqual(t, manifest.Digest{}, signed.Signer.Key)
		})
	}
}
