//go:build linux && amd64 && cgo

package sentence_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/zipfile"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// A tampering changes one thing of a publication that was admitted before, and
// says at which phase that is refused, and for what.
type tampering struct {
	name   string
	tamper func(t *testing.T, p *publication)
	phase  policy.Phase
	codes  []formats.Code
}

var changed = []formats.Code{policy.CodePinChanged, signature.CodeFileChanged}

var tamperings = []tampering{
	{"a byte of the pickle", func(t *testing.T, p *publication) {
		p.change(t, "pytorch_model.bin", flipTensorName)
	}, policy.PhaseDigest, changed},
	{"a byte of the pickle, signed and pinned", func(t *testing.T, p *publication) {
		p.change(t, "pytorch_model.bin", flipTensorName)
		p.vouch(t)
	}, policy.PhaseInspect, []formats.Code{policy.CodeDerivedMissing, zipfile.CodeCRC}},
	{"a byte of a weight", func(t *testing.T, p *publication) {
		p.change(t, "pytorch_model.bin", func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	}, policy.PhaseDigest, changed},
	{"a line of the vocabulary", func(t *testing.T, p *publication) {
		p.change(t, "vocab.txt", replace("\nking\n", "\nring\n"))
	}, policy.PhaseDigest, changed},
	{"a value of the config", func(t *testing.T, p *publication) {
		p.change(t, "config.json", replace(`"num_attention_heads": 12`, `"num_attention_heads": 24`))
	}, policy.PhaseDigest, changed},
	{"a byte of the signature", func(t *testing.T, p *publication) {
		p.change(t, sentenceBundle, flipSignature)
	}, policy.PhaseDigest, []formats.Code{signature.CodeInvalid}},
	{"no signature", func(t *testing.T, p *publication) {
		path := filepath.Join(p.dir, sentenceBundle)
		bundle, err := os.ReadFile(path)
		require.NoError(t, err)
		t.Cleanup(func() { p.put(t, sentenceBundle, bundle) })
		require.NoError(t, os.Remove(path))
	}, policy.PhaseDigest, []formats.Code{policy.CodeSignatureMissing}},
	{"a signature by another key", func(t *testing.T, p *publication) {
		p.trusted = newKey(t)
	}, policy.PhaseDigest, []formats.Code{signature.CodeUntrusted}},
	{"a signature for another model", func(t *testing.T, p *publication) {
		p.subject = "another"
		p.change(t, sentenceBundle, func([]byte) []byte { return p.signed(t) })
	}, policy.PhaseDigest, []formats.Code{policy.CodeSignatureSubject}},
	{"pinned under another name only", func(t *testing.T, p *publication) {
		pin, _ := p.lock.Pin(sentenceName)
		pin.Name = "another"
		p.lock = p.locked(t, pin)
	}, policy.PhaseStat, []formats.Code{policy.CodePinMissing}},
	{"pinned under another name, with another under its own", func(t *testing.T, p *publication) {
		pin, _ := p.lock.Pin(sentenceName)
		other := pin
		other.Name = "another"
		pin.Files = slices.Clone(pin.Files)
		pin.Files[0].Verity[0] ^= 1
		p.lock = p.locked(t, other, pin)
	}, policy.PhaseDigest, []formats.Code{policy.CodePinOther}},
	{"another conversion than the pinned one", func(t *testing.T, p *publication) {
		pin, _ := p.lock.Pin(sentenceName)
		pin.Derived = slices.Clone(pin.Derived)
		pin.Derived[0].Verity[0] ^= 1
		pin.Recipe = manifest.Digest{}
		p.lock = p.locked(t, pin)
	}, policy.PhaseInspect, []formats.Code{policy.CodeDerivedChanged}},
	{"a malicious global, signed and pinned", func(t *testing.T, p *publication) {
		p.change(t, "pytorch_model.bin", func([]byte) []byte { return checkpoint(t, "malicious.json.gz", publishedWeights(t)) })
		p.vouch(t)
	}, policy.PhaseInspect, []formats.Code{policy.CodeDerivedMissing, pickle.CodeGlobalDangerous}},
	{"another runtime", func(t *testing.T, p *publication) {
		content, err := os.ReadFile(p.library)
		require.NoError(t, err)
		content[len(content)-1] ^= 1
		p.library = filepath.Join(t.TempDir(), filepath.Base(p.library))
		require.NoError(t, os.WriteFile(p.library, content, 0o600))
	}, policy.PhaseLibrary, []formats.Code{policy.CodeLibraryChanged, policy.CodeLibraryOther}},
	{"a runtime that is not pinned", func(t *testing.T, p *publication) {
		pin, _ := p.lock.Pin(sentenceName)
		lock, err := new(policy.Lock).With(pin)
		require.NoError(t, err)
		p.lock = lock
	}, policy.PhaseLibrary, []formats.Code{policy.CodeLibraryUnpinned}},
}

// requireRefusals changes one thing at a time: no session comes of any.
func requireRefusals(t *testing.T, p *publication) {
	for _, c := range tamperings {
		t.Run(c.name, func(t *testing.T) {
			tampered := *p
			c.tamper(t, &tampered)
			s, err := tampered.open(t)
			require.Nil(t, s)
			var r *loader.Rejection
			require.ErrorAs(t, err, &r)
			var codes []formats.Code
			for _, reason := range r.Report.Reasons() {
				codes = append(codes, reason.Code)
			}
			require.Equal(t, c.codes, codes, "%s", r.Report)
			decided := r.Report.Decisions
			require.Equal(t, c.phase, decided[len(decided)-1].Phase)
			require.Nil(t, r.Report.Session)
		})
	}
	t.Run("a config that is vouched for and cannot be computed", func(t *testing.T) {
		tampered := *p
		tampered.change(t, "config.json", replace(`"absolute"`, `"relative_key"`))
		tampered.vouch(t)
		s, err := tampered.open(t)
		require.Nil(t, s)
		var unsupported *graph.Error
		require.ErrorAs(t, err, &unsupported)
		require.Equal(t, "config.json", unsupported.File)
		require.Equal(t, "position_embedding_type", unsupported.Key)
	})
}

// replace puts one text in the place of another, which is there once.
func replace(before, after string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(before), []byte(after), 1) }
}

// flipTensorName changes a letter of a string in the pickle.
func flipTensorName(b []byte) []byte {
	i := bytes.Index(b, []byte("encoder.layer.0."))
	b[i] ^= 1
	return b
}

// flipSignature changes a letter within the base64 of a bundle's signature.
func flipSignature(b []byte) []byte {
	i := bytes.Index(b, []byte(`"sig":"`)) + 20
	if b[i]++; b[i] == 'z'+1 || b[i] == 'Z'+1 || b[i] == '9'+1 || b[i] == '+'+1 || b[i] == '/'+1 {
		b[i] = 'A'
	}
	return b
}

// vouch has the publisher sign the model as it lies there, and the service pin
// it. What nothing is made of keeps the pin of what was.
func (p *publication) vouch(t *testing.T) {
	t.Helper()
	p.change(t, sentenceBundle, func([]byte) []byte { return p.signed(t) })
	p.pin(t)
}
