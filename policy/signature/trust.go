package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"time"

	"github.com/weightgate/weightgate/policy/manifest"
)

// Trust is who may sign. The zero Trust is nobody. Nothing of a bundle adds to
// it, and the roots of the operating system are no part of it.
type Trust struct {
	// Keys are *ecdsa.PublicKey on P-256, P-384 or P-521, or ed25519.PublicKey.
	// They vouch for bundles that are signed with a key.
	Keys []crypto.PublicKey

	// Roots vouch for bundles that are signed with a certificate: a chain has
	// to end in one of them. Intermediates are the bundle's to bring.
	Roots []*x509.Certificate

	// Now is when the whole chain has to be valid. Zero is no time, and
	// refuses certificates.
	Now time.Time

	// InsecureLeafNotBefore takes the moment in which the leaf became valid
	// instead of Now, as model-signing does. A certificate that has expired
	// then signs forever, and so does a key that was stolen after that.
	InsecureLeafNotBefore bool

	// Keyless verifies bundles whose certificate was made for the one
	// signature and is vouched for by a log. Nil refuses them.
	Keyless Keyless
}

// Keyless verifies certificates that live for minutes (Fulcio) by what logs
// say of them (Rekor). Implementations are safe for concurrent use.
type Keyless interface {
	// Signer verifies that the certificate in bundle signed e.Message(), and
	// says whose it is. The bundle was read strictly, and e is what is in it:
	// an implementation that finds another envelope there must fail. An
	// *Error is handed on as it is; any other is the cause of CodeInvalid.
	Signer(bundle []byte, e Envelope) (Signer, error)
}

// A Signer is who signed: one principal, however many bundles it signs.
type Signer struct {
	Key   manifest.Digest `json:"key"`             // KeyID of the public key that verified the signature
	Chain []Certificate   `json:"chain,omitempty"` // that leads from it to a trusted root, both included; none: the key is trusted itself
}

// A Certificate is what an X.509 certificate (RFC 5280) says. It was verified,
// and yet its texts are of the issuer's choosing: escape them for people.
type Certificate struct {
	Subject   string          `json:"subject"` // as RFC 2253 writes it
	Issuer    string          `json:"issuer"`
	Serial    string          `json:"serial"`          // in lower-case hexadecimal
	Names     []string        `json:"names,omitempty"` // alternative names of the subject: "dns:", "email:", "ip:" or "uri:" and the name
	NotBefore time.Time       `json:"notBefore"`
	NotAfter  time.Time       `json:"notAfter"`
	SHA256    manifest.Digest `json:"sha256"` // of the DER
}

// ErrPEM says that a text holds no public key or certificates, or more than that.
var ErrPEM = errors.New("signature: not what was expected in PEM or DER")

// ParseKey reads one public key, a SubjectPublicKeyInfo (RFC 5280, section
// 4.1) in PEM ("PUBLIC KEY") or DER.
func ParseKey(text []byte) (crypto.PublicKey, error) {
	ders, err := unwrap("PUBLIC KEY", text)
	if err != nil {
		return nil, err
	}
	if len(ders) != 1 {
		return nil, ErrPEM
	}
	key, err := x509.ParsePKIXPublicKey(ders[0])
	if err != nil {
		return nil, errors.Join(ErrPEM, err)
	}
	if _, err := KeyID(key); err != nil {
		return nil, err
	}
	return key, nil
}

// ParseCertificates reads one certificate in DER, or any number above zero in
// PEM ("CERTIFICATE").
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	ders, err := unwrap("CERTIFICATE", text)
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, errors.Join(ErrPEM, err)
		}
		certificates = append(certificates, c)
	}
	return certificates, nil
}

// unwrap is the DER of all PEM blocks of text, which are of one type, or text
// itself. Beside the blocks there may be comments (RFC 7468, section 2), but
// after the last nothing.
func unwrap(kind string, text []byte) ([][]byte, error) {
	if !bytes.Contains(text, []byte("-----BEGIN")) {
		return [][]byte{text}, nil
	}
	var ders [][]byte
	for len(bytes.TrimSpace(text)) > 0 {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != kind {
			return nil, ErrPEM
		}
		ders, text = append(ders, block.Bytes), rest
	}
	return ders, nil
}

// KeyID is the SHA-256 of key's SubjectPublicKeyInfo in DER. An *Error with
// CodeAlgorithm says that signatures of such a key are not verified.
func KeyID(key crypto.PublicKey) (manifest.Digest, error) {
	der, err := marshalKey(key)
	return sha256.Sum256(der), err
}

func marshalKey(key crypto.PublicKey) ([]byte, error) {
	if _, err := hashOf(key); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, refuseFor(err, CodeAlgorithm, "a key that is none")
	}
	return der, nil
}

// hashOf is what the message is hashed with before key signs it (OMS 1.0: the
// one that fits the curve); 0 for Ed25519, which hashes by itself.
func hashOf(key crypto.PublicKey) (crypto.Hash, error) {
	switch key := key.(type) {
	case ed25519.PublicKey:
		if len(key) == ed25519.PublicKeySize {
			return 0, nil
		}
	case *ecdsa.PublicKey:
		if key == nil {
			break
		}
		switch key.Curve {
		case elliptic.P256():
			return crypto.SHA256, nil
		case elliptic.P384():
			return crypto.SHA384, nil
		case elliptic.P521():
			return crypto.SHA512, nil
		}
	}
	return 0, refuse(CodeAlgorithm, "a %T that is neither ECDSA on P-256, P-384 or P-521 nor Ed25519", key)
}

// digest is what key signs of message.
func digest(hash crypto.Hash, message []byte) []byte {
	if hash == 0 {
		return message
	}
	h := hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// signed reports whether key made the envelope's signature.
func (e Envelope) signed(key crypto.PublicKey) (bool, error) {
	hash, err := hashOf(key)
	if err != nil {
		return false, err
	}
	d := digest(hash, e.Message())
	switch key := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, d, e.Signature), nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, d, e.Signature), nil
	}
	return false, nil
}

// hintOf is what model-signing calls a key by: the SHA-256 of its PEM, not of
// its DER.
func hintOf(der []byte) string {
	sum := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return hex.EncodeToString(sum[:])
}

// byKey is the trusted key that signed e. A hint says which of them to try; it
// is not signed, so it can only take keys away.
func (t Trust) byKey(hint string, e Envelope) (Signer, error) {
	if len(t.Keys) == 0 {
		return Signer{}, refuse(CodeTrust, "signed with a key, and no key is trusted")
	}
	tried := 0
	for _, key := range t.Keys {
		der, err := marshalKey(key)
		if err != nil {
			return Signer{}, err
		}
		if hint != "" && hint != hintOf(der) {
			continue
		}
		tried++
		ok, err := e.signed(key)
		if err != nil {
			return Signer{}, err
		}
		if ok {
			return Signer{Key: sha256.Sum256(der)}, nil
		}
	}
	if tried == 0 {
		return Signer{}, refuse(CodeUntrusted, "signed with the key %+.99q, which is not trusted", hint)
	}
	return Signer{}, refuse(CodeInvalid, "the signature is by no trusted key")
}

// byLog is who a log says that signed e.
func (t Trust) byLog(bundle []byte, e Envelope) (Signer, error) {
	if t.Keyless == nil {
		return Signer{}, refuse(CodeKeyless, "signed without a key of its own, and no verifier for that is given")
	}
	signer, err := t.Keyless.Signer(bundle, e)
	if own, ok := errors.AsType[*Error](err); ok {
		return Signer{}, own
	}
	if err != nil || signer.Key.IsZero() {
		return Signer{}, refuseFor(err, CodeInvalid, "the keyless signature was not verified")
	}
	return signer, nil
}
