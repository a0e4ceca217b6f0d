"""Writes checkpoints with the torch that it runs under, and what Hugging Face's converter makes of them.

    python matrix.py OUTDIR            every case, protocols 2 to 5, zip and legacy
    python matrix.py --small OUTDIR    the fixtures of tests that have no Python

Two runs write the same but for the legacy form, in which torch names storages
by their address.

Of each checkpoint there are

    in/            the checkpoint: one file, or shards and their index
    out/           what the converter writes of it
    instead/       what was saved, if that is something else: with copies of
                   views that are not contiguous, bits of conjugation and
                   negation applied, and what is no tensor left out
    oracle.json    what the converter says: see Oracle in checkpoint_test.go
"""

import contextlib
import json
import pathlib
import pickle
import shutil
import sys
import warnings
import zlib

import torch

sys.dont_write_bytecode = True  # of the two below
import reference  # noqa: E402
from cases import CASES, floats, module  # noqa: E402

PROTOCOLS = (2, 3, 4, 5)
warnings.filterwarnings("ignore")


def seed(name):
    torch.manual_seed(zlib.crc32(name.encode()))


def save(obj, path, protocol, legacy):
    torch.save(obj, path, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)


@contextlib.contextmanager
def replaced(holder, name, value):
    old = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, old)


def save_big_endian(obj, path, protocol, legacy):
    """As torch writes it on a machine of the other byte order."""
    swapped = {}
    for name, t in obj.items():
        t = t.clone()
        t.untyped_storage().byteswap(t.dtype)
        swapped[name] = t
    with replaced(sys, "byteorder", "big"):
        save(swapped, path, protocol, legacy)


def save_cuda(obj, path, protocol, legacy):
    """As torch writes it for tensors that live on a GPU."""
    with replaced(torch.serialization, "location_tag", lambda storage: "cuda:0"):
        save(obj, path, protocol, legacy)


def save_buffer(obj, path, protocol, legacy):
    with open(path, "wb") as f:
        save(obj, f, protocol, legacy)


def save_without_byteorder(obj, path, protocol, legacy):
    torch.save(obj, path, pickle_protocol=protocol, _disable_byteorder_record=True)


def save_without_crc(obj, path, protocol, legacy):
    torch.serialization.set_crc32_options(False)
    try:
        save(obj, path, protocol, legacy)
    finally:
        torch.serialization.set_crc32_options(True)


def save_aligned(obj, path, protocol, legacy):
    from torch.utils.serialization import config

    with config.patch({"save.storage_alignment": 4096}):
        save(obj, path, protocol, legacy)


def save_script(obj, path, protocol, legacy):
    torch.jit.script(module()).save(path)


def wide():
    """Types of each width, for what depends on the width."""
    return {
        "f64": torch.arange(3, dtype=torch.float64), "f32": floats(2, 3), "f16": floats(3).half(), "bf16": floats(3).bfloat16(),
        "i64": torch.arange(3), "i32": torch.arange(3, dtype=torch.int32), "i16": torch.arange(3, dtype=torch.int16),
        "i8": torch.arange(3, dtype=torch.int8), "u8": torch.arange(3, dtype=torch.uint8), "bool": torch.tensor([True, False]),
        "c64": torch.complex(floats(2), floats(2)),
    }  # fmt: skip


def wide_untyped():
    return {"u16": torch.arange(3).to(torch.uint16), "u64": torch.arange(3).to(torch.uint64)} if hasattr(torch, "uint16") else None


torch_version = tuple(int(n) for n in torch.__version__.split("+")[0].split(".")[:2])

# name: (object, how it is saved, which forms there are, whether this torch has it)
CONTAINERS = {
    "container.big-endian": (wide, save_big_endian, ("zip",), torch_version >= (2, 1)),
    "container.big-endian-untyped": (wide_untyped, save_big_endian, ("zip",), torch_version >= (2, 3)),
    "container.cuda": (lambda: module().state_dict(), save_cuda, ("zip", "legacy"), True),
    "container.buffer": (lambda: module().state_dict(), save_buffer, ("zip", "legacy"), True),
    "container.no-byteorder": (lambda: module().state_dict(), save_without_byteorder, ("zip",), torch_version >= (2, 1)),
    "container.no-crc": (lambda: module().state_dict(), save_without_crc, ("zip",), hasattr(torch.serialization, "set_crc32_options")),
    "container.alignment": (lambda: module().state_dict(), save_aligned, ("zip",), torch_version >= (2, 7)),
    "container.torchscript": (lambda: None, save_script, ("zip",), True),
}
SMALL_CONTAINERS = {"container.big-endian"}


def sentence(e):
    return f"{type(e).__name__}: {e}".split("\n")[0][:300]


class Checkpoint:
    """One directory of the matrix."""

    def __init__(self, outdir, name, case, form, protocol, root=""):
        self.dir = pathlib.Path(outdir) / f"{name}.{form}.p{protocol}"
        self.oracle = {"torch": torch.__version__.split("+")[0], "case": case, "form": form, "protocol": protocol, "root": root}

    def path(self, side, file):
        p = self.dir / side / file
        p.parent.mkdir(parents=True, exist_ok=True)
        return str(p)

    def note(self, key, value):
        self.oracle.setdefault(key, value)

    def load(self, file):
        """The object as the converter reads it. Its reader knows protocol 2 and few types; what it refuses is read by pickle, as all of it is ours."""
        path = self.path("in", file)
        try:
            return reference.load(path, weights_only=True)
        except (pickle.UnpicklingError, AttributeError, IndexError) as e:
            loaded = reference.load(path, weights_only=False)
            self.note("reader", sentence(e))
            return loaded

    def convert(self, file, saved):
        """Does what the converter does to one file, and is the metadata that it wrote."""
        out = self.path("out", reference.rename(file))
        tensors = None
        try:
            tensors = reference.state(self.load(file), self.oracle["root"])
            written, metadata = reference.write(tensors, out)
            reference.check(written, self.path("in", file), out)
        except Exception as e:  # whatever it is, it is what the converter says
            self.note("error", sentence(e))
            metadata = {}
        self.instead(file, saved, tensors)
        return metadata

    def instead(self, file, saved, tensors):
        """Writes what was saved, and the reference cannot write, or does not."""
        if tensors is None and "'torch.storage.UntypedStorage' has no attribute 'dtype'" in self.oracle["error"]:
            tensors = saved  # torch cannot read its own legacy files of untyped storages
        if not isinstance(tensors, dict):
            return
        kept = {k: v for k, v in tensors.items() if isinstance(k, str) and isinstance(v, torch.Tensor) and v.layout == torch.strided}
        if not kept:
            return
        if all(isinstance(saved.get(k), torch.Tensor) for k in kept):
            kept = {k: saved[k] for k in kept}  # big-endian files of untyped storages are read as other values
        kept = {k: v.resolve_conj().resolve_neg().contiguous() for k, v in kept.items()}
        path = self.path("instead", reference.rename(file))
        try:
            reference.write(kept, path)
        except Exception:
            return

    def finish(self):
        def content(side):
            return {p.relative_to(self.dir / side): p.read_bytes() for p in (self.dir / side).rglob("*") if p.is_file()}

        out, instead = content("out"), content("instead")
        for side, files in {"out": out, "instead": {} if instead == out else instead}.items():
            if not files:
                shutil.rmtree(self.dir / side, ignore_errors=True)
        with open(self.dir / "oracle.json", "w") as f:
            json.dump(self.oracle, f, indent=1)
            f.write("\n")


def single(outdir, name, build, file, root, how, form, protocol):
    seed(name)
    obj = build()
    if obj is None and how is not save_script:
        return "absent"
    c = Checkpoint(outdir, name, name, form, protocol, root)
    try:
        how(obj, c.path("in", file), protocol, form == "legacy")
    except Exception as e:
        shutil.rmtree(c.dir)
        return f"not saved: {sentence(e)}"
    c.convert(file, obj)
    c.finish()
    return ""


def shards(outdir, form, protocol):
    """A model in two files, as transformers wrote them; a name of the second is tied within it."""
    seed("shards")
    head = floats(4, 3)
    parts = [
        {"embedding.weight": floats(5, 3), "layers.0.weight": floats(3, 3).t()},
        {"layers.1.weight": floats(3, 3).half(), "lm_head.weight": head, "lm_head.tied": head},
    ]
    c = Checkpoint(outdir, "shards", "shards", form, protocol)
    files = [f"pytorch_model-{i + 1:05d}-of-{len(parts):05d}.bin" for i in range(len(parts))]
    weight_map = {name: file for file, part in zip(files, parts) for name in part}
    size = sum(t.numel() * t.element_size() for part in parts for t in part.values())
    index = {"metadata": {"total_size": size}, "weight_map": weight_map}
    with open(c.path("in", "pytorch_model.bin.index.json"), "w") as f:
        f.write(json.dumps(index, indent=2, sort_keys=True) + "\n")
    removed = {}
    for file, part in zip(files, parts):
        save(part, c.path("in", file), protocol, form == "legacy")
        removed |= c.convert(file, part)
    index["weight_map"] = {name: reference.rename(file) for name, file in weight_map.items()}
    for side, gone in {"out": (), "instead": removed}.items():
        with open(c.path(side, "model.safetensors.index.json"), "w") as f:
            weight_map = {name: file for name, file in sorted(index["weight_map"].items()) if name not in gone}
            json.dump({**index, "weight_map": weight_map}, f, indent=4)
    c.finish()


def forms(name, small):
    """The forms and protocols of a case: all, or for a small matrix one after the other."""
    if not small:
        return [(form, p) for p in PROTOCOLS for form in ("zip", "legacy")]
    n = zlib.crc32(name.encode())
    return [("legacy" if n % 3 == 0 else "zip", 2 if n % 2 else 4 + n // 2 % 2)]


def main(outdir, small):
    shutil.rmtree(outdir, ignore_errors=True)
    skipped = {}
    for name, case in CASES.items():
        if small and not case.small:
            continue
        for form, protocol in forms(name, small):
            if why := single(outdir, name, case.build, case.file, case.root, case.save or save, form, protocol):
                skipped[f"{name}.{form}"] = why
    for name, (build, how, kinds, exists) in CONTAINERS.items():
        if not exists or small and name not in SMALL_CONTAINERS:
            continue
        for form in kinds:
            for protocol in PROTOCOLS[:1] if small or how is save_script else PROTOCOLS:
                if why := single(outdir, name, build, "pytorch_model.bin", "", how, form, protocol):
                    skipped[f"{name}.{form}"] = why
    for form, protocol in forms("shards", small):
        shards(outdir, form, protocol)
    for name, why in sorted(skipped.items()):
        print(f"torch {torch.__version__}: {name}: {why}")


if __name__ == "__main__":
    main(sys.argv[-1], "--small" in sys.argv[1:-1])
