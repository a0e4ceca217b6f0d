package sariftest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

// policySchema is the schema, which is one, and the same as a value.
func policySchema(t *testing.T) (compiled *jsonschema.Schema, value map[string]any) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(policy.Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("policy.json", document))
	compiled, err = c.Compile("policy.json")
	require.NoError(t, err)
	return compiled, document.(map[string]any)
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return s.Validate(document)
}

// Whatever the reader takes is valid: every policy in the tests and in the README.
func TestPolicySchemaTakesPolicies(t *testing.T) {
	schema, _ := policySchema(t)
	const root = "../../../.."
	var texts []string
	for _, dir := range []string{"policy", "loader", "cmd/internal/cli"} {
		files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			texts = append(texts, literals(t, file)...)
		}
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(readme, -1) {
		texts = append(texts, string(m[1]))
	}
	taken := 0
	for _, text := range texts {
		p, err := policy.Parse([]byte(text), []byte("weightgate.lock v1\n"))
		if err != nil {
			if p, err = policy.Parse([]byte(text), nil); err != nil {
				continue
			}
		}
		taken++
		require.NoError(t, validate(t, schema, p.JSON()), text)
	}
	require.GreaterOrEqual(t, taken, 10)
}

// literals are the strings of a Go file that could be policies.
func literals(t *testing.T, file string) []string {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	var texts []string
	ast.Inspect(tree, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && strings.Contains(lit.Value, "version") {
			text, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			texts = append(texts, text)
		}
		return true
	})
	return texts
}

// everything is a policy with every key that there is, and the directory that
// it lies in.
func everything(t *testing.T) (dir string, document map[string]any) {
	dir = t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	other, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	inline, beside := publicPEM(t, public), publicPEM(t, other)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.pem"), beside, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "weightgate.lock"), []byte("weightgate.lock v1\n"), 0o600))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	require.NoError(t, err)
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "root.pem"), root, 0o600))

	text := fmt.Sprintf(`{
"version": 1, "mode": "audit", "lock": "weightgate.lock", "libraries": "pinned",
"revocation": {"list": "r.sig", "signers": ["alice"], "max_age": "24h", "min_version": 2, "monotonic": true},
"signers": [{"name": "alice", "keys": [%q, {"file": "b.pem", "sha256": %q}]},
  {"name": "vendor", "roots": [%q, {"file": "root.pem", "sha256": %q}], "subject": "CN=a", "names": ["email:a@b.example"], "insecure_leaf_not_before": true}],
"models": [{"name": "ocr-*", "source": ["hub", "dir"], "repository": "acme/ocr", "commit": "0123456789012345678901234567890123456789",
    "formats": ["onnx"], "pin": "required", "files": {"only": ["*.onnx"]}, "companions": ["*.txt"], "findings": {"refuse": "medium"},
    "measure": ["sha256"], "session": {"device": ["cpu"], "cpu_nodes": ["Shape"]},
    "limits": {"bytes": 1, "depth": 2, "files": 3, "fold": 4, "header": 5, "inflate": 9, "nesting": 6, "nodes": 7, "tensors": 8},
    "convert": {"packs": ["weights"], "root": "model", "sandbox": "full", "unknown": "extract", "unpinned": true},
    "signatures": {"signers": ["alice", "vendor"], "need": 2, "bundles": {"model": ["m.sig"], "policy": ["p.sig"]}, "shards": 1073741824,
      "subject": "ocr", "any_model_of_signer": true},
    "approvals": {"documents": {"policy": ["a.sig"], "model": ["b.sig"]}, "environment": "production", "max_age": "30d",
      "roles": [{"role": "security", "need": 1, "signers": ["alice"]}]},
    "release": {"min": 5, "monotonic": true},
    "provenance": {"documents": {"model": ["c.sig"], "policy": ["d.sig"]}, "signers": ["alice"], "builders": ["https://ci.example"], "materials": ["hf://a"]},
    "exceptions": [{"codes": ["onnx.domain"], "files": ["*.onnx"], "owner": "alice", "expires": "2027-01-31", "reason": "ticket"}]},
  {"name": "draft", "source": ["dir"], "formats": ["onnx"], "unpinned": true}]}`, inline, sum(beside), root, sum(root))
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&document))
	return dir, document
}

func sum(text []byte) string {
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}

func publicPEM(t *testing.T, key ed25519.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// read holds a document against the reader and against the schema.
func read(t *testing.T, dir string, schema *jsonschema.Schema, document any) (text []byte, fromReader, fromSchema error) {
	text, err := json.MarshalIndent(document, "", " ")
	require.NoError(t, err)
	path := filepath.Join(dir, "policy.yaml")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, fromReader = policy.Open(path)
	return text, fromReader, validate(t, schema, text)
}

// A place is a value in a document, and what the schema says of it.
type place struct {
	path   string
	schema map[string]any
	value  any
	set    func(v any)
}

// places are all values beneath one.
func places(t *testing.T, at place) []place {
	all := []place{at}
	switch v := at.value.(type) {
	case map[string]any:
		s := at.schema
		if options, ok := s["oneOf"].([]any); ok {
			s = options[1].(map[string]any)
		}
		properties := s["properties"].(map[string]any)
		for key, inner := range v {
			require.Contains(t, properties, key, at.path)
			all = append(all, places(t, place{at.path + "." + key, properties[key].(map[string]any), inner, func(x any) { v[key] = x }})...)
		}
	case []any:
		for i, inner := range v {
			all = append(all, places(t, place{at.path + "[]", at.schema["items"].(map[string]any), inner, func(x any) { v[i] = x }})...)
		}
	}
	return all
}

// properties are the keys that a schema has, each with all before it.
func properties(path string, s map[string]any) []string {
	var all []string
	for _, option := range asList(s["oneOf"]) {
		all = append(all, properties(path, option.(map[string]any))...)
	}
	if items, ok := s["items"].(map[string]any); ok {
		all = append(all, properties(path+"[]", items)...)
	}
	inner, _ := s["properties"].(map[string]any)
	for key, p := range inner {
		all = append(all, path+"."+key)
		all = append(all, properties(path+"."+key, p.(map[string]any))...)
	}
	return all
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// Reader and schema have the same keys, and refuse the same changes of each: a
// value of another type, a word that is none of those allowed, a key more.
func TestPolicySchemaRefusesWithTheReader(t *testing.T) {
	schema, value := policySchema(t)
	dir, document := everything(t)
	_, fromReader, fromSchema := read(t, dir, schema, document)
	require.NoError(t, fromReader)
	require.NoError(t, fromSchema)

	all := places(t, place{"", value, document, nil})
	seen := map[string]bool{}
	for _, p := range all {
		seen[p.path] = true
	}
	for _, key := range properties("", value) {
		require.True(t, seen[key], "no document has %s", key)
	}

	const mark = "-273"
	for _, p := range all {
		wrong := map[string]any{}
		if p.set != nil {
			wrong["type"] = json.Number(mark)
		}
		_, isPattern := p.schema["pattern"]
		if _, isEnum := p.schema["enum"]; isEnum || isPattern {
			wrong["word"] = "/no such: word/"
		}
		for what, v := range wrong {
			p.set(v)
			text, fromReader, fromSchema := read(t, dir, schema, document)
			require.Error(t, fromSchema, "%s: %s", p.path, what)
			malformed, ok := errors.AsType[*policy.ParseError](fromReader)
			require.True(t, ok, "%s: %s: %v", p.path, what, fromReader)
			if what == "type" && strings.Count(string(text), mark) == 1 {
				line := 1 + strings.Count(string(text[:bytes.Index(text, []byte(mark))]), "\n")
				require.Equal(t, line, malformed.Line, "%s: %v", p.path, malformed)
			}
			p.set(p.value)
		}
		if object, ok := p.value.(map[string]any); ok {
			object["no_such_key"] = true
			_, fromReader, fromSchema := read(t, dir, schema, document)
			require.Error(t, fromSchema, p.path)
			_, has, ok := strings.Cut(fmt.Sprint(fromReader), `no key "no_such_key": it has `)
			require.True(t, ok, "%s: %v", p.path, fromReader)
			var keys []string
			for _, key := range properties("", p.schema) {
				if name := key[strings.LastIndex(key, ".")+1:]; strings.Count(key, ".") == 1 && !strings.Contains(key, "[]") {
					keys = append(keys, name)
				}
			}
			slices.Sort(keys)
			require.Equal(t, has, strings.Join(keys, ", "), p.path)
			delete(object, "no_such_key")
		}
	}
	_, fromReader, fromSchema = read(t, dir, schema, document)
	require.NoError(t, errors.Join(fromReader, fromSchema), "the changes were taken back")
}

// What the schema calls required, the reader misses too, and no other key.
func TestPolicySchemaRequires(t *testing.T) {
	schema, value := policySchema(t)
	dir, document := everything(t)
	for _, p := range places(t, place{"", value, document, nil}) {
		object, ok := p.value.(map[string]any)
		if !ok {
			continue
		}
		for _, key := range asList(p.schema["required"]) {
			kept := object[key.(string)]
			delete(object, key.(string))
			_, fromReader, fromSchema := read(t, dir, schema, document)
			require.Error(t, fromSchema, "%s without %s", p.path, key)
			require.Error(t, fromReader, "%s without %s", p.path, key)
			object[key.(string)] = kept
		}
	}
	require.True(t, slices.Contains(asList(value["required"]), any("version")))
}
