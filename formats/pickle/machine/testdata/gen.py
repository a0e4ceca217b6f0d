# -*- coding: utf-8 -*-
"""Writes values.golden, texts.golden, and with PyTorch the files *.pkl.

    python3 gen.py            both golden files
    python2.7 gen.py          python2.golden
    python3 gen.py torch      checkpoint-*.pkl, which is data.pkl of torch.save, and
                              weights_only.txt, the names that its unpickler knows
    python3 gen.py numpy      appends to arrays.golden what this numpy writes

A line of a golden file is: a name, the stream in hexadecimal, and what it builds.
Everything that is unpickled here was made here, out of plain values.
"""
from __future__ import print_function, unicode_literals
import binascii, collections, io, pickle, struct, sys

PY2 = sys.version_info[0] == 2
text = type("")
integers = (int, long) if PY2 else (int,)  # noqa: F821


def hexed(b):
    return binascii.hexlify(b).decode("ascii")


def show(v, seen=()):
    """What machine_test's show writes of the same value."""
    if id(v) in seen:
        return "<cycle>"
    inner = seen + (id(v),)
    if v is None:
        return "None"
    if isinstance(v, bool):
        return text(v)
    if isinstance(v, integers):
        return text("%d" % v)
    if isinstance(v, float):
        return "f" + hexed(struct.pack(str(">d"), v))
    if isinstance(v, complex):
        return "builtins.complex(%s, %s)" % (show(v.real), show(v.imag))
    if isinstance(v, text):
        return "s" + hexed(v.encode("utf-8") if PY2 else v.encode("utf-8", "surrogatepass"))
    if isinstance(v, bytes):
        return ("n" if PY2 else "b") + hexed(v)
    if isinstance(v, bytearray):
        return "a" + hexed(bytes(v))
    if isinstance(v, tuple):
        return "(" + ", ".join(show(x, inner) for x in v) + ")"
    if isinstance(v, list):
        return "[" + ", ".join(show(x, inner) for x in v) + "]"
    if isinstance(v, (set, frozenset)):
        return type(v).__name__ + "{" + ", ".join(sorted(show(x, inner) for x in v)) + "}"
    if isinstance(v, dict):
        name = "OrderedDict" if isinstance(v, collections.OrderedDict) else ""
        # A str of Python 2 is text where it is a key.
        keys = [k.decode("utf-8") if PY2 and isinstance(k, bytes) else k for k in v]
        return name + "{" + ", ".join(show(k, inner) + ": " + show(x, inner) for k, x in zip(keys, v.values())) + "}"
    raise TypeError(type(v))


def values():
    shared = ["x"]
    loop = [1]
    loop.append(loop)
    deep = ()
    for _ in range(20):
        deep = (deep,)
    ordered = collections.OrderedDict()
    ordered["b"] = 1
    ordered["a"] = shared
    yield "constants", [None, True, False]
    yield "integers", [0, 1, -1, 127, 128, 255, 256, 65535, 65536, -65536, 2**31 - 1, 2**31, -2**31, -2**31 - 1]
    yield "longs", [2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64, -2**64, 2**255, -2**255, 2**2047 + 1, -2**2048, 10**400]
    yield "floats", [0.0, -0.0, 1.5, -1e300, 5e-324, float("inf"), -float("inf")]
    yield "texts", ["", "a", "\x00", "\n\\\\u0041\\", "é", "\u20ac", "\U0001f600", "x" * 300]
    yield "bytes", [b"", b"a", b"\x00\xff\\\n'\"", b"y" * 300]
    yield "tuples", [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), deep]
    yield "lists", [[], [1], [[1], [2, [3]]], list(range(1200))]
    yield "dict", {"k": {"l": [1, 2]}}
    yield "ordered", ordered
    yield "shared", [shared, shared, (shared,)]
    yield "loop", loop
    if not PY2:
        key = {}
        key["self"] = (key,)
        yield "cycle", key
        many = {"a": 1, "b": [1, 2], 3: None, (1, 2): "t", b"k": 1.0, 1.5: "float", True: "true"}
        many.update((str(i), i) for i in range(20))
        yield "dicts", many
        yield "surrogates", ["\ud800", "a\udfff", "\ud83d\ude00"]
        yield "sets", [set(), {1}, {1, 2, 3}, frozenset(), frozenset({"a"})]
        yield "bytearrays", [bytearray(), bytearray(b"ab"), bytearray(b"z" * 300)]
        yield "complex", 1.5 - 2j


TEXTS = {
    "I": ["0", "1", "00", "01", "000", "0_0", "-1", "+1", " 1", "1 ", "-0", "12", " 12", "12 ", "\t12\r", "012", "0x10", "0X1f", "-0x10", "0b101",
          "0o17", "0x", "0x_1", "1_000", "1__0", "_1", "1_", "", " ", "1L", "1.0", "1e3", "0b2", "0o8", "f", "--1", "+-1", "- 1",
          "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1" * 400, "10", "-1", "0x0"],
    "L": ["0", "0L", "1L", "-1L", "00L", "012L", "LL", "L", "", "1LL", "1l", " 7L", "7 L", "0x10L", "0xL", "1_0L", "123456789012345678901234567890L",
          "-123456789012345678901234567890", "18446744073709551616L", "1" * 4300 + "L", "1" * 4301 + "L"],
    "F": ["0", "-0", "1.5", ".5", "5.", ".", "", "1e5", "1e", "e5", "1e400", "-1e400", "1e-400", "inf", "-inf", "+Infinity", "nan", "+nan", "NaN", "infin",
          "0x1p3", "1_0.0", " 1.5", "1.5 ", "1,5", "--1", "+1.5", "1.5e+3", "1.5e-3", "1..5", "1.5.5", "1e5e5"],
    "V": ["", "a", "\\", "\\\\", "\\u0041", "\\\\u0041", "\\\\\\u0041", "\\U0001f600", "\\U00110000", "\\ud800", "\\u00", "\\u00g0", "\\x41", "a\\n", "é", "\\U0000",
          "\\u20ac tail", "\\UFFFFFFFF"],
    "S": ["''", '""', "'a'", "a", "'", "'a", "'a\"", "'\\n\\t\\\\'", "'\\x41\\x'", "'\\x41'", "'\\101\\7\\08'", "'\\777'", "'\\q'", "'a'b'", "'\\'", "'\\''", "''' ", "' '", "'é'"],
}


def outcome(load, stream):
    try:
        return show(load(stream))
    except Exception:
        return "error"


def main():
    if "torch" in sys.argv:
        return checkpoints()
    if "numpy" in sys.argv:
        return arrays()
    with io.open("python2.golden" if PY2 else "values.golden", "w") as out:
        for protocol in range(3 if PY2 else 6):
            for name, v in values():
                print("%s-%d" % (name, protocol), hexed(pickle.dumps(v, protocol)), show(v), file=out)
    if PY2:
        return
    with io.open("texts.golden", "w") as out:
        for op, lines in TEXTS.items():
            for line in lines:
                stream = (op + line + "\n.").encode("latin-1")
                # What CPython's two unpicklers read differently is an error to the machine.
                results = {outcome(lambda s: load(s, encoding="bytes"), stream) for load in (pickle._loads, pickle.loads)}
                got = results.pop() if len(results) == 1 else "error"
                if op == "S" and got != "error":
                    got = "n" + got[1:]
                if got == "f" + hexed(struct.pack(">d", float("nan"))):
                    got = "nan"
                print(op, hexed(stream), got, file=out)


def arrays():
    import numpy as np
    dtypes = "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "c8", "c16", "?", ">f4"
    content = [np.ones(2, d) for d in dtypes] + [
        np.float32(1.5), np.int64(3), np.bool_(True), np.dtype("f4"), np.zeros((0,), "f4"), np.zeros((), "f8"), np.asfortranarray(np.ones((2, 3)))]
    with open("arrays.golden", "a") as out:
        for protocol in range(6):
            print("numpy-%s-%d" % (np.__version__, protocol), hexed(pickle.dumps(content, protocol)), "-", file=out)


def checkpoints():
    import torch, zipfile
    from torch._weights_only_unpickler import _get_allowed_globals
    with open("weights_only.txt", "w") as out:
        out.writelines(name + "\n" for name in sorted(_get_allowed_globals()))
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    content = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "conj": torch.zeros(3, dtype=torch.complex64).conj(),
               "float8": torch.zeros(3).to(torch.float8_e4m3fn), "parameter": model[0].weight, "size": torch.Size([1, 2]),
               "device": torch.device("cuda:0"), "bytes": b"abc", "set": {1, 2}, "bytearray": bytearray(b"xx"), "complex": 1j,
               "quantized": torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8), "sparse": torch.eye(2).to_sparse(),
               "meta": torch.zeros(2, device="meta")}
    for protocol in (2, 3, 4, 5):
        packed = io.BytesIO()
        torch.save(content, packed, pickle_protocol=protocol)
        archive = zipfile.ZipFile(packed)
        member = next(n for n in archive.namelist() if n.endswith("/data.pkl"))
        with open("checkpoint-%d.pkl" % protocol, "wb") as out:
            out.write(archive.read(member))


main()
