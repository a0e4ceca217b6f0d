package policy

import (
	"crypto"
	"errors"
	"fmt"

	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/signature"
)

// ErrUnsigned says that a policy is not signed as SignedBy asks for.
var ErrUnsigned = errors.New("policy: not signed as it has to be")

// SignatureSuffix is what the name of a policy's signature ends in, behind the
// name of the policy.
const SignatureSuffix = ".sig"

// SignedBy lets Open take the policy only with a signature in the file beside
// it whose name ends in SignatureSuffix: by key, over the digest of policy and
// lock together, with a version of at least minVersion. Whoever may write the
// lock alone can pin nothing then. The error is ErrUnsigned.
//
// A nil key takes none. Parse has no file beside it, and refuses.
func SignedBy(key crypto.PublicKey, minVersion uint64) Option {
	return func(o *options) {
		o.signed = func(p *Policy, text []byte) error { return p.signedBy(key, minVersion, text) }
	}
}

// signedBy holds the text of a signature against p.
func (p *Policy) signedBy(key crypto.PublicKey, minVersion uint64, text []byte) error {
	if key == nil {
		return fmt.Errorf("%w: no key is given that it could be by", ErrUnsigned)
	}
	payload, _, err := signature.Open(text, signature.InToto, signature.Trust{Keys: []crypto.PublicKey{key}})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsigned, err)
	}
	said, err := attestation.ParsePolicyVersion(payload)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnsigned, err)
	case said.Digest != p.Digest():
		return fmt.Errorf("%w: the signature is over %s, policy and lock are %s", ErrUnsigned, said.Digest, p.Digest())
	case said.Version < minVersion:
		return fmt.Errorf("%w: version %d, and at least %d is asked for", ErrUnsigned, said.Version, minVersion)
	}
	return nil
}
