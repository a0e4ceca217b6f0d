"""Writes the arrays of this directory with NumPy, and what they hold to arrays.txt.

    python gen.py        (with numpy 2)
"""

import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]

arrays = {d.replace("?", "b1"): np.arange(6).reshape(2, 3).astype(d) for d in DTYPES}
arrays["scalar"] = np.array(3.5, "f4")
arrays["empty"] = np.zeros((0, 4), "f8")
arrays["vector"] = np.arange(5, dtype="i8")
arrays["fortran-vector"] = np.asfortranarray(np.ones((4, 1), "f4"))
arrays["many-dimensions"] = np.zeros((1,) * 64, "u1")

lines = []
for name, a in arrays.items():
    np.save(HERE / f"{name}.npy", a)
    lines.append(f"{name} {a.dtype.str} {list(a.shape)} {a.tobytes().hex()}\n")
(HERE / "arrays.txt").write_text("".join(lines))

some = {k: arrays[k] for k in ("f4", "scalar", "empty", "c16")}
np.savez(HERE / "stored.npz", **some, **{"layer/0:w": arrays["i8"]})
np.savez_compressed(HERE / "deflated.npz", **some, zeros=np.zeros((50, 50), "f4"))

# What is refused.
np.save(HERE / "refused-fortran.npy", np.asfortranarray(arrays["f4"]))
np.save(HERE / "refused-byteorder.npy", arrays["f4"].astype(">f4"))
np.save(HERE / "refused-object.npy", np.array([None]), allow_pickle=True)
np.save(HERE / "refused-dtype.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
