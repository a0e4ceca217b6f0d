package signature

import (
	"encoding/json"
	"fmt"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

// The types that OMS bundles are made of. Other versions of them exist; each
// is one more way to be read differently by two readers.
const (
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	payloadType   = InToto
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

// readBundle reads text in full, of whose payload the type is known.
func readBundle(text []byte, payloadType string) (*bundle, error) {
	if len(text) > maxBundle {
		return nil, refuse(CodeLimits, "bundle: longer than %d bytes", maxBundle)
	}
	b := &bundle{envelope: Envelope{PayloadType: payloadType}}
	err := readJSON("bundle", text, func(doc *strictjson.Doc) error {
		return doc.Object("the bundle", map[string]strictjson.Member{
			"mediaType":            {Read: doc.Constant("mediaType", bundleType)},
			"verificationMaterial": {Read: func() error { return b.readMaterial(doc) }},
			"dsseEnvelope": {Read: func() error {
				return doc.Object("dsseEnvelope", b.envelopeMembers(doc), nil)
			}},
		}, nil)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// readMaterial reads verificationMaterial, which holds one of three.
func (b *bundle) readMaterial(doc *strictjson.Doc) error {
	one := func(k kind, read func() error) strictjson.Member {
		return strictjson.Member{Optional: true, Read: func() error {
			if b.kind != 0 {
				return doc.Fail(strictjson.Syntax, "verificationMaterial is of two kinds")
			}
			b.kind = k
			return read()
		}}
	}
	evidence := strictjson.Member{Optional: true, Read: func() error {
		return doc.Array("tlogEntries", func() error {
			b.logged = true
			return doc.Skip()
		})
	}}
	stamped := strictjson.Member{Optional: true, Read: func() error {
		return doc.Object("timestampVerificationData", map[string]strictjson.Member{
			"rfc3161Timestamps": {Optional: true, Read: evidence.Read},
		}, nil)
	}}
	err := doc.Object("verificationMaterial", map[string]strictjson.Member{
		"publicKey": one(byKey, func() error {
			return doc.Object("publicKey", map[string]strictjson.Member{
				"hint":       {Optional: true, Read: doc.Hint("hint", &b.hint)},
				"rawBytes":   {Optional: true, Read: doc.Skip}, // model-signing before 1.1 wrote the key itself
				"keyDetails": {Optional: true, Read: doc.Skip},
			}, nil)
		}),
		"x509CertificateChain": one(byChain, func() error {
			return doc.Object("x509CertificateChain", map[string]strictjson.Member{
				"certificates": {Read: func() error {
					return doc.Array("certificates", func() error { return b.readCertificate(doc) })
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
		return doc.Fail(strictjson.Syntax, "verificationMaterial is of no kind")
	case b.kind == byChain && len(b.chain) == 0:
		return doc.Fail(strictjson.Syntax, "certificates is empty")
	}
	return nil
}

func (b *bundle) readCertificate(doc *strictjson.Doc) error {
	var der []byte
	err := doc.Object("a certificate", map[string]strictjson.Member{"rawBytes": {Read: doc.Bytes("rawBytes", &der)}}, nil)
	if err != nil {
		return err
	}
	if len(b.chain) == maxChain || len(der) > maxCertificate {
		return doc.Fail(strictjson.Limits, "more than %d certificates, or one of more than %d bytes", maxChain, maxCertificate)
	}
	b.chain = append(b.chain, der)
	return nil
}

// envelopeMembers are the keys of a DSSE envelope.
func (b *bundle) envelopeMembers(doc *strictjson.Doc) map[string]strictjson.Member {
	signatures, keyid := 0, ""
	return map[string]strictjson.Member{
		"payload":     {Read: doc.Bytes("payload", &b.envelope.Payload)},
		"payloadType": {Read: doc.Constant("payloadType", b.envelope.PayloadType)},
		"signatures": {Read: func() error {
			err := doc.Array("signatures", func() error {
				if signatures++; signatures > 1 {
					return doc.Fail(strictjson.Syntax, "more than one signature")
				}
				return doc.Object("a signature", map[string]strictjson.Member{
					"sig":   {Read: doc.Bytes("sig", &b.envelope.Signature)},
					"keyid": {Optional: true, Read: doc.Hint("keyid", &keyid)},
				}, nil)
			})
			if err == nil && signatures == 0 {
				return doc.Fail(strictjson.Syntax, "signatures is empty")
			}
			return err
		}},
	}
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
