//go:build linux && amd64 && cgo

package sentence_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/signature"
)

const (
	sentenceName   = "minilm"
	sentenceBundle = "model.sig"
)

// sentenceFiles are what MiniLM is served with beside its weights.
var sentenceFiles = []string{"config.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json",
	"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"}

// A publication is a model as its publisher gives it away, in a directory with
// the signature, and what a service has of its own: whom it trusts, what is
// pinned, and its runtime.
type publication struct {
	dir     string
	key     *ecdsa.PrivateKey // the publisher's
	subject string            // what they call it
	trusted *ecdsa.PrivateKey // whose signature the service takes
	lock    *policy.Lock
	library string // path of the runtime
}

// publish puts MiniLM with these weights into a directory, signs it, and pins it
// and the runtime.
func publish(t testing.TB, weightsName string, weights []byte) *publication {
	t.Helper()
	p := &publication{dir: t.TempDir(), key: newKey(t), subject: sentenceName, lock: new(policy.Lock)}
	p.trusted = p.key
	p.library = fetchtest.Library(t)
	p.put(t, weightsName, weights)
	for _, name := range sentenceFiles {
		content, err := os.ReadFile(filepath.Join(fetchtest.MiniLM(t), name))
		require.NoError(t, err)
		p.put(t, name, content)
	}
	library, err := loader.MeasureLibrary(t.Context(), p.library)
	require.NoError(t, err)
	p.lock, err = p.lock.WithLibrary(library)
	require.NoError(t, err)
	p.put(t, sentenceBundle, p.signed(t))
	p.pin(t)
	return p
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func (p *publication) put(t testing.TB, name string, content []byte) {
	t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, content, 0o644))
}

// change replaces a file by what f makes of it, until the test ends.
func (p *publication) change(t testing.TB, name string, f func([]byte) []byte) {
	t.Helper()
	before, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(name)))
	require.NoError(t, err)
	t.Cleanup(func() { p.put(t, name, before) })
	after := f(bytes.Clone(before))
	require.False(t, bytes.Equal(before, after), "%s was not changed", name)
	p.put(t, name, after)
}

// measured is what the model is, and what it is converted into.
func (p *publication) measured(t testing.TB) *loader.Report {
	t.Helper()
	report, err := loader.Inspect(t.Context(), sentenceName, loader.Dir(p.dir), loader.InspectConfig{
		Formats: all.Formats(), SHA256: true, Converter: convert.New(), Convert: policy.Convert{Packs: []string{"weights"}},
		Keep: func(name string) bool { return name != sentenceBundle },
	})
	require.NoError(t, err)
	return report
}

// signed is the publisher's signature over all files.
func (p *publication) signed(t testing.TB) []byte {
	t.Helper()
	bundle, err := signature.Sign(p.key, nil, signature.Statement{
		Subject: p.subject, Method: signature.Files, Resources: signature.FileResources(p.measured(t).Facts().Digest.Manifest),
	})
	require.NoError(t, err)
	return bundle
}

// pin has the service take the model as it lies there. What nothing is made of
// keeps the pin of what was made before.
func (p *publication) pin(t testing.TB) {
	t.Helper()
	report := p.measured(t)
	pin, _ := p.lock.Pin(sentenceName)
	pin.Name, pin.Files = sentenceName, report.Facts().Digest.Manifest
	if len(report.DerivedFiles) > 0 {
		pin.Derived, pin.Recipe = report.DerivedFiles, report.Recipe
	}
	p.lock = p.locked(t, pin)
}

// locked is a lock of the runtime and these models.
func (p *publication) locked(t testing.TB, pins ...policy.Pin) *policy.Lock {
	t.Helper()
	lock, err := new(policy.Lock).WithLibrary(p.lock.Libraries()...)
	require.NoError(t, err)
	for _, pin := range pins {
		lock, err = lock.With(pin)
		require.NoError(t, err)
	}
	return lock
}

// rules is the service's policy.
func (p *publication) rules(t testing.TB) *policy.Policy {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(p.trusted.Public())
	require.NoError(t, err)
	public := strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	rules, err := policy.Parse([]byte(`version: 1
lock: weightgate.lock
libraries: pinned
signers:
  - name: publisher
    keys:
      - |
        `+strings.ReplaceAll(public, "\n", "\n        ")+`
models:
  - name: `+sentenceName+`
    source: [dir]
    formats: [safetensors, torch]
    convert: {packs: [weights], sandbox: seccomp}
    pin: required
    companions: ["*.json", vocab.txt]
    signatures: {signers: [publisher], bundles: {model: [`+sentenceBundle+`]}, subject: `+sentenceName+`}
    session: {device: [cpu]}
`), p.lock.Encode())
	require.NoError(t, err)
	return rules
}

// load is a verified model, or why it was refused.
func (p *publication) load(t testing.TB) (*loader.Model, error) {
	t.Helper()
	gate, err := loader.New(loader.Config{Policy: p.rules(t), Formats: all.Formats(), Converter: convert.New()})
	require.NoError(t, err)
	defer gate.Close()
	return gate.Load(t.Context(), sentenceName, loader.Dir(p.dir))
}

// session is one of the model, or why there is none.
func (p *publication) session(t testing.TB, m *loader.Model) (*gpu.Session, error) {
	t.Helper()
	return gpu.Open(t.Context(), m, gpu.Config{Library: p.library, Device: gpu.CPU, Build: graph.Sentence})
}

// open is the whole line: a session, or why there is none.
func (p *publication) open(t testing.TB) (*gpu.Session, error) {
	t.Helper()
	m, err := p.load(t)
	if err != nil {
		require.Nil(t, m)
		return nil, err
	}
	defer m.Close()
	return p.session(t, m)
}
