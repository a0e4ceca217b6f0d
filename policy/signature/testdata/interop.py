"""Signs and verifies with the reference implementation, as interop_test.go asks.

    python interop.py < jobs.json        (with model-signing 1.1.1 and pyOpenSSL)

A job is an object: do (sign or verify), by (key or certificate), method (files,
shards, or guess for what the bundle says), model, bundle, key, certificate and
chain; paths all of them. For each, in order, a line says ok or what was raised.
"""

import json
import sys

from model_signing import hashing, signing, verifying

MIB = 1 << 20


def run(job):
    config = hashing.Config().set_ignored_paths(paths=["model.sig"])
    if job["method"] == "shards":
        config.use_shard_serialization(shard_size=MIB)
    if job["do"] == "sign":
        signer = signing.Config()
        if job["by"] == "key":
            signer.use_elliptic_key_signer(private_key=job["key"])
        else:
            signer.use_certificate_signer(
                private_key=job["key"], signing_certificate=job["certificate"], certificate_chain=job["chain"])
        signer.set_hashing_config(config).sign(job["model"], job["bundle"])
        return
    verifier = verifying.Config()
    if job["by"] == "key":
        verifier.use_elliptic_key_verifier(public_key=job["key"])
    else:
        verifier.use_certificate_verifier(certificate_chain=job["chain"])
    if job["method"] != "guess":
        verifier.set_hashing_config(config)
    verifier.verify(job["model"], job["bundle"])


for job in json.load(sys.stdin):
    try:
        run(job)
    except Exception as e:
        print(repr(f"{type(e).__name__}: {e}"))
    else:
        print("ok")
