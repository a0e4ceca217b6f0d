package signature_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

// measured is what a load found, to be changed.
type measured struct {
	files  manifest.Manifest
	shards map[string][]manifest.Digest
}

func (m *measured) at(name string) *manifest.Entry {
	for i := range m.files {
		if m.files[i].Name == name {
			return &m.files[i]
		}
	}
	panic(name)
}

func (m *measured) add(name string, size int64) {
	m.files = append(m.files, manifest.Entry{Name: name, Size: size, SHA256: manifest.Digest{9}})
	m.shards[name] = []manifest.Digest{{9}}
}

func (m *measured) remove(name string) {
	m.files = slices.DeleteFunc(m.files, func(e manifest.Entry) bool { return e.Name == name })
}

// differences are changes of a model after it was signed, and what is found.
var differences = map[string]struct {
	shards bool
	change func(m *measured)
	codes  []formats.Code
	files  []string
}{
	"nothing":       {false, func(m *measured) {}, nil, nil},
	"missing":       {false, func(m *measured) { m.remove("a.json") }, []formats.Code{signature.CodeFileMissing}, []string{"a.json"}},
	"missing empty": {false, func(m *measured) { m.remove("empty.txt") }, []formats.Code{signature.CodeFileMissing}, []string{"empty.txt"}},
	"extra":         {false, func(m *measured) { m.add("x.py", 5) }, []formats.Code{signature.CodeFileExtra}, []string{"x.py"}},
	"extra empty":   {false, func(m *measured) { m.add("__init__.py", 0) }, []formats.Code{signature.CodeFileExtra}, []string{"__init__.py"}},
	"twice":         {false, func(m *measured) { m.files = append(m.files, *m.at("a.json")) }, []formats.Code{signature.CodeFileExtra}, []string{"a.json"}},
	"the bundle":    {false, func(m *measured) { m.add("model.sig", 5) }, []formats.Code{signature.CodeFileIgnored}, []string{"model.sig"}},
	"ignored below": {false, func(m *measured) { m.add(".git/hooks/x", 5) }, []formats.Code{signature.CodeFileIgnored}, []string{".git/hooks/x"}},
	"like ignored":  {false, func(m *measured) { m.add(".gitx", 5) }, []formats.Code{signature.CodeFileExtra}, []string{".gitx"}},
	"changed":       {false, func(m *measured) { m.at("a.json").SHA256[0] ^= 1 }, []formats.Code{signature.CodeFileChanged}, []string{"a.json"}},
	"unmeasured":    {false, func(m *measured) { m.at("a.json").SHA256 = manifest.Digest{} }, []formats.Code{signature.CodeFileUnmeasured}, []string{"a.json"}},
	"renamed": {false, func(m *measured) { m.at("deploy.md").Name = "sitecustomize.py" },
		[]formats.Code{signature.CodeFileMissing, signature.CodeFileExtra}, []string{"deploy.md", "sitecustomize.py"}},
	"swapped": {false, func(m *measured) {
		m.at("a.json").Name, m.at("deploy.md").Name = "deploy.md", "a.json"
	}, []formats.Code{signature.CodeFileChanged, signature.CodeFileChanged}, []string{"a.json", "deploy.md"}},
	"other case": {false, func(m *measured) { m.at("a.json").Name = "A.json" },
		[]formats.Code{signature.CodeFileExtra, signature.CodeFileMissing}, []string{"A.json", "a.json"}},
	"all": {false, func(m *measured) { m.files = nil }, slices.Repeat([]formats.Code{signature.CodeFileMissing}, 7),
		[]string{"a.json", "deploy.md", "deploy/x.md", "deploy/x/y.md", "empty.txt", "größe.txt", "weights.bin"}},

	"sharded nothing": {true, func(m *measured) { m.remove("empty.txt") }, nil, nil},
	"sharded empty":   {true, func(m *measured) {}, []formats.Code{signature.CodeFileEmpty}, []string{"empty.txt"}},
	"sharded extra": {true, func(m *measured) { m.remove("empty.txt"); m.add("x.py", 5) },
		[]formats.Code{signature.CodeFileExtra}, []string{"x.py"}},
	"sharded missing": {true, func(m *measured) { m.remove("empty.txt"); m.remove("weights.bin") },
		[]formats.Code{signature.CodeFileMissing}, []string{"weights.bin"}},
	"a shard changed": {true, func(m *measured) { m.remove("empty.txt"); m.shards["weights.bin"][1][0] ^= 1 },
		[]formats.Code{signature.CodeFileChanged}, []string{"weights.bin"}},
	"longer": {true, func(m *measured) { m.remove("empty.txt"); m.at("weights.bin").Size++ },
		[]formats.Code{signature.CodeFileChanged}, []string{"weights.bin"}},
	"emptied": {true, func(m *measured) { m.remove("empty.txt"); m.at("a.json").Size = 0 },
		[]formats.Code{signature.CodeFileChanged}, []string{"a.json"}},
	"a shard unmeasured": {true, func(m *measured) { m.remove("empty.txt"); m.shards["weights.bin"][2] = manifest.Digest{} },
		[]formats.Code{signature.CodeFileUnmeasured}, []string{"weights.bin"}},
	"shards unmeasured": {true, func(m *measured) { m.remove("empty.txt"); m.shards["weights.bin"] = nil },
		slices.Repeat([]formats.Code{signature.CodeFileUnmeasured}, 3), slices.Repeat([]string{"weights.bin"}, 3)},
}

func TestCompare(t *testing.T) {
	both := map[bool]*signature.Verified{}
	var err error
	both[false], err = signature.Verify(bundleOf(t, "p256", byFiles()), trust("p256"))
	require.NoError(t, err)
	both[true], err = signature.Verify(bundleOf(t, "p256", byShards()), trust("p256"))
	require.NoError(t, err)
	for name, c := range differences {
		t.Run(name, func(t *testing.T) {
			var m measured
			m.files, m.shards = measure(contents())
			c.change(&m)
			found := signature.Compare(both[c.shards], m.files, m.shards)
			var codes []formats.Code
			var files []string
			for _, f := range found {
				codes, files = append(codes, f.Code), append(files, f.File)
				require.NotEmpty(t, f.Advice)
			}
			require.Equal(t, c.codes, codes)
			require.Equal(t, c.files, files)
		})
	}
}

// TestCompareOffset: a shard that changed is found where it stands.
func TestCompareOffset(t *testing.T) {
	v, err := signature.Verify(bundleOf(t, "p256", byShards()), trust("p256"))
	require.NoError(t, err)
	var m measured
	m.files, m.shards = measure(contents())
	m.remove("empty.txt")
	m.shards["weights.bin"][2][0] ^= 1
	found := signature.Compare(v, m.files, m.shards)
	require.Len(t, found, 1)
	require.Equal(t, int64(2*mib), found[0].Offset)
}

// TestSameRoot: the digest that OMS calls the model's binds no names, and
// Compare does.
func TestSameRoot(t *testing.T) {
	files, _ := measure(map[string][]byte{"README.md": []byte("x"), "notes.txt": []byte("y")})
	others, _ := measure(map[string][]byte{"README.md": []byte("x"), "sitecustomize.py": []byte("y")})
	s := signature.Statement{Method: signature.Files, Resources: signature.FileResources(files)}
	o := signature.Statement{Method: signature.Files, Resources: signature.FileResources(others)}
	require.Equal(t, s.Root(), o.Root())
	require.Empty(t, signature.Compare(&signature.Verified{Statement: s}, files, nil))
	require.Len(t, signature.Compare(&signature.Verified{Statement: s}, others, nil), 2)
}

// TestCompareSingle: "." is the one file, and no directory of several.
func TestCompareSingle(t *testing.T) {
	one, _ := measure(map[string][]byte{"a": []byte("x")})
	two, _ := measure(map[string][]byte{"a": []byte("x"), "b": []byte("x")})
	v := &signature.Verified{Statement: signature.Statement{Method: signature.Files, Resources: []signature.Resource{{Name: ".", SHA256: one[0].SHA256}}}}
	require.Empty(t, signature.Compare(v, one, nil))
	found := signature.Compare(v, two, nil)
	require.Len(t, found, 3)
	require.Equal(t, signature.CodeFileMissing, found[0].Code)
	require.Len(t, signature.Compare(v, nil, nil), 1)
	one[0].SHA256[0] ^= 1
	require.Equal(t, signature.CodeFileChanged, signature.Compare(v, one, nil)[0].Code)
}

// TestCompareNothing: what Verify does not make vouches for nothing.
func TestCompareNothing(t *testing.T) {
	for _, c := range []struct {
		v    *signature.Verified
		code formats.Code
	}{
		{nil, signature.CodeMethod},
		{&signature.Verified{}, signature.CodeMethod},
		{&signature.Verified{Statement: signature.Statement{Method: signature.Files}}, signature.CodeEmpty},
		{&signature.Verified{Statement: signature.Statement{Method: signature.Shards, Resources: []signature.Resource{{Name: "a", End: 1}}}}, signature.CodeShardSize},
		{&signature.Verified{Statement: signature.Statement{Method: signature.Files, Resources: []signature.Resource{{Name: "a", End: 1, SHA256: manifest.Digest{1}}}}}, signature.CodeShardGap},
		{&signature.Verified{Statement: signature.Statement{Method: signature.Files, ShardSize: 1}}, signature.CodeSyntax},
		{&signature.Verified{Statement: signature.Statement{Method: signature.Files, Resources: []signature.Resource{{Name: "a"}}}}, signature.CodeSyntax},
	} {
		found := signature.Compare(c.v, nil, nil)
		require.Len(t, found, 1)
		require.Equal(t, c.code, found[0].Code)
	}
}
