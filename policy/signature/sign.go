package signature

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
)

// Sign makes a bundle over s, with its resources in the order in which
// model-signing 1.1 lists them. The key is one of those that Trust.Keys may
// hold; model-signing does not verify Ed25519.
//
// A chain is the key's certificate first, then its intermediates, without the
// root, which every verifier has or does not trust. No chain makes a bundle
// that is verified by the key itself. The bundle is verified before it is
// returned: what is refused when read is not written.
func Sign(key crypto.Signer, chain []*x509.Certificate, s Statement) ([]byte, error) {
	payload, err := s.payload()
	if err != nil {
		return nil, err
	}
	return Seal(key, chain, payloadType, payload)
}

// certifies reports whether c lets the key sign.
func certifies(c *x509.Certificate, key crypto.PublicKey) error {
	own, err := KeyID(c.PublicKey)
	if err != nil {
		return err
	}
	if id, err := KeyID(key); err != nil || id != own {
		return refuseFor(err, CodeUntrusted, "the certificate of %+.99q is not the key's", c.Subject)
	}
	if !forSigning(c) {
		return refuse(CodeUsage, "the certificate of %+.99q is not for signing", c.Subject)
	}
	return nil
}

// payload is s as it is signed.
func (s Statement) payload() ([]byte, error) {
	s.Resources = slices.SortedFunc(slices.Values(s.Resources), byComponents)
	if s.Method == Shards {
		for _, r := range s.Resources {
			if strings.Contains(r.Name, ":") { // model-signing splits at all colons
				return nil, refuse(CodeName, "statement: %+.99q cannot be signed by shards: model-signing reads its colon as the shard's", r.Name)
			}
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	text, err := s.encode()
	if err != nil {
		return nil, err
	}
	if _, err := readStatement(text); err != nil {
		return nil, err
	}
	return text, nil
}

func signMessage(key crypto.Signer, message []byte) ([]byte, error) {
	hash, err := hashOf(key.Public())
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(rand.Reader, digest(hash, message), hash)
	if err != nil {
		return nil, fmt.Errorf("signature: the key does not sign: %w", err)
	}
	return sig, nil
}
