// Package signature reads, verifies and writes OpenSSF Model Signing bundles
// (OMS 1.0, as model-signing 1.1 writes them): a Sigstore bundle v0.3 with a
// DSSE envelope around an in-toto statement that lists a model's files, or
// shards of them, with their SHA-256.
//
// Verify says who signed what, Compare holds that against what was measured.
// A signature vouches for contents beneath a directory, not for the name under
// which a model is loaded: whoever may sign one model may sign any.
//
// Everything is safe for concurrent use; nothing reads files, clock or network.
package signature

// Verified is what a trusted signer signed. Only Verify makes one that vouches
// for anything; the zero Verified vouches for nothing.
type Verified struct {
	Statement
	Signer Signer `json:"signer"`
}

// Verify reads a bundle, verifies it against trust, and then reads what is
// signed: no byte of a statement is parsed before its signature was verified.
// Its error is an *Error.
//
// The bundle says how it was signed. A publicKey is held against trust.Keys; an
// x509CertificateChain, or a certificate without log entries and timestamps,
// against trust.Roots; one with them is for trust.Keyless. Log entries beside a
// key or a chain add nothing, and are not looked at.
//
// The resources are accepted in the order in which they are signed, and refused
// if two share a name, if one is not beneath the model's root, if shards leave
// bytes out, and if the root digest is not theirs.
func Verify(bundle []byte, trust Trust) (*Verified, error) {
	if len(trust.Keys) == 0 && len(trust.Roots) == 0 && trust.Keyless == nil {
		return nil, refuse(CodeTrust, "nobody is trusted")
	}
	b, err := readBundle(bundle, payloadType)
	if err != nil {
		return nil, err
	}
	signer, err := trust.signer(bundle, b)
	if err != nil {
		return nil, err
	}
	s, err := readStatement(b.envelope.Payload)
	if err != nil {
		return nil, err
	}
	return &Verified{Statement: *s, Signer: signer}, nil
}

// signer is who signed b, which is what text says.
func (t Trust) signer(text []byte, b *bundle) (Signer, error) {
	switch {
	case b.kind == byKey:
		return t.byKey(b.hint, b.envelope)
	case b.kind == byCertificate && b.logged:
		return t.byLog(text, b.envelope)
	}
	return t.byChain(b.chain, b.envelope)
}
