package policy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
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

type cast struct {
	keys map[string]*ecdsa.PrivateKey
	yaml string
}

func newCast(t *testing.T, names ...string) *cast {
	x := &cast{keys: map[string]*ecdsa.PrivateKey{}, yaml: "signers:\n"}
	for _, n := range names {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		x.keys[n] = k
		der, _ := x509.MarshalPKIXPublicKey(k.Public())
		text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		x.yaml += "  - name: " + n + "\n    keys:\n      - |\n        " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ") + "\n"
	}
	return x
}

func (x *cast) policy(t *testing.T, head, model string) *policy.Policy {
	return mustParse(t, "version: 1\n"+head+x.yaml+"models:\n  - name: m\n    source: [dir]\n    formats: [onnx]\n"+model, nil)
}

var noon = time.Unix(1_800_000_000, 0)

func bare() *policy.Facts {
	f := file("m.onnx", "graph")
	f.SHA256 = sha256.Sum256([]byte("graph"))
	return &policy.Facts{Name: "m", Origin: policy.Origin{Kind: "dir"}, Now: noon,
		Stat:    &policy.StatFacts{Files: []policy.File{{Name: "m.onnx", Size: f.Size, Kind: policy.Regular, Links: 1}}},
		Digest:  &policy.DigestFacts{Manifest: manifest.Manifest{f}},
		Inspect: &policy.InspectFacts{Formats: map[string]string{"m.onnx": "onnx"}, Tensors: 1}}
}

func (x *cast) approve(t *testing.T, e policy.Evidence, who string, a attestation.Approval) policy.Document {
	a.Name = "m"
	if a.Identity.IsZero() {
		a.Identity = bare().Digest.Manifest.Identity()
	}
	a.IssuedAt = noon.Add(-time.Hour).UTC()
	payload, err := a.Encode()
	require.NoError(t, err)
	text, err := signature.Seal(x.keys[who], nil, signature.InToto, payload)
	require.NoError(t, err)
	return policy.Document{Evidence: e, Text: text}
}

func (x *cast) sign(t *testing.T, e policy.Evidence, who, subject string) policy.Document {
	text, err := signature.Sign(x.keys[who], nil, signature.Statement{Subject: subject, Method: signature.Files, Resources: signature.FileResources(bare().Digest.Manifest)})
	require.NoError(t, err)
	return policy.Document{Evidence: e, Text: text}
}

func ap(in bool, n string) policy.Evidence {
	return policy.Evidence{Use: policy.UseApproval, InModel: in, Name: n}
}

// One person fills one place, also by documents of one name in the model and beside the policy.
func TestOnePersonInTwoDocumentsOfOneName(t *testing.T) {
	x := newCast(t, "alice", "bob", "carol")
	p := x.policy(t, "", `    unpinned: true
    approvals:
      documents: {model: [a, b], policy: [b, c]}
      roles: [{role: ml, signers: [alice]}, {role: security, signers: [alice, bob]}, {role: legal, signers: [bob, carol]}]
`)
	r := p.For("m", policy.Origin{Kind: "dir"})
	f := bare()
	f.Evidence = r.Authenticate([]policy.Document{
		x.approve(t, ap(true, "a"), "alice", attestation.Approval{Role: "ml"}),
		x.approve(t, ap(true, "b"), "alice", attestation.Approval{Role: "security"}), // only alice
		x.approve(t, ap(false, "b"), "bob", attestation.Approval{Role: "legal"}),
		x.approve(t, ap(false, "c"), "carol", attestation.Approval{Role: "legal"}),
	}, noon)
	d := r.Decide(policy.PhaseDigest, f)
	require.NotEmpty(t, d.Reasons, "ml and security have the word of alice alone")
}

// Nobody sets the release alone.
func TestReleaseNone(t *testing.T) {
	x := newCast(t, "alice", "bob")
	p := x.policy(t, "", `    unpinned: true
    approvals:
      documents: {model: [a, b]}
      roles: [{role: ml, signers: [alice, bob], need: 2}]
    release: {min: 5}
`)
	r := p.For("m", policy.Origin{Kind: "dir"})
	f := bare()
	f.Evidence = r.Authenticate([]policy.Document{
		x.approve(t, ap(true, "a"), "alice", attestation.Approval{Role: "ml"}),
		x.approve(t, ap(true, "b"), "bob", attestation.Approval{Role: "ml", Release: 9}),
	}, noon)
	d := r.Decide(policy.PhaseDigest, f)
	require.NotEmpty(t, d.Reasons, "one of the two says no release")
}

// The mark is of approvals that count.
func TestMarkHeldDown(t *testing.T) {
	x := newCast(t, "alice")
	p := x.policy(t, "", `    unpinned: true
    approvals:
      documents: {model: [a, b]}
      roles: [{role: ml, signers: [alice]}]
    release: {monotonic: true}
`)
	r := p.For("m", policy.Origin{Kind: "dir"})
	f := bare()
	f.Evidence = r.Authenticate([]policy.Document{
		x.approve(t, ap(true, "a"), "alice", attestation.Approval{Role: "ml", Release: 9}),
		x.approve(t, ap(true, "b"), "alice", attestation.Approval{Role: "ml", Release: 1, Identity: manifest.Digest{1}}), // of another model
	}, noon)
	f.Evidence.Marks = map[string]uint64{"release/m": 0}
	require.Empty(t, r.Decide(policy.PhaseDigest, f).Reasons)
	require.Equal(t, uint64(9), r.Marks(f)[0].Value, "the release that was decided over")
}

// What is waived or audited says nothing of which model this is.
func TestUnboundByWaivedPin(t *testing.T) {
	x := newCast(t, "alice")
	lock := &policy.Lock{}
	for _, c := range []struct{ head, model, lock string }{
		{"lock: weightgate.lock\n", "    pin: required\n    signatures: {signers: [alice], bundles: {model: [s]}}\n    exceptions: [{codes: [pin.missing], owner: o, reason: r, expires: 2099-01-01}]\n", string(lock.Encode())},
		{"", "    signatures: {signers: [alice], bundles: {model: [s]}}\n    approvals: {documents: {model: [a]}, roles: [{role: ml, signers: [alice]}]}\n    exceptions: [{codes: [approval.missing], owner: o, reason: r, expires: 2099-01-01}]\n", ""},
		{"mode: audit\n", "    signatures: {signers: [alice], bundles: {model: [s]}}\n    approvals: {documents: {model: [a]}, roles: [{role: ml, signers: [alice]}]}\n", ""},
	} {
		p := mustParse(t, "version: 1\n"+c.head+x.yaml+"models:\n  - name: m\n    source: [dir]\n    formats: [onnx]\n"+c.model, []byte(c.lock))
		r := p.For("m", policy.Origin{Kind: "dir"})
		f := bare()
		f.Evidence = r.Authenticate([]policy.Document{x.sign(t, policy.Evidence{Use: policy.UseSignature, InModel: true, Name: "s"}, "alice", "another model"),
			{Evidence: ap(true, "a")}}, noon)
		d := r.Decide(policy.PhaseDigest, f)
		ok := false
		for _, reason := range d.Reasons {
			ok = ok || reason.Code == policy.CodeSignatureUnbound
		}
		if !ok {
			t.Errorf("%q: nothing says which model this is, and signature.unbound is not there (audit %v)", c.model, d.Audit)
		}
	}
}

// A pinned file needs no SHA-256 measured to be known by it.
func TestRevokedBySHA256OfThePin(t *testing.T) {
	x := newCast(t, "alice")
	facts := bare()
	pinned := facts.Digest.Manifest[0]
	lock, err := new(policy.Lock).With(policy.Pin{Name: "m", Files: manifest.Manifest{pinned}})
	require.NoError(t, err)
	p := mustParse(t, "version: 1\nlock: weightgate.lock\nrevocation: {signers: [alice], list: r, max_age: 24h}\n"+x.yaml+
		"models:\n  - name: m\n    source: [dir]\n    formats: [onnx]\n    pin: required\n", lock.Encode())
	rules := p.For("m", policy.Origin{Kind: "dir"})
	require.False(t, rules.SHA256())
	facts.Digest.Manifest[0].SHA256 = manifest.Digest{}

	payload, err := revocation.List{Version: 1, IssuedAt: noon.UTC(), Entries: []revocation.Entry{{File: pinned.SHA256}}}.Encode()
	require.NoError(t, err)
	text, err := signature.Seal(x.keys["alice"], nil, revocation.PayloadType, payload)
	require.NoError(t, err)
	facts.Evidence = rules.Authenticate([]policy.Document{{Evidence: policy.Evidence{Use: policy.UseRevocation, Name: "r"}, Text: text}}, noon)
	d := rules.Decide(policy.PhaseDigest, facts)
	require.Len(t, d.Reasons, 1)
	require.Equal(t, policy.CodeRevokedFile, d.Reasons[0].Code)
}
