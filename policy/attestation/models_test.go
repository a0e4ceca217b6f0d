package attestation_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

var (
	key   = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	trust = signature.Trust{Keys: []crypto.PublicKey{key.Public()}}

	day = time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)
)

func approval() attestation.Approval {
	return attestation.Approval{
		Name: "team/bert@2", Identity: manifest.Digest{1}, Role: "security", Environment: "production",
		Release: 7, IssuedAt: day, Expires: day.AddDate(0, 6, 0),
	}
}

func version() attestation.PolicyVersion {
	return attestation.PolicyVersion{Digest: manifest.Digest{2}, Version: 3}
}

func conversion() attestation.Provenance {
	return attestation.Provenance{
		PredicateType: attestation.ConversionType, Builder: "weightgate 1.2",
		Subjects:  []attestation.Resource{{Name: "model.safetensors", SHA256: manifest.Digest{3}}},
		Materials: []attestation.Resource{{Name: "pytorch_model.bin", SHA256: manifest.Digest{4}}, {URI: "hf://base/model@1", Identity: manifest.Digest{5}}},
	}
}

// slsa is a provenance as builders write it, with much that is not read.
const slsa = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",
"subject":[{"name":"model.safetensors","digest":{"sha256":"0300000000000000000000000000000000000000000000000000000000000000","sha512":"AB"}},
{"name":"m","digest":{"weightgate-manifest-v1":"0100000000000000000000000000000000000000000000000000000000000000"}}],
"predicate":{"buildDefinition":{"buildType":"https://ci.example/train@v1","externalParameters":{"lr":0.1,"x":[null]},
"resolvedDependencies":[{"uri":"hf://base/model@1","digest":{"gitCommit":"1"},"annotations":{"a":1}},
{"name":"data","mediaType":"text/plain","digest":{"sha256":"0600000000000000000000000000000000000000000000000000000000000000"}}]},
"runDetails":{"builder":{"id":"https://ci.example/builder@v1","version":{"a":"1"}},"metadata":{"startedOn":"2026-06-01T00:00:00Z"}}}}`

func built() *attestation.Provenance {
	return &attestation.Provenance{
		PredicateType: attestation.SLSAType, Builder: "https://ci.example/builder@v1", BuildType: "https://ci.example/train@v1",
		Subjects:  []attestation.Resource{{Name: "model.safetensors", SHA256: manifest.Digest{3}}, {Name: "m", Identity: manifest.Digest{1}}},
		Materials: []attestation.Resource{{URI: "hf://base/model@1"}, {Name: "data", SHA256: manifest.Digest{6}}},
	}
}

// A kind of document: what parses it, one that does, and what the second reader
// finds in it.
type kind struct {
	name    string
	payload []byte
	parse   func([]byte) (any, error)
	claims  func(t require.TestingT, v any) any // of a value, as a JSON tree
	read    func(payload any) any               // of a payload, which is a JSON tree
}

func kinds(t testing.TB) []kind {
	must := func(payload []byte, err error) []byte {
		require.NoError(t, err)
		return payload
	}
	written := func(t require.TestingT, v any) any {
		payload, err := v.(interface{ Encode() ([]byte, error) }).Encode()
		require.NoError(t, err)
		return prune(tree(t, payload))
	}
	return []kind{
		{"approval", must(approval().Encode()), parser(attestation.ParseApproval), written, prune},
		{"policy", must(version().Encode()), parser(attestation.ParsePolicyVersion), written, prune},
		{"conversion", must(conversion().Encode()), parser(attestation.ParseProvenance), written, prune},
		{"slsa", []byte(slsa), parser(attestation.ParseProvenance), func(t require.TestingT, v any) any {
			text, err := json.Marshal(v)
			require.NoError(t, err)
			return prune(tree(t, text))
		}, readSLSA},
	}
}

// parser hides the type of what a parser returns, and that nil has one.
func parser[T any](parse func([]byte) (*T, error)) func([]byte) (any, error) {
	return func(payload []byte) (any, error) {
		v, err := parse(payload)
		if v == nil {
			return nil, err
		}
		return v, err
	}
}

type object = map[string]any

func tree(t require.TestingT, text []byte) any {
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // what is ignored may be no float64
	require.NoError(t, d.Decode(&v))
	return v
}

// prune is v without members that are empty texts: they say what absent ones say.
func prune(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, e := range v {
			if e != "" {
				out[k] = prune(e)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, prune(e))
		}
		return out
	}
	return v
}

// readSLSA is the second reader of provenances: it believes everything.
func readSLSA(payload any) any {
	top := payload.(object)
	if top["predicateType"] != attestation.SLSAType {
		return "a conversion" // has a kind of its own
	}
	predicate := top["predicate"].(object)
	definition := predicate["buildDefinition"].(object)
	resources := func(list any) any {
		out := []any{}
		all, _ := list.([]any)
		for _, e := range all {
			r := e.(object)
			digest, _ := r["digest"].(object)
			one := object{}
			read := object{"name": r["name"], "uri": r["uri"], "sha256": digest["sha256"], "identity": digest["weightgate-manifest-v1"]}
			for key, value := range read {
				if value != nil {
					one[key] = value
				}
			}
			out = append(out, one)
		}
		return out
	}
	claims := object{
		"predicateType": top["predicateType"],
		"builder":       predicate["runDetails"].(object)["builder"].(object)["id"],
		"buildType":     definition["buildType"],
		"subjects":      resources(top["subject"]),
	}
	if materials := resources(definition["resolvedDependencies"]); len(materials.([]any)) > 0 {
		claims["materials"] = materials
	}
	return prune(claims)
}

// requireAgreement requires that the second reader finds in payload what v says.
func requireAgreement(t require.TestingT, k kind, payload []byte, v any) {
	require.Equal(t, k.read(tree(t, payload)), k.claims(t, v), "%s", payload)
}
