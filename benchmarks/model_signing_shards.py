"""Verifies a model's signature over shards, which the command of model-signing does not.

    python model_signing_shards.py KEY BUNDLE MODEL SHARD_SIZE    (with model-signing)
"""

import sys

from model_signing import hashing, verifying

key, bundle, model, size = sys.argv[1:]
config = hashing.Config().set_ignored_paths(paths=[bundle]).use_shard_serialization(shard_size=int(size))
verifying.Config().use_elliptic_key_verifier(public_key=key).set_hashing_config(config).verify(model, bundle)
