"""Compares conversions with the real packages: make parity.

    python run.py [PYTHON...]

Each PYTHON is an interpreter that has torch, safetensors and numpy. Without one,
those of VERSIONS are installed from the package index, into .cache/parity.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

PYTHON = "python3.11"  # all of VERSIONS have wheels for it
VERSIONS = {"2.15.0": "numpy>=2", "2.5.1": "numpy>=2", "1.13.1": "numpy<2"}
SAFETENSORS = "0.8.0"


def install(torch, numpy):
    """An interpreter with that version of torch, installed once."""
    venv = ROOT / ".cache" / "parity" / f"torch-{torch}"
    python, done = venv / "bin" / "python", venv / "installed"
    if not done.exists():
        base = shutil.which(PYTHON) or sys.exit(f"{PYTHON} is not there; give make PYTHON=... interpreters that have torch")
        subprocess.run([base, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"torch=={torch}", f"safetensors=={SAFETENSORS}", numpy], check=True)
        done.touch()
    return python


def main(pythons):
    pythons = pythons or [install(*version) for version in VERSIONS.items()]
    with tempfile.TemporaryDirectory() as scratch:
        matrices = [pathlib.Path(scratch) / str(i) for i in range(len(pythons))]
        for python, matrix in zip(pythons, matrices):
            subprocess.run([python, HERE / "matrix.py", matrix], check=True)
        test = ["go", "test", "-tags", "parity", "-count", "1", "-v", "-timeout", "60m", "-run", "^TestMatrix$", ".", "-matrix", ",".join(map(str, matrices))]
        done = subprocess.run(test, cwd=HERE, text=True, stdout=subprocess.PIPE)
    noise = ("=== ", "    --- PASS")
    print("\n".join(line for line in done.stdout.splitlines() if not line.startswith(noise)))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
