package keyfile

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
)

const (
	iterations    = 600_000 // of what is written: OWASP's number for HMAC-SHA-256
	maxIterations = 10_000_000

	saltSize = 16 // bytes, of what is written
	minSalt  = 8  // RFC 8018, section 4.1; OpenSSL 3.0 writes no more
	maxSalt  = 64
	keySize  = 32 // of AES-256
)

// The algorithms, by their identifiers in RFC 8018, appendix A and B.
var (
	oidPBES2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// encryptedPrivateKeyInfo is that of RFC 5958, section 3.
type encryptedPrivateKeyInfo struct {
	Algorithm     pkix.AlgorithmIdentifier
	EncryptedData []byte
}

// pbes2Params are PBES2-params of RFC 8018, appendix A.4.
type pbes2Params struct {
	KeyDerivationFunc, EncryptionScheme pkix.AlgorithmIdentifier
}

// pbkdf2Params are PBKDF2-params of RFC 8018, appendix A.2, as OpenSSL writes
// them: without a keyLength, and with a PRF, whose default is HMAC-SHA-1.
type pbkdf2Params struct {
	Salt           []byte
	IterationCount int
	PRF            pkix.AlgorithmIdentifier
}

// Encrypted is a private key under a passphrase. Parse makes it; that of the
// zero Encrypted is never right.
type Encrypted struct {
	salt, iv, data []byte
	iterations     int
}

// Parse reads a text in PEM in full, apart from what is encrypted: of a file
// that is broken or of another scheme no passphrase need be asked.
func Parse(text []byte) (*Encrypted, error) {
	der, err := unwrap(encryptedLabel, text)
	if err != nil {
		return nil, err
	}
	info, err := unmarshal[encryptedPrivateKeyInfo](der)
	if err != nil {
		return nil, err
	}
	scheme, err := parameters[pbes2Params](info.Algorithm, oidPBES2)
	if err != nil {
		return nil, err
	}
	kdf, err := parameters[pbkdf2Params](scheme.KeyDerivationFunc, oidPBKDF2)
	if err != nil {
		return nil, err
	}
	if prf, err := parameters[asn1.RawValue](kdf.PRF, oidHMACWithSHA256); err != nil {
		return nil, err
	} else if !bytes.Equal(prf.FullBytes, asn1.NullBytes) {
		return nil, fmt.Errorf("%w: HMAC-SHA-256 has parameters", ErrSyntax)
	}
	iv, err := parameters[[]byte](scheme.EncryptionScheme, oidAES256CBC)
	if err != nil {
		return nil, err
	}
	e := &Encrypted{salt: kdf.Salt, iv: iv, data: info.EncryptedData, iterations: kdf.IterationCount}
	switch {
	case len(e.salt) < minSalt || len(e.salt) > maxSalt:
		return nil, fmt.Errorf("%w: a salt of %d bytes, not %d to %d", ErrSyntax, len(e.salt), minSalt, maxSalt)
	case e.iterations < 1 || e.iterations > maxIterations:
		return nil, fmt.Errorf("%w: %d iterations, not 1 to %d", ErrSyntax, e.iterations, maxIterations)
	case len(e.iv) != aes.BlockSize || len(e.data) == 0 || len(e.data)%aes.BlockSize != 0:
		return nil, fmt.Errorf("%w: not whole blocks of AES", ErrSyntax)
	}
	return e, nil
}

// Decrypt is the key, for the passphrase as it was typed, in bytes. With a
// wrong one it fails with ErrPassphrase, but for the one in thousands that
// makes a SEQUENCE by chance, with ErrSyntax. It takes as long as the file's iterations say: up to seconds.
func (e *Encrypted) Decrypt(passphrase []byte) (crypto.Signer, error) {
	if len(passphrase) == 0 || e.iterations < 1 {
		return nil, ErrPassphrase
	}
	block, err := e.cipher(passphrase)
	if err != nil {
		return nil, err
	}
	padded := make([]byte, len(e.data))
	defer clear(padded)
	cipher.NewCBCDecrypter(block, e.iv).CryptBlocks(padded, e.data)
	der, ok := unpad(padded)
	if !ok {
		return nil, ErrPassphrase
	}
	var info asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 || info.Tag != asn1.TagSequence {
		return nil, ErrPassphrase // the padding was right by chance
	}
	return parseKey(der)
}

// Encrypt writes what Parse and OpenSSL read: PEM, with a salt of its own and
// 600,000 iterations.
func Encrypt(key crypto.Signer, passphrase []byte) ([]byte, error) {
	e := Encrypted{salt: make([]byte, saltSize), iv: make([]byte, aes.BlockSize), iterations: iterations}
	rand.Read(e.salt) // it never fails
	rand.Read(e.iv)
	return e.seal(key, passphrase)
}

// seal encrypts key with the parameters of e.
func (e *Encrypted) seal(key crypto.Signer, passphrase []byte) ([]byte, error) {
	switch {
	case len(passphrase) == 0:
		return nil, ErrPassphrase
	case !known(key):
		return nil, fmt.Errorf("%w: a %T", ErrAlgorithm, key)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	block, err := e.cipher(passphrase)
	if err != nil {
		return nil, err
	}
	padded := pad(der)
	defer clear(padded)
	e.data = make([]byte, len(padded))
	cipher.NewCBCEncrypter(block, e.iv).CryptBlocks(e.data, padded)
	text, err := e.marshal()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: encryptedLabel, Bytes: text}), nil
}

// cipher is AES under the key that is derived from passphrase.
func (e *Encrypted) cipher(passphrase []byte) (cipher.Block, error) {
	key, err := pbkdf2.Key(sha256.New, string(passphrase), e.salt, e.iterations, keySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return aes.NewCipher(key)
}

// marshal is e in DER.
func (e *Encrypted) marshal() ([]byte, error) {
	kdf, err := identifier(oidPBKDF2, pbkdf2Params{
		Salt: e.salt, IterationCount: e.iterations,
		PRF: pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256, Parameters: asn1.NullRawValue},
	})
	if err != nil {
		return nil, err
	}
	scheme, err := identifier(oidAES256CBC, e.iv)
	if err != nil {
		return nil, err
	}
	all, err := identifier(oidPBES2, pbes2Params{kdf, scheme})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedPrivateKeyInfo{all, e.data})
}

// identifier names an algorithm with its parameters.
func identifier(id asn1.ObjectIdentifier, parameters any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(parameters)
	return pkix.AlgorithmIdentifier{Algorithm: id, Parameters: asn1.RawValue{FullBytes: der}}, err
}

// parameters are those of a, which has to be the algorithm id.
func parameters[T any](a pkix.AlgorithmIdentifier, id asn1.ObjectIdentifier) (T, error) {
	if !a.Algorithm.Equal(id) {
		var none T
		return none, fmt.Errorf("%w: %v in the place of %v", ErrAlgorithm, a.Algorithm, id)
	}
	return unmarshal[T](a.Parameters.FullBytes)
}

// unmarshal reads the one encoding that DER has for a value: encoding/asn1
// would pass over what follows in a sequence.
func unmarshal[T any](der []byte) (T, error) {
	var v, none T
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil || len(rest) > 0 {
		return none, fmt.Errorf("%w: not its DER", ErrSyntax)
	}
	if again, err := asn1.Marshal(v); err != nil || !bytes.Equal(again, der) {
		return none, fmt.Errorf("%w: not its DER", ErrSyntax)
	}
	return v, nil
}

// pad fills the last block as RFC 8018, section 6.1.1, says: n bytes of value n.
func pad(b []byte) []byte {
	n := aes.BlockSize - len(b)%aes.BlockSize
	padded := make([]byte, 0, len(b)+n)
	return append(append(padded, b...), bytes.Repeat([]byte{byte(n)}, n)...)
}

// unpad is b, of whole blocks, without what pad added.
func unpad(b []byte) ([]byte, bool) {
	n := int(b[len(b)-1])
	if n < 1 || n > aes.BlockSize || !bytes.Equal(b[len(b)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, false
	}
	return b[:len(b)-n], true
}
