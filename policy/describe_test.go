package policy_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// vouching says everything that can be said of signers.
func vouching(t *testing.T) string {
	enforce, err := os.ReadFile("testdata/cases/enforce.yaml")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(enforce), "signers:\n")
	signers, _, _ := strings.Cut(rest, "models:")
	return "version: 1\nlock: weightgate.lock\nsigners:\n" + signers +
		`revocation: {signers: [alice], list: revocations.sig, max_age: 36h, min_version: 2, monotonic: true}
models:
  - name: ocr
    source: [hub]
    repository: acme/ocr
    formats: [onnx]
    signatures: {signers: [alice], bundles: {model: [a.sig, b.sig], policy: [c.sig]}, shards: 1048576, subject: model, any_model_of_signer: true}
    approvals: {documents: {policy: [d.sig]}, environment: production, max_age: 2d, roles: [{role: security, signers: [alice]}]}
    release: {min: 5, monotonic: true}
    provenance: {documents: {model: [e.sig]}, signers: [alice], builders: ["https://ci.example"], materials: ["hf://a"]}
    findings: {refuse: critical}
    limits: {bytes: 1, files: 3}
    convert: {packs: [weights], unknown: extract, unpinned: true}
    exceptions:
      - {codes: [onnx.domain], owner: alice, expires: 2026-06-01, reason: ticket}
  - {name: draft, source: [dir], formats: [onnx], unpinned: true}
`
}

func TestDescribe(t *testing.T) {
	p := mustParse(t, vouching(t), emptyLock())
	all := p.Describe("")
	require.Len(t, all, 3)
	require.Equal(t, []string{"", "ocr", "draft"}, []string{all[0].Name, all[1].Name, all[2].Name})
	require.Equal(t, []string{
		"The mode is enforce: a load that is not admitted is refused.",
		"The lock is weightgate.lock and pins 0 models and 0 libraries.",
		"No runtime is opened: libraries are not mentioned.",
		"alice vouches with 1 key.",
		"A list of what was revoked must lie beside the policy as revocations.sig, signed by alice and at most 36 hours old.",
		"Its version is at least 2.",
		"Its version never goes back from what the host has seen.",
	}, all[0].Sentences)
	require.Equal(t, []string{
		`It comes from hub, of a hub the repository "acme/ocr".`,
		"Weights and graphs are onnx.",
		"It needs no pin.",
		"Pickles are converted to safetensors in a sandbox of at least seccomp, by the packs weights; objects that no pack knows are dropped.",
		"What they are converted into need not be pinned.",
		"At least 1 of alice must have signed it, over shards of 1048576 bytes, in a.sig and b.sig in the model, and c.sig beside the policy.",
		`The signed subject is "model".`,
		"Any model of theirs may be loaded under this name.",
		"In the role security, at least 1 of alice must have approved it.",
		"Approvals are in d.sig beside the policy.",
		"They are for the environment production.",
		"They are at most 2 days old.",
		"Its release is at least 5.",
		"Its release never goes back from what the host has seen.",
		"Its weights have provenance, signed by alice, from the builder https://ci.example, in e.sig in the model.",
		"They are made of hf://a.",
		"Findings of formats refuse it from critical severity up.",
		"It has these limits, where the host has no lower ones: bytes 1, files 3.",
		"No session is opened for it.",
		`Until 2026-06-01, findings of onnx.domain pass for whatever file they are about: alice's word, because "ticket".`,
	}, all[1].Sentences)

	require.Len(t, p.Describe("draft"), 2)
	require.Nil(t, p.Describe("drafts"))
	require.Nil(t, new(policy.Policy).Describe(""))

	judging := newScene(t)
	scene := mustParse(t, judging.policy, judging.lock.Encode()).Describe("ocr")
	require.Contains(t, scene[0].Sentences, "A runtime is opened only if its libraries are those in the lock.")
	require.Contains(t, scene[1].Sentences, "ocr is pinned to 3 files, identity "+ocrFiles().Identity().String()+".")
	require.Contains(t, scene[1].Sentences, "It runs on cpu or cuda.")
	require.Contains(t, scene[1].Sentences, "On another device, nodes that may still run on the CPU are /head/Gather and Shape.")
	require.Contains(t, scene[1].Sentences, "The SHA-256 of each file is measured too.")
}

func TestWarnings(t *testing.T) {
	at := func(text string) time.Time {
		now, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return now
	}
	lock := mustLock(t, []policy.Pin{{Name: "gone", Files: manifest.Manifest{file("m.onnx", "graph")}}})
	p := mustParse(t, vouching(t), lock.Encode())
	rest := []string{
		"the model draft: unpinned, so that nobody vouches for what is loaded",
		"the lock pins gone, and no entry is for it",
	}
	before := []string{
		"the model ocr: what it is converted into is not pinned",
		"the model ocr: any model of its signers may be loaded under this name",
		"the model ocr: findings of high severity do not refuse it",
	}
	for _, c := range []struct {
		now     string
		warning []string
	}{
		{"2026-05-01", nil},
		{"2026-05-02", []string{"the model ocr: the exception of alice for onnx.domain expires on 2026-06-01"}},
		{"2026-05-31", []string{"the model ocr: the exception of alice for onnx.domain expires on 2026-06-01"}},
		{"2026-06-01", []string{"the model ocr: the exception of alice for onnx.domain has expired on 2026-06-01"}},
	} {
		want := append(append(append([]string{}, before...), c.warning...), rest...)
		require.Equal(t, want, p.Warnings(at(c.now)), c.now)
	}
	require.Contains(t, mustParse(t, minimal, nil).Warnings(at("2026-01-01")), "no revocation: what was published cannot be taken back")
	require.Nil(t, (*policy.Policy)(nil).Warnings(at("2026-01-01")))
}
