"""Writes testdata/KIND/SAMPLE, one small file for each way a kind may look.

    python formats/foreign/foreigntest/generate.py

needs numpy, joblib, h5py, lz4 and, before Python 3.14, backports.zstd. Nothing
that it writes does anything when it is loaded.
"""

import bz2
import collections
import gzip
import io
import lzma
import marshal
import pathlib
import pickle
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib

import h5py
import joblib
import lz4.frame
import numpy

try:
    from compression import zstd
except ImportError:
    from backports import zstd

ROOT = pathlib.Path(__file__).parent / "testdata"
STATE = collections.OrderedDict(weight=[0.5, 1.5, 2.5], bias=[0.25])


def add(kind, sample, data):
    path = ROOT / kind / sample
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def zipped(*members, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
        z.comment = comment
    return out.getvalue()


def tarred(*members, form=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()[: 512 * (3 + 2 * len(members))]


def xz(data):
    return lzma.compress(data, lzma.FORMAT_XZ)


def alone(data):
    return lzma.compress(data, lzma.FORMAT_ALONE)


def gz(data):
    return gzip.compress(data, mtime=0)


PACKERS = {
    "gzip": gz,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": xz,
    "lzma": alone,
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
}

TEXT = b"".join(b"line %d of a text that is no pickle\n" % i for i in range(40))


def pickles():
    for name, pack in PACKERS.items():
        add("pickle.compressed", name, pack(pickle.dumps(STATE, 4)))
    add("pickle.compressed", "gzip-protocol-0", gz(pickle.dumps(STATE, 0)))
    add("pickle.compressed", "lzma-long", alone(pickle.dumps([f"string {i * i}" for i in range(9000)], 4)))
    add("pickle.compressed", "xz-long", xz(pickle.dumps([f"string {i * i}" for i in range(9000)], 4)))
    add("pickle.compressed", "lz4-long", lz4.frame.compress(pickle.dumps([f"string {i * i % 997}" for i in range(9000)], 4)))

    arrays = {"coef": numpy.arange(6, dtype="f4"), "classes": ["a", "b"]}
    with tempfile.TemporaryDirectory() as d:
        for how in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3), ("lz4", 3)):
            path = pathlib.Path(d) / "m"
            joblib.dump(arrays, path, compress=how)
            add("joblib", how[0] if how else "plain", path.read_bytes())
    old = zlib.compress(pickle.dumps(arrays["classes"], 2))
    add("joblib", "zfile", b"ZF" + hex(len(old)).encode().ljust(19) + old)


def torch():
    data = pickle.dumps(STATE, 2)
    add("torch.tar", "checkpoint", tarred(("sys_info", data), ("pickle", data), ("storages", data), ("tensors", data)))
    code = (("m/data.pkl", data), ("m/code/__torch__.py", b"class M:\n  pass\n"), ("m/constants.pkl", b"\x80\x02)."), ("m/version", b"3\n"))
    add("torchscript", "module", zipped(*code))
    add("torchscript", "constants-only", zipped(code[0], code[2], code[3]))


def bundles():
    add("keras", "model", zipped(("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", b"\x89HDF\r\n\x1a\n\0")))
    add("skops", "model", zipped(("1.npy", b"\x93NUMPY"), ("schema.json", b"{}")))
    parts = (("./model_config.yaml", b"target: x\n"), ("./model_weights.ckpt", b"PK\3\4"))
    add("nemo", "model", tarred(*parts))
    add("nemo", "gzip", gz(tarred(*parts)))


def flatbuffer(identifier):
    # root at 16, its table of fields at 8: size 6, object 8, one field at 4
    return struct.pack("<I4sHHHHiI", 16, identifier, 6, 8, 4, 0, 8, 7) + b"\0" * 8


def length(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, data):
    if isinstance(data, int):
        return length(number << 3) + length(data)
    return length(number << 3 | 2) + length(len(data)) + data


def runtimes():
    add("gguf", "version-3", b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    add("gguf", "version-1", b"GGUF" + struct.pack("<III", 1, 0, 0))
    add("gguf", "big-endian", b"GGUF" + struct.pack(">IQQ", 3, 0, 0))
    add("ggml", "ggml", b"lmgg" + struct.pack("<7i", 32000, 4096, 256, 32, 32, 128, 2))
    add("ggml", "ggmf", b"fmgg" + struct.pack("<8i", 1, 32000, 4096, 256, 32, 32, 128, 2))
    add("ggml", "ggjt", b"tjgg" + struct.pack("<8i", 3, 32000, 4096, 256, 32, 32, 128, 2))
    for block in (0, 512, 1024, 2048):
        with tempfile.TemporaryDirectory() as d:
            path = pathlib.Path(d) / "m.h5"
            with h5py.File(path, "w", userblock_size=block, libver="latest") as f:
                f["w"] = numpy.arange(4, dtype="f4")
            add("hdf5", f"at-{block}", path.read_bytes())
    add("tflite", "model", flatbuffer(b"TFL3"))
    add("executorch", "program", flatbuffer(b"ET12"))
    add("executorch", "tensors", flatbuffer(b"FT01"))
    add("ort", "model", flatbuffer(b"ORTM"))
    add("tensorrt", "engine", b"ftrt" + struct.pack("<IIQ", 0, 232, 1000) + b"\0" * 12)
    add("tensorrt", "older", b"ptrt" + struct.pack("<IIQ", 0, 96, 1000) + b"\0" * 12)
    node = field(1, b"x") + field(2, b"Placeholder") + field(5, field(1, b"dtype") + field(2, field(6, 1)))
    graph = field(1, node) + field(1, node) + field(4, field(1, 1087))
    add("graphdef", "frozen", graph)
    meta = field(1, field(4, b"serve") + field(5, b"2.15.0")) + field(2, graph) + field(5, field(1, b"serving_default"))
    add("savedmodel", "one-graph", field(1, 1) + field(2, meta))
    add("savedmodel", "two-graphs", field(1, 1) + field(2, meta) + field(2, meta))
    net = b'<net name="m" version="11">\n<layers>\n<layer id="0" name="x" type="Parameter"/>\n</layers>\n</net>\n'
    add("openvino", "graph", b'<?xml version="1.0"?>\n' + net)
    add("openvino", "no-declaration", net)
    pmml = b'<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/></PMML>\n'
    add("pmml", "model", b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- by hand -->\n' + pmml)
    add("pmml", "latin1", b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<!-- \xe9 -->\n' + pmml)
    add("pmml", "entity", b'<!DOCTYPE PMML [<!ENTITY e "x">]>\n' + pmml)


def r():
    value = struct.pack(">IIIIIi", 3, 0x040301, 0x030500, 5, 0, 0) + b"\0\0\0\x0d\0\0\0\1\0\0\0\7"
    add("r", "rds", b"X\n" + value)
    add("r", "rdata", b"RDX3\nX\n" + value)
    add("r", "ascii-code", b"A\n2\n1\n1\n6\n1\n9\n1\nq\n254\n")
    add("r", "ascii-blanks", b"\nA\n 3 262913 197888 5 UTF-8 16 1 9 3 a\\040b")
    add("r", "ascii", b"A\n3\n262913\n197888\n5\nUTF-8\n13\n1\n7\n")
    add("r", "rds-gzip", gz(b"X\n" + value))
    add("r", "rdata-xz", xz(b"RDX2\nX\n" + value))
    add("r", "rdata-bzip2", bz2.compress(b"RDX2\nX\n" + value))


def archives():
    members = (("a.txt", b"a"), ("dir/b.txt", b"b"))
    for name, form in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT)):
        add("tar", name, tarred(*members, form=form))
    add("tar", "pax", tarred(("é" * 60, b"a"), form=tarfile.PAX_FORMAT))
    v7 = bytearray(tarred(*members)[:512])
    v7[257:] = bytes(255)
    v7[148:156] = b" " * 8
    v7[148:156] = b"%06o\0 " % sum(v7)
    add("tar", "unix-v7", bytes(v7) + b"a" + b"\0" * 1535)
    start = struct.pack("<QQI", 0, 0, 0)
    add("zip.wrapped", "text", b"junk" + zipped(("a.txt", b"a")) + b"junk")
    add("7z", "empty", b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start)
    add("rar", "rar-4", b"Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0")
    add("rar", "rar-5", b"Rar!\x1a\x07\1\0\x33\x92\xb5\xe5\x0a\1\5\6\0\5\1\1\x80\x80\0")


def compressed():
    for name, pack in PACKERS.items():
        add(name, "text", pack(TEXT))
    for name in ("gzip", "zlib", "zstd"):
        noise = b"".join(struct.pack("<I", i * 2654435761 % 2**32) for i in range(20000))
        add(name, "noise-cut-short", PACKERS[name](noise)[:2000])
    add("zlib", "stored", zlib.compress(TEXT, 0))
    add("zlib", "best", zlib.compress(TEXT, 9))
    skippable = b"\x5a\x2a\x4d\x18" + struct.pack("<I", 5) + b"12345"
    add("zstd", "behind-skippable", skippable + zstd.compress(TEXT))
    add("lz4", "behind-skippable", skippable + lz4.frame.compress(TEXT))
    add("lz4", "with-size", lz4.frame.compress(TEXT, store_size=True, content_checksum=True))
    add("lz4", "legacy", b"\x02\x21\x4c\x18" + struct.pack("<I", 3) + b"\x20ab")
    add("lzma", "raw-length", b"\x5d" + struct.pack("<IQ", 1 << 16, len(TEXT)) + alone(TEXT)[13:])
    add("xz", "crc32", lzma.compress(TEXT, lzma.FORMAT_XZ, check=lzma.CHECK_CRC32))


def executables():
    add("elf", "library", b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(40))
    pe = b"MZ" + bytes(58) + struct.pack("<I", 128)
    add("pe", "library", pe.ljust(128, b"\0") + b"PE\0\0" + struct.pack("<H", 0x8664) + bytes(40))
    add("dos", "program", b"MZ" + struct.pack("<13H", 60, 1, 0, 2, 0, 0xFFFF, 0, 0, 0, 0, 0, 28, 0).ljust(30, b"\0") + b"\xb8\0\x4c\xcd\x21".ljust(28, b"\0"))
    for name, order, magic in (("64", "<", 0xFEEDFACF), ("32", "<", 0xFEEDFACE), ("64-big-endian", ">", 0xFEEDFACF), ("32-big-endian", ">", 0xFEEDFACE)):
        add("macho", name, struct.pack(order + "7I", magic, 0x0100000C, 0, 6, 0, 0, 0) + bytes(8))
    add("macho", "fat", struct.pack(">7I", 0xCAFEBABE, 1, 0x0100000C, 0, 4096, 64, 12) + bytes(64))
    add("macho", "fat-64", struct.pack(">2I", 0xCAFEBABF, 2) + bytes(64))
    add("wasm", "module", b"\0asm\1\0\0\0")
    add("wasm", "component", b"\0asm\x0d\0\1\0")
    add("java", "class", struct.pack(">IHHH", 0xCAFEBABE, 0, 65, 1) + bytes(16))
    code = marshal.dumps(compile("pass", "m.py", "exec"), 2)
    add("pyc", "python-3", struct.pack("<H2sIII", 3495, b"\r\n", 0, 0, 4) + code)
    add("pyc", "python-3.6", struct.pack("<H2sII", 3379, b"\r\n", 0, 4) + code)
    add("pyc", "python-2", struct.pack("<H2sI", 62211, b"\r\n", 0) + code)
    add("script", "shell", b"#!/bin/sh\ntrue\n")
    add("script", "python", b"#! /usr/bin/env python3\npass\n")


def downloads():
    add("html", "doctype", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")
    add("html", "byte-order-mark", b"\xef\xbb\xbf \n<!-- c -->\n<HTML lang=en><title>404</title></HTML>\n")
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><body>Sign in</body></html>\n'
    strict = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n'
    add("html", "xhtml", b'<?xml version="1.0" encoding="UTF-8"?>\n' + strict.encode() + page.encode())
    add("html", "xhtml-root", b'<?xml version="1.0"?>\n<?xml-stylesheet href="a.css"?><!-- c -->' + page.encode())
    add("html", "utf-16-little-endian", b"\xff\xfe" + ("<!DOCTYPE html>\n" + page).encode("utf-16-le"))
    add("html", "utf-16-big-endian", b"\xfe\xff" + page.encode("utf-16-be"))
    error = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
    add("storage.error", "no-such-key", b'<?xml version="1.0" encoding="UTF-8"?>\n' + error)
    add("storage.error", "byte-order-mark", b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>' + error)
    oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    pointer = f"oid sha256:{oid}\nsize 12345\n".encode()
    add("lfs", "pointer", b"version https://git-lfs.github.com/spec/v1\n" + pointer)
    add("lfs", "byte-order-mark", b"\xef\xbb\xbfversion https://git-lfs.github.com/spec/v1\n" + pointer)
    add("lfs", "extension", b"version https://git-lfs.github.com/spec/v1\next-0-foo sha256:" + oid.encode() + b"\n" + pointer)
    xet = f"# xet version 0\nfilesize = 12345\nhash = '{oid}'\n".encode()
    add("xet", "pointer", xet)
    add("xet", "byte-order-mark", b"\xef\xbb\xbf" + xet)


if __name__ == "__main__":
    shutil.rmtree(ROOT, ignore_errors=True)
    for part in (pickles, torch, bundles, runtimes, r, archives, compressed, executables, downloads):
        part()
