"""The checkpoints of the matrix: what people save with torch.save.

A case is a function that returns the object to save, or None where this torch
has no such thing. All of them are small and the same in each run.
"""

import argparse
import collections
import dataclasses

import numpy
import torch
from torch import nn

CASES = {}
SHUFFLES = 24


@dataclasses.dataclass
class Case:
    build: object
    file: str = "pytorch_model.bin"
    root: str = ""  # key of the tensors' dict, where it is not clear which one is meant
    small: bool = False  # a fixture for tests that have no Python
    save: object = None  # saves in another way than torch.save(object, path)


def case(name, **options):
    def add(build):
        assert name not in CASES, name
        CASES[name] = Case(build, **options)
        return build

    return add


def floats(*shape):
    return torch.randn(*shape)


# Element types. Bytes up to 0x5f are neither infinite nor NaN in any type of floats.

STORED = """float64 float32 float16 bfloat16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex64
float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2""".split()

UNSTORED = "complex128 complex32 bits8 bits16 int1 uint4 int4".split()


def typed(name):
    dtype = getattr(torch, name, None)
    if dtype is None:
        return None
    if name == "bool":
        return {"matrix": torch.rand(3, 4) > 0.5, "scalar": torch.tensor(True), "none": torch.zeros(0, dtype=dtype)}

    size = torch.empty(0, dtype=dtype).element_size()

    def raw(*shape):
        count = size
        for n in shape:
            count *= n
        return torch.randint(0, 0x60, (count,), dtype=torch.uint8).view(dtype).view(shape)

    tensors = {"matrix": raw(3, 4), "scalar": raw(), "none": raw(0, 2)}
    if name == "float4_e2m1fn_x2":
        del tensors["scalar"]  # a case of its own
    return tensors


for _name in STORED + UNSTORED:
    case("dtype." + _name, small=_name in ("bfloat16", "float8_e4m3fn", "uint16"))(lambda name=_name: typed(name))


@case("dtype.half-a-byte")
def _():
    """Two elements in the byte of a scalar: the reference doubles the last dimension, and there is none."""
    dtype = getattr(torch, "float4_e2m1fn_x2", None)
    return {"w": torch.tensor(0x21, dtype=torch.uint8).view(dtype)} if dtype else None


@case("dtype.mixed", small=True)
def _():
    """The widest types come first in the file, then names in order."""
    kinds = [torch.int8, torch.float64, torch.bool, torch.float16, torch.int64, torch.bfloat16, torch.uint8, torch.float32]
    return {f"{n}{i}": torch.arange(3).to(kind) for i, kind in enumerate(kinds) for n in "ba"}


@case("value.nan")
def _():
    return {"w": torch.tensor([1.0, float("nan"), float("inf"), -0.0])}


@case("value.bool")
def _():
    """Bytes that are neither true nor false."""
    return {"w": torch.tensor([0, 1, 2, 255], dtype=torch.uint8).view(torch.bool)}


# Modules.


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(6, 4)
        self.lm_head = nn.Linear(4, 6, bias=False)
        self.lm_head.weight = self.embedding.weight
        self.register_buffer("position", torch.arange(5).expand(1, -1))
        self.register_buffer("mask", torch.ones(3, 3, dtype=torch.bool).tril().view(1, 1, 3, 3))


def module():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2, bias=False))


@case("module.state", small=True)
def _():
    return module().state_dict()


@case("module.half")
def _():
    return module().half().state_dict()


@case("module.transformer")
def _():
    return nn.TransformerEncoderLayer(8, 2, 16).state_dict()


@case("module.recurrent")
def _():
    return nn.LSTM(3, 4, num_layers=2, bidirectional=True).state_dict()


@case("module.channels-last", small=True)
def _():
    return nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last).state_dict()


@case("module.prefix")
def _():
    return nn.DataParallel(module()).state_dict()


@case("module.whole")
def _():
    return module()


@case("module.inside")
def _():
    return {"model": module(), "epoch": 1}


# Names that stand for the same bytes.


@case("tied.module", small=True)
def _():
    return Tied().state_dict()


@case("tied.several", small=True)
def _():
    a, b = floats(2, 3), torch.arange(4)
    return {"z": a, "y": b, "m": a, "a": a, "x": b, "alone": floats(2)}


@case("tied.reshaped")
def _():
    a = floats(2, 3)
    return {"matrix": a, "flat": a.view(-1), "third": a.view(3, 2)}


@case("tied.transposed")
def _():
    a = floats(2, 3)
    return {"w": a, "t": a.t()}


@case("tied.step")
def _():
    a = floats(12)
    return {"w": a, "even": a[::2]}


@case("tied.expanded")
def _():
    a = torch.tensor(2.5)
    return {"w": a, "e": a.expand(7)}


@case("tied.diagonal")
def _():
    a = floats(4, 4)
    return {"w": a, "d": a.diagonal()}


@case("tied.matrix-of-columns")
def _():
    a = floats(4, 6)
    return {"w": a, "c": a[:, 2:4]}


@case("tied.columns-that-all-share")
def _():
    """Both are all of the storage, in another order of elements."""
    a = floats(1, 6)
    return {"row": a, "column": a.t()}


@case("part.steps")
def _():
    a = floats(12)
    return {"even": a[::2], "odd": a[1::2]}


@case("tied.format")
def _():
    """The name that goes is one that the metadata has."""
    a = floats(2)
    return {"a": a, "format": a}


@case("tied.parts")
def _():
    a = floats(16)
    return {"whole": a, "first": a[:8], "second": a[8:]}


@case("tied.last-stop")
def _():
    """The reference compares a part with the one before it, not with the one that reaches furthest."""
    a = floats(16)
    return {"whole": a, "head": a[:4], "inner": a[2:4], "behind": a[8:12]}


# Parts of a storage.


@case("part.one")
def _():
    return {"w": floats(16)[2:6]}


@case("part.one-matrix")
def _():
    return {"w": floats(4, 6)[1:3, 2:5]}


@case("part.halves", small=True)
def _():
    a = floats(16)
    return {"first": a[:8], "second": a[8:]}


@case("part.rows")
def _():
    return {f"layer{i}": row for i, row in enumerate(floats(5, 4))}


@case("part.fused")
def _():
    return dict(zip("qkv", floats(6, 4).chunk(3)))


@case("part.columns")
def _():
    return dict(zip("qkv", floats(4, 6).chunk(3, dim=1)))


@case("part.overlap", small=True)
def _():
    a = floats(16)
    return {"a": a[:10], "b": a[5:]}


@case("part.same")
def _():
    a = floats(16)
    return {"a": a[2:6], "b": a[2:6]}


@case("part.complex")
def _():
    z = torch.complex(floats(3), floats(3))
    return {"re": z.real}


def shuffled():
    """Names for places of a few storages: some the same, some within another, some empty."""
    storages = [floats(n) for n in (8, 8, 12)]
    tensors = {}
    for name in "hbfaecgd"[: int(torch.randint(2, 9, ()))]:
        storage = storages[int(torch.randint(3, ()))]
        first, last = sorted(torch.randint(0, len(storage) + 1, (2,)).tolist())
        if torch.rand(()) < 0.5:
            first, last = 0, len(storage)
        tensors[name] = storage[first:last]
        if (last - first) % 2 == 0 and torch.rand(()) < 0.5:
            tensors[name] = tensors[name].view(2, -1)
    return tensors


for _i in range(SHUFFLES):
    case(f"part.shuffled-{_i}")(shuffled)


# Strides.


@case("stride.transpose", small=True)
def _():
    return {"w": floats(3, 5).t()}


@case("stride.permute")
def _():
    return {"w": floats(2, 3, 4).permute(2, 0, 1), "v": torch.arange(24).view(2, 3, 4).permute(1, 2, 0)}


@case("stride.step", small=True)
def _():
    return {"w": floats(12)[::3], "v": floats(6, 6)[1::2, ::3]}


@case("stride.narrow")
def _():
    return {"w": floats(4, 6).narrow(1, 2, 3)}


@case("stride.diagonal")
def _():
    return {"w": floats(4, 4).diagonal()}


@case("stride.windows")
def _():
    return {"w": floats(9).unfold(0, 3, 1)}


@case("stride.ones")
def _():
    """Dimensions of one element may have any stride."""
    return {"w": torch.as_strided(floats(6), (1, 6, 1), (77, 1, 99)), "v": floats(6, 1).t()}


@case("stride.bytes")
def _():
    return {"w": torch.arange(20, dtype=torch.uint8).view(4, 5).t(), "v": (torch.arange(20).view(4, 5) % 3 == 0).t()}


@case("stride.wide")
def _():
    return {"w": torch.complex(floats(3, 4), floats(3, 4)).t(), "v": torch.arange(12, dtype=torch.float64).view(3, 4).t()}


@case("stride.half")
def _():
    return {"w": floats(3, 4).half().t(), "v": floats(3, 4).bfloat16().t()}


@case("stride.large")
def _():
    return {"w": floats(500, 700).t()}


@case("expanded.rows", small=True)
def _():
    return {"w": floats(1, 4).expand(3, 4)}


@case("expanded.scalar")
def _():
    return {"w": torch.tensor(2.5).expand(7)}


@case("expanded.middle")
def _():
    return {"w": floats(2, 1, 3).expand(2, 4, 3)}


@case("expanded.much")
def _():
    return {"w": floats(1).expand(5000)}


@case("expanded.tied")
def _():
    a = floats(1, 4)
    return {"w": a.expand(3, 4), "v": a}


# Shapes.


@case("shape.scalars")
def _():
    return {"a": torch.tensor(1.5), "b": torch.tensor(7), "c": floats(5)[3]}


@case("shape.empty", small=True)
def _():
    return {"a": torch.zeros(0), "b": torch.zeros(3, 0, 2, dtype=torch.int64), "c": floats(2)}


@case("shape.empty-parts")
def _():
    a = floats(4)
    return {"w": a, "a": a[4:], "b": a[2:2], "c": floats(3)[1:1]}


@case("shape.nothing-else")
def _():
    return {"a": torch.zeros(0)}


@case("shape.rank")
def _():
    return {"w": floats(2).view([1] * 11 + [2]), "v": floats(64).view([2] * 6).permute(5, 3, 1, 0, 2, 4)}


# What a tensor carries besides.


@case("tensor.parameters")
def _():
    return {"w": nn.Parameter(floats(2, 3)), "b": nn.Parameter(floats(3), requires_grad=False)}


@case("tensor.parameter-attribute")
def _():
    p = nn.Parameter(floats(3))
    p.rank = 1
    return {"w": p}


@case("tensor.attribute")
def _():
    t = floats(3)
    t.note = "x"
    return {"w": t}


@case("tensor.buffer")
def _():
    return {"w": nn.Buffer(floats(3))} if hasattr(nn, "Buffer") else None


@case("tensor.gradient")
def _():
    return {"w": floats(3).requires_grad_()}


@case("tensor.subclass")
def _():
    return {"w": floats(3).as_subclass(Named)}


class Named(torch.Tensor):
    pass


@case("bit.conj", small=True)
def _():
    return {"w": torch.complex(floats(2, 3), floats(2, 3)).conj()}


@case("bit.conj-transposed")
def _():
    return {"w": torch.complex(floats(2, 3), floats(2, 3)).mH if hasattr(torch.Tensor, "mH") else None}


@case("bit.neg")
def _():
    return {"w": torch._neg_view(floats(2, 3))}


@case("bit.imag")
def _():
    return {"w": torch.complex(floats(3), floats(3)).conj().imag}


# What lies around the tensors.


def training():
    m = module()
    optimizer = torch.optim.Adam(m.parameters(), lr=1e-3)
    m(floats(5, 3)).sum().backward()
    optimizer.step()
    return m, optimizer


@case("training.adam", root="model", small=True)
def _():
    m, optimizer = training()
    return {"model": m.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "loss": 0.25}


@case("training.tied", root="model")
def _():
    """The optimizer holds views of the model's storages."""
    m, optimizer = training()
    return {"model": m.state_dict(), "optimizer": optimizer.state_dict(), "ema": list(m.parameters())}


@case("training.generator", root="model")
def _():
    return {"model": module().state_dict(), "rng_state": torch.get_rng_state()}


@case("training.lightning", file="last.ckpt", small=True)
def _():
    m, optimizer = training()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    return {
        "epoch": 1,
        "global_step": 10,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": collections.OrderedDict(("net." + k, v) for k, v in m.state_dict().items()),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 1, "completed": 1}}}},
        "callbacks": {},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [scheduler.state_dict()],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 1e-3, "layers": [3, 4, 2], "name": None},
    }


@case("training.callbacks", file="last.ckpt", root="state_dict")
def _():
    return {
        "state_dict": module().state_dict(),
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "best_model_path": "a.ckpt"}},
        "ema": module().state_dict(),
    }


@case("training.module", root="module")
def _():
    return {"module": module().state_dict(), "args": None}


@case("training.values", root="state_dict")
def _():
    return {
        "state_dict": module().state_dict(),
        "values": [None, True, 2**40, -(2**70), 1.5, "é", (), (1, (2, 3)), {"a": []}, 10**30],
        "torch": [torch.Size([2, 3]), torch.float16, torch.device("cpu")],
    }


@case("training.bytes", root="state_dict")
def _():
    return {"state_dict": module().state_dict(), "values": [b"abc", bytearray(b"abc"), {1, 2}, frozenset({3}), 1j]}


@case("training.numpy", root="state_dict")
def _():
    return {"state_dict": module().state_dict(), "best": numpy.float64(0.5), "curve": numpy.arange(3.0)}


@case("training.namespace", root="state_dict")
def _():
    return {"state_dict": module().state_dict(), "args": argparse.Namespace(lr=1e-3)}


@case("training.step")
def _():
    """A number among the tensors."""
    return {"w": floats(3), "step": 5}


@case("dict.ordered")
def _():
    return collections.OrderedDict(b=floats(2), a=floats(3))


@case("dict.default")
def _():
    d = collections.defaultdict(list)
    d["w"] = floats(2)
    return d


@case("dict.empty")
def _():
    return {}


@case("dict.numbers")
def _():
    return {0: floats(2), 1: floats(3)}


@case("dict.none")
def _():
    return [floats(2), floats(3)]


@case("dict.tensor")
def _():
    return floats(3)


@case("dict.deep", root="a")
def _():
    return {"a": {"b": {"w": floats(3)}, "v": floats(2)}}


# Names.


@case("name.unicode", small=True)
def _():
    return {n: torch.tensor([float(i)]) for i, n in enumerate(["é", "e\u0301", "z", "ｚ", "😀", "模型.权重", "\ufb01", "Z"])}


@case("name.escaped")
def _():
    return {n: torch.tensor([float(i)]) for i, n in enumerate(['a"b', "a\\b", "a/b", "a b", "<&>"])}


for _what, _char in {"newline": "\n", "delete": "\x7f", "nul": "\0", "separator": "\u2028"}.items():
    case("name.hidden-" + _what)(lambda char=_char: {f"a{char}b": floats(1), "c": floats(1)})


@case("name.empty")
def _():
    return {"": floats(1)}


@case("name.metadata")
def _():
    return {"__metadata__": floats(1), "w": floats(1)}


@case("name.long")
def _():
    return {"layer." * 100 + "w": floats(1)}


@case("name.longest-that-fits")
def _():
    return {"n" * 512: floats(1)}


@case("many.tensors")
def _():
    return {f"layers.{i}.weight": torch.full((3,), float(i)) for i in range(1000)}


@case("many.tied")
def _():
    a = floats(3)
    return {f"layers.{i}.weight": a for i in range(300)}


# What has no place in a safetensors file.


@case("kind.sparse")
def _():
    return {"w": torch.eye(3).to_sparse()}


@case("kind.sparse-rows")
def _():
    return {"w": torch.eye(3).to_sparse_csr()}


@case("kind.quantized")
def _():
    return {"w": torch.quantize_per_tensor(floats(3), 0.1, 10, torch.qint8)}


@case("kind.quantized-channels")
def _():
    return {"w": torch.quantize_per_channel(floats(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.quint8)}


@case("kind.meta")
def _():
    return {"w": torch.empty(3, device="meta")}


@case("kind.nested")
def _():
    return {"w": torch.nested.nested_tensor([floats(2), floats(3)])} if hasattr(torch, "nested") else None


@case("kind.storage")
def _():
    return {"w": floats(2), "storage": floats(3).untyped_storage() if hasattr(torch.Tensor, "untyped_storage") else floats(3).storage()}


# Containers.


@case("container.no-extension", file="weights")
def _():
    return module().state_dict()


@case("container.subdirectory", file="unet/diffusion_pytorch_model.bin")
def _():
    return module().state_dict()


@case("container.pth", file="model.pth")
def _():
    return module().state_dict()
