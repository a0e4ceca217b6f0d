package signature_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/signature"
)

// rootOf is the root digest of n resources with digestA.
func rootOf(n int) string {
	b, _ := hex.DecodeString(strings.Repeat(digestA, n))
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// requireAgreement requires that encoding/json, which believes everything,
// finds the same in an accepted statement: the second reader.
func requireAgreement(t require.TestingT, text []byte, s *signature.Statement) {
	var read object
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, "https://in-toto.io/Statement/v1", read["_type"])
	require.Equal(t, "https://model_signing/signature/v1.0", read["predicateType"])
	require.Len(t, read["subject"], 1)
	subject, how := subjectOf(read), serializationOf(read)
	if name, ok := subject["name"]; ok || s.Subject != "" {
		require.Equal(t, name, s.Subject)
	}
	require.Equal(t, how["method"], s.Method.String())
	require.Equal(t, "sha256", how["hash_type"])
	require.Equal(t, how["allow_symlinks"], s.AllowSymlinks)
	if s.Method == signature.Shards {
		require.Equal(t, how["shard_size"], float64(s.ShardSize))
	}
	ignored, _ := how["ignore_paths"].([]any)
	require.Equal(t, len(ignored), len(s.IgnorePaths))
	for i := range ignored {
		require.Equal(t, ignored[i], s.IgnorePaths[i])
	}
	resources := read["predicate"].(object)["resources"].([]any)
	require.Equal(t, len(resources), len(s.Resources))
	require.NotEmpty(t, resources)
	var digests []byte
	for i := range resources {
		r := resources[i].(object)
		own := s.Resources[i]
		name := own.Name
		if s.Method == signature.Shards {
			name = fmt.Sprintf("%s:%d:%d", own.Name, own.Start, own.End)
		}
		require.Equal(t, r["name"], name)
		require.Equal(t, r["digest"], own.SHA256.String())
		b, err := hex.DecodeString(own.SHA256.String())
		require.NoError(t, err)
		digests = append(digests, b...)
	}
	root := sha256.Sum256(digests)
	require.Equal(t, hex.EncodeToString(root[:]), s.Root().String())
	require.Equal(t, subject["digest"].(object)["sha256"], s.Root().String())
}
