package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/signature"
)

// Schema is the JSON Schema (draft 2020-12) of a policy, for editors: what it
// refuses, Open refuses. The reverse does not hold: what keys say of each other,
// of files, and of names that occur twice is for Open alone. The caller owns it.
func Schema() []byte {
	root := schemaOf(reflect.TypeFor[document]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Weightgate policy, version 1"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("policy: a schema that is not JSON: " + err.Error()) // it is built of maps and strings
	}
	return append(text, '\n')
}

// schema is a JSON Schema, or keywords of one.
type schema map[string]any

// schemaOf is what reflection knows of a type that a document holds, and what
// the tables below add.
func schemaOf(t reflect.Type) schema {
	if s, known := schemaTypes[t]; known {
		return s()
	}
	switch t.Kind() {
	case reflect.String:
		return schema{"type": "string", "minLength": 1}
	case reflect.Int, reflect.Int64:
		return schema{"type": "integer", "minimum": 1}
	case reflect.Bool:
		return schema{"const": true}
	case reflect.Slice:
		s := schema{"type": "array", "minItems": 1, "items": schemaOf(t.Elem())}
		if t.Elem().Kind() == reflect.String {
			s["uniqueItems"] = true
		}
		return s
	case reflect.Struct:
		return structSchema(t)
	}
	panic(fmt.Sprintf("policy: no schema of %s", t))
}

func structSchema(t reflect.Type) schema {
	properties := schema{}
	var required []string
	for i := range t.NumField() {
		f := t.Field(i)
		key, how, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "" {
			continue // what resolve adds
		}
		if how == "" {
			required = append(required, key)
		}
		properties[key] = annotated(schemaOf(f.Type), schemaFields[t.Name()+"."+key])
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1}
	if len(required) > 0 {
		s["required"] = required
	}
	return annotated(s, schemaFields[t.Name()])
}

// annotated adds keywords to s: of a list of strings to its items, but for the
// description.
func annotated(s, more schema) schema {
	for keyword, value := range more {
		to := s
		if items, ok := s["items"].(schema); ok && items["type"] == "string" && keyword != "description" {
			to = items
		}
		to[keyword] = value
	}
	return s
}

// schemaTypes are types whose JSON is not what reflection sees.
var schemaTypes = map[reflect.Type]func() schema{
	reflect.TypeFor[duration]():             func() schema { return pattern(durationSyntax.String()) },
	reflect.TypeFor[formats.Severity]():     func() schema { return words("info", "low", "medium", "high", "critical") },
	reflect.TypeFor[formats.SandboxLevel](): func() schema { return words("seccomp", "landlock", "full") },
	reflect.TypeFor[material](): func() schema {
		return schema{"oneOf": []schema{
			annotated(pattern("^-----BEGIN "), schema{"maxLength": maxMaterial}),
			{
				"type": "object", "additionalProperties": false, "required": []string{"file", "sha256"},
				"properties": schema{"file": pattern(pathPattern), "sha256": pattern("^[0-9a-f]{64}$")},
			},
		}}
	},
}

const (
	pathPattern = `^[^/]+(/[^/]+)*$`
	filePattern = `^[^/\\:]+$`
	codePattern = `^[a-z0-9][a-z0-9_-]*\.[a-z0-9][a-z0-9._-]*$`
)

func pattern(p string) schema             { return schema{"type": "string", "pattern": p} }
func words(allowed ...string) schema      { return schema{"type": "string", "enum": allowed} }
func word() schema                        { return annotated(pattern(formatSyntax.String()), schema{"maxLength": 64}) }
func described(s schema, d string) schema { s["description"] = d; return s }

// oneRequired says that at least one of the keys is there.
func oneRequired(keys ...string) []schema {
	var all []schema
	for _, key := range keys {
		all = append(all, schema{"required": []string{key}})
	}
	return all
}

// schemaFields are keywords by the Go type and the key, or by the type alone.
var schemaFields = map[string]schema{
	"document.libraries":  described(words(pinned), "a runtime is opened only if its libraries are those in the lock"),
	"document.lock":       described(pattern(filePattern), "the file beside the policy that weightgate pin writes"),
	"document.mode":       described(words(enforce, audit), "audit reports a closed list of reasons and lets the load go on"),
	"document.models":     {"description": "the first entry that fits name and source decides"},
	"document.revocation": {"description": "the list of what was revoked, beside the policy"},
	"document.signers":    {"description": "people and machines that may vouch, each by one name"},
	"document.version":    {"const": 1},

	"entry":            {"anyOf": oneRequired("pin", "unpinned", "signatures")},
	"entry.commit":     pattern(commitSyntax.String()),
	"entry.companions": {"description": "patterns of the files that hold no weights"},
	"entry.formats":    pattern(formatSyntax.String()),
	"entry.measure":    words(sha256d),
	"entry.name":       described(schema{"pattern": `^([A-Za-z0-9][A-Za-z0-9._/@:+-]*\*?|\*)$`, "maxLength": maxName + 1}, "the name given to Load; one that ends in * stands for all that begin like it"),
	"entry.pin":        words(required),
	"entry.repository": pattern(pathPattern),
	"entry.source":     words("dir", "file", "fs", "hub"),

	"convert.packs":   pattern(formatSyntax.String()),
	"convert.unknown": words("deny", extract),

	"exception.codes":   pattern(codePattern),
	"exception.expires": described(schema{"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "format": "date"}, "the first day on which it is none, in UTC"),

	"sessionUse.device": words("cpu", "cuda"),

	"signatures.signers": word(),
	"signatures.shards":  {"minimum": signature.MinShard, "maximum": int64(signature.MaxShard)},

	"approvals.environment": word(),
	"role.role":             word(),
	"role.signers":          word(),
	"provenance.signers":    word(),
	"revocations.signers":   word(),
	"revocations.list":      pattern(pathPattern),
	"documents.model":       pattern(pathPattern),
	"documents.policy":      pattern(pathPattern),

	"signer":       {"anyOf": oneRequired("keys", "roots")},
	"signer.name":  word(),
	"signer.names": pattern("^(dns|email|ip|uri):."),
}
