package attestation

import "github.com/weightgate/weightgate/policy/internal/strictjson"

// ParseProvenance reads the payload of a provenance: an in-toto statement v1
// with the predicate SLSAType or ConversionType. The error is an *Error.
//
// Of SLSA (slsa.dev/spec/v1.0/provenance) it reads buildType, builder.id and
// resolvedDependencies, and ignores what else there is, as it asks of readers;
// null is not taken for a value that is absent. Of a conversion unknown keys are
// errors, and everything in it has a digest.
func ParseProvenance(payload []byte) (*Provenance, error) {
	predicateType, err := readType(payload)
	if err != nil {
		return nil, err
	}
	p := &Provenance{PredicateType: predicateType}
	switch predicateType {
	case SLSAType:
		err = p.readSLSA(payload)
	case ConversionType:
		err = p.readConversion(payload)
	default:
		err = refuse(CodeType, "statement: predicateType is %+.99q, neither %s nor %s", predicateType, SLSAType, ConversionType)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Provenance) readSLSA(payload []byte) error {
	err := readStatement(payload, func(doc *strictjson.Doc) parts {
		return parts{
			subjects: maxResources,
			subject:  func() error { return readResource(doc, "a subject", &p.Subjects, doc.Skip) },
			predicate: func() error {
				return doc.Object("the predicate", map[string]strictjson.Member{
					"buildDefinition": {Read: func() error { return p.readDefinition(doc) }},
					"runDetails": {Read: func() error {
						return doc.Object("runDetails", map[string]strictjson.Member{
							"builder": {Read: func() error {
								return doc.Object("builder", map[string]strictjson.Member{
									"id": {Read: doc.Printable("the builder's id", maxText, &p.Builder)},
								}, doc.Skip)
							}},
						}, doc.Skip)
					}},
				}, doc.Skip)
			},
			other: doc.Skip,
		}
	})
	if err == nil && (p.Builder == "" || p.BuildType == "") {
		return refuse(CodeSyntax, "statement: the builder's id or buildType is empty")
	}
	return err
}

func (p *Provenance) readDefinition(doc *strictjson.Doc) error {
	return doc.Object("buildDefinition", map[string]strictjson.Member{
		"buildType": {Read: doc.Printable("buildType", maxText, &p.BuildType)},
		"resolvedDependencies": {Optional: true, Read: func() error {
			return doc.UpTo(maxResources, "resolvedDependencies", func() error {
				return readResource(doc, "a dependency", &p.Materials, doc.Skip)
			})
		}},
	}, doc.Skip)
}

func (p *Provenance) readConversion(payload []byte) error {
	err := readStatement(payload, func(doc *strictjson.Doc) parts {
		return parts{
			subjects: maxResources,
			subject:  func() error { return readResource(doc, "a subject", &p.Subjects, nil) },
			predicate: func() error {
				return doc.Object("the predicate", map[string]strictjson.Member{
					"converter": {Read: doc.Printable("converter", maxText, &p.Builder)},
					"sources": {Read: func() error {
						return doc.UpTo(maxResources, "sources", func() error {
							return readResource(doc, "a source", &p.Materials, nil)
						})
					}},
				}, nil)
			},
		}
	})
	if err != nil {
		return err
	}
	return p.checkConversion()
}

func (p *Provenance) checkConversion() error {
	if p.Builder == "" {
		return refuse(CodeSyntax, "statement: converter is empty")
	}
	if len(p.Materials) == 0 {
		return refuse(CodeSyntax, "statement: sources is empty")
	}
	for _, resources := range [][]Resource{p.Subjects, p.Materials} {
		for _, r := range resources {
			if r.SHA256.IsZero() && r.Identity.IsZero() {
				return refuse(CodeSyntax, "statement: %+.99q has no digest", r.Name)
			}
		}
	}
	return nil
}

// readResource reads one more resource (github.com/in-toto/attestation,
// spec/v1/resource_descriptor.md). Unknown keys and digests go to other, which
// is an error if nil.
func readResource(doc *strictjson.Doc, what string, all *[]Resource, other func() error) error {
	var r Resource
	err := doc.Object(what, map[string]strictjson.Member{
		"name": {Optional: true, Read: doc.Printable("a resource's name", maxText, &r.Name)},
		"uri":  {Optional: true, Read: doc.Printable("a resource's uri", maxText, &r.URI)},
		"digest": {Optional: true, Read: func() error {
			return doc.Object("digest", map[string]strictjson.Member{
				digestSHA256: {Optional: true, Read: doc.Digest(digestSHA256, &r.SHA256)},
				digestModel:  {Optional: true, Read: doc.Digest(digestModel, &r.Identity)},
			}, other)
		}},
	}, other)
	if err != nil {
		return err
	}
	*all = append(*all, r)
	return nil
}

// Encode writes the payload of a conversion, which ParseProvenance reads. What
// that would refuse is an *Error, and so is a provenance of another type:
// builders write their own.
func (p Provenance) Encode() ([]byte, error) {
	if p.PredicateType != ConversionType {
		return nil, refuse(CodeType, "statement: predicateType is %+.99q, not %s", p.PredicateType, ConversionType)
	}
	if p.BuildType != "" {
		return nil, refuse(CodeSyntax, "statement: a conversion has no buildType")
	}
	predicate := struct {
		Converter string       `json:"converter"`
		Sources   []descriptor `json:"sources"`
	}{p.Builder, descriptors(p.Materials)}
	payload, err := encode(ConversionType, predicate, descriptors(p.Subjects)...)
	if err != nil {
		return nil, err
	}
	if _, err := ParseProvenance(payload); err != nil {
		return nil, err
	}
	return payload, nil
}

func descriptors(resources []Resource) []descriptor {
	all := make([]descriptor, len(resources))
	for i, r := range resources {
		all[i] = descriptor{Name: r.Name, URI: r.URI, Digest: digests{SHA256: r.SHA256, Model: r.Identity}}
	}
	return all
}
