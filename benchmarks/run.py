"""Measures everything and writes the report: make bench.

    python run.py [--python PYTHON] [FLAG...]

Each FLAG goes to the benchmarks, such as -quick. PYTHON is an interpreter that
has torch, safetensors and numpy. What is not there is installed from the package
index into .cache/bench.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = ROOT / ".cache" / "bench"
RESULTS = HERE / "results" / "results.json"

# Environments apart: modelscan and model-signing ask for other versions of what
# they share.
PACKAGES = {
    "torch": ["torch==2.15.0", "safetensors==0.8.0", "numpy>=2"],
    "signing": ["model-signing==1.1.1", "pyOpenSSL==26.4.0"],
    "scanners": ["picklescan==1.0.5", "fickling==0.1.12", "typing-extensions"],  # the last one fickling leaves out
    "modelscan": ["modelscan==0.8.8"],
    "onnxruntime": ["onnxruntime==1.32.0", "numpy>=2"],
}


def install(name):
    """The directory of an environment's programs, installed once."""
    venv = CACHE / name
    done, packages = venv / "installed", " ".join(PACKAGES[name])
    if not done.exists() or done.read_text() != packages:
        print(f"installing {packages} into {venv.relative_to(ROOT)}, once", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", *PACKAGES[name]], check=True)
        done.write_text(packages)
    return venv / "bin"


def main(arguments):
    if arguments[:1] == ["--python"]:
        python, arguments = arguments[1], arguments[2:]
    else:
        python = install("torch") / "python"
    peers = {
        "-python": python,
        "-model-signing": install("signing") / "python",
        "-picklescan": install("scanners") / "picklescan",
        "-fickling": install("scanners") / "python",
        "-modelscan": install("modelscan") / "modelscan",
        "-onnxruntime": install("onnxruntime") / "python",
    }
    RESULTS.parent.mkdir(exist_ok=True)
    test = ["go", "test", "-run", "^$", "-bench", ".", "-skip", "^BenchmarkRatioGate$", "-benchtime", "1x", "-timeout", "90m", "."]
    given = [str(word) for flag in peers.items() for word in flag]
    measured = subprocess.run([*test, "-results", RESULTS, *given, *arguments], cwd=HERE)
    if measured.returncode:
        sys.exit(measured.returncode)
    report = ["go", "run", "./report", "-results", RESULTS, "-readme", ROOT / "README.md"]
    sys.exit(subprocess.run(report, cwd=HERE).returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
