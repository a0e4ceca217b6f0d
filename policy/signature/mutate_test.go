package signature_test

import (
	"crypto"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// few is a statement of few bytes, since each of them is flipped.
func few(m signature.Method) signature.Statement {
	files, shards := measure(contents(), "a.json", "deploy/x.md")
	s := signature.Statement{Subject: "m", Method: m, IgnorePaths: []string{".git"}}
	if m == signature.Files {
		s.Resources = signature.FileResources(files)
		return s
	}
	s.ShardSize = mib
	s.Resources = signature.ShardResources(files, mib, shards)
	return s
}

// seeds are bundles and who may sign them.
func seeds(t testing.TB) map[string]struct {
	bundle []byte
	trust  signature.Trust
} {
	both := inRoot()
	both.Keys = trust("p256", "ed25519", "p384", "p521").Keys
	type seed = struct {
		bundle []byte
		trust  signature.Trust
	}
	all := map[string]seed{}
	for _, name := range []string{"p256", "ed25519", "chain"} {
		for _, m := range []signature.Method{signature.Files, signature.Shards} {
			all[name+" "+m.String()] = seed{bundleOf(t, name, few(m)), both}
		}
	}
	all["python"] = seed{fixture(t, "python", "p256-shards.sig"), signature.Trust{Keys: []crypto.PublicKey{publicKey(t, "python", "p256.pem")}}}
	return all
}

// mutants counts what became of them.
type mutants struct{ refused, accepted int }

// try holds a mutant against what the seed claims: it is refused, or claims the same.
func (m *mutants) try(t *testing.T, text []byte, trust signature.Trust, claim *signature.Verified) {
	v, err := signature.Verify(text, trust)
	if err != nil {
		_, ok := err.(*signature.Error)
		if !ok || v != nil {
			t.Fatalf("%T with %v: %s", err, v, text)
		}
		m.refused++
		return
	}
	require.Equal(t, claim, v, "%s", text)
	m.accepted++
}

// TestMutants: each byte of each seed flipped in several ways, each member
// dropped, doubled and made another type.
func TestMutants(t *testing.T) {
	var m mutants
	for name, seed := range seeds(t) {
		claim, err := signature.Verify(seed.bundle, seed.trust)
		require.NoError(t, err, name)
		for i := range seed.bundle {
			for _, flip := range []byte{0x01, 0x20} {
				text := slices.Clone(seed.bundle)
				text[i] ^= flip
				m.try(t, text, seed.trust, claim)
			}
		}
		for text := range edits(t, seed.bundle) {
			m.try(t, []byte(text), seed.trust, claim)
		}
	}
	require.Greater(t, m.refused, 10_000)
	require.NotZero(t, m.accepted, "a bundle may be spaced out, and its hints are not signed")
	require.Less(t, m.accepted, m.refused/10)
	t.Logf("%d refused, %d accepted", m.refused, m.accepted)
}

// TestSignedMutants: the same for statements that are signed anew. What is
// accepted is what a second reader finds in them.
func TestSignedMutants(t *testing.T) {
	var refused, accepted int
	for _, method := range []signature.Method{signature.Files, signature.Shards} {
		payload := payloadOf(t, bundleOf(t, "ed25519", few(method)))
		texts := edits(t, payload)
		for i := range payload {
			for _, flip := range []byte{0x01, 0x02, 0x10, 0x20, 0x80} {
				text := slices.Clone(payload)
				text[i] ^= flip
				texts[string(text)] = true
			}
		}
		for text := range texts {
			v, err := signature.Verify(sealed(t, []byte(text)), trust("ed25519"))
			if err != nil {
				_, ok := err.(*signature.Error)
				require.True(t, ok && v == nil)
				refused++
				continue
			}
			requireAgreement(t, []byte(text), &v.Statement)
			accepted++
		}
	}
	require.Greater(t, refused, 5_000)
	require.NotZero(t, accepted)
	t.Logf("%d refused, %d accepted", refused, accepted)
}

// edits are the texts that come of dropping, doubling and re-typing each
// member and element of a JSON text.
func edits(t testing.TB, text []byte) map[string]bool {
	var whole any
	require.NoError(t, json.Unmarshal(text, &whole))
	texts := map[string]bool{}
	edit(whole, func(s string) { texts[s] = true })
	require.Greater(t, len(texts), 50)
	delete(texts, write(whole))
	return texts
}

// others are values of other types, and of none.
var others = []string{`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e999`, `""`, `"x"`, `"AAAA"`, `[]`, `[[]]`, `[null]`, `{}`, `{"x":0}`, `[`, `}`, ``}

// edit hands on v with one thing changed in it, for each thing.
func edit(v any, emit func(string)) {
	for _, other := range others {
		emit(other)
	}
	emit("[" + write(v) + "]")
	emit(write(v) + write(v))
	switch v := v.(type) {
	case object:
		keys := slices.Sorted(maps.Keys(v))
		for _, key := range keys {
			around := func(member string) string {
				var members []string
				for _, k := range keys {
					if k != key {
						members = append(members, write(k)+":"+write(v[k]))
					} else if member != "" {
						members = append(members, member)
					}
				}
				return "{" + strings.Join(members, ",") + "}"
			}
			own := write(key) + ":" + write(v[key])
			emit(around(""))
			emit(around(own + "," + own))
			emit(around(own + "," + write(key) + ":null"))
			emit(around(write(key) + `:"x",` + own))
			emit(around(own + "," + write(strings.ToUpper(key)) + ":" + write(v[key])))
			emit(around(write(key+"x") + ":" + write(v[key])))
			edit(v[key], func(s string) { emit(around(write(key) + ":" + s)) })
		}
	case []any:
		for i := range v {
			around := func(elements ...string) string {
				var all []string
				for j := range v {
					if j != i {
						all = append(all, write(v[j]))
					} else {
						all = append(all, elements...)
					}
				}
				return "[" + strings.Join(all, ",") + "]"
			}
			emit(around())
			emit(around(write(v[i]), write(v[i])))
			edit(v[i], func(s string) { emit(around(s)) })
		}
		reversed := slices.Clone(v)
		slices.Reverse(reversed)
		emit(write(reversed))
	case string:
		for _, s := range []string{v + "x", "../" + v, v + "/", "./" + v, strings.ToUpper(v), v[:len(v)/2], v + "\u202e", v + "\ufffd"} {
			emit(write(s))
		}
	case float64:
		for _, f := range []float64{v + 1, v / 2, -v, v * 1e300} {
			emit(fmt.Sprint(f))
		}
	}
}

func write(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestClaims: the mutants above would show a change of each part of a claim.
func TestClaims(t *testing.T) {
	claim := func() *signature.Verified {
		v, err := signature.Verify(bundleOf(t, "chain", few(signature.Shards)), inRoot())
		require.NoError(t, err)
		return v
	}
	for name, change := range map[string]func(v *signature.Verified){
		"name":    func(v *signature.Verified) { v.Resources[0].Name = "x" },
		"digest":  func(v *signature.Verified) { v.Resources[0].SHA256 = manifest.Digest{1} },
		"offset":  func(v *signature.Verified) { v.Resources[0].End++ },
		"signer":  func(v *signature.Verified) { v.Signer.Key = manifest.Digest{1} },
		"issuer":  func(v *signature.Verified) { v.Signer.Chain[0].Issuer = "x" },
		"time":    func(v *signature.Verified) { v.Signer.Chain[0].NotAfter = now },
		"subject": func(v *signature.Verified) { v.Subject = "x" },
		"ignored": func(v *signature.Verified) { v.IgnorePaths = nil },
	} {
		changed := claim()
		change(changed)
		require.NotEqual(t, claim(), changed, name)
	}
}
