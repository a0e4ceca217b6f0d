#!/bin/sh
# Writes the fixtures of this directory with OpenSSL 3: keys that protect nothing.
set -eu
cd "$(dirname "$0")"
rm -f -- *.key *.pub
pass='correct horse ä'

encrypt() { # NAME OPTIONS...: what lies in plain.tmp
	name=$1
	shift
	openssl pkcs8 -topk8 -in plain.tmp -out "$name.key" -passout "pass:$pass" "$@"
}
house='-v2 aes-256-cbc -v2prf hmacWithSHA256'

openssl genpkey -algorithm ed25519 -out plain.tmp
encrypt ed25519 $house
openssl pkey -in plain.tmp -pubout -out ed25519.pub
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out plain.tmp
encrypt rsa $house
for bits in 521 384 256; do
	openssl genpkey -algorithm ec -pkeyopt "ec_paramgen_curve:P-$bits" -out plain.tmp
	encrypt "p$bits" $house
	openssl pkey -in plain.tmp -pubout -out "p$bits.pub"
done

encrypt once $house -iter 1
encrypt slow $house -iter 10000001
encrypt des3 -v2 des3 -v2prf hmacWithSHA256
encrypt aes128 -v2 aes-128-cbc -v2prf hmacWithSHA256
encrypt sha1 -v2 aes-256-cbc -v2prf hmacWithSHA1
encrypt sha512 -v2 aes-256-cbc -v2prf hmacWithSHA512
encrypt scrypt -scrypt
encrypt pbes1 -v1 PBE-SHA1-3DES

openssl pkcs8 -topk8 -nocrypt -in plain.tmp -out plain.key
openssl pkey -in plain.tmp -pubout -out plain.pub
rm plain.tmp
