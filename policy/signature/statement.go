package signature

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
	"github.com/weightgate/weightgate/policy/manifest"
)

// Method says what a resource is. The zero Method is none.
type Method uint8

const (
	Files  Method = iota + 1 // each file, whole
	Shards                   // each file in pieces of ShardSize bytes
)

var methods = [...]string{"", "files", "shards"}

func (m Method) String() string {
	if m == 0 || int(m) >= len(methods) {
		return fmt.Sprintf("method %d", m)
	}
	return methods[m]
}

// MarshalText writes the method as OMS names it.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (m *Method) UnmarshalText(b []byte) error {
	for v := Files; v <= Shards; v++ {
		if methods[v] == string(b) {
			*m = v
			return nil
		}
	}
	return fmt.Errorf("signature: no method %q", b)
}

// The sizes in bytes that shards may have.
const (
	MinShard = 1 << 20
	MaxShard = 1 << 53 // up to which a JSON number counts bytes
)

const (
	hashType = "sha256"

	maxResources = 1 << 17
	maxIgnored   = 10_000
)

// A Statement is what a signature says of a model (OMS 1.0: an in-toto
// Statement v1 with the predicate https://model_signing/signature/v1.0).
type Statement struct {
	// Subject is what the signer called the model: the last element of its
	// path. It is signed, and yet binds nothing: OMS verifies a renamed model.
	Subject string `json:"subject"`

	Method    Method `json:"method"`
	ShardSize int64  `json:"shardSize,omitempty"` // in bytes, of Shards

	// AllowSymlinks and IgnorePaths say how the signer walked the model. What
	// may be loaded is not theirs to say.
	AllowSymlinks bool     `json:"allowSymlinks,omitempty"`
	IgnorePaths   []string `json:"ignorePaths,omitempty"` // with all beneath them

	// Resources are in the order in which they were signed.
	Resources []Resource `json:"resources,omitempty"`
}

// Root is the digest that OMS calls the model's: SHA-256 over the digests of
// the resources, in their order. It binds no names: two models whose files have
// other names have the same root.
func (s *Statement) Root() manifest.Digest {
	h := sha256.New()
	for _, r := range s.Resources {
		h.Write(r.SHA256[:])
	}
	return manifest.Digest(h.Sum(nil))
}

// serialization is how the model was walked, as the statement spells it.
type serialization struct {
	method, hash string
	shardSize    json.Number
}

// resource is one that was not looked at: what its texts are is for the
// serialization to say, which may follow.
type resource struct{ name, algorithm, digest string }

// readStatement reads a payload in full.
func readStatement(payload []byte) (*Statement, error) {
	var (
		s         Statement
		root      string
		how       serialization
		resources []resource
	)
	err := readJSON("statement", payload, func(doc *strictjson.Doc) error {
		return doc.Object("the statement", map[string]strictjson.Member{
			"_type":         {Read: doc.Constant("_type", statementType)},
			"subject":       {Read: func() error { return readSubject(doc, &s.Subject, &root) }},
			"predicateType": {Read: doc.Constant("predicateType", predicateType)},
			"predicate": {Read: func() (err error) {
				resources, err = readPredicate(doc, &s, &how)
				return err
			}},
		}, nil)
	})
	if err != nil {
		return nil, err
	}
	if err := s.resolve(how, resources); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if d, err := manifest.ParseDigest(root); err != nil || d != s.Root() {
		return nil, refuse(CodeRoot, "statement: the subject's sha256 is %+.99q, its resources have %s", root, s.Root())
	}
	return &s, nil
}

// readSubject reads the one subject. Its name may be absent: protobuf leaves
// an empty one out.
func readSubject(doc *strictjson.Doc, name, digest *string) error {
	subjects := 0
	err := doc.Array("subject", func() error {
		if subjects++; subjects > 1 {
			return doc.Fail(strictjson.Syntax, "more than one subject")
		}
		return doc.Object("the subject", map[string]strictjson.Member{
			"name": {Optional: true, Read: doc.Text("the subject's name", name)},
			"digest": {Read: func() error {
				return doc.Object("the subject's digest", map[string]strictjson.Member{hashType: {Read: doc.Text(hashType, digest)}}, nil)
			}},
		}, nil)
	})
	if err == nil && subjects == 0 {
		return doc.Fail(strictjson.Syntax, "subject is empty")
	}
	return err
}

// readPredicate reads the two members that OMS defines. It lets verifiers
// ignore others (predicate v1.0), but not what serialization is beside them.
func readPredicate(doc *strictjson.Doc, s *Statement, how *serialization) ([]resource, error) {
	var resources []resource
	var r resource
	members := map[string]strictjson.Member{ // once for all of them, which are many
		"name":      {Read: doc.Text("a resource's name", &r.name)},
		"algorithm": {Read: doc.Text("algorithm", &r.algorithm)},
		"digest":    {Read: doc.Text("digest", &r.digest)},
	}
	err := doc.Object("the predicate", map[string]strictjson.Member{
		"serialization": {Read: func() error {
			return doc.Object("serialization", map[string]strictjson.Member{
				"method":         {Read: doc.Text("method", &how.method)},
				"hash_type":      {Read: doc.Text("hash_type", &how.hash)},
				"shard_size":     {Optional: true, Read: doc.Number("shard_size", &how.shardSize)},
				"allow_symlinks": {Read: doc.Truth("allow_symlinks", &s.AllowSymlinks)},
				"ignore_paths": {Optional: true, Read: func() error {
					return doc.Array("ignore_paths", func() error {
						path, err := doc.Word("an ignored path")
						if err != nil {
							return err
						}
						if len(s.IgnorePaths) == maxIgnored {
							return doc.Fail(strictjson.Limits, "more than %d ignored paths", maxIgnored)
						}
						s.IgnorePaths = append(s.IgnorePaths, path)
						return nil
					})
				}},
			}, nil)
		}},
		"resources": {Read: func() error {
			return doc.Array("resources", func() error {
				err := doc.Object("a resource", members, nil)
				if err == nil && len(resources) == maxResources {
					return doc.Fail(strictjson.Limits, "more than %d resources", maxResources)
				}
				resources = append(resources, r)
				return err
			})
		}},
	}, doc.Skip)
	return resources, err
}

// resolve says what the texts of a statement mean.
func (s *Statement) resolve(how serialization, resources []resource) error {
	if s.Method.UnmarshalText([]byte(how.method)) != nil {
		return refuse(CodeMethod, "statement: method %+.99q is neither files nor shards", how.method)
	}
	if how.hash != hashType { // blake2b and blake3 are OMS too
		return refuse(CodeHash, "statement: hash_type %+.99q, not %s", how.hash, hashType)
	}
	var err error
	if s.ShardSize, err = shardSize(s.Method, how.shardSize); err != nil {
		return err
	}
	s.Resources = make([]Resource, len(resources))
	for i, r := range resources {
		if r.algorithm != how.hash && r.algorithm != algorithm(s.Method, s.ShardSize) {
			return refuse(CodeHash, "statement: %+.99q has the algorithm %+.99q among %s", r.name, r.algorithm, how.hash)
		}
		if s.Resources[i], err = parseResource(s.Method, r.name, r.digest); err != nil {
			return err
		}
	}
	return nil
}

// shardSize reads a number that protobuf takes for a double: 1048576.0 is one.
func shardSize(m Method, n json.Number) (int64, error) {
	if m != Shards {
		if n != "" {
			return 0, refuse(CodeSyntax, "statement: shard_size without shards")
		}
		return 0, nil
	}
	size, err := n.Float64()
	if err != nil || size != math.Trunc(size) || size < 0 || size > MaxShard {
		return 0, refuse(CodeSyntax, "statement: shard_size %+.99q is no number of bytes", n)
	}
	return int64(size), nil
}

// algorithm is how model-signing names the hash of a resource. The
// specification (section 6.3.2) has the bare hash_type for shards too.
func algorithm(m Method, shardSize int64) string {
	if m == Shards {
		return fmt.Sprintf("%s-sharded-%d", hashType, shardSize)
	}
	return hashType
}

// encode writes what readStatement reads, with numbers and order as
// model-signing writes them.
func (s *Statement) encode() ([]byte, error) {
	type object = map[string]any
	how := object{"method": s.Method, "hash_type": hashType, "allow_symlinks": s.AllowSymlinks}
	if s.Method == Shards {
		how["shard_size"] = s.ShardSize
	}
	if len(s.IgnorePaths) > 0 {
		how["ignore_paths"] = s.IgnorePaths
	}
	resources := make([]object, len(s.Resources))
	for i, r := range s.Resources {
		resources[i] = object{"name": r.spell(s.Method), "algorithm": algorithm(s.Method, s.ShardSize), "digest": r.SHA256}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(object{
		"_type":         statementType,
		"subject":       []object{{"name": s.Subject, "digest": object{hashType: s.Root()}}},
		"predicateType": predicateType,
		"predicate":     object{"serialization": how, "resources": resources},
	})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
