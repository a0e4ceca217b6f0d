package policy_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

var today = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// keyOf is the key of that person, the same in each process.
func keyOf(who string) crypto.Signer {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, who)
	return ed25519.NewKeyFromSeed(seed)
}

// pemOf is a key as a policy's flow has it.
func pemOf(who string) string {
	der, err := x509.MarshalPKIXPublicKey(keyOf(who).Public())
	if err != nil {
		panic(err) // a key that was just made
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func signerOf(name string, keys ...string) string {
	var pems []string
	for _, k := range keys {
		text, _ := json.Marshal(pemOf(k))
		pems = append(pems, string(text))
	}
	return "  - {name: " + name + ", keys: [" + strings.Join(pems, ", ") + "]}\n"
}

var people = "signers:\n" + signerOf("ci", "ci") + signerOf("release", "release", "release2") + signerOf("vendor", "vendor") +
	signerOf("alice", "alice") + signerOf("bob", "bob") + signerOf("security", "security")

const bertEntry = `models:
  - name: bert
    source: [dir]
    formats: [safetensors]
`

// The rules that vectors are held against; each ends in the entry's own keys.
var (
	header     = "version: 1\n" + people
	signedRule = header + bertEntry + "    signatures: {signers: [release, vendor], bundles: {model: [a.sig], policy: [a.sig, b.sig]}}\n"
	boundRule  = signedRule + "    approvals: {environment: production, max_age: 30d, documents: {policy: [alice.sig, bob.sig], model: [alice.sig]}," +
		" roles: [{role: owner, signers: [alice]}, {role: security, signers: [alice, bob]}]}\n"
	anyRule      = strings.Replace(signedRule, "bundles:", "any_model_of_signer: true, bundles:", 1)
	approvedRule = header + bertEntry + "    unpinned: true\n" + boundRule[len(signedRule):]
	releaseRule  = approvedRule + "    release: {min: 5, monotonic: true}\n"
	revokedRule  = header + "revocation: {signers: [security], list: list.sig, max_age: 24h, min_version: 3, monotonic: true}\n" + bertEntry + "    unpinned: true\n"
	lineageRule  = header + bertEntry + "    unpinned: true\n    provenance: {documents: {policy: [a.sig, b.sig, c.sig]}, signers: [ci], builders: [\"https://ci.example/b\"], materials: [\"hf://base\"]}\n"
)

// A witness is a model, a policy, and the documents that speak for the model.
type witness struct {
	policy string
	phase  policy.Phase
	name   string
	now    time.Time
	files  manifest.Manifest
	shards map[string][]manifest.Digest
	docs   []policy.Document
	marks  map[string]uint64
}

func bertFiles() manifest.Manifest {
	return manifest.Manifest{file("a.safetensors", "weights"), file("b.safetensors", "more weights")}
}

func (w witness) facts(t testing.TB, r *policy.Rules) *policy.Facts {
	f := &policy.Facts{Name: w.name, Origin: policy.Origin{Kind: "dir"}, Now: w.now, Stat: &policy.StatFacts{},
		Digest:  &policy.DigestFacts{Manifest: w.files, Shards: w.shards},
		Inspect: &policy.InspectFacts{Formats: map[string]string{}}, Evidence: r.Authenticate(w.docs, w.now)}
	for _, e := range w.files {
		f.Stat.Files = append(f.Stat.Files, policy.File{Name: e.Name, Size: e.Size, Kind: policy.Regular, Links: 1})
		f.Inspect.Formats[e.Name] = "safetensors"
	}
	f.Evidence.Marks = w.marks
	return f
}

func (w witness) decide(t testing.TB) policy.Decision {
	r := mustParse(t, w.policy, nil).For("bert", policy.Origin{Kind: "dir"})
	require.NotNil(t, r)
	return r.Decide(w.phase, w.facts(t, r))
}

func doc(use policy.Use, name string, text []byte) policy.Document {
	return policy.Document{Evidence: policy.Evidence{Use: use, Name: name}, Text: text}
}

func inModel(d policy.Document) policy.Document {
	d.InModel = true
	return d
}

func byFiles(subject string, files manifest.Manifest) signature.Statement {
	s := signature.Statement{Subject: subject, Method: signature.Files}
	for _, f := range files {
		s.Resources = append(s.Resources, signature.Resource{Name: f.Name, SHA256: f.SHA256})
	}
	return s
}

// must is a result of making evidence, which does not fail.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func sealed(who, payloadType string, payload []byte) []byte {
	return must(signature.Seal(keyOf(who), nil, payloadType, payload))
}

func bundle(who string, files manifest.Manifest) []byte {
	return must(signature.Sign(keyOf(who), nil, byFiles("bert", files)))
}

func approval(who, role string, change func(*attestation.Approval)) []byte {
	a := attestation.Approval{Name: "bert", Identity: bertFiles().Identity(), Role: role, Environment: "production", Release: 7, IssuedAt: today.Add(-time.Hour)}
	if change != nil {
		change(&a)
	}
	return sealed(who, signature.InToto, must(a.Encode()))
}

func list(who string, change func(*revocation.List)) []byte {
	l := revocation.List{Version: 4, IssuedAt: today.Add(-time.Hour)}
	if change != nil {
		change(&l)
	}
	return sealed(who, revocation.PayloadType, must(l.Encode()))
}

func conversion(from, to manifest.Digest) []byte {
	p := attestation.Provenance{PredicateType: attestation.ConversionType, Builder: "weightgate 1",
		Subjects: []attestation.Resource{{SHA256: to}}, Materials: []attestation.Resource{{SHA256: from}}}
	return sealed("ci", signature.InToto, must(p.Encode()))
}

func slsa(who, builder, uri string, subjects ...manifest.Digest) []byte {
	var named []any
	for _, d := range subjects {
		named = append(named, map[string]any{"name": "x", "digest": map[string]string{"sha256": d.String()}})
	}
	payload := must(json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": attestation.SLSAType, "subject": named,
		"predicate": map[string]any{
			"buildDefinition": map[string]any{"buildType": "https://ci.example/t", "resolvedDependencies": []any{map[string]any{"uri": uri}}},
			"runDetails":      map[string]any{"builder": map[string]any{"id": builder}},
		}}))
	return sealed(who, signature.InToto, payload)
}

func signedBy(text []byte) witness {
	return witness{policy: anyRule, docs: []policy.Document{doc(policy.UseSignature, "a.sig", text)}}
}

func approvedBy(docs ...policy.Document) witness { return witness{policy: approvedRule, docs: docs} }

func says(name string, text []byte) policy.Document { return doc(policy.UseApproval, name, text) }

// alone is an owner's approval, beside a good one for the other role.
func alone(change func(*attestation.Approval)) witness {
	return approvedBy(says("alice.sig", approval("alice", "owner", change)), says("bob.sig", approval("bob", "security", nil)))
}

func struck(text []byte) witness {
	return witness{policy: revokedRule, docs: []policy.Document{doc(policy.UseRevocation, "list.sig", text)}, marks: map[string]uint64{"revocation/list.sig": 4}}
}

func revokes(e revocation.Entry) func(*revocation.List) {
	return func(l *revocation.List) { l.Entries = append(l.Entries, e) }
}

func traced(texts ...[]byte) witness {
	w := witness{policy: lineageRule, phase: policy.PhaseInspect}
	for i, text := range texts {
		w.docs = append(w.docs, doc(policy.UseAttestation, string(rune('a'+i))+".sig", text))
	}
	return w
}

func (w witness) with(change func(*witness)) witness {
	change(&w)
	return w
}

// A trustCase is a witness and the codes of what speaks against it.
type trustCase struct {
	what  string
	w     witness
	codes string
}

func (c trustCase) decide(t testing.TB) policy.Decision {
	w := c.w
	w.name = "bert"
	if w.phase == 0 {
		w.phase = policy.PhaseDigest
	}
	if w.now.IsZero() {
		w.now = today
	}
	if w.files == nil {
		w.files = bertFiles()
	}
	return w.decide(t)
}

func sha(i int) manifest.Digest { return bertFiles()[i].SHA256 }

var pickle = file("a.bin", "pickle").SHA256

var trusted = []trustCase{
	// signatures
	{"signed", signedBy(bundle("release", bertFiles())), ""},
	{"unbound", signedBy(bundle("release", bertFiles())).with(func(w *witness) { w.policy = signedRule }), "signature.unbound"},
	{"bound by its subject", signedBy(bundle("release", bertFiles())).with(func(w *witness) {
		w.policy = strings.Replace(signedRule, "bundles:", "subject: bert, bundles:", 1)
	}), ""},
	{"another model of the signer", signedBy(must(signature.Sign(keyOf("release"), nil, byFiles("gpt", bertFiles())))).with(func(w *witness) {
		w.policy = strings.Replace(signedRule, "bundles:", "subject: bert, bundles:", 1)
	}), "signature.subject"},
	{"bundle of another model", signedBy(bundle("release", manifest.Manifest{file("a.safetensors", "other")})), "signature.file.changed a.safetensors, signature.file.extra b.safetensors"},
	{"swapped names", signedBy(bundle("release", manifest.Manifest{file("a.safetensors", "more weights"), file("b.safetensors", "weights")})),
		"signature.file.changed a.safetensors, signature.file.changed b.safetensors"},
	{"renamed, with the same root", signedBy(bundle("release", manifest.Manifest{file("a.safetensors", "weights"), file("c.safetensors", "more weights")})),
		"signature.file.extra b.safetensors, signature.file.missing c.safetensors"},
	{"no bundle", witness{policy: anyRule, docs: []policy.Document{doc(policy.UseSignature, "a.sig", nil)}}, "signature.missing"},
	{"nothing was read", witness{policy: anyRule}, "signature.few"},
	{"a document that nobody asked for", signedBy(bundle("release", bertFiles())).with(func(w *witness) { w.docs[0].Name = "c.sig" }), "signature.few"},
	{"unreadable bundle", witness{policy: anyRule, docs: []policy.Document{{Evidence: policy.Evidence{Use: policy.UseSignature, Name: "a.sig"}, Err: errors.New("EIO")}}}, "signature.unread"},
	{"by a stranger", signedBy(bundle("mallory", bertFiles())), "signature.untrusted"},
	{"by a signer for other things", signedBy(bundle("alice", bertFiles())), "signature.untrusted"},
	{"by one of two keys of one signer, twice", witness{policy: strings.Replace(anyRule, "bundles:", "need: 2, bundles:", 1), docs: []policy.Document{
		doc(policy.UseSignature, "a.sig", bundle("release", bertFiles())), doc(policy.UseSignature, "b.sig", bundle("release2", bertFiles()))}}, "signature.few"},
	{"two bundles by one key", witness{policy: strings.Replace(anyRule, "bundles:", "need: 2, bundles:", 1), docs: []policy.Document{
		doc(policy.UseSignature, "a.sig", bundle("release", bertFiles())), doc(policy.UseSignature, "b.sig", bundle("release", bertFiles()))}}, "signature.few"},
	{"two signers", witness{policy: strings.Replace(anyRule, "bundles:", "need: 2, bundles:", 1), docs: []policy.Document{
		doc(policy.UseSignature, "b.sig", bundle("vendor", bertFiles())), doc(policy.UseSignature, "a.sig", bundle("release", bertFiles()))}}, ""},
	{"files where shards are asked for", signedBy(bundle("release", bertFiles())).with(func(w *witness) {
		w.policy = strings.Replace(anyRule, "bundles:", "shards: 1048576, bundles:", 1)
	}), "signature.measure"},
	{"a zero-byte file under shards", func() witness {
		files := bertFiles()
		shards := map[string][]manifest.Digest{"a.safetensors": {sha(0)}, "b.safetensors": {sha(1)}}
		s := signature.Statement{Subject: "bert", Method: signature.Shards, ShardSize: 1 << 20, Resources: signature.ShardResources(files, 1<<20, shards)}
		w := signedBy(must(signature.Sign(keyOf("release"), nil, s)))
		w.policy, w.files, w.shards = strings.Replace(anyRule, "bundles:", "shards: 1048576, bundles:", 1), append(files, file("c.safetensors", "")), shards
		return w
	}(), "signature.file.empty c.safetensors"},
	{"an approval for a bundle", signedBy(approval("release", "owner", nil)), "signature.syntax"},

	// approvals
	{"approved", alone(nil), ""},
	{"approved, and bound by it", alone(nil).with(func(w *witness) {
		w.policy = boundRule
		w.docs = append(w.docs, doc(policy.UseSignature, "a.sig", bundle("release", bertFiles())))
	}), ""},
	{"the order does not matter", approvedBy(says("bob.sig", approval("bob", "security", nil)), says("alice.sig", approval("alice", "owner", nil))), ""},
	{"nobody", approvedBy(says("alice.sig", nil)), "approval.missing, approval.missing, approval.missing"},
	{"unreadable approval", approvedBy(policy.Document{Evidence: policy.Evidence{Use: policy.UseApproval, Name: "bob.sig"}, Err: errors.New("EIO")},
		says("alice.sig", approval("alice", "owner", nil))), "approval.missing, approval.unread"},
	{"one person in two roles", approvedBy(says("alice.sig", approval("alice", "owner", nil)), inModel(says("alice.sig", approval("alice", "security", nil)))), "approval.missing"},
	{"two documents of one name", approvedBy(says("alice.sig", approval("bob", "security", nil)), inModel(says("alice.sig", approval("alice", "owner", nil)))), ""},
	{"a place that has to be given back", approvedBy(says("alice.sig", approval("alice", "security", nil)), inModel(says("alice.sig", approval("alice", "owner", nil))),
		says("bob.sig", approval("bob", "security", nil))), ""},
	{"in a role of others", approvedBy(says("alice.sig", approval("alice", "owner", nil)), says("bob.sig", approval("bob", "owner", nil))), "approval.missing, approval.role"},
	{"other content", alone(func(a *attestation.Approval) { a.Identity = manifest.Digest{1} }), "approval.missing, approval.other"},
	{"another name", alone(func(a *attestation.Approval) { a.Name = "gpt" }), "approval.missing, approval.name"},
	{"another environment", alone(func(a *attestation.Approval) { a.Environment = "staging" }), "approval.environment, approval.missing"},
	{"an environment, and the policy has none", alone(func(a *attestation.Approval) { a.Environment = "staging" }).with(func(w *witness) {
		w.policy = strings.Replace(w.policy, "environment: production, ", "", 1)
		w.docs[1] = says("bob.sig", approval("bob", "security", func(a *attestation.Approval) { a.Environment = "" }))
	}), "approval.environment, approval.missing"},
	{"any environment", alone(func(a *attestation.Approval) { a.Environment = "" }), ""},
	{"a clock that is a little ahead", alone(func(a *attestation.Approval) { a.IssuedAt = today.Add(5 * time.Minute) }), ""},
	{"of the future", alone(func(a *attestation.Approval) { a.IssuedAt = today.Add(5*time.Minute + time.Second) }), "approval.early, approval.missing"},
	{"until a second from now", alone(func(a *attestation.Approval) { a.Expires = today.Add(time.Second) }), ""},
	{"until now", alone(func(a *attestation.Approval) { a.Expires = today }), "approval.expired, approval.missing"},
	{"as old as may be", alone(func(a *attestation.Approval) { a.IssuedAt = today.Add(-30 * 24 * time.Hour) }), ""},
	{"too old", alone(func(a *attestation.Approval) { a.IssuedAt = today.Add(-30*24*time.Hour - time.Second) }), "approval.expired, approval.missing"},
	{"a bundle for an approval", approvedBy(says("alice.sig", bundle("alice", bertFiles())), says("bob.sig", approval("bob", "security", nil))), "approval.missing, attestation.type"},

	// release
	{"release", alone(nil).with(func(w *witness) { w.policy, w.marks = releaseRule, map[string]uint64{"release/bert": 7} }), ""},
	{"release, never looked up", alone(nil).with(func(w *witness) { w.policy = releaseRule }), "policy.phase"},
	{"an older release than before", alone(nil).with(func(w *witness) { w.policy, w.marks = releaseRule, map[string]uint64{"release/bert": 8} }), "release.rollback"},
	{"an older release than the policy's", alone(func(a *attestation.Approval) { a.Release = 4 }).with(func(w *witness) { w.policy = releaseRule }), "release.older"},
	{"no release", approvedBy(says("alice.sig", approval("alice", "owner", func(a *attestation.Approval) { a.Release = 0 })),
		says("bob.sig", approval("bob", "security", func(a *attestation.Approval) { a.Release = 0 }))).with(func(w *witness) { w.policy = releaseRule }), "release.missing"},

	// revocation
	{"nothing revoked", struck(list("security", nil)), ""},
	{"no list", struck(nil), "revocation.missing"},
	{"list was not looked for", witness{policy: revokedRule}, "revocation.missing"},
	{"unreadable list", struck(nil).with(func(w *witness) { w.docs[0].Err = errors.New("EIO") }), "revocation.unread"},
	{"forged list", struck(list("mallory", nil)), "signature.untrusted"},
	{"list by a signer for other things", struck(list("release", nil)), "signature.untrusted"},
	{"replayed list", struck(list("security", nil)).with(func(w *witness) { w.marks = map[string]uint64{"revocation/list.sig": 5} }), "revocation.rollback"},
	{"stale list", struck(list("security", func(l *revocation.List) { l.IssuedAt = today.Add(-24*time.Hour - time.Second) })), "revocation.stale"},
	{"list of the future", struck(list("security", func(l *revocation.List) { l.IssuedAt = today.Add(time.Hour) })), "revocation.early"},
	{"list before min_version", struck(list("security", func(l *revocation.List) { l.Version = 2 })).with(func(w *witness) { w.marks = map[string]uint64{"revocation/list.sig": 0} }), "revocation.older"},
	{"revoked by fs-verity", struck(list("security", revokes(revocation.Entry{File: bertFiles()[1].Verity}))), "revocation.file b.safetensors"},
	{"revoked by SHA-256", struck(list("security", revokes(revocation.Entry{File: sha(0)}))), "revocation.file a.safetensors"},
	{"revoked model", struck(list("security", revokes(revocation.Entry{Identity: bertFiles().Identity(), Reason: "backdoor"}))), "revocation.identity"},
	{"a SHA-256 is no identity", struck(list("security", revokes(revocation.Entry{Identity: sha(0)}))), ""},

	// provenance
	{"built", traced(slsa("ci", "https://ci.example/b", "hf://base", sha(0), sha(1))), ""},
	{"pickle, conversion, build", traced(conversion(pickle, sha(0)), slsa("ci", "https://ci.example/b", "hf://base", pickle, sha(1))), ""},
	{"conversions in a circle", traced(conversion(sha(1), sha(0)), conversion(sha(0), sha(1)), slsa("ci", "https://ci.example/b", "hf://base", pickle)),
		"provenance.uncovered a.safetensors, provenance.uncovered b.safetensors"},
	{"one file uncovered", traced(slsa("ci", "https://ci.example/b", "hf://base", sha(0))), "provenance.uncovered b.safetensors"},
	{"digests that were not measured", traced(slsa("ci", "https://ci.example/b", "hf://base", sha(0), sha(1))).with(func(w *witness) {
		w.files = bertFiles()
		w.files[0].SHA256 = manifest.Digest{}
	}), "provenance.uncovered a.safetensors"},
	{"another builder", traced(slsa("ci", "https://evil.example/b", "hf://base", sha(0), sha(1))),
		"provenance.builder, provenance.uncovered a.safetensors, provenance.uncovered b.safetensors"},
	{"another base", traced(slsa("ci", "https://ci.example/b", "hf://other", sha(0), sha(1))), "provenance.material a.safetensors, provenance.material b.safetensors"},
	{"another base, and a second builder's word", traced(slsa("ci", "https://ci.example/b", "hf://other", sha(0), sha(1)), slsa("ci", "https://ci.example/b", "hf://base", sha(0))), "provenance.material b.safetensors"},
	{"attested by a stranger", traced(slsa("mallory", "https://ci.example/b", "hf://base", sha(0), sha(1))),
		"signature.untrusted, provenance.uncovered a.safetensors, provenance.uncovered b.safetensors"},
	{"no attestation", traced(nil), "provenance.missing, provenance.uncovered a.safetensors, provenance.uncovered b.safetensors"},
	{"unreadable attestation", traced(nil).with(func(w *witness) { w.docs[0].Err = errors.New("EIO") }),
		"provenance.unread, provenance.uncovered a.safetensors, provenance.uncovered b.safetensors"},

	// revoked signers
	{"signed by a revoked key", signedBy(bundle("release", bertFiles())).with(func(w *witness) {
		w.policy = strings.Replace(anyRule, bertEntry, revokedRule[len(header):len(revokedRule)-len("    unpinned: true\n")], 1)
		id, _ := signature.KeyID(keyOf("release").Public())
		w.docs = append(w.docs, doc(policy.UseRevocation, "list.sig", list("security", revokes(revocation.Entry{Key: id}))))
		w.marks = map[string]uint64{"revocation/list.sig": 4}
	}), "revocation.signer"},
}

func TestTrust(t *testing.T) {
	for _, c := range trusted {
		t.Run(c.what, func(t *testing.T) {
			d := c.decide(t)
			var got []string
			for _, r := range d.Reasons {
				if r.Rule != "measured" { // a digest that a case takes away
					got = append(got, strings.TrimSpace(string(r.Code)+" "+formats.Quote(r.File)))
				}
			}
			require.Equal(t, c.codes, strings.Join(got, ", "), d.Reasons)
			require.Equal(t, len(d.Reasons) > 0, d.Refused())
		})
	}
}

// Documents that come twice, or in another order, change no answer.
func TestTrustOrder(t *testing.T) {
	for _, c := range trusted {
		want := c.decide(t)
		for i := range c.w.docs {
			docs := slices.Clone(c.w.docs)
			slices.Reverse(docs)
			c.w.docs = append(docs, docs[i])
			require.Equal(t, want.Verdict, c.decide(t).Verdict, c.what)
			c.w.docs = c.w.docs[:len(docs)]
		}
	}
}

func TestDerivedRevoked(t *testing.T) {
	derived := file("a.safetensors", "tensors of a")
	w := struck(list("security", revokes(revocation.Entry{File: derived.Verity})))
	w.name, w.now, w.files = "bert", today, manifest.Manifest{file("a.bin", "pickle")}
	w.policy = strings.Replace(w.policy, "    unpinned: true\n", "    unpinned: true\n    convert: {packs: [weights], unpinned: true}\n", 1)
	r := mustParse(t, w.policy, nil).For("bert", policy.Origin{Kind: "dir"})
	f := w.facts(t, r)
	require.Empty(t, r.Decide(policy.PhaseDigest, f).Reasons)
	f.Inspect.Conversions = []policy.Conversion{{File: "a.bin", Derived: derived.Name, Sandbox: formats.SandboxFull, Packs: []formats.Pack{{Name: "weights"}}}}
	f.Inspect.Derived = manifest.Manifest{derived}
	var codes []formats.Code
	for _, reason := range r.Decide(policy.PhaseInspect, f).Reasons {
		codes = append(codes, reason.Code)
	}
	require.Contains(t, codes, policy.CodeRevokedFile)
}

func TestEvidenceBesideThePolicy(t *testing.T) {
	p, err := policy.Parse([]byte(signedRule), nil, policy.WithEvidence(fstest.MapFS{"b.sig": {Data: nil}}))
	require.NoError(t, err)
	there := p.Document(policy.Evidence{Use: policy.UseSignature, Name: "b.sig"})
	require.NotNil(t, there.Text)
	require.NoError(t, there.Err)
	missing := p.Document(policy.Evidence{Use: policy.UseSignature, Name: "a.sig"})
	require.Nil(t, missing.Text)
	require.NoError(t, missing.Err)
}
