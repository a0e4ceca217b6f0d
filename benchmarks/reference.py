"""What conversions are held against: torch.load and safetensors.torch.save_file.

    reference.py make FILE   writes the checkpoint: 2 GiB in 300 storages
    reference.py convert     converts for as long as it is asked to

For convert, each line of stdin is {"from": …, "to": …, "sync": …}, answered by
a line "done". The first line out tells versions, once everything is imported and
a small checkpoint was converted.
"""

import json
import os
import sys
import tempfile

import safetensors
import torch
from safetensors.torch import save_file


def checkpoint(tensors, rows):
    seeded = torch.Generator().manual_seed(5)
    return {
        f"model.layers.{i}.weight": torch.empty(rows, 4096, dtype=torch.int16).random_(generator=seeded).view(torch.bfloat16)
        for i in range(tensors)
    }


def make(path):
    """Writes beside the path first: a file of that name is whole."""
    torch.save(checkpoint(300, 874), path + ".partial")
    os.rename(path + ".partial", path)


def convert(source, target, sync):
    save_file(torch.load(source, weights_only=True), target, metadata={"format": "pt"})
    if sync:
        with open(target, "rb") as f:
            os.fsync(f.fileno())


def warm_up():
    with tempfile.TemporaryDirectory() as d:
        source = os.path.join(d, "small.pt")
        torch.save(checkpoint(3, 8), source)
        convert(source, os.path.join(d, "small.safetensors"), False)


def serve():
    warm_up()
    print(f"torch {torch.__version__}, safetensors {safetensors.__version__}", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        convert(job["from"], job["to"], job["sync"])
        print("done", flush=True)


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    serve()
