package signature

import (
	"bytes"
	"crypto"
	"crypto/x509"

	"github.com/weightgate/weightgate/policy/internal/strictjson"
)

// InToto is the payload type of in-toto statements, those of OMS among them.
const InToto = "application/vnd.in-toto+json"

// Open verifies what else than a model is signed, and returns the payload as it
// stands, unread, with who signed it. Only a payload of the given type is taken,
// and its type is signed with it. The caller owns the payload. Its error is an
// *Error.
//
// Text is a bundle as Verify reads it, or a DSSE envelope without one, which is
// held against trust.Keys: in-toto attestations are often written so.
func Open(text []byte, payloadType string, trust Trust) (payload []byte, by Signer, err error) {
	if len(trust.Keys) == 0 && len(trust.Roots) == 0 && trust.Keyless == nil {
		return nil, Signer{}, refuse(CodeTrust, "nobody is trusted")
	}
	read := readBundle
	if !bytes.Contains(text, []byte(`"mediaType"`)) { // which reader fails is for an error to say; both are strict
		read = readBareEnvelope
	}
	b, err := read(text, payloadType)
	if err != nil {
		return nil, Signer{}, err
	}
	by, err = trust.signer(text, b)
	if err != nil {
		return nil, Signer{}, err
	}
	return b.envelope.Payload, by, nil
}

// Seal makes a bundle over a payload: what Sign does for a model. Open reads it.
func Seal(key crypto.Signer, chain []*x509.Certificate, payloadType string, payload []byte) ([]byte, error) {
	public := key.Public()
	der, err := marshalKey(public)
	if err != nil {
		return nil, err
	}
	var ders [][]byte
	for _, c := range chain {
		ders = append(ders, c.Raw)
	}
	if len(chain) > 0 {
		if err := certifies(chain[0], public); err != nil {
			return nil, err
		}
	}
	e := Envelope{PayloadType: payloadType, Payload: payload}
	if e.Signature, err = signMessage(key, e.Message()); err != nil {
		return nil, err
	}
	if ok, err := e.signed(public); err != nil || !ok {
		return nil, refuseFor(err, CodeInvalid, "the key made a signature that its public half does not verify")
	}
	text, err := encodeBundle(hintOf(der), ders, e)
	if err != nil {
		return nil, err
	}
	if _, err := readBundle(text, payloadType); err != nil {
		return nil, err
	}
	return text, nil
}

// readBareEnvelope reads an envelope that stands by itself.
func readBareEnvelope(text []byte, payloadType string) (*bundle, error) {
	if len(text) > maxBundle {
		return nil, refuse(CodeLimits, "envelope: longer than %d bytes", maxBundle)
	}
	b := &bundle{kind: byKey, envelope: Envelope{PayloadType: payloadType}}
	err := readJSON("envelope", text, func(doc *strictjson.Doc) error {
		return doc.Object("the envelope", b.envelopeMembers(doc), nil)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}
