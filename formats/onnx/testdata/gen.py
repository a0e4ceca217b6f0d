"""Writes the fixtures of package onnx with the onnx package of PyPI (1.23.2):

    python3 formats/onnx/testdata/gen.py

onnx.json is the field table, the operators and the versions that the package's
own tables are held against; the models are what its helpers write.
"""

import base64
import collections
import json
import pathlib
import warnings

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor as F
from onnx import TensorProto as T, helper, numpy_helper, parser
from onnx.backend.test.case.node import collect_testcases

HERE = pathlib.Path(__file__).parent


def save(name, model):
    (HERE / name).write_bytes(model.SerializeToString(deterministic=True))


def tables():
    messages = {}

    def walk(m):
        messages[m.full_name.removeprefix("onnx.")] = [
            {
                "number": f.number,
                "name": f.name,
                "type": next(k for k, v in vars(F).items() if k.startswith("TYPE_") and v == f.type)[5:].lower(),
                "repeated": f.is_repeated,
                "oneof": f.containing_oneof is not None,
                "of": f.message_type.full_name.removeprefix("onnx.") if f.message_type else "",
            }
            for f in sorted(m.fields, key=lambda f: f.number)
        ]
        for n in m.nested_types:
            walk(n)

    for m in onnx.onnx_ml_pb2.DESCRIPTOR.message_types_by_name.values():
        walk(m)
    operators = collections.defaultdict(dict)
    for s in onnx.defs.get_all_schemas_with_history():
        known = operators[s.domain]
        known[s.name] = min(known.get(s.name, s.since_version), s.since_version)
    doc = {
        "ir_version": onnx.IR_VERSION,
        "opsets": {"": onnx.defs.onnx_opset_version(), "ai.onnx.ml": onnx.defs.onnx_ml_opset_version()},
        "messages": messages,
        "operators": {d: operators[d] for d in ["", "ai.onnx.ml"]},
        "attribute_types": dict(onnx.AttributeProto.AttributeType.items()),
        "data_types": dict(T.DataType.items()),
    }
    (HERE / "onnx.json").write_text(json.dumps(doc, indent=1, sort_keys=True) + "\n")


def linear(ir):
    w = np.arange(6, dtype=np.float32).reshape(2, 3)
    inputs = [helper.make_tensor_value_info("x", T.FLOAT, ["n", 2])]
    if ir < 4:
        inputs.append(helper.make_tensor_value_info("w", T.FLOAT, [2, 3]))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "linear",
        inputs,
        [helper.make_tensor_value_info("y", T.FLOAT, ["n", 3])],
        [numpy_helper.from_array(w, "w")],
        doc_string="y = x w",
    )
    opset = {3: 8, 4: 9, 5: 10, 6: 11, 7: 12, 8: 17, 9: 20, 10: 21, 11: 23, 12: 24, 13: 26, 14: 28}[ir]
    return helper.make_model(graph, ir_version=ir, opset_imports=[helper.make_opsetid("", opset)], producer_name="gen")


def every_type():
    """The same tensors in typed fields and in raw_data."""
    typed, raw = [], []
    for name, t in T.DataType.items():
        if name in ("UNDEFINED", "STRING", "FLOAT6E2M3", "FLOAT6E3M2"):
            continue
        array = np.array([0, 1, 0, 1]).astype(helper.tensor_dtype_to_np_dtype(t))
        tensor = helper.make_tensor(name.lower(), t, [4], array)
        typed.append(tensor)
        raw.append(numpy_helper.from_array(numpy_helper.to_array(tensor), name.lower()))
        assert raw[-1].data_type == t, name
    for name, tensors in (("typed.onnx", typed), ("raw.onnx", raw)):
        graph = helper.make_graph([], "types", [], [helper.make_tensor_value_info("float", T.FLOAT, [4])], tensors)
        save(name, helper.make_model(graph, ir_version=13, opset_imports=[helper.make_opsetid("", 26)]))


def structures():
    save("function.onnx", parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17, "local" : 1]>
        g (float[N, 4] x) => (float[N, 4] y) { y = local.twice <slope = 0.5> (x) }
        <domain: "local", opset_import: ["" : 17, "local" : 1]>
        twice <slope> (a) => (b) { h = local.leak <alpha: float = @slope> (a)  b = local.leak <alpha: float = @slope> (h) }
        <domain: "local", opset_import: ["" : 17]>
        leak <alpha> (a) => (b) { b = LeakyRelu <alpha: float = @alpha> (a) }
    """))
    save("loop.onnx", parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (int64 n, float[M] x) => (float[M] y, float[T, M] all)
        <bool go = {1}>
        {
            y, all = Loop <body = body (int64 i, bool c, float[M] a) => (bool d, float[M] b, float[M] s) {
                d = Identity(c)
                b = Add(a, x)
                s = Identity(b)
            }> (n, go, x)
        }
    """))
    save("mask.onnx", parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[N, S, 4] x) => (float[N, S, 4] y)
        <int64[1] one = {1}, int64 first = {0}, int64 second = {1}, int64 step = {1}, int64 start = {0}, int64[1] back = {-1}, float[1] least = {-1.0}>
        {
            shape = Shape(x)
            n = Gather(shape, first)
            s = Gather(shape, second)
            n1 = Unsqueeze(n, start_axes)
            s1 = Unsqueeze(s, start_axes)
            start_axes = Constant <value_ints = [0]> ()
            positions = Range(start, s, step)
            size = Concat <axis = 0> (n1, s1, one)
            zeros = ConstantOfShape(size)
            mask = Expand(least, size)
            sum = Add(zeros, mask)
            y = Add(x, sum)
        }
    """.replace("start_axes = Constant <value_ints = [0]> ()\n", "").replace("shape = Shape", "start_axes = Constant <value_ints = [0]> ()\n shape = Shape", 1)))
    values = helper.make_tensor("s", T.FLOAT, [2], [1.0, 2.0])
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "s"], ["y"])],
        "sparse",
        [helper.make_tensor_value_info("x", T.FLOAT, [2, 2])],
        [helper.make_tensor_value_info("y", T.FLOAT, [2, 2])],
        sparse_initializer=[helper.make_sparse_tensor(values, helper.make_tensor("i", T.INT64, [2, 2], [0, 0, 1, 1]), [2, 2])],
    )
    save("sparse.onnx", helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]))
    graph = helper.make_graph(
        [
            helper.make_node("Constant", [], ["words"], value=helper.make_tensor("", T.STRING, [2], [b"a", b"b"])),
            helper.make_node("SequenceConstruct", ["x", "x"], ["pair"]),
        ],
        "kinds",
        [helper.make_tensor_value_info("x", T.FLOAT, ["n"])],
        [
            helper.make_tensor_value_info("words", T.STRING, [2]),
            helper.make_value_info("pair", helper.make_sequence_type_proto(helper.make_tensor_type_proto(T.FLOAT, ["n"]))),
        ],
    )
    save("kinds.onnx", helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]))


def nodes():
    """Test cases of onnx's own backend, with their inputs as initializers and
    their results: what nodes.json says of shapes and integers is what the
    reference implementation computed."""
    warnings.filterwarnings("ignore")
    cases, seen = [], collections.Counter()
    for case in collect_testcases(None):
        model = case.model
        if model is None or not case.data_sets or len(model.graph.node) != 1 or len(model.SerializeToString()) > 1200:
            continue
        op = model.graph.node[0].op_type
        inputs, outputs = case.data_sets[0]
        arrays = [a for a in [*inputs, *outputs] if isinstance(a, np.ndarray) and a.dtype.kind in "biuf"]
        if model.graph.node[0].domain or len(arrays) != len(inputs) + len(outputs) or len(inputs) != len(model.graph.input) or sum(a.nbytes for a in inputs) > 600:
            continue
        moved = not inputs or outputs[0].shape != inputs[0].shape
        key = (op, moved)
        if seen[key] >= (3 if moved else 1):
            continue
        seen[key] += 1
        constant = onnx.ModelProto()
        constant.CopyFrom(model)
        constant.graph.initializer.extend(numpy_helper.from_array(a, v.name) for a, v in zip(inputs, model.graph.input))
        del constant.graph.input[:]
        for o in constant.graph.output:
            o.type.tensor_type.ClearField("shape")
        integral = {"int64", "int32", "bool"}
        cases.append({
            "name": case.name,
            "model": base64.b64encode(constant.SerializeToString(deterministic=True)).decode(),
            "outputs": [
                {"dims": list(a.shape), "dtype": a.dtype.name, "integral": a.dtype.name in integral, "values": [int(v) for v in a.ravel()] if a.dtype.name in integral else []}
                for a in outputs
            ],
        })
    lines = ",\n".join(json.dumps(c, sort_keys=True) for c in sorted(cases, key=lambda c: c["name"]))
    (HERE / "nodes.json").write_text("[\n" + lines + "\n]\n")


INTEGRAL = {f"tensor({t})" for t in "bool int2 int4 int8 int16 int32 int64 uint2 uint4 uint8 uint16 uint32 uint64".split()}


def integral():
    """integral.json: the operators of ai.onnx all of whose outputs are integers or
    booleans "always", in every version, or where all "inputs" are."""

    def judge(s):
        allowed = {c.type_param_str: set(c.allowed_type_strs) for c in s.type_constraints}
        read = {i.type_str for i in s.inputs}
        types = [o.type_str for o in s.outputs]
        if all(allowed.get(t, {t}) <= INTEGRAL for t in types):
            return "always"
        if all(t in read or allowed.get(t, {t}) <= INTEGRAL for t in types):
            return "inputs"
        return ""

    judged = collections.defaultdict(set)
    for s in onnx.defs.get_all_schemas_with_history():
        if s.domain == "" and s.outputs:
            judged[s.name].add(judge(s))
    doc = {op: "always" if j == {"always"} else "inputs" for op, j in judged.items() if "" not in j}
    (HERE / "integral.json").write_text(json.dumps(doc, indent=0, sort_keys=True) + "\n")


tables()
integral()
nodes()
every_type()
structures()
for ir in range(3, 15):
    save(f"linear-ir{ir}.onnx", linear(ir))
