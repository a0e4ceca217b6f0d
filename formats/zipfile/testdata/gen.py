"""Writes the archives of this directory with Python's zipfile, and one as PyTorch lays it out.

    python gen.py
"""

import io
import pathlib
import struct
import zipfile
import zlib

HERE = pathlib.Path(__file__).parent
WHEN = (2024, 2, 29, 12, 30, 58)
TEXT = b"".join(b"line %d\n" % i for i in range(200))


class Unseekable(io.RawIOBase):
    """A pipe: what is written cannot be corrected."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, b):
        self.data += bytes(b)
        return len(b)


def info(name, method=zipfile.ZIP_STORED):
    i = zipfile.ZipInfo(name, WHEN)
    i.compress_type = method
    i.external_attr = 0o100644 << 16
    return i


def python(name, fill, out=None):
    out = out or io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        fill(z)
    (HERE / name).write_bytes(out.data if isinstance(out, Unseekable) else out.getvalue())


def both(z):
    z.writestr(info("stored.txt"), TEXT)
    z.writestr(info("deflated.txt", zipfile.ZIP_DEFLATED), TEXT)
    z.writestr(info("empty"), b"")
    z.writestr(info("empty-deflated", zipfile.ZIP_DEFLATED), b"")


def tree(z):
    z.mkdir("d")
    z.writestr(info("d/é.txt"), b"in a directory")
    z.writestr(zipfile.ZipInfo("no-attributes", WHEN), b"")


def wide(z):
    for name in ("a", "b"):
        with z.open(info(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as f:
            f.write(TEXT)


def torch(name, members):
    """As PyTorchStreamWriter does: no times and versions, data at multiples of 64 bytes behind an
    extra field of the letter Z, descriptors behind all that is not empty, end records of zip64."""
    file, directory = b"", b""
    for member, data in members:
        begin, member = len(file), b"archive/" + member.encode()
        flags = 0x808 if data else 0x800
        pad = -(begin + 30 + len(member) + 4) % 64
        padding = b"FB" + struct.pack("<H", pad) + b"Z" * pad
        file += b"PK\3\4" + struct.pack("<5H3L2H", 0, flags, 0, 0, 0, 0, 0, 0, len(member), len(padding)) + member + padding + data
        crc = zlib.crc32(data)
        if data:
            file += b"PK\7\10" + struct.pack("<3L", crc, len(data), len(data))
        directory += b"PK\1\2" + struct.pack("<6H3L5H2L", 0, 0, flags, 0, 0, 0, crc, len(data), len(data), len(member), 0, 0, 0, 0, 0, begin) + member
    n, start, end = len(members), len(file), len(file) + len(directory)
    file += directory + b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, 0x31E, 45, 0, 0, n, n, len(directory), start)
    file += b"PK\6\7" + struct.pack("<LQL", 0, end, 1)
    file += b"PK\5\6" + struct.pack("<4H2LH", 0, 0, n, n, len(directory), start, 0)
    (HERE / name).write_bytes(file)


python("python.zip", both)
python("python-streamed.zip", both, Unseekable())
python("python-tree.zip", tree)
python("python-zip64.zip", wide)
python("python-zip64-streamed.zip", wide, Unseekable())
torch("torch.zip", [
    ("data.pkl", b"\x80\x02}."),
    (".format_version", b"1"),
    ("byteorder", b"little"),
    ("data/0", bytes(range(256))),
    ("data/1", b""),
    ("version", b"3\n"),
])
