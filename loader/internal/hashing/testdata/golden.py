"""Writes golden.txt: fs-verity digests as the fsverity tool (Debian package fsverity) prints them.

    python3 golden.py > golden.txt

A file of n bytes holds the first n bytes of one stream, the little-endian words
splitmix64(0), splitmix64(1), …; "zeros" files are sparse.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np

BLOCK, CHUNK, GROUP = 4096, 512 << 10, 64 << 20


def around(border):
    return [border + d for d in (-BLOCK - 1, -BLOCK, -1, 0, 1, BLOCK, BLOCK + 1)]


def stream(size):
    z = np.arange(1, (size + 7) // 8 + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).astype("<u8").tobytes()[:size]


def digest(path):
    line = subprocess.run(["fsverity", "digest", "--compact", path], check=True, capture_output=True, text=True)
    return line.stdout.strip()


def main():
    sizes = {0, 1, 31, 32, 33, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, GROUP - CHUNK, GROUP + CHUNK, GROUP + CHUNK + 1}
    sizes.update(s for b in (BLOCK, 2 * BLOCK, CHUNK, GROUP) for s in around(b) if s >= 0)
    content = stream(max(sizes))
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "f")
        for size in sorted(sizes):
            with open(path, "wb") as f:
                f.write(content[:size])
            print("stream", size, digest(path))
        for size in (128 * GROUP - 1, 128 * GROUP, 128 * GROUP + 1):  # the border of the third level
            with open(path, "wb") as f:
                f.truncate(size)
            print("zeros", size, digest(path))


if __name__ == "__main__":
    sys.exit(main())
