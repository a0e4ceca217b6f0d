"""Writes the checkpoints of this directory with the torch that runs it:

    python gen.py 215

The argument tells its files from those of other versions. Nothing here is
needed to run the tests; what they expect of each file stands in want.json,
as torch itself reads it back.
"""

import io
import json
import pathlib
import sys
from collections import OrderedDict

import torch

HERE = pathlib.Path(__file__).parent
VERSION = sys.argv[1]
WANT = {}

PLAIN = [
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16",
    "int8", "uint8", "bool", "complex64",
]
LATER = [
    "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e4m3fnuz",
    "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2",
]


def tensor(name):
    """Six elements of the type of that name, by their bytes."""
    dtype = getattr(torch, name)
    if dtype is torch.bool:
        return torch.tensor([True, False, True, True, False, False])
    size = torch.empty(0, dtype=dtype).element_size()
    data = torch.arange(1, 6 * size + 1, dtype=torch.uint8)
    return data.view(dtype)


def every_dtype():
    names = [n for n in PLAIN + LATER if hasattr(torch, n)]
    return OrderedDict((n, tensor(n)) for n in names)


def views():
    x = torch.arange(24, dtype=torch.float32)

    def c():
        return torch.tensor([1 + 2j, 3 + 4j, 5 - 6j], dtype=torch.complex64)

    return OrderedDict([
        ("whole", x),
        ("tied", x),
        ("part", x[3:7]),
        ("matrix", x.view(4, 6)),
        ("transposed", x.view(4, 6).t()),
        ("stepped", x[1::5]),
        ("expanded", x[2:3].expand(3, 4)),
        ("scalar", torch.tensor(7, dtype=torch.int64)),
        ("empty", torch.zeros(0, 3)),
        ("conj", c().conj()),
        ("neg", c().conj().imag),
        ("real", c().real),
    ])


def model():
    torch.manual_seed(1)
    m = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    return m


def trained():
    m = model()
    optimizer = torch.optim.Adam(m.parameters())
    m(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return m, optimizer


def parameters():
    p = torch.nn.Parameter(torch.arange(3.0))
    noted = torch.nn.Parameter(torch.arange(2.0), requires_grad=False)
    noted.note = "a note"
    plain = torch.arange(4.0)
    plain.note = [1, 2]
    return OrderedDict([("p", p), ("noted", noted), ("plain", plain)])


def bits(t):
    """The bytes of a tensor as they lie in a safetensors file."""
    t = t.detach()
    t = t.resolve_conj() if t.is_complex() else t
    t = t.resolve_neg().contiguous() if hasattr(t, "resolve_neg") else t.contiguous()
    if t.numel() == 0:
        return b""
    return bytes(t.reshape(-1).view(torch.uint8).tolist()) if t.dtype is not torch.bool else bytes(t.reshape(-1).to(torch.uint8).tolist())


def wanted(tensors):
    return {
        k: {"dtype": str(t.dtype).split(".")[1], "shape": list(t.shape), "hex": bits(t).hex()}
        for k, t in tensors.items()
    }


def save(name, obj, root="", **how):
    b = io.BytesIO()
    torch.save(obj, b, **how)
    b.seek(0)
    back = torch.load(b, weights_only=False)  # what we wrote; before 2.0 it forgets conj and neg
    tensors = back[root] if root else back
    file = f"{name}-{VERSION}.pt"
    (HERE / file).write_bytes(b.getvalue())
    WANT[file] = {"root": root, "tensors": wanted(tensors)}


class Noted(torch.Tensor):
    pass


def refuse():
    """Checkpoints that no safetensors file can stand for, with the code that says so."""
    q = torch.quantize_per_tensor(torch.ones(2), 0.1, 1, torch.qint8)
    rows = torch.quantize_per_channel(torch.ones(2, 2), torch.ones(2), torch.zeros(2), 0, torch.quint8)
    for name, code, obj in [
        ("quantized", "torch.quantized", {"q": q}),
        ("channels", "torch.quantized", {"q": rows}),
        ("coo", "torch.sparse", {"s": torch.eye(2).to_sparse()}),
        ("csr", "torch.sparse", {"s": torch.eye(2).to_sparse_csr()}),
        ("meta", "torch.meta", {"m": torch.zeros(2, device="meta")}),
        ("complex128", "torch.dtype", {"c": torch.zeros(2, dtype=torch.complex128)}),
        ("subclass", "torch.subclass", {"s": torch.zeros(2).as_subclass(Noted)}),
        ("module", "torch.module", torch.nn.Linear(1, 1)),
        ("module-inside", "torch.module", {"model": torch.nn.Linear(1, 1), "epoch": 1}),
        ("unnamed", "torch.root.none", torch.zeros(2)),
        ("list", "torch.root.none", [torch.zeros(2)]),
        ("two-roots", "torch.root", {"model": model().state_dict(), "ema": model().state_dict()}),
    ]:
        for form, how in (("", {}), ("-legacy", {"_use_new_zipfile_serialization": False})):
            if code == "torch.module" and form or name == "two-roots" and form:
                continue
            b = io.BytesIO()
            torch.save(obj, b, **how)
            file = f"refused-{name}{form}-{VERSION}.pt"
            (HERE / file).write_bytes(b.getvalue())
            WANT[file] = {"code": code}


def main():
    legacy = {"_use_new_zipfile_serialization": False}
    dtypes = every_dtype()
    save("dtypes", dtypes)
    plain = OrderedDict((n, t) for n, t in dtypes.items() if n in PLAIN)
    save("dtypes-legacy", plain, **legacy)  # torch writes the later ones so too, and cannot read them
    for protocol in (2, 3, 4, 5):
        save(f"views-{protocol}", views(), pickle_protocol=protocol)
        save(f"views-legacy-{protocol}", views(), pickle_protocol=protocol, **legacy)
    m, optimizer = trained()
    save("state-dict", m.state_dict())
    save("parameters", parameters())
    save("parameters-legacy", parameters(), **legacy)
    save("training", {
        "epoch": 3,
        "model": m.state_dict(),
        "optimizer": optimizer.state_dict(),
        "loss": 0.25,
    }, root="model")
    save("lightning", {
        "epoch": 3, "global_step": 12, "pytorch-lightning_version": "2.4.0",
        "state_dict": m.state_dict(), "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {}, "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [], "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 1e-3},
    }, root="state_dict")
    refuse()
    path = HERE / "want.json"
    all_wants = json.loads(path.read_text()) if path.exists() else {}
    all_wants.update(WANT)
    path.write_text(json.dumps(all_wants, indent=1, sort_keys=True) + "\n")


main()
