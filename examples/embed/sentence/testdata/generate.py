"""Writes what sentence_test.go reads, beside itself:

    generate.py DIR     DIR holds MiniLM as it is published

checkpoint.json.gz and malicious.json.gz are what torch.save wrote, as pieces:
literal bytes, and ranges of DIR/model.safetensors in the places of the weights.
The malicious one has one more entry, an object that pickles as a call of
os.system. reference.json has the embeddings that transformers computes.

    generate.py DIR --save FILE     only writes the checkpoint to FILE

The committed files are by torch 2.15.0 and transformers 5.23.0.
"""

import base64
import gzip
import hashlib
import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from safetensors.torch import load_file

SENTENCES = [
    "The gate copies the bytes once and proves that the copy is what the policy allows.",
    "A pickle is a program.",
    "Eine Signatur sagt, wer für den Inhalt einsteht.",
    "naïve café: 3.14 \u2248 \u03c0, 東京, and an emoji \U0001f512!",
    "Weights",
    "The quick brown fox jumps over the lazy dog, and then it does so again, because one "
    "sentence ought to be longer than the others, so that a batch of them has to be padded.",
]


class Malicious:
    def __reduce__(self):
        return os.system, ("true",)


def save(model, path, extra):
    # The name of the file is in the archive.
    torch.save({**load_file(model / "model.safetensors"), **extra}, path)


def ranges(file):
    """Where each tensor lies in a safetensors file."""
    with open(file, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
    header.pop("__metadata__", None)
    return {name: (8 + size + t["data_offsets"][0], 8 + size + t["data_offsets"][1]) for name, t in header.items()}


def payload(path):
    """The range of each record data/N of a checkpoint, in the order of N."""
    found = {}
    with zipfile.ZipFile(path) as z, open(path, "rb") as f:
        for info in z.infolist():
            _, _, record = info.filename.rpartition("/data/")
            if record.isdigit():
                f.seek(info.header_offset)
                local = f.read(30)
                start = info.header_offset + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
                found[int(record)] = (start, start + info.file_size)
    return [found[n] for n in sorted(found)]


def recipe(model, extra):
    source = model / "model.safetensors"
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "pytorch_model.bin"
        save(model, path, extra)
        written, weights = path.read_bytes(), source.read_bytes()
        places, pieces, end = ranges(source), [], 0
        for name, (start, stop) in zip(load_file(source), payload(path), strict=True):
            first, last = places[name]
            assert written[start:stop] == weights[first:last], name
            pieces += [{"literal": base64.b64encode(written[end:start]).decode()}, {"offset": first, "length": last - first}]
            end = stop
        pieces.append({"literal": base64.b64encode(written[end:]).decode()})
    return {"writer": f"torch {torch.__version__}", "sha256": hashlib.sha256(written).hexdigest(), "size": len(written), "pieces": pieces}


def reference(model):
    from transformers import AutoModel, AutoTokenizer

    tokenizer, encoder = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model).eval()
    found = []
    for text in SENTENCES:
        ids = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            hidden = encoder(**ids).last_hidden_state[0]
        embedding = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0)
        found.append({
            "text": text,
            "ids": ids["input_ids"][0].tolist(),
            "embedding": base64.b64encode(embedding.numpy().astype("<f4").tobytes()).decode(),
        })
    return found


def write(path, value):
    path.write_bytes(gzip.compress(json.dumps(value, separators=(",", ":")).encode(), 9, mtime=0))


if __name__ == "__main__":
    model, here = Path(sys.argv[1]), Path(__file__).parent
    if sys.argv[2:3] == ["--save"]:
        save(model, sys.argv[3], {})
    else:
        write(here / "checkpoint.json.gz", recipe(model, {}))
        write(here / "malicious.json.gz", recipe(model, {"hook": Malicious()}))
        (here / "reference.json").write_text(json.dumps(reference(model), indent=1, ensure_ascii=True) + "\n")
