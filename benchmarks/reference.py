"""What Weightgate is held against: safetensors and torch.

    reference.py make FILE MIB   writes a checkpoint of that size in 300 storages
    reference.py serve           does tasks for as long as it is asked to

For serve, each line of stdin is {"task": one of TASKS, "from": [path], "to": path},
answered by a line {"bytes": of the tensors}. The first line out tells versions,
once everything is imported and every task was done with a small checkpoint. What
was loaded is kept until the next task.
"""

import json
import os
import sys
import tempfile

import safetensors
import torch
from safetensors.torch import load_file, save_file


def checkpoint(tensors, rows):
    seeded = torch.Generator().manual_seed(5)
    return {
        f"model.layers.{i}.weight": torch.empty(rows, 4096, dtype=torch.int16).random_(generator=seeded).view(torch.bfloat16)
        for i in range(tensors)
    }


def make(path, mib):
    """Writes beside the path first: a file of that name is whole."""
    torch.save(checkpoint(300, mib * 2**20 // (300 * 2 * 4096)), path + ".partial")
    os.rename(path + ".partial", path)


def safe_open(paths, _):
    tensors = {}
    for path in paths:
        with safetensors.safe_open(path, framework="pt") as f:
            for name in f.keys():
                tensors[name] = f.get_tensor(name)
    return tensors


def load_files(paths, _):
    tensors = {}
    for path in paths:
        tensors.update(load_file(path))
    return tensors


def load_copies(paths, _):
    return {name: t.clone() for name, t in load_files(paths, None).items()}


def torch_load(paths, _):
    return torch.load(paths[0], weights_only=True)


def convert(paths, target):
    tensors = torch_load(paths, target)
    save_file(tensors, target, metadata={"format": "pt"})
    return tensors


def convert_synced(paths, target):
    tensors = convert(paths, target)
    with open(target, "rb") as f:
        os.fsync(f.fileno())
    return tensors


TASKS = {
    "safe_open": safe_open,
    "load_file": load_files,
    "load_file, clone": load_copies,
    "torch.load": torch_load,
    "convert": convert,
    "convert, sync": convert_synced,
}


def warm_up():
    with tempfile.TemporaryDirectory() as d:
        source, target = os.path.join(d, "small.pt"), os.path.join(d, "small.safetensors")
        torch.save(checkpoint(3, 8), source)
        convert([source], target)
        safe_open([target], None)
        load_files([target], None)


def serve():
    warm_up()
    print(f"torch {torch.__version__}, safetensors {safetensors.__version__}", flush=True)
    loaded = None
    for line in sys.stdin:
        job = json.loads(line)
        loaded = None  # before, so that two never lie in memory
        loaded = TASKS[job["task"]](job["from"], job["to"])
        print(json.dumps({"bytes": sum(t.nbytes for t in loaded.values())}), flush=True)


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]))
else:
    serve()
