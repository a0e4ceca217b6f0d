package signature

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// byChain is the certificate that signed e, and its way to a trusted root.
func (t Trust) byChain(ders [][]byte, e Envelope) (Signer, error) {
	switch {
	case len(t.Roots) == 0 || slices.Contains(t.Roots, nil): // an empty pool is the operating system's to crypto/x509
		return Signer{}, refuse(CodeTrust, "signed with a certificate, and no root is trusted")
	case t.Now.IsZero() && !t.InsecureLeafNotBefore: // no time is the clock's to crypto/x509
		return Signer{}, refuse(CodeTrust, "signed with a certificate, and no time is given to judge it at")
	}
	certificates := make([]*x509.Certificate, len(ders))
	for i, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return Signer{}, refuseFor(err, CodeSyntax, "certificate %d of the bundle", i)
		}
		certificates[i] = c
	}
	leaf := certificates[0]
	chain, err := t.lead(leaf, certificates[1:])
	if err != nil {
		return Signer{}, err
	}
	if !forSigning(leaf) {
		return Signer{}, refuse(CodeUsage, "the certificate of %+.99q is not for signing", leaf.Subject)
	}
	ok, err := e.signed(leaf.PublicKey)
	if err != nil {
		return Signer{}, err
	}
	if !ok {
		return Signer{}, refuse(CodeInvalid, "the signature is not by the key of %+.99q", leaf.Subject)
	}
	key, err := KeyID(leaf.PublicKey) // not of leaf's bytes: one key has one id
	if err != nil {
		return Signer{}, err
	}
	signer := Signer{Key: key}
	for _, c := range chain {
		signer.Chain = append(signer.Chain, describe(c))
	}
	return signer, nil
}

// lead is the way from leaf to a trusted root (RFC 5280, section 6, as
// crypto/x509 has it). Roots that the bundle brings are as good as absent.
func (t Trust) lead(leaf *x509.Certificate, brought []*x509.Certificate) ([]*x509.Certificate, error) {
	at := t.Now
	if t.InsecureLeafNotBefore {
		at = leaf.NotBefore
	}
	if err := validAt(leaf, at); err != nil {
		return nil, err
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range t.Roots {
		roots.AddCert(c)
	}
	for _, c := range brought {
		if !bytes.Equal(c.RawIssuer, c.RawSubject) {
			intermediates.AddCert(c)
		}
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, // the leaf's is looked at by itself
	})
	if err == nil {
		return chains[0], nil
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		if err := validAt(invalid.Cert, at); err != nil {
			return nil, err
		}
	}
	return nil, refuseFor(err, CodeUntrusted, "the certificate of %+.99q leads to no trusted root", leaf.Subject)
}

// forSigning reports whether OMS lets c sign models.
func forSigning(c *x509.Certificate) bool {
	return c.KeyUsage&x509.KeyUsageDigitalSignature != 0 || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageCodeSigning)
}

// validAt says how c is not valid at a time.
func validAt(c *x509.Certificate, at time.Time) error {
	switch {
	case at.Before(c.NotBefore):
		return refuse(CodeEarly, "the certificate of %+.99q is valid from %s, and it is %s", c.Subject, stamp(c.NotBefore), stamp(at))
	case at.After(c.NotAfter):
		return refuse(CodeExpired, "the certificate of %+.99q was valid until %s, and it is %s", c.Subject, stamp(c.NotAfter), stamp(at))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func describe(c *x509.Certificate) Certificate {
	d := Certificate{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialNumber.Text(16),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), SHA256: sha256.Sum256(c.Raw),
	}
	for _, name := range c.DNSNames {
		d.Names = append(d.Names, "dns:"+name)
	}
	for _, name := range c.EmailAddresses {
		d.Names = append(d.Names, "email:"+name)
	}
	for _, ip := range c.IPAddresses {
		d.Names = append(d.Names, "ip:"+ip.String())
	}
	for _, uri := range c.URIs {
		d.Names = append(d.Names, "uri:"+uri.String())
	}
	return d
}
