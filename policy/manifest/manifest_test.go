package manifest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/manifest"
)

func entry(name string, size int64, content string) manifest.Entry {
	return manifest.Entry{Name: name, Size: size, Verity: sha256.Sum256([]byte(content))}
}

// written is manifest v1 as its definition reads: the second reader.
func written(m manifest.Manifest) []byte {
	b := []byte("weightgate.manifest.v1\x00")
	b = binary.LittleEndian.AppendUint64(b, uint64(len(m)))
	for _, e := range m {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e.Name)))
		b = append(b, e.Name...)
		b = binary.LittleEndian.AppendUint64(b, uint64(e.Size))
		b = append(b, e.Verity[:]...)
	}
	return b
}

func TestIdentity(t *testing.T) {
	m := manifest.Manifest{entry("b.onnx", 3, "b"), entry("a.json", 0, "a")}
	require.True(t, m.Identity().IsZero(), "out of order")
	m.Sort()
	require.Equal(t, manifest.Digest(sha256.Sum256(written(m))), m.Identity())
	require.Equal(t, "3a27e8bceb849e4cdfa8f9d550f37292c9ce47313f2ca7217c07586aae667159", m.Identity().String())

	id := m.Identity()
	for name, change := range map[string]func(m manifest.Manifest){
		"name":    func(m manifest.Manifest) { m[0].Name = "a.jsom" },
		"size":    func(m manifest.Manifest) { m[0].Size++ },
		"content": func(m manifest.Manifest) { m[0].Verity[31]++ },
	} {
		other := slices.Clone(m)
		change(other)
		require.NotEqual(t, id, other.Identity(), name)
	}
	withSHA256 := slices.Clone(m)
	withSHA256[0].SHA256[0] = 1
	require.Equal(t, id, withSHA256.Identity(), "the SHA-256 is no part of the identity")
}

func TestIdentityOfNothing(t *testing.T) {
	for name, m := range map[string]manifest.Manifest{
		"nil":       nil,
		"empty":     {},
		"order":     {entry("b", 1, "b"), entry("a", 1, "a")},
		"twice":     {entry("a", 1, "a"), entry("a", 1, "a")},
		"negative":  {entry("a", -1, "a")},
		"no digest": {{Name: "a", Size: 1}},
	} {
		require.True(t, m.Identity().IsZero(), name)
	}
}

func TestFind(t *testing.T) {
	m := manifest.Manifest{entry("a", 1, "a"), entry("c", 2, "c")}
	e, ok := m.Find("c")
	require.True(t, ok)
	require.Equal(t, m[1], e)
	e, ok = m.Find("b")
	require.False(t, ok)
	require.Zero(t, e)
}

func TestParseDigest(t *testing.T) {
	good := strings.Repeat("0a", 32)
	d, err := manifest.ParseDigest(good)
	require.NoError(t, err)
	require.Equal(t, good, d.String())

	for _, s := range []string{"", good[1:], good + "0", strings.ToUpper(good), strings.Repeat("0", 64), good[:63] + "g", good[:63] + " "} {
		d, err := manifest.ParseDigest(s)
		require.ErrorIs(t, err, manifest.ErrDigest, "%q", s)
		require.True(t, d.IsZero())
	}
}

func TestDigestJSON(t *testing.T) {
	for _, m := range []manifest.Manifest{
		{entry("a", 1, "a")},
		{{Name: "a"}},
		{{Name: "a", Verity: manifest.Digest{1}, SHA256: manifest.Digest{2}}},
	} {
		b, err := json.Marshal(m)
		require.NoError(t, err)
		var back manifest.Manifest
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, m, back)
	}
	var d manifest.Digest
	require.ErrorIs(t, d.UnmarshalText([]byte("00")), manifest.ErrDigest)
}

// FuzzIdentity holds Identity against the definition, and two manifests
// against each other: the same identity means the same bytes.
func FuzzIdentity(f *testing.F) {
	seeds := [][2]string{{"a\x00b", "a\x00b"}, {"a\x00b", "ab"}, {"", "a"}, {"a\x00a", "a"}, {"b\x00a", "a\x00b"}}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s[0], int64(1), s[1], int64(2))
	}
	build := func(names string, size int64) manifest.Manifest {
		var m manifest.Manifest
		for i, name := range strings.Split(names, "\x00") {
			m = append(m, entry(name, size, fmt.Sprint(i)))
		}
		return m
	}
	f.Fuzz(func(t *testing.T, namesA string, sizeA int64, namesB string, sizeB int64) {
		a, b := build(namesA, sizeA), build(namesB, sizeB)
		sound := sizeA >= 0
		for i := range a {
			sound = sound && (i == 0 || a[i-1].Name < a[i].Name)
		}
		require.Equal(t, sound, !a.Identity().IsZero())
		if !sound {
			return
		}
		require.Equal(t, manifest.Digest(sha256.Sum256(written(a))), a.Identity())
		require.Equal(t, bytes.Equal(written(a), written(b)), a.Identity() == b.Identity())
	})
}
