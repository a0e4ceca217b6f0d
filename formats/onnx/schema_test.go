package onnx

import (
	"encoding/json"
	"iter"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reference is what the onnx package of PyPI says of itself (testdata/gen.py).
type reference struct {
	IRVersion      int64                       `json:"ir_version"`
	Opsets         map[string]int64            `json:"opsets"`
	Messages       map[string][]referenceField `json:"messages"`
	Operators      map[string]map[string]int64 `json:"operators"`
	AttributeTypes map[string]int              `json:"attribute_types"`
	DataTypes      map[string]int              `json:"data_types"`
}

type referenceField struct {
	Number          int
	Name, Type, Of  string
	Repeated, Oneof bool
}

func readReference(t *testing.T) reference {
	text, err := os.ReadFile("testdata/onnx.json")
	require.NoError(t, err)
	var ref reference
	require.NoError(t, json.Unmarshal(text, &ref))
	require.Greater(t, len(ref.Messages), 25)
	return ref
}

func TestSchemaIsTheReference(t *testing.T) {
	kinds := map[string]kind{
		"int64": int64Kind, "int32": int32Kind, "enum": enumKind, "uint64": uint64Kind, "float": floatKind,
		"double": doubleKind, "string": stringKind, "bytes": bytesKind, "message": messageKind,
	}
	ref := readReference(t)
	require.Len(t, schema, len(ref.Messages))
	for name, want := range ref.Messages {
		m := schema[name]
		require.NotNil(t, m, name)
		var fields []fieldType
		for _, f := range want {
			require.Contains(t, kinds, f.Type)
			fields = append(fields, fieldType{f.Number, f.Name, kinds[f.Type], f.Repeated, f.Oneof, f.Of})
		}
		require.Equal(t, fields, m.fields, name)
		for i := range m.fields {
			require.Less(t, m.fields[i].number, 64, "%s: field has a bit to be seen by", name)
			require.Same(t, &m.fields[i], m.byName(m.fields[i].name))
		}
	}
	require.Equal(t, ref.IRVersion, int64(newestIR))
}

func TestPacksAreTheReference(t *testing.T) {
	ref := readReference(t)
	delete(ref.Operators["ai.onnx.ml"], "TreeEnsemble")
	require.Zero(t, packs["ai.onnx.ml"].since["TreeEnsemble"])
	for domain, want := range ref.Operators {
		p := packs[domain]
		require.Equal(t, ref.Opsets[domain], p.newest, domain)
		require.NotEmpty(t, want)
		for op, version := range want {
			require.Equal(t, version, p.since[op], "%s:%s", domain, op)
		}
		beside := len(since(operatorsBeside))
		if domain != "" {
			beside = 0
		}
		require.Len(t, p.since, len(want)+beside, domain)
	}
	for _, op := range []string{"EPContext", "Snpe"} {
		require.Zero(t, packs["com.microsoft"].since[op])
	}
}

func TestEnumerationsAreTheReference(t *testing.T) {
	ref := readReference(t)
	require.Len(t, attributeFields, len(ref.AttributeTypes))
	require.Len(t, dataTypes, len(ref.DataTypes))
	for name, number := range ref.AttributeTypes {
		field := attributeFields[number]
		switch name {
		case "UNDEFINED":
			require.Empty(t, field)
			continue
		case "FLOAT", "INT", "STRING", "TENSOR", "GRAPH":
			name = name[:1]
		case "TYPE_PROTO":
			name = "tp"
		}
		require.Equal(t, strings.ToLower(name), field)
	}
	require.Equal(t, ref.DataTypes["STRING"], int(stringType))
	require.Equal(t, ref.DataTypes["BOOL"], int(boolType))
	require.Equal(t, ref.DataTypes["INT32"], int(int32Type))
	require.Equal(t, ref.DataTypes["INT64"], int(int64Type))
}

func TestEveryRuleIsAnOperator(t *testing.T) {
	require.Greater(t, len(rules), 150)
	for name := range rules {
		domain, op, _ := strings.Cut(name, "/")
		require.NotZero(t, packs[domain].since[op], name)
	}
	for _, names := range []iter.Seq[string]{maps.Keys(never), maps.Keys(followers), maps.Keys(borrowers)} {
		for name := range names {
			domain, op, _ := strings.Cut(name, "/")
			require.NotZero(t, packs[domain].since[op], name)
		}
	}
}
