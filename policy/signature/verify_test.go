package signature_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// inOrder are the model's files as model-signing orders them: by components,
// not as strings.
var inOrder = []string{"a.json", "deploy/x/y.md", "deploy/x.md", "deploy.md", "empty.txt", "größe.txt", "weights.bin"}

// TestPython: bundles that model-signing 1.1.1 wrote (testdata/gen.py).
func TestPython(t *testing.T) {
	files, shards := measure(contents())
	small, smallShards := measure(map[string][]byte{"renamed.json": contents()["a.json"]})
	some, _ := measure(contents(), "a.json", "deploy.md", "empty.txt", "größe.txt", "weights.bin")
	filled := files[:0:0]
	for _, f := range files {
		if f.Size > 0 {
			filled = append(filled, f)
		}
	}
	key := func(name string) signature.Trust {
		return signature.Trust{Keys: []crypto.PublicKey{publicKey(t, "python", name+".pem")}}
	}
	root := signature.Trust{Roots: roots(t, "python", "root.pem"), Now: now}
	ago := signature.Trust{Roots: root.Roots, InsecureLeafNotBefore: true}

	for _, c := range []struct {
		name   string
		trust  signature.Trust
		method signature.Method
		files  manifest.Manifest
		shards map[string][]manifest.Digest
	}{
		{"p256-files", key("p256"), signature.Files, files, nil},
		{"p384-files", key("p384"), signature.Files, files, nil},
		{"p521-files", key("p521"), signature.Files, files, nil},
		{"p256-shards", key("p256"), signature.Shards, filled, shards},
		{"p256-single", key("p256"), signature.Files, small, nil},
		{"p256-single-shards", key("p256"), signature.Shards, small, smallShards},
		{"p256-ignored", key("p256"), signature.Files, some, nil},
		{"chain-files", root, signature.Files, files, nil},
		{"chain-shards", root, signature.Shards, filled, shards},
		{"chain-codesigning-files", root, signature.Files, files, nil},
		{"chain-expired-files", ago, signature.Files, files, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := signature.Verify(fixture(t, "python", c.name+".sig"), c.trust)
			require.NoError(t, err)
			require.Equal(t, c.method, v.Method)
			require.Equal(t, c.method == signature.Shards, v.ShardSize == mib)
			require.False(t, v.AllowSymlinks)
			require.Subset(t, v.IgnorePaths, []string{".git", ".gitattributes", ".github", ".gitignore"})
			require.Empty(t, signature.Compare(v, c.files, c.shards))
			if len(c.trust.Keys) > 0 {
				id, err := signature.KeyID(c.trust.Keys[0])
				require.NoError(t, err)
				require.Equal(t, signature.Signer{Key: id}, v.Signer)
			} else {
				require.Len(t, v.Signer.Chain, 3)
				require.Equal(t, "CN=Test Signer", v.Signer.Chain[0].Subject)
			}
		})
	}
	for name, code := range map[string]formats.Code{
		"p256-blake2b":        signature.CodeHash,
		"p256-blake3":         signature.CodeHash,
		"p256-shards-of-8":    signature.CodeShardSize,
		"chain-expired-files": signature.CodeExpired,
		"chain-unfit-files":   signature.CodeUsage,
	} {
		trust := root
		if strings.HasPrefix(name, "p256") {
			trust = key("p256")
		}
		v, err := signature.Verify(fixture(t, "python", name+".sig"), trust)
		requireRefused(t, code, v, err)
	}
}

// TestPythonOrder: the signed order is kept, and the writer's is the same.
func TestPythonOrder(t *testing.T) {
	key := signature.Trust{Keys: []crypto.PublicKey{publicKey(t, "python", "p256.pem")}}
	theirs, err := signature.Verify(fixture(t, "python", "p256-files.sig"), key)
	require.NoError(t, err)
	require.Equal(t, inOrder, names(theirs))
	ours, err := signature.Verify(bundleOf(t, "p256", byFiles()), trust("p256"))
	require.NoError(t, err)
	require.Equal(t, theirs.Resources, ours.Resources)
	require.Equal(t, theirs.Root(), ours.Root())

	theirs, err = signature.Verify(fixture(t, "python", "p256-shards.sig"), key)
	require.NoError(t, err)
	ours, err = signature.Verify(bundleOf(t, "p256", byShards()), trust("p256"))
	require.NoError(t, err)
	require.Equal(t, theirs.Resources, ours.Resources)
}

func names(v *signature.Verified) []string {
	var names []string
	for _, r := range v.Resources {
		names = append(names, r.Name)
	}
	return names
}

func TestTrust(t *testing.T) {
	file, chain := bundleOf(t, "p256", byFiles()), bundleOf(t, "chain", byFiles())
	later := func(d time.Duration) signature.Trust {
		t := inRoot()
		t.Now = t.Now.Add(d)
		return t
	}
	leaf := signers().chain[0]
	hintless := edited(t, file, func(b object) {
		b["verificationMaterial"] = object{"publicKey": object{"hint": nil}}
	})
	alone := edited(t, chain, func(b object) {
		m := b["verificationMaterial"].(object)
		b["verificationMaterial"] = object{"certificate": m["x509CertificateChain"].(object)["certificates"].([]any)[0]}
	})
	between := signature.Trust{Roots: signers().chain[1:], Now: now}
	other, err := signature.ParseCertificates(fixture(t, "python", "root.pem"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		bundle []byte
		trust  signature.Trust
		code   formats.Code // "": verified
	}{
		"nobody":                        {file, signature.Trust{}, signature.CodeTrust},
		"nobody, and no bundle":         {nil, signature.Trust{}, signature.CodeTrust},
		"the key":                       {file, trust("p256"), ""},
		"the key among others":          {file, trust("p384", "p256", "ed25519"), ""},
		"the key without a hint":        {hintless, trust("p384", "p256", "ed25519"), ""},
		"another key":                   {file, trust("p384"), signature.CodeUntrusted},
		"another key without a hint":    {hintless, trust("p384"), signature.CodeInvalid},
		"a key that cannot be":          {file, signature.Trust{Keys: []crypto.PublicKey{"p256"}}, signature.CodeAlgorithm},
		"a key that is nil":             {file, signature.Trust{Keys: []crypto.PublicKey{nil}}, signature.CodeAlgorithm},
		"a root for a key":              {file, inRoot(), signature.CodeTrust},
		"the root":                      {chain, inRoot(), ""},
		"a key for a certificate":       {chain, trust("p256"), signature.CodeTrust},
		"a root that is nil":            {chain, signature.Trust{Roots: []*x509.Certificate{nil}, Now: now}, signature.CodeTrust},
		"no time":                       {chain, signature.Trust{Roots: inRoot().Roots}, signature.CodeTrust},
		"another root":                  {chain, signature.Trust{Roots: other, Now: now}, signature.CodeUntrusted},
		"the intermediate as root":      {alone, between, ""},
		"no way to the root":            {alone, inRoot(), signature.CodeUntrusted},
		"the leaf as root":              {alone, signature.Trust{Roots: []*x509.Certificate{leaf}, Now: now}, ""},
		"the leaf's last second":        {chain, later(leaf.NotAfter.Sub(now)), ""},
		"a second after":                {chain, later(leaf.NotAfter.Sub(now) + time.Second), signature.CodeExpired},
		"the leaf's first second":       {chain, later(leaf.NotBefore.Sub(now)), ""},
		"a second before":               {chain, later(leaf.NotBefore.Sub(now) - time.Second), signature.CodeEarly},
		"a year after, by the leaf":     {chain, signature.Trust{Roots: inRoot().Roots, Now: now.AddDate(9, 0, 0), InsecureLeafNotBefore: true}, ""},
		"keyless without a verifier":    {logged(t, alone), inRoot(), signature.CodeKeyless},
		"keyless, and it says no":       {logged(t, alone), signature.Trust{Keyless: log{err: errors.New("not logged")}}, signature.CodeInvalid},
		"keyless, and it says nothing":  {logged(t, alone), signature.Trust{Keyless: log{}}, signature.CodeInvalid},
		"keyless, and it says its code": {logged(t, alone), signature.Trust{Keyless: log{err: refusal(signature.CodeExpired)}}, signature.CodeExpired},
		"keyless":                       {logged(t, alone), signature.Trust{Keyless: log{signer: signature.Signer{Key: manifest.Digest{1}}}}, ""},
		"not keyless":                   {alone, signature.Trust{Keyless: log{signer: signature.Signer{Key: manifest.Digest{1}}}}, signature.CodeTrust},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := signature.Verify(c.bundle, c.trust)
			if c.code != "" {
				requireRefused(t, c.code, v, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "model", v.Subject)
			require.False(t, v.Signer.Key.IsZero())
		})
	}
}

// logged is a bundle with the entry of a log.
func logged(t *testing.T, bundle []byte) []byte {
	return edited(t, bundle, func(b object) {
		b["verificationMaterial"].(object)["tlogEntries"] = []any{object{"logIndex": "1"}}
	})
}

// log is a Keyless that says what it is made to say, of the model's bundles.
type log struct {
	signer signature.Signer
	err    error
}

func (l log) Signer(bundle []byte, e signature.Envelope) (signature.Signer, error) {
	if !strings.HasPrefix(string(e.Message()), "DSSEv1 28 application/vnd.in-toto+json ") || len(bundle) == 0 {
		return signature.Signer{}, errors.New("not what was asked for")
	}
	return l.signer, l.err
}

func refusal(c formats.Code) error {
	return &signature.Error{Finding: signature.Codes().Finding(c, "", 0, "as it is")}
}

func TestSigner(t *testing.T) {
	v, err := signature.Verify(bundleOf(t, "chain", byFiles()), inRoot())
	require.NoError(t, err)
	id, err := signature.KeyID(signers().keys["p256"].Public())
	require.NoError(t, err)
	require.Equal(t, id, v.Signer.Key, "one key has one id, with and without a certificate")
	require.Len(t, v.Signer.Chain, 3)
	leaf := v.Signer.Chain[0]
	require.Equal(t, "CN=Leaf,O=Example", leaf.Subject)
	require.Equal(t, "CN=Between", leaf.Issuer)
	require.Equal(t, "abc", leaf.Serial)
	require.Equal(t, []string{"dns:example.com", "email:leaf@example.com", "ip:192.0.2.1", "uri:https://example.com/leaf"}, leaf.Names)
	require.Equal(t, signers().chain[0].NotAfter, leaf.NotAfter)
	require.Equal(t, signers().chain[0].NotBefore, leaf.NotBefore)
	require.Equal(t, "CN=Root", v.Signer.Chain[2].Subject)
}

// TestEmbeddedRoot: a root that the bundle brings adds nothing and takes
// nothing away.
func TestEmbeddedRoot(t *testing.T) {
	p := signers()
	text, err := signature.Sign(p.keys["p256"], append(p.chain[:2:2], p.root), byFiles())
	require.NoError(t, err)
	with, err := signature.Verify(text, inRoot())
	require.NoError(t, err)
	without, err := signature.Verify(bundleOf(t, "chain", byFiles()), inRoot())
	require.NoError(t, err)
	require.Equal(t, without, with)
	v, err := signature.Verify(text, signature.Trust{Roots: roots(t, "python", "root.pem"), Now: now})
	requireRefused(t, signature.CodeUntrusted, v, err)
}

func TestLeaf(t *testing.T) {
	p := signers()
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		code   formats.Code
	}{
		"code signing": {func(c *x509.Certificate) {
			c.KeyUsage, c.ExtKeyUsage = 0, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}, ""},
		"digital signature for servers": {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, ""},
		"no usage":                      {func(c *x509.Certificate) { c.KeyUsage = 0 }, signature.CodeUsage},
		"for keys":                      {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }, signature.CodeUsage},
		"older than its issuer":         {func(c *x509.Certificate) { c.NotBefore = now.AddDate(-3, 0, 0) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			leaf := p.issue(c.change)
			text := edited(t, bundleOf(t, "chain", byFiles()), func(b object) {
				m := b["verificationMaterial"].(object)
				m["x509CertificateChain"].(object)["certificates"].([]any)[0] = object{"rawBytes": leaf.Raw}
			})
			v, err := signature.Verify(text, inRoot())
			if c.code != "" {
				requireRefused(t, c.code, v, err)
				_, err = signature.Sign(p.keys["p256"], []*x509.Certificate{leaf, p.chain[1]}, byFiles())
				requireRefused(t, c.code, nil, err)
				return
			}
			require.NoError(t, err)
		})
	}
	early := p.issue(func(c *x509.Certificate) { c.NotBefore = now.AddDate(-3, 0, 0) })
	text, err := signature.Sign(p.keys["p256"], []*x509.Certificate{early, p.chain[1]}, byFiles())
	require.NoError(t, err)
	at := inRoot()
	at.InsecureLeafNotBefore = true
	v, err := signature.Verify(text, at)
	requireRefused(t, signature.CodeEarly, v, err) // its issuer was not valid then
}

func TestParse(t *testing.T) {
	key, root := fixture(t, "python", "p256.pem"), fixture(t, "python", "root.pem")
	for name, text := range map[string][]byte{
		"nothing": nil, "text": []byte("key"), "a certificate": root, "two keys": append(key[:len(key):len(key)], key...),
		"something after": append(key[:len(key):len(key)], "x"...), "half": key[:len(key)/2],
	} {
		_, err := signature.ParseKey(text)
		require.ErrorIs(t, err, signature.ErrPEM, name)
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "text": []byte("root"), "a key": key, "something after": append(root[:len(root):len(root)], "x"...),
		"a key after": append(root[:len(root):len(root)], key...), "half": root[:len(root)/2],
	} {
		_, err := signature.ParseCertificates(text)
		require.ErrorIs(t, err, signature.ErrPEM, name)
	}
	chain, err := signature.ParseCertificates(append(root[:len(root):len(root)], root...))
	require.NoError(t, err)
	require.Len(t, chain, 2)
	again, err := signature.ParseCertificates(chain[0].Raw)
	require.NoError(t, err)
	require.True(t, again[0].Equal(chain[0]))
	der, err := x509.MarshalPKIXPublicKey(publicKey(t, "python", "p256.pem"))
	require.NoError(t, err)
	same, err := signature.ParseKey(der)
	require.NoError(t, err)
	require.Equal(t, publicKey(t, "python", "p256.pem"), same)
}
