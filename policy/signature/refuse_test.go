package signature_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/signature"
)

// bundles are changes of a bundle by the key ed25519, and what they are refused with.
var bundles = map[string]struct {
	change func(text string) string
	code   formats.Code
}{
	"nothing":            {func(string) string { return "" }, signature.CodeSyntax},
	"not UTF-8":          {func(s string) string { return strings.Replace(s, "model", "mod\xffel", 1) + "\xff" }, signature.CodeSyntax},
	"no object":          {func(s string) string { return "[" + s + "]" }, signature.CodeSyntax},
	"something after":    {func(s string) string { return s + "x" }, signature.CodeSyntax},
	"a second bundle":    {func(s string) string { return s + s }, signature.CodeSyntax},
	"cut short":          {func(s string) string { return s[:len(s)-1] }, signature.CodeSyntax},
	"too long":           {func(s string) string { return s + strings.Repeat(" ", 32<<20) }, signature.CodeLimits},
	"too deep":           {inMaterial(`"tlogEntries":[` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `],`), signature.CodeLimits},
	"a key twice":        {func(s string) string { return strings.Replace(s, "{", `{"mediaType":"x",`, 1) }, signature.CodeType},
	"the same key twice": {func(s string) string { return strings.Replace(s, `"mediaType":`, mediaType+`,"mediaType":`, 1) }, signature.CodeSyntax},
	"the same key twice, once escaped": {func(s string) string {
		return strings.Replace(s, `"mediaType":`, strings.Replace(mediaType, "m", `\u006d`, 1)+`,"mediaType":`, 1)
	}, signature.CodeSyntax},
	"a key in capitals":      {replace(`"mediaType"`, `"MediaType"`), signature.CodeSyntax},
	"an unknown key":         {func(s string) string { return strings.Replace(s, "{", `{"x":1,`, 1) }, signature.CodeSyntax},
	"another version":        {replace("bundle.v0.3+json", "bundle.v0.2+json"), signature.CodeType},
	"another payload":        {replace("vnd.in-toto+json", "json"), signature.CodeType},
	"no media type":          {replace(mediaType, `"mediaType":""`), signature.CodeType},
	"null as media type":     {replace(mediaType, `"mediaType":null`), signature.CodeSyntax},
	"a message signature":    {replace(`"dsseEnvelope"`, `"messageSignature"`), signature.CodeSyntax},
	"two kinds":              {inMaterial(`"certificate":{"rawBytes":"AAAA"},`), signature.CodeSyntax},
	"no kind":                {replace(`"publicKey":{}`, `"tlogEntries":[]`), signature.CodeSyntax},
	"an empty chain":         {replace(`"publicKey":{}`, `"x509CertificateChain":{"certificates":[]}`), signature.CodeSyntax},
	"a long chain":           {replace(`"publicKey":{}`, `"x509CertificateChain":{"certificates":[`+strings.Repeat(`{"rawBytes":"AAAA"},`, 16)+`{"rawBytes":"AAAA"}]}`), signature.CodeLimits},
	"a large certificate":    {replace(`"publicKey":{}`, `"certificate":{"rawBytes":"`+strings.Repeat("AAAA", 1<<15)+`"}`), signature.CodeLimits},
	"no certificate":         {replace(`"publicKey":{}`, `"certificate":{"rawBytes":"AAAA"}`), signature.CodeSyntax},
	"an empty certificate":   {replace(`"publicKey":{}`, `"certificate":{"rawBytes":""}`), signature.CodeSyntax},
	"a hint that is one":     {replace(`"publicKey":{}`, `"publicKey":{"hint":1}`), signature.CodeSyntax},
	"a hint to nobody":       {replace(`"publicKey":{}`, `"publicKey":{"hint":"x"}`), signature.CodeUntrusted},
	"entries that are none":  {inMaterial(`"tlogEntries":{},`), signature.CodeSyntax},
	"an entry's key twice":   {inMaterial(`"tlogEntries":[{"a":{"b":1,"b":1}}],`), signature.CodeSyntax},
	"no signature":           {replace(`"signatures":[`, `"signatures":[],"x":[`), signature.CodeSyntax},
	"two signatures":         {replace(`"signatures":[`, `"signatures":[{"sig":"AAAA"},`), signature.CodeSyntax},
	"a signature's key":      {replace(`"sig":`, `"cert":"","sig":`), signature.CodeSyntax},
	"another signature":      {replace(`"sig":"`, `"sig":"AAAA`), signature.CodeInvalid},
	"a line in a signature":  {replace(`"sig":"`, `"sig":"\n`), signature.CodeSyntax},
	"base64 for URLs":        {replace(`"sig":"`, `"sig":"-_-_`), signature.CodeSyntax},
	"half a character":       {replace(`"sig":`, `"keyid":"","\ud800":"","sig":`), signature.CodeSyntax},
	"a number as key id":     {replace(`"sig":`, `"keyid":1,"sig":`), signature.CodeSyntax},
	"a payload that is none": {replace(`"payload":"`, `"payload":"*`), signature.CodeSyntax},
	"another payload's":      {replace(`"payload":"`, `"payload":"AAAA`), signature.CodeInvalid},
}

const mediaType = `"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"`

func replace(old, by string) func(string) string {
	return func(s string) string {
		if strings.Count(s, old) != 1 {
			panic(old + " is not there once")
		}
		return strings.Replace(s, old, by, 1)
	}
}

func inMaterial(members string) func(string) string {
	return replace(`"verificationMaterial":{`, `"verificationMaterial":{`+members)
}

func TestBundles(t *testing.T) {
	seed := string(sealed(t, payloadOf(t, bundleOf(t, "ed25519", byFiles()))))
	everybody := inRoot()
	everybody.Keys = trust("ed25519").Keys
	_, err := signature.Verify([]byte(seed), everybody)
	require.NoError(t, err)
	for name, c := range bundles {
		t.Run(name, func(t *testing.T) {
			v, err := signature.Verify([]byte(c.change(seed)), everybody)
			requireRefused(t, c.code, v, err)
		})
	}
	for name, change := range map[string]func(string) string{
		"key id":     replace(`"sig":`, `"keyid":"any","sig":`),
		"no key id":  replace(`"sig":`, `"keyid":null,"sig":`),
		"no hint":    replace(`"publicKey":{}`, `"publicKey":{"hint":null}`),
		"empty hint": replace(`"publicKey":{}`, `"publicKey":{"hint":""}`),
		"the key":    replace(`"publicKey":{}`, `"publicKey":{"rawBytes":"AAAA","keyDetails":"PKIX_ED25519"}`),
		"a log":      inMaterial(`"tlogEntries":[{"a":[1,{"b":null}]}],"timestampVerificationData":{"rfc3161Timestamps":[{}]},`),
		"no log":     inMaterial(`"tlogEntries":[],"timestampVerificationData":{},`),
		"spaces":     func(s string) string { return "\n\t " + s + " \r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := signature.Verify([]byte(change(seed)), everybody)
			require.NoError(t, err)
		})
	}
}

const (
	digestA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func write(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// statement is one over files of those names, with the right root, after a
// change of its text.
func statement(names ...string) object {
	resources := []any{}
	for _, name := range names {
		resources = append(resources, object{"name": name, "algorithm": "sha256", "digest": digestA})
	}
	return object{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       []any{object{"name": "model", "digest": object{"sha256": rootOf(len(names))}}},
		"predicateType": "https://model_signing/signature/v1.0",
		"predicate": object{
			"serialization": object{"method": "files", "hash_type": "sha256", "allow_symlinks": false},
			"resources":     resources,
		},
	}
}

// sharded is a statement over shards of 1 MiB.
func sharded(names ...string) object {
	s := statement(names...)
	how := serializationOf(s)
	how["method"], how["shard_size"] = "shards", mib
	return s
}

func serializationOf(s object) object { return s["predicate"].(object)["serialization"].(object) }
func resourceOf(s object) object      { return s["predicate"].(object)["resources"].([]any)[0].(object) }
func subjectOf(s object) object       { return s["subject"].([]any)[0].(object) }

// with is s after a change.
func with(s object, change func(s object)) object { change(s); return s }

// statements are refused although a trusted key signed them.
var statements = map[string]struct {
	statement object
	code      formats.Code
}{
	"another type":       {with(statement("a"), func(s object) { s["_type"] = "https://in-toto.io/Statement/v0.1" }), signature.CodeType},
	"another predicate":  {with(statement("a"), func(s object) { s["predicateType"] = "https://model_signing/Digests/v0.1" }), signature.CodeType},
	"no type":            {with(statement("a"), func(s object) { delete(s, "_type") }), signature.CodeSyntax},
	"an unknown key":     {with(statement("a"), func(s object) { s["x"] = 1 }), signature.CodeSyntax},
	"two subjects":       {with(statement("a"), func(s object) { s["subject"] = []any{subjectOf(s), subjectOf(s)} }), signature.CodeSyntax},
	"no subject":         {with(statement("a"), func(s object) { s["subject"] = []any{} }), signature.CodeSyntax},
	"a subject's key":    {with(statement("a"), func(s object) { subjectOf(s)["uri"] = "x" }), signature.CodeSyntax},
	"no root":            {with(statement("a"), func(s object) { subjectOf(s)["digest"] = object{} }), signature.CodeSyntax},
	"another root":       {with(statement("a"), func(s object) { subjectOf(s)["digest"] = object{"sha256": digestB} }), signature.CodeRoot},
	"root in capitals":   {with(statement("a"), func(s object) { subjectOf(s)["digest"] = object{"sha256": strings.ToUpper(rootOf(1))} }), signature.CodeRoot},
	"no serialization":   {with(statement("a"), func(s object) { delete(s["predicate"].(object), "serialization") }), signature.CodeSyntax},
	"another method":     {with(statement("a"), func(s object) { serializationOf(s)["method"] = "tensors" }), signature.CodeMethod},
	"Files":              {with(statement("a"), func(s object) { serializationOf(s)["method"] = "Files" }), signature.CodeMethod},
	"no method":          {with(statement("a"), func(s object) { serializationOf(s)["method"] = "" }), signature.CodeMethod},
	"blake2b":            {with(statement("a"), func(s object) { serializationOf(s)["hash_type"] = "blake2b" }), signature.CodeHash},
	"blake3":             {with(statement("a"), func(s object) { serializationOf(s)["hash_type"] = "blake3" }), signature.CodeHash},
	"an unknown hash":    {with(statement("a"), func(s object) { serializationOf(s)["hash_type"] = "md5" }), signature.CodeHash},
	"a hash among":       {with(statement("a"), func(s object) { resourceOf(s)["algorithm"] = "blake3" }), signature.CodeHash},
	"a shard's hash":     {with(statement("a"), func(s object) { resourceOf(s)["algorithm"] = "sha256-sharded-1048576" }), signature.CodeHash},
	"another shard's":    {with(sharded("a:0:1"), func(s object) { resourceOf(s)["algorithm"] = "sha256-sharded-1048577" }), signature.CodeHash},
	"links as a text":    {with(statement("a"), func(s object) { serializationOf(s)["allow_symlinks"] = "false" }), signature.CodeSyntax},
	"nothing of links":   {with(statement("a"), func(s object) { delete(serializationOf(s), "allow_symlinks") }), signature.CodeSyntax},
	"an unknown way":     {with(statement("a"), func(s object) { serializationOf(s)["follow"] = true }), signature.CodeSyntax},
	"ignored as a text":  {with(statement("a"), func(s object) { serializationOf(s)["ignore_paths"] = "a" }), signature.CodeSyntax},
	"too many ignored":   {with(statement("a"), func(s object) { serializationOf(s)["ignore_paths"] = slices.Repeat([]string{"a"}, 10_001) }), signature.CodeLimits},
	"a size of files":    {with(statement("a"), func(s object) { serializationOf(s)["shard_size"] = mib }), signature.CodeSyntax},
	"no size of shards":  {with(sharded("a:0:1"), func(s object) { delete(serializationOf(s), "shard_size") }), signature.CodeSyntax},
	"a size as a text":   {with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = "1048576" }), signature.CodeSyntax},
	"half a byte":        {with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = json.Number("1048576.5") }), signature.CodeSyntax},
	"less than a byte":   {with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = -mib }), signature.CodeSyntax},
	"beyond a double":    {with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = json.Number("1e400") }), signature.CodeSyntax},
	"beyond a number":    {with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = json.Number("1e300") }), signature.CodeSyntax},
	"8.0":                {with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = json.Number("8.0") }), signature.CodeShardSize},
	"one byte too small": {with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = mib - 1 }), signature.CodeShardSize},
	"nothing":            {statement(), signature.CodeEmpty},
	"too many":           {statement(slices.Repeat([]string{"a"}, 1<<17+1)...), signature.CodeLimits},
	"a resource's key":   {with(statement("a"), func(s object) { resourceOf(s)["size"] = 1 }), signature.CodeSyntax},
	"no name":            {with(statement("a"), func(s object) { delete(resourceOf(s), "name") }), signature.CodeSyntax},
	"a short digest":     {with(statement("a"), func(s object) { resourceOf(s)["digest"] = digestA[2:] }), signature.CodeSyntax},
	"digest in capitals": {with(statement("a"), func(s object) { resourceOf(s)["digest"] = strings.ToUpper(digestA) }), signature.CodeSyntax},
	"an empty name":      {statement(""), signature.CodeName},
	"the root itself":    {statement(".", "a"), signature.CodeName},
	"upwards":            {statement("../a"), signature.CodeName},
	"upwards, below":     {statement("a/../../b"), signature.CodeName},
	"absolute":           {statement("/etc/passwd"), signature.CodeName},
	"a long way":         {statement("./a"), signature.CodeName},
	"a double slash":     {statement("a//b"), signature.CodeName},
	"a slash after":      {statement("a/"), signature.CodeName},
	"a backslash":        {statement(`..\a`), signature.CodeName},
	"a zero byte":        {statement("a\x00b"), signature.CodeName},
	"another direction":  {statement("a\u202eb"), signature.CodeName},
	"a long name":        {statement(strings.Repeat("a", 4097)), signature.CodeName},
	"a deep name":        {statement(strings.Repeat("a/", 33) + "a"), signature.CodeName},
	"no character":       {statement("a\ufffd"), signature.CodeSyntax},
	"a name twice":       {statement("a", "b", "a"), signature.CodeNameTwice},
	"a shard twice":      {sharded("a:0:5", "b:0:5", "a:0:5"), signature.CodeNameTwice},
	"shards that differ": {sharded("a:0:1048576", "a:0:5"), signature.CodeNameTwice},
	"names by case":      {statement("Model.bin", "model.bin"), signature.CodeNameCase},
	"directory by case":  {statement("A/x", "a/y"), signature.CodeNameCase},
	"beyond ASCII":       {statement("k", "\u212a"), signature.CodeNameCase}, // KELVIN SIGN
	"no shard":           {sharded("a"), signature.CodeSyntax},
	"half a shard":       {sharded("a:5"), signature.CodeSyntax},
	"a shard's letters":  {sharded("a:0:x"), signature.CodeSyntax},
	"a shard's sign":     {sharded("a:+0:5"), signature.CodeSyntax},
	"a shard's minus":    {sharded("a:-5:5"), signature.CodeSyntax},
	"a shard's zeros":    {sharded("a:0:05"), signature.CodeSyntax},
	"a shard's spaces":   {sharded("a:0: 5"), signature.CodeSyntax},
	"a shard's overflow": {sharded("a:0:9223372036854775808"), signature.CodeSyntax},
	"a shard of nothing": {sharded("a:0:0"), signature.CodeShardGap},
	"a shard backwards":  {sharded("a:5:0"), signature.CodeShardGap},
	"a shard too long":   {sharded("a:0:1048577"), signature.CodeShardGap},
	"no first shard":     {sharded("a:1048576:1048577"), signature.CodeShardGap},
	"no second shard":    {sharded("a:0:1048576", "a:2097152:2097153"), signature.CodeShardGap},
	"a short shard":      {sharded("a:0:5", "a:5:10"), signature.CodeShardGap},
	"shards that lap":    {sharded("a:0:1048576", "a:1048575:1048577"), signature.CodeShardGap},
	"a shard upwards":    {sharded("../a:0:5"), signature.CodeName},
	"a shard's key":      {sharded(":0:5"), signature.CodeName},
}

func TestStatements(t *testing.T) {
	for name, c := range statements {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(c.statement)
			require.NoError(t, err)
			v, err := signature.Verify(sealed(t, text), trust("ed25519"))
			requireRefused(t, c.code, v, err)
		})
	}
	for name, c := range map[string]object{
		"any order":        statement("b", "a/x", "a"),
		"string order":     statement("deploy.md", "deploy/x.md"),
		"no subject name":  with(statement("a"), func(s object) { delete(subjectOf(s), "name") }),
		"further members":  with(statement("a"), func(s object) { s["predicate"].(object)["card"] = object{"a": []int{1}} }),
		"shards":           sharded("a:1048576:1048577", "b:0:5", "a:0:1048576"),
		"1048576.0":        with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = json.Number("1048576.0") }),
		"1.048576e6":       with(sharded("a:0:1"), func(s object) { serializationOf(s)["shard_size"] = json.Number("1.048576e6") }),
		"colons":           sharded("a:0:5:0:5"),
		"links":            with(statement("a"), func(s object) { serializationOf(s)["allow_symlinks"] = true }),
		"ignored anywhere": with(statement("a"), func(s object) { serializationOf(s)["ignore_paths"] = []string{"..", ".git", ""} }),
		"a single file":    statement("."),
		"a single shard":   sharded(".:0:5"),
		"single shards":    sharded(".:0:1048576", ".:1048576:1048580"),
		"sharded hashes":   with(sharded("a:0:1"), func(s object) { resourceOf(s)["algorithm"] = "sha256-sharded-1048576" }),
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(c)
			require.NoError(t, err)
			v, err := signature.Verify(sealed(t, text), trust("ed25519"))
			require.NoError(t, err)
			requireAgreement(t, text, &v.Statement)
		})
	}
}

// TestStatementText: what no marshaller writes.
func TestStatementText(t *testing.T) {
	text, err := json.Marshal(statement("a"))
	require.NoError(t, err)
	for name, bad := range map[string][]byte{
		"a key twice":        bytes.Replace(text, []byte(`"method":`), []byte(`"method":"shards","method":`), 1),
		"a name twice":       bytes.Replace(text, []byte(`"name":"a"`), []byte(`"name":"b","name":"a"`), 1),
		"ignored keys twice": bytes.Replace(text, []byte(`"predicate":{`), []byte(`"predicate":{"x":{"a":1,"a":1},`), 1),
		"something after":    append(text[:len(text):len(text)], "{}"...),
		"a mark before":      append([]byte("\ufeff"), text...),
		"half a pair":        bytes.Replace(text, []byte(`"name":"a"`), []byte(`"name":"\udc00"`), 1),
	} {
		require.NotEqual(t, text, bad)
		v, err := signature.Verify(sealed(t, bad), trust("ed25519"))
		requireRefused(t, signature.CodeSyntax, v, err)
		require.Contains(t, err.Error(), "statement", name)
	}
}

// TestShort: an error is a line, however much it has to complain of.
func TestShort(t *testing.T) {
	long := strings.Repeat("\u202e", 1<<16)
	text := string(sealed(t, []byte(`{}`)))
	for _, bad := range []string{
		replace("vnd.in-toto+json", long)(text), replace(`"sig":`, `"`+long+`":`)(text), replace(`"publicKey":{}`, `"publicKey":{"hint":"`+long+`"}`)(text),
		string(sealed(t, []byte(write(statement(long))))), string(sealed(t, []byte(write(sharded(long+":0:x"+long))))),
	} {
		_, err := signature.Verify([]byte(bad), trust("ed25519"))
		require.Error(t, err)
		require.Less(t, len(err.Error()), 1000)
		require.NotContains(t, err.Error(), "\u202e")
	}
}

// TestOffset: an error says where it stands.
func TestOffset(t *testing.T) {
	text := string(sealed(t, []byte(`{}`)))
	bad := replace(`"sig":"`, `"sig":"*`)(text)
	_, err := signature.Verify([]byte(bad), trust("ed25519"))
	var e *signature.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, int64(strings.Index(bad, `"sig":"`)+len(`"sig":"*`)+base64.StdEncoding.EncodedLen(64)+1), e.Offset)
	require.Equal(t, "signature.syntax: bundle: sig is not base64, or empty", err.Error())
}

// TestCodes: each code is rated, says what to do, and is raised by a vector.
func TestCodes(t *testing.T) {
	raised := map[formats.Code]bool{}
	for _, c := range bundles {
		raised[c.code] = true
	}
	for _, c := range statements {
		raised[c.code] = true
	}
	for _, c := range differences {
		for _, code := range c.codes {
			raised[code] = true
		}
	}
	for _, c := range []formats.Code{ // TestTrust, TestLeaf
		signature.CodeTrust, signature.CodeAlgorithm, signature.CodeExpired, signature.CodeEarly, signature.CodeUsage, signature.CodeKeyless,
	} {
		raised[c] = true
	}
	seen := map[formats.Code]bool{}
	for _, info := range signature.Codes() {
		require.True(t, strings.HasPrefix(string(info.Code), "signature."))
		require.False(t, seen[info.Code], info.Code)
		seen[info.Code] = true
		require.True(t, raised[info.Code], info.Code)
		require.True(t, strings.HasSuffix(info.Advice, "."), info.Code)
		require.GreaterOrEqual(t, info.Severity, formats.High)
	}
	require.Len(t, raised, len(seen))
}
