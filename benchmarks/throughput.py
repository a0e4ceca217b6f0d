"""The peer of BenchmarkThroughput: a session by ONNX Runtime's own Python.

    throughput.py

The first line out has the versions, and the path of the core library of the
same build. The first line in is {"model": PATH, "threads": N, "ids": [[…]]},
answered by {"output": […]}; each further one is {"runs": N}, answered by {} once
the session has run that often.
"""

import json
import pathlib
import sys

import numpy
import onnxruntime


def tell(**values):
    print(json.dumps(values), flush=True)


def session(model, threads):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feed(ids):
    ids = numpy.array(ids, dtype=numpy.int64)
    return {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}


(library,) = (pathlib.Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*")
tell(versions=f"onnxruntime {onnxruntime.__version__}, numpy {numpy.__version__}", library=str(library))
line = sys.stdin.readline()
if not line:
    sys.exit()  # whoever started it has nothing to compare with
job = json.loads(line)
encoder, inputs = session(job["model"], job["threads"]), feed(job["ids"])
tell(output=encoder.run(None, inputs)[0].reshape(-1).tolist())
for line in sys.stdin:
    for _ in range(json.loads(line)["runs"]):
        encoder.run(None, inputs)
    tell()
