package policy_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

func TestSignerSyntax(t *testing.T) {
	for what, c := range map[string]struct{ signers, msg string }{
		"one key of two signers":  {signerOf("a", "k") + signerOf("b", "k"), "one key is one signer's"},
		"one key twice":           {signerOf("a", "k", "k"), "one key is one signer's"},
		"one name twice":          {signerOf("a", "k") + signerOf("a", "l"), "occurs twice"},
		"neither keys nor roots":  {"  - {name: a}\n", "neither keys nor roots"},
		"no name":                 {strings.Replace(signerOf("a", "k"), "name: a, ", "", 1), "without name"},
		"subject without roots":   {strings.Replace(signerOf("a", "k"), "name: a", "name: a, subject: CN=A", 1), "has no roots"},
		"roots of anybody":        {strings.Replace(signerOf("a", "k"), "keys:", "roots:", 1), "say subject or names"},
		"a key for a root":        {strings.Replace(signerOf("a", "k"), "keys:", "subject: CN=A, roots:", 1), "not what was expected"},
		"no PEM":                  {"  - {name: a, keys: [abc]}\n", "expected PEM"},
		"a file without a digest": {"  - {name: a, keys: [{file: a.pem}]}\n", "needs its sha256"},
		"a file that climbs":      {"  - {name: a, keys: [{file: ../a.pem, sha256: " + strings.Repeat("ab", 32) + "}]}\n", "shortest form"},
		"alternative name":        {strings.Replace(signerOf("a", "k"), "name: a", "name: a, names: [x]", 1), "no alternative name"},
	} {
		p, err := policy.Parse([]byte(minimal+"signers:\n"+c.signers), nil)
		require.Nil(t, p, what)
		require.ErrorContains(t, err, c.msg, what)
	}
	_, err := policy.Parse([]byte(strings.Replace(signedRule, "[release, vendor]", "[release, nobody]", 1)), nil)
	require.ErrorContains(t, err, `no signer "nobody"`)
}

func TestSignerFile(t *testing.T) {
	key := []byte(pemOf("k"))
	text := minimal + fmt.Sprintf("signers: [{name: a, keys: [{file: keys/a.pem, sha256: \"%x\"}]}]\n", sha256.Sum256(key))
	files := fstest.MapFS{"keys/a.pem": {Data: key}}
	p, err := policy.Parse([]byte(text), nil, policy.WithEvidence(files))
	require.NoError(t, err)
	again, err := policy.Parse(p.JSON(), nil, policy.WithEvidence(files))
	require.NoError(t, err)
	require.Equal(t, p.Digest(), again.Digest())

	files["keys/a.pem"] = &fstest.MapFile{Data: []byte(pemOf("l"))}
	_, err = policy.Parse([]byte(text), nil, policy.WithEvidence(files))
	require.ErrorContains(t, err, "is not the one that the policy has")
	_, err = policy.Parse([]byte(text), nil)
	require.ErrorContains(t, err, "WithEvidence")
}
