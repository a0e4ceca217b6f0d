package attestation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/internal/mutants"
)

// fuzz: a payload is refused, or says what a second reader finds in it, and
// what it is written as again reads as the same value.
func fuzz(f *testing.F, names ...string) {
	var of []kind
	added := 0
	for _, k := range kinds(f) {
		for _, name := range names {
			if k.name != name {
				continue
			}
			of = append(of, k)
			f.Add(k.payload)
			added++
			for i, text := range mutants.Edits(k.payload) {
				if i%7 == 0 {
					f.Add([]byte(text))
					added++
				}
			}
		}
	}
	require.Len(f, of, len(names))
	require.Greater(f, added, 20)
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, k := range of {
			v, err := k.parse(payload)
			if err != nil {
				require.Nil(t, v)
				require.IsType(t, &attestation.Error{}, err)
				require.LessOrEqual(t, err.(*attestation.Error).Offset, int64(len(payload)))
				continue
			}
			if p, ok := v.(*attestation.Provenance); ok && (p.PredicateType == attestation.SLSAType) != (k.name == "slsa") {
				continue // the other kind's
			}
			requireAgreement(t, k, payload, v)
			if k.name == "slsa" {
				continue // builders write their own
			}
			again, err := v.(interface{ Encode() ([]byte, error) }).Encode()
			require.NoError(t, err)
			w, err := k.parse(again)
			require.NoError(t, err)
			require.Equal(t, v, w)
		}
	})
}

func FuzzApproval(f *testing.F)      { fuzz(f, "approval") }
func FuzzPolicyVersion(f *testing.F) { fuzz(f, "policy") }
func FuzzProvenance(f *testing.F)    { fuzz(f, "conversion", "slsa") }
