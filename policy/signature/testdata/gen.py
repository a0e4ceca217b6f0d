"""Writes the fixtures of this directory with the reference implementation.

    python gen.py        (with model-signing 1.1.1 and pyOpenSSL, which it uses and does not name)

python/*.sig    bundles as model-signing writes them
python/*.pem    public keys and roots to verify them with

The models are those of models_test.go, made anew by model() below. Keys are
thrown away: each run signs with new ones.
"""

import datetime
import pathlib
import shutil
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from model_signing import hashing, signing

HERE = pathlib.Path(__file__).parent / "python"
MIB = 1 << 20

# Names whose order by components is not that of strings, one beyond ASCII, and
# a file of no bytes.
FILES = {
    "a.json": b"{}\n",
    "deploy.md": b"deploy\n",
    "deploy/x.md": b"x\n",
    "deploy/x/y.md": b"y\n",
    "empty.txt": b"",
    "weights.bin": bytes(i * 7 % 251 for i in range(2 * MIB + 5)),
    "größe.txt": "größe\n".encode(),
}


def model(root, files=FILES):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def write_key(path, key):
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate(subject, key, issuer, issuer_key, *, ca, until, extensions=()):
    name = lambda s: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, s)])
    builder = (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2024, 1, 1)).not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA384())


def usage(signature, ca=False):
    return x509.KeyUsage(signature, False, False, False, False, ca, ca, False, False)


def pem(*certificates):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    with tempfile.TemporaryDirectory() as tmp:
        fixtures(pathlib.Path(tmp))


def fixtures(tmp):
    root = model(tmp / "model")
    small = model(tmp / "small", {"a.json": b"{}\n", "deploy.md": b"deploy\n"})
    private = tmp / "key.pem"

    # "sha256 files" is what the command line does; ignored paths are relative
    # to the model, and the bundle within it is one of them.
    files = lambda **how: hashing.Config().use_file_serialization(**how)
    shards = lambda **how: hashing.Config().use_shard_serialization(**how)

    for name, curve in ("p256", ec.SECP256R1()), ("p384", ec.SECP384R1()), ("p521", ec.SECP521R1()):
        key = ec.generate_private_key(curve)
        write_key(private, key)
        (HERE / f"{name}.pem").write_bytes(public(key))
        sign = lambda hashing_config, model, to: (
            signing.Config().use_elliptic_key_signer(private_key=private)
            .set_hashing_config(hashing_config).sign(model, HERE / f"{name}-{to}.sig"))
        sign(files(), root, "files")
        if name != "p256":
            continue
        sign(shards(shard_size=MIB), root, "shards")
        sign(shards(shard_size=8), small, "shards-of-8")
        sign(files(), small / "a.json", "single")
        sign(shards(shard_size=MIB), small / "a.json", "single-shards")
        sign(files(hashing_algorithm="blake2"), small, "blake2b")
        sign(files(hashing_algorithm="blake3"), small, "blake3")
        sign(files().set_ignored_paths(paths=["deploy", "model.sig"]), root, "ignored")

    far = datetime.datetime(2124, 1, 1)
    ca, between, leaf = (ec.generate_private_key(ec.SECP384R1()) for _ in range(3))
    root_ca = certificate("Test Root", ca, "Test Root", ca, ca=True, until=far, extensions=[usage(False, ca=True)])
    intermediate = certificate(
        "Test Intermediate", between, "Test Root", ca, ca=True, until=far, extensions=[usage(False, ca=True)])
    (HERE / "root.pem").write_bytes(pem(root_ca))
    write_key(private, leaf)
    san = x509.SubjectAlternativeName([x509.RFC822Name("signer@example.com"), x509.UniformResourceIdentifier("https://example.com/signer")])
    leaves = {
        "chain": dict(until=far, extensions=[usage(True), san]),
        "chain-codesigning": dict(until=far, extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])]),
        "chain-expired": dict(until=datetime.datetime(2024, 2, 1), extensions=[usage(True)]),
        "chain-unfit": dict(until=far, extensions=[usage(False)]),
    }
    for name, how in leaves.items():
        signer = certificate("Test Signer", leaf, "Test Intermediate", between, ca=False, **how)
        (tmp / "signer.pem").write_bytes(pem(signer))
        (tmp / "chain.pem").write_bytes(pem(intermediate, root_ca)) # with the root, as some publishers do
        config = signing.Config().use_certificate_signer(
            private_key=private, signing_certificate=tmp / "signer.pem", certificate_chain=[tmp / "chain.pem"])
        config.set_hashing_config(files()).sign(root, HERE / f"{name}-files.sig")
        if name == "chain":
            config.set_hashing_config(shards(shard_size=MIB)).sign(root, HERE / f"{name}-shards.sig")


if __name__ == "__main__":
    main()
