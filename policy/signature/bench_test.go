package signature_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// BenchmarkVerify is what a signature costs beside the digests of the files.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		var files manifest.Manifest
		for i := range n {
			files = append(files, manifest.Entry{Name: fmt.Sprintf("part-%02d/model-%05d.safetensors", i%16, i), SHA256: sha256.Sum256(fmt.Append(nil, i))})
		}
		files.Sort()
		s := signature.Statement{Subject: "model", Method: signature.Files, Resources: signature.FileResources(files)}
		bundle := bundleOf(b, "p256", s)
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bundle)))
			for b.Loop() {
				v, err := signature.Verify(bundle, trust("p256"))
				require.NoError(b, err)
				require.Empty(b, signature.Compare(v, files, nil))
			}
		})
	}
}
