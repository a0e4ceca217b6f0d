package signature

import (
	"encoding/json"
	"fmt"
)

// The types that OMS bundles are made of. Other versions of them exist; each
// is one more way to be read differently by two readers.
const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	predicateType = "https://model_signing/signature/v1.0"
)

const (
	maxBundle      = 32 << 20 // bytes: 2^17 shards in base64
	maxChain       = 16       // certificates in a bundle
	maxCertificate = 64 << 10 // bytes of one
)

// An Envelope is a DSSE envelope with its one signature
// (github.com/secure-systems-lab/dsse, envelope.md).
type Envelope struct {
	PayloadType string
	Payload     []byte
	Signature   []byte
}

// Message is what the signature is over: the pre-authentication encoding of
// DSSE v1 (protocol.md), over the payload's bytes as they stand.
func (e Envelope) Message() []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(e.PayloadType), e.PayloadType, len(e.Payload)), e.Payload...)
}

// kind of material that a bundle is to be verified by.
type kind uint8

const (
	byKey kind = iota + 1
	byChain
	byCertificate
)

// A bundle is a Sigstore bundle v0.3 (sigstore/protobuf-specs,
// sigstore_bundle.proto) as OMS uses it. Nothing in it is believed.
type bundle struct {
	kind     kind
	hint     string   // of byKey
	chain    [][]byte // DER, leaf first; of byChain and byCertificate
	logged   bool     // there are log entries or timestamps
	envelope Envelope
}

// readBundle reads text in full.
func readBundle(text []byte) (*bundle, error) {
	if len(text) > maxBundle {
		return nil, refuse(CodeLimits, "bundle: longer than %d bytes", maxBundle)
	}
	b := &bundle{envelope: Envelope{PayloadType: payloadType}}
	err := readJSON("bundle", text, func(doc *document) error {
		return doc.object("the bundle", map[string]member{
			"mediaType":            {read: doc.constant("mediaType", bundleType)},
			"verificationMaterial": {read: func() error { return b.readMaterial(doc) }},
			"dsseEnvelope":         {read: func() error { return b.readEnvelope(doc) }},
		}, nil)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// readMaterial reads verificationMaterial, which holds one of three.
func (b *bundle) readMaterial(doc *document) error {
	one := func(k kind, read func() error) member {
		return member{optional: true, read: func() error {
			if b.kind != 0 {
				return doc.fail(CodeSyntax, "verificationMaterial is of two kinds")
			}
			b.kind = k
			return read()
		}}
	}
	evidence := member{optional: true, read: func() error {
		return doc.array("tlogEntries", func() error {
			b.logged = true
			return doc.skip()
		})
	}}
	stamped := member{optional: true, read: func() error {
		return doc.object("timestampVerificationData", map[string]member{
			"rfc3161Timestamps": {optional: true, read: evidence.read},
		}, nil)
	}}
	err := doc.object("verificationMaterial", map[string]member{
		"publicKey": one(byKey, func() error {
			return doc.object("publicKey", map[string]member{
				"hint":       {optional: true, read: doc.hint("hint", &b.hint)},
				"rawBytes":   {optional: true, read: doc.skip}, // model-signing before 1.1 wrote the key itself
				"keyDetails": {optional: true, read: doc.skip},
			}, nil)
		}),
		"x509CertificateChain": one(byChain, func() error {
			return doc.object("x509CertificateChain", map[string]member{
				"certificates": {read: func() error {
					return doc.array("certificates", func() error { return b.readCertificate(doc) })
				}},
			}, nil)
		}),
		"certificate":               one(byCertificate, func() error { return b.readCertificate(doc) }),
		"tlogEntries":               evidence,
		"timestampVerificationData": stamped,
	}, nil)
	switch {
	case err != nil:
		return err
	case b.kind == 0:
		return doc.fail(CodeSyntax, "verificationMaterial is of no kind")
	case b.kind == byChain && len(b.chain) == 0:
		return doc.fail(CodeSyntax, "certificates is empty")
	}
	return nil
}

func (b *bundle) readCertificate(doc *document) error {
	var der []byte
	err := doc.object("a certificate", map[string]member{"rawBytes": {read: doc.bytes("rawBytes", &der)}}, nil)
	if err != nil {
		return err
	}
	if len(b.chain) == maxChain || len(der) > maxCertificate {
		return doc.fail(CodeLimits, "more than %d certificates, or one of more than %d bytes", maxChain, maxCertificate)
	}
	b.chain = append(b.chain, der)
	return nil
}

func (b *bundle) readEnvelope(doc *document) error {
	signatures, keyid := 0, ""
	return doc.object("dsseEnvelope", map[string]member{
		"payload":     {read: doc.bytes("payload", &b.envelope.Payload)},
		"payloadType": {read: doc.constant("payloadType", payloadType)},
		"signatures": {read: func() error {
			err := doc.array("signatures", func() error {
				if signatures++; signatures > 1 {
					return doc.fail(CodeSyntax, "more than one signature")
				}
				return doc.object("a signature", map[string]member{
					"sig":   {read: doc.bytes("sig", &b.envelope.Signature)},
					"keyid": {optional: true, read: doc.hint("keyid", &keyid)},
				}, nil)
			})
			if err == nil && signatures == 0 {
				return doc.fail(CodeSyntax, "signatures is empty")
			}
			return err
		}},
	}, nil)
}

// encodeBundle writes what readBundle reads, with the keys that model-signing
// demands. An empty chain is a key's bundle.
func encodeBundle(hint string, chain [][]byte, e Envelope) ([]byte, error) {
	type object = map[string]any
	material := object{"tlogEntries": []any{}}
	if len(chain) == 0 {
		material["publicKey"] = object{"hint": hint}
	} else {
		var certificates []object
		for _, der := range chain {
			certificates = append(certificates, object{"rawBytes": der})
		}
		material["x509CertificateChain"] = object{"certificates": certificates}
	}
	return json.Marshal(object{
		"mediaType":            bundleType,
		"verificationMaterial": material,
		"dsseEnvelope": object{
			"payload":     e.Payload,
			"payloadType": e.PayloadType,
			"signatures":  []object{{"sig": e.Signature, "keyid": ""}},
		},
	})
}
