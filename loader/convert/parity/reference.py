"""What Hugging Face's converter does to a checkpoint, step by step.

The steps are those of convert_file in bindings/python/convert.py of the
safetensors repository, which the hub's conversion service runs.
"""

import os

import torch
from safetensors.torch import _find_shared_tensors, _is_complete, load_file, save_file


def load(path, weights_only):
    return torch.load(path, map_location="cpu", weights_only=weights_only)


def state(loaded, root):
    """The dict of tensors. The converter knows the key state_dict; another root is what its user does by hand."""
    if root:
        return loaded[root]
    return loaded["state_dict"] if "state_dict" in loaded else loaded


def deduplicate(tensors):
    """Removes all names but one of what lies in the same place, and is the metadata that says so."""
    metadata = {"format": "pt"}
    for names in _find_shared_tensors(tensors):
        complete = sorted(name for name in names if _is_complete(tensors[name]))
        if not complete and len(names) == 1:
            (name,) = names
            tensors[name] = tensors[name].clone()
            continue
        if not complete:
            raise RuntimeError(f"none of {sorted(names)} covers its storage")
        for name in sorted(names):
            if name != complete[0]:
                metadata.setdefault(name, complete[0])
                del tensors[name]
    return metadata


def write(tensors, path):
    """Writes the tensors, and is what it wrote and the metadata. What a safetensors file cannot hold raises."""
    tensors = dict(tensors)
    metadata = deduplicate(tensors)
    tensors = {name: t.contiguous() for name, t in tensors.items()}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    save_file(tensors, path, metadata=metadata)
    order_metadata(path, metadata)
    return tensors, metadata


def check(tensors, source, path):
    """What the converter holds against its own output once it is written."""
    before, after = os.stat(source).st_size, os.stat(path).st_size
    if (after - before) / before > 0.01:
        raise RuntimeError(f"{after} bytes were made of {before}")
    reloaded = load_file(path)
    for name, t in tensors.items():
        if not torch.equal(t, reloaded[name]):
            raise RuntimeError(f"{name} reads back as something else")


def order_metadata(path, metadata):
    """Sorts the metadata, which the reference writes in the order of a hash map: another one in each run."""
    if len(metadata) < 2:
        return
    from json import dumps, JSONDecoder

    with open(path, "r+b") as f:
        length = int.from_bytes(f.read(8), "little")
        header = f.read(length).decode()
        start = len('{"__metadata__":')
        written, end = JSONDecoder().raw_decode(header, start)
        assert written == metadata, written
        ordered = dumps(metadata, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert sorted(ordered) == sorted(header[start:end]), (ordered, header[start:end])
        f.seek(8)
        f.write((header[:start] + ordered + header[end:]).encode())


def rename(name):
    """The name of what is made of a file (rename and convert_generic of convert.py)."""
    folder, file = os.path.split(name)
    stem, _ = os.path.splitext(file)
    return os.path.join(folder, stem.replace("pytorch_model", "model") if file.startswith("pytorch_model") else stem) + ".safetensors"
