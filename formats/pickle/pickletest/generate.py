"""Writes testdata/SAMPLE, one small file for each way a pickle may look.

    python formats/pickle/pickletest/generate.py

Nothing that it writes does anything when it is loaded.
"""

import collections
import pathlib
import pickle
import shutil

ROOT = pathlib.Path(__file__).parent / "testdata"
STATE = collections.OrderedDict(weight=[0.5, 1.5, 2.5], bias=[0.25])


def add(sample, data):
    (ROOT / sample).write_bytes(data)


def samples():
    for protocol in range(6):
        add(f"protocol-{protocol}", pickle.dumps(STATE, protocol))
        add(f"plain-{protocol}", pickle.dumps({"a": [1, 2.5, "x", None, True], "b": (b"y", {3})}, protocol))
    add("global-0", b"ccollections\nOrderedDict\n(tR.")
    add("inst-0", b"(icollections\nOrderedDict\n.")
    add("none-2", b"\x80\x02N.")
    add("numbers-0", pickle.dumps(list(range(20000)), 0)[:70000] + b"e.")
    add("second-stream", pickle.dumps(1, 2) + pickle.dumps(STATE, 2))
    add("junk-behind", pickle.dumps(STATE, 2) + b"\x00junk")
    add("broken-tail", pickle.dumps(STATE, 4)[:-6] + b"\xff\xff\xff")
    add("broken-tail-0", b"ccollections\nOrderedDict\n(tR\xff\xff")
    add("broken-length-0", b"cbuiltins\nlen\n(X>\nf = open")
    add("long-string-first", pickle.dumps(["x" * 9000, STATE], 4))
    add("extension-registry", b"\x80\x02\x82\x01)R.")


if __name__ == "__main__":
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir()
    samples()
