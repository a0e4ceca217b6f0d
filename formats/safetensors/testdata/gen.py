"""Writes the fixtures of this directory with the reference implementation.

    python gen.py        (with safetensors 0.8 installed)

*.safetensors   files as the reference writes them
verdicts.txt    what the reference says of each vector of formats/vectors/safetensors
"""

import base64
import ctypes
import pathlib

from safetensors import SafetensorError, TensorSpec, deserialize, serialize

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent.parent / "vectors" / "safetensors"

# The types that the Python package can write, by bytes per element; it counts
# the elements of float4_e2m1fn_x2 in pairs.
WIDTHS = {
    "bool": 1, "float4_e2m1fn_x2": 1, "uint8": 1, "int8": 1,
    "float8_e5m2": 1, "float8_e4m3fn": 1, "float8_e8m0fnu": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
    "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2,
    "int32": 4, "uint32": 4, "float32": 4,
    "complex64": 8, "float64": 8, "int64": 8, "uint64": 8,
}
DATA = ctypes.create_string_buffer(bytes(i * 7 % 256 for i in range(256)), 256)


def tensor(dtype, shape):
    count = WIDTHS[dtype]
    for dim in shape:
        count *= dim
    return TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(DATA), data_len=count)


# Metadata of one key at most: the reference writes several in an order of its own.
FIXTURES = {
    "empty": ({}, None),
    "empty-metadata": ({"a": tensor("uint8", [1])}, {}),
    "metadata-only": ({}, {"format": "pt"}),
    "dtypes": ({d: tensor(d, [2, 3]) for d in WIDTHS}, {"format": "pt"}),
    "shapes": ({str(s): tensor("float32", s) for s in ([], [0], [1], [0, 7], [2, 3], [1, 1, 1, 1, 4])}, None),
    "order": ({n: tensor(d, [1]) for n, d in (("b", "uint8"), ("a", "uint8"), ("z", "float64"), ("B", "float16"), ("a10", "int64"), ("a9", "int64"))}, None),
    "escapes": (
        {n: tensor("uint8", []) for n in ('a"b', "a\\b", "a/b", "\b\f\n\r\t", "\x01\x1f", "\x7f\x80", "é", "\u2028", "\ufffd", "\U0001f600", "<>&'")},
        {"é\n\x02": '"\\/\x7f\U0001f600'},
    ),
}


def accepted(data):
    try:
        deserialize(data)
    except SafetensorError:
        return False
    return True


def payload(path):
    text = path.read_text().split("-- model.safetensors.b64 --\n")[1]
    return base64.b64decode(text)


for name, (tensors, metadata) in FIXTURES.items():
    (HERE / f"{name}.safetensors").write_bytes(serialize(tensors, metadata))

with open(HERE / "verdicts.txt", "w") as f:
    for path in sorted(VECTORS.glob("*.txtar")):
        f.write(f"{'accepted' if accepted(payload(path)) else 'refused'} {path.stem}\n")
