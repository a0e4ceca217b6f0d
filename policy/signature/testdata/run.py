"""Tests bundles against the reference implementation: make interop.

    python run.py [PYTHON]

PYTHON is an interpreter that has PACKAGES. Without one, they are installed from
the package index into .cache/interop.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]

PACKAGES = ["model-signing==1.1.1", "pyOpenSSL==26.4.0"]


def install():
    """An interpreter with the packages, installed once."""
    venv = ROOT / ".cache" / "interop"
    python, done = venv / "bin" / "python", venv / "installed"
    if not done.exists() or done.read_text() != " ".join(PACKAGES):
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        done.write_text(" ".join(PACKAGES))
    return python


def main(python=None):
    python = python or install()
    test = ["go", "test", "-tags", "interop", "-count", "1", "-run", "^TestInterop", "."]
    sys.exit(subprocess.run(test, cwd=HERE.parent, env={**os.environ, "MODEL_SIGNING_PYTHON": str(python)}).returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])
