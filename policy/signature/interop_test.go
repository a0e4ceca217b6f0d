//go:build interop

package signature_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/signature"
)

// interpreter names the variable that holds a Python with model-signing 1.1.1
// and pyOpenSSL. Without it these tests fail: they are run by
//
//	MODEL_SIGNING_PYTHON=.../bin/python go test -tags interop -run Interop ./policy/signature
const interpreter = "MODEL_SIGNING_PYTHON"

// job is one of testdata/interop.py.
type job struct {
	Do          string   `json:"do"`
	By          string   `json:"by"`
	Method      string   `json:"method"`
	Model       string   `json:"model"`
	Bundle      string   `json:"bundle"`
	Key         string   `json:"key,omitempty"`
	Certificate string   `json:"certificate,omitempty"`
	Chain       []string `json:"chain,omitempty"`
}

// ask runs jobs with the reference and returns what it says of each.
func ask(t *testing.T, jobs []job) []string {
	python := os.Getenv(interpreter)
	require.NotEmpty(t, python, "set %s", interpreter)
	in, err := json.Marshal(jobs)
	require.NoError(t, err)
	cmd := exec.Command(python, filepath.Join("testdata", "interop.py"))
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", stderr.String())
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var said []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "WARNING") {
			said = append(said, line)
		}
	}
	require.Len(t, said, len(jobs), "%s", out)
	return said
}

// scene is a model on disk, and the principals' keys and certificates.
type scene struct {
	dir string
}

func newScene(t *testing.T) scene {
	s := scene{t.TempDir()}
	for name, b := range contents() {
		s.put(t, "model/"+name, b)
	}
	for name, key := range signers().keys {
		if name == "ed25519" {
			continue // not of OMS
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		s.pem(t, name+".key", "PRIVATE KEY", der)
		der, err = x509.MarshalPKIXPublicKey(key.Public())
		require.NoError(t, err)
		s.pem(t, name+".pem", "PUBLIC KEY", der)
	}
	s.pem(t, "leaf.pem", "CERTIFICATE", signers().chain[0].Raw)
	s.pem(t, "between.pem", "CERTIFICATE", signers().chain[1].Raw)
	s.pem(t, "root.pem", "CERTIFICATE", signers().root.Raw)
	return s
}

func (s scene) at(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s scene) put(t *testing.T, name string, b []byte) {
	require.NoError(t, os.MkdirAll(filepath.Dir(s.at(name)), 0o700))
	require.NoError(t, os.WriteFile(s.at(name), b, 0o600))
}

func (s scene) pem(t *testing.T, name, kind string, der []byte) {
	s.put(t, name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// ways are all in which both implementations sign.
var ways = []struct{ key, method string }{
	{"p256", "files"}, {"p384", "files"}, {"p521", "files"}, {"chain", "files"},
	{"p256", "shards"}, {"p384", "shards"}, {"p521", "shards"}, {"chain", "shards"},
}

// TestInteropSignedThere: bundles that the reference writes now.
func TestInteropSignedThere(t *testing.T) {
	s := newScene(t)
	var jobs []job
	for _, w := range ways {
		j := job{Do: "sign", By: "key", Method: w.method, Model: s.at("model"), Bundle: s.at(w.key + w.method), Key: s.at(w.key + ".key")}
		if w.key == "chain" {
			j.By, j.Key, j.Certificate, j.Chain = "certificate", s.at("p256.key"), s.at("leaf.pem"), []string{s.at("between.pem"), s.at("root.pem")}
		}
		jobs = append(jobs, j)
	}
	said := ask(t, jobs)
	files, shards := measure(contents())
	for i, w := range ways {
		require.Equal(t, "ok", said[i], "%v", w)
		text, err := os.ReadFile(jobs[i].Bundle)
		require.NoError(t, err)
		in := inRoot()
		if w.key != "chain" {
			in = signature.Trust{Keys: []crypto.PublicKey{signers().keys[w.key].Public()}}
		}
		v, err := signature.Verify(text, in)
		require.NoError(t, err, "%v", w)
		found := signature.Compare(v, files, shards)
		if w.method == "shards" { // the file of no bytes
			require.Len(t, found, 1)
			require.Equal(t, signature.CodeFileEmpty, found[0].Code)
			continue
		}
		require.Empty(t, found, "%v", w)
	}
}

// TestInteropSignedHere: bundles of ours, verified there, and refused there
// once a byte of the model has changed.
func TestInteropSignedHere(t *testing.T) {
	s := newScene(t)
	s.put(t, "other/a.json", []byte("[]\n"))
	var jobs []job
	for _, w := range ways {
		statement := byFiles()
		if w.method == "shards" {
			statement = byShards()
		}
		s.put(t, w.key+w.method, bundleOf(t, w.key, statement))
		j := job{Do: "verify", By: "key", Method: w.method, Model: s.at("model"), Bundle: s.at(w.key + w.method), Key: s.at(w.key + ".pem")}
		if w.key == "chain" {
			j.By, j.Chain = "certificate", []string{s.at("root.pem")}
		}
		guess, other := j, j
		guess.Method, other.Model = "guess", s.at("other")
		jobs = append(jobs, j, guess, other)
	}
	said := ask(t, jobs)
	for i, w := range ways {
		require.Equal(t, "ok", said[3*i], "%v", w)
		require.Equal(t, "ok", said[3*i+1], "%v, guessed", w)
		require.Contains(t, said[3*i+2], "Signature mismatch", "%v", w)
	}
}

// TestInteropCommand: what the reference's command verifies, which is files.
func TestInteropCommand(t *testing.T) {
	python := os.Getenv(interpreter)
	require.NotEmpty(t, python, "set %s", interpreter)
	s := newScene(t)
	s.put(t, "model/model.sig", bundleOf(t, "p384", byFiles())) // within the model, and ignored by it
	verify := func() ([]byte, error) {
		return exec.Command(python, "-m", "model_signing", "verify", "key",
			"--signature", s.at("model/model.sig"), "--public_key", s.at("p384.pem"), s.at("model")).CombinedOutput()
	}
	out, err := verify()
	require.NoError(t, err, "%s", out)
	s.put(t, "model/extra.py", []byte("pass\n"))
	out, err = verify()
	require.Error(t, err)
	require.Contains(t, string(out), "extra.py")
}
