package main

import (
	"fmt"
	"slices"
	"strings"

	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
)

// Element types of TensorProto.
const (
	f32  = 1
	i64  = 7
	text = 8
	bit  = 9
)

// onnxVectors are models that no exporter writes, and a few that they do.
func onnxVectors() []vector {
	return slices.Concat(
		onnxAdmitted(), onnxWire(), onnxModels(), onnxOperators(), onnxFunctions(), onnxNames(),
		onnxTensors(), onnxExternal(), onnxSafetensors(), onnxFolding(), onnxTrees(),
	)
}

// graphOf is a vector of one file: a graph of those fields.
func graphOf(name, expect, about string, graph ...o.Part) vector {
	return modelOf(name, expect, about, o.Standard(graph...))
}

func modelOf(name, expect, about string, model []byte, beside ...file) vector {
	return vector{name, about, expect, append([]file{{"model.onnx", model}}, beside...)}
}

var (
	x   = o.Input("x", f32, -1, 4)
	y   = o.Output("y", f32)
	run = o.Node("Relu", "x", "y")
)

func relu(more ...o.Part) []o.Part { return append([]o.Part{x, y, run}, more...) }

func onnxAdmitted() []vector {
	weight := func(name string) o.Part {
		return o.Initializer(o.Head(name, f32, 4, 4), o.External("location", "w.bin", "offset", "0", "length", "64"))
	}
	return []vector{
		graphOf("relu", "admitted", "one node", relu()...),
		modelOf("opset-unused", "admitted", "an operator set that no node uses", o.Model(o.IR(8), o.Opset("", 17), o.Opset("ai.acme", 1), o.Graph(relu()...))),
		modelOf("inputs-of-ir3", "admitted", "IR version 3 lists initializers among the inputs", o.Model(o.IR(3), o.Opset("", 8),
			o.Graph(x, y, o.Input("s", f32, 1), o.Initializer(o.Head("s", f32, 1), o.Raw(make([]byte, 4))), o.Node("Mul", "x s", "y")))),
		graphOf("empty-tensor", "admitted", "an initializer without elements", relu(o.Initializer(o.Head("e", i64, 0)))...),
		modelOf("tied-weights", "admitted", "two initializers on one range", o.Standard(x, y, weight("a"), weight("b"),
			o.Node("MatMul", "x a", "h"), o.Node("MatMul", "h b", "y")), file{"w.bin", make([]byte, 64)}),
		graphOf("shape-of-dynamic", "admitted", "a mask in the shape of an input whose first dimension is open",
			x, y, o.Node("Shape", "x", "s"), o.Node("ConstantOfShape", "s", "m"), o.Node("Add", "x m", "y")),
	}
}

func onnxWire() []vector {
	attribute := func(name, expect, about string, raw ...o.Part) vector {
		return graphOf(name, expect, about, x, y, o.Node("Relu", "x", "y", raw...))
	}
	nested := o.Node("Relu", "x", "y")
	for range 40 {
		nested = o.Node("If", "c", "y", o.Body("then_branch", nested, y), o.Body("else_branch", y))
	}
	return []vector{
		attribute("wire-type", "onnx.wire", "an operator's name as a number", o.Varint(4, 1)),
		attribute("wire-overlong", "onnx.wire", "a varint that is longer than it need be", o.Part{5<<3 | 2, 0x80, 0x00}),
		attribute("wire-utf8", "onnx.wire", "a doc string that is not UTF-8", o.String(6, "\xff")),
		attribute("wire-overrun", "onnx.wire", "an attribute that is longer than its node", o.Part{5<<3 | 2, 9, 0}),
		attribute("field-unknown", "onnx.field.unknown", "a field that nodes do not have", o.Varint(77, 1)),
		attribute("wire-group", "onnx.wire", "a group, which protobuf once had", o.Part{5<<3 | 3, 5<<3 | 4}),
		attribute("field-duplicate", "onnx.field.duplicate", "an operator twice: readers take the last one", o.String(4, "Sigmoid")),
		graphOf("field-oneof", "onnx.field.duplicate", "a dimension that is a number and a name", y, run,
			o.Message(11, o.String(1, "x"), o.Message(2, o.Message(1, o.Varint(1, f32), o.Message(2, o.Message(1, o.Varint(1, 4), o.String(2, "n"))))))),
		graphOf("nesting", "onnx.nesting", "forty branches in each other", o.Input("c", bit), y, nested),
	}
}

func onnxModels() []vector {
	version := func(v int64) []byte { return o.Model(o.IR(v), o.Opset("", 17), o.Graph(relu()...)) }
	with := func(parts ...o.Part) []byte {
		return o.Model(append([]o.Part{o.IR(8), o.Opset("", 17), o.Graph(relu()...)}, parts...)...)
	}
	return []vector{
		modelOf("ir-version", "onnx.ir_version", "a version that is not out yet", version(99)),
		modelOf("training", "onnx.training", "a graph to train the model by", with(o.Message(20, o.Message(2)))),
		modelOf("ort-config", "onnx.metadata", "options of a session in the metadata", with(o.Metadata("ort_config", `{"session_options":{}}`))),
		modelOf("ep-compatibility", "onnx.metadata", "a device that may take the graph unseen", with(o.Metadata("ep_compatibility_info.Acme", "1"))),
		modelOf("opset-twice", "onnx.opset", "one operator set in two versions", with(o.Opset("ai.onnx", 16))),
		modelOf("opset-unusable", "onnx.opset", "no operator set but one that no node can use", o.Model(o.IR(8), o.Opset("ai.acme", 1), o.Graph(x, o.Output("x", f32)))),
		modelOf("opset-future", "onnx.opset", "a version that is not out yet", o.Model(o.IR(8), o.Opset("", 999), o.Graph(relu()...))),
		graphOf("type", "onnx.type", "an input whose dimension is -2", o.Input("x", f32, -1), y, run, o.Message(11, o.String(1, "z"),
			o.Message(2, o.Message(1, o.Varint(1, f32), o.Message(2, o.Message(1, o.Varint(1, -2))))))),
		modelOf("truncated", "format.unknown", "a file that was cut short", version(8)[:40]),
	}
}

func onnxOperators() []vector {
	imports := func(op string) []byte {
		return o.Model(o.IR(8), o.Opset("", 17), o.Opset("com.microsoft", 1), o.Opset("ai.acme", 1), o.Graph(x, y, o.Node(op, "x", "y")))
	}
	return []vector{
		modelOf("domain", "onnx.domain", "an operator that some library would bring", imports("ai.acme:Run")),
		graphOf("domain-unimported", "onnx.domain.unimported", "a domain that the model does not import", x, y, o.Node("com.microsoft:Gelu", "x", "y")),
		graphOf("operator", "onnx.operator", "an operator that does not exist", x, y, o.Node("Exec", "x", "y")),
		graphOf("operator-later", "onnx.operator", "an operator of a later version than is imported", x, y, o.Node("Swish", "x", "y")),
		modelOf("epcontext", "onnx.epcontext", "native code for a device", imports("com.microsoft:EPContext")),
		graphOf("epcontext-nested", "onnx.epcontext", "native code for a device, inside a branch", o.Input("c", bit), y, o.Node("If", "c", "y",
			o.Body("then_branch", o.Output("a", f32), o.Node("com.microsoft:EPContext", "", "a")),
			o.Body("else_branch", o.Output("b", f32), o.Node("com.microsoft:EPContext", "", "b")))),
		graphOf("constant-of-two", "onnx.node", "a Constant with two values", x, y, run, o.Node("Constant", "", "k", o.Int("value_int", 1), o.Ints("value_ints", 1))),
		graphOf("if-of-one", "onnx.node", "an If without a second branch", o.Input("c", bit), y, o.Node("If", "c", "y",
			o.Body("then_branch", o.Output("a", f32), o.Node("Constant", "", "a", o.Int("value_int", 1))))),
		graphOf("attribute-type", "onnx.attribute", "an attribute that says it is another", x, y, o.Node("Relu", "x", "y", o.Attribute("axis", 1, o.Varint(3, 1)))),
		graphOf("attribute-twice", "onnx.attribute", "an attribute with two values", x, y, o.Node("Softmax", "x", "y", o.Int("axis", 0), o.Int("axis", 1))),
		modelOf("attribute-graph", "onnx.attribute", "a graph that a function is called with", o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1),
			o.Graph(x, y, run, o.Node("SequenceConstruct", "x", "s"), o.Node("f:f0", "s", "t", o.Body("body", o.Input("e", f32), o.Output("r", f32), o.Node("Neg", "e", "r")))),
			o.Function("f.f0", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17), o.String(6, "body"),
				o.FunctionNode("SequenceMap", "a", "b", o.Attribute("body", 5, o.String(21, "body")))))),
	}
}

// local is a model whose graph calls the function f.f0.
func local(functions ...o.Part) []byte {
	return o.Model(append([]o.Part{o.IR(8), o.Opset("", 17), o.Opset("f", 1), o.Graph(x, y, o.Node("f:f0", "x", "y"))}, functions...)...)
}

func calling(name, op string, times int) o.Part {
	parts := []o.Part{o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17), o.FunctionOpset("f", 1)}
	for i := range times - 1 {
		parts = append(parts, o.FunctionNode(op, "a", fmt.Sprintf("b%d", i)))
	}
	return o.Function(name, append(parts, o.FunctionNode(op, "a", "b"))...)
}

func onnxFunctions() []vector {
	bomb := []o.Part{calling("f.f8", "Relu", 10)}
	for i := range 8 {
		bomb = append(bomb, calling(fmt.Sprintf("f.f%d", i), fmt.Sprintf("f:f%d", i+1), 10))
	}
	return []vector{
		modelOf("function", "admitted", "a function and its call", local(calling("f.f0", "Relu", 1))),
		modelOf("function-twice", "onnx.function.duplicate", "two functions of one name", local(calling("f.f0", "Relu", 1), calling("f.f0", "Sigmoid", 1))),
		modelOf("function-operator", "onnx.function.domain", "a function that takes the place of Relu", local(calling("f.f0", "Relu", 1), calling("ai.onnx.Relu", "Sigmoid", 1))),
		modelOf("function-recursion", "onnx.function.recursion", "two functions that call each other", local(calling("f.f0", "f:f1", 1), calling("f.f1", "f:f0", 1))),
		modelOf("function-bomb", "onnx.function.expansion", "nine functions, each ten times the one before: a billion nodes", local(bomb...)),
		modelOf("function-external", "onnx.external.misplaced", "external data where a function cannot be given any, and a decoy on disk",
			local(o.Function("f.f0", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17),
				o.FunctionNode("Constant", "", "k", o.Tensor("value", o.Head("k", f32, 4), o.External("location", "w.bin"))),
				o.FunctionNode("Add", "a k", "b"))), file{"w.bin", make([]byte, 16)}),
	}
}

func onnxNames() []vector {
	one := o.Initializer(o.Head("w", f32, 1), o.Raw(make([]byte, 4)))
	return []vector{
		graphOf("name-twice", "onnx.name.duplicate", "a name for two values", relu(o.Node("Sigmoid", "x", "y"))...),
		graphOf("name-shadowed", "onnx.name.duplicate", "a branch whose value hides one of the graph around it", x, y, o.Input("c", bit), o.Node("If", "c", "y",
			o.Body("then_branch", o.Output("x", f32), o.Node("Constant", "", "x", o.Int("value_int", 1))),
			o.Body("else_branch", o.Output("b", f32), o.Node("Constant", "", "b", o.Int("value_int", 1))))),
		graphOf("name-undefined", "onnx.name.undefined", "a node before the one whose result it takes", x, y, o.Node("Relu", "h", "y"), o.Node("Relu", "x", "h")),
		graphOf("output-undefined", "onnx.name.undefined", "an output that no node computes", relu(o.Output("z", f32))...),
		graphOf("name-nul", "onnx.wire", "a weight whose name ends for readers in C where that of another does", x, y, one,
			o.Initializer(o.Head("w\x00x", f32, 1), o.Raw(make([]byte, 4))), o.Node("Add", "x w", "y")),
		graphOf("overridable", "onnx.initializer.overridable", "a weight that is an input too, in IR version 8", relu(one, o.Input("w", f32, 1))...),
	}
}

func onnxTensors() []vector {
	tensor := func(name, expect, about string, parts ...o.Part) vector {
		return graphOf(name, expect, about, relu(o.Initializer(parts...))...)
	}
	raw := o.Raw(make([]byte, 4))
	sparse := func(name, about string, index int64) vector {
		return graphOf(name, "onnx.sparse", about, relu(o.Sparse(slices.Concat(o.Head("s", f32, 1), raw), o.Int64s("", index), 4))...)
	}
	return []vector{
		tensor("tensor-type", "onnx.tensor.type", "an element type that does not exist", o.Head("w", 99, 1), raw),
		tensor("tensor-negative", "onnx.tensor.shape", "a dimension of -1", o.Head("w", f32, -1), raw),
		tensor("tensor-overflow", "onnx.tensor.shape", "2^66 bytes", o.Head("w", f32, 1<<32, 1<<32), raw),
		tensor("tensor-short", "onnx.tensor.data", "fewer bytes than the shape takes", o.Head("w", f32, 2), raw),
		tensor("tensor-both", "onnx.tensor.data", "values in two fields", o.Head("w", f32, 1), raw, o.Float(4, 1)),
		tensor("tensor-none", "onnx.tensor.data", "no values at all", o.Head("w", f32, 1)),
		tensor("tensor-range", "onnx.tensor.data", "a value that its type cannot hold", o.Head("w", 2, 1), o.Varint(5, 256)),
		tensor("tensor-text", "onnx.tensor.data", "external strings", o.Head("w", text, 1), o.External("location", "w.bin")),
		tensor("tensor-segment", "onnx.tensor.segment", "one segment of several", o.Head("w", f32, 1), raw, o.Message(3)),
		sparse("sparse-outside", "an index outside of the tensor", 4),
		sparse("sparse-negative", "a negative index", -1),
	}
}

func onnxExternal() []vector {
	const decoy = "etc/passwd"
	lies := func(name, expect, about string, keys ...string) vector {
		return modelOf(name, expect, about, o.Standard(relu(o.Initializer(o.Head("w", f32, 4), o.External(keys...)))...),
			file{"w.bin", make([]byte, 32)}, file{decoy, make([]byte, 16)})
	}
	at := func(name, about, location string) vector {
		return lies("location-"+name, "onnx.external.location", about, "location", location)
	}
	pair := func(offset string) []byte {
		return o.Standard(relu(
			o.Initializer(o.Head("v", f32, 4), o.External("location", "w.bin", "offset", "0", "length", "16")),
			o.Initializer(o.Head("w", f32, 4), o.External("location", "w.bin", "offset", offset, "length", "16")))...)
	}
	inBranch := func(name string) o.Part {
		return o.Body(name, o.Output(name, f32), o.Initializer(o.Head("w"+name, f32, 4), o.External("location", "gone.bin")), o.Node("Neg", "w"+name, name))
	}
	return []vector{
		at("climbs", "a path out of the model", "../"+decoy),
		at("climbs-inside", "a path that climbs on its way", "etc/../../"+decoy),
		at("absolute", "an absolute path", "/"+decoy),
		at("proc", "the process's own descriptors", "/proc/self/fd/3"),
		at("backslash", "a path for Windows", `etc\passwd`),
		at("memory", "the runtime's mark for an address in its own memory", "*/_ORT_MEM_ADDR_/*"),
		at("memory-native", "the runtime's other mark for an address in its own memory", "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*"),
		at("itself", "the graph as its own data", "model.onnx"),
		at("empty", "no name", ""),
		lies("external-key", "onnx.external.key", "a key that nobody knows", "location", "w.bin", "path", "/"),
		lies("external-key-twice", "onnx.external.key", "two locations: readers differ in which one counts", "location", "w.bin", "location", decoy),
		lies("external-nowhere", "onnx.external.key", "external data without a location", "offset", "0"),
		lies("external-behind", "onnx.external.range", "a range that leaves the file", "location", "w.bin", "offset", "24", "length", "16"),
		lies("external-negative", "onnx.external.range", "a negative offset", "location", "w.bin", "offset", "-16"),
		lies("external-hex", "onnx.external.range", "an offset that readers understand in two ways", "location", "w.bin", "offset", "010"),
		lies("external-short", "onnx.external.range", "a length that is not the shape's", "location", "w.bin", "length", "8"),
		lies("external-missing", "onnx.external.missing", "a file that is not there", "location", "gone.bin"),
		lies("external-unclaimed", "onnx.external.unclaimed", "bytes behind the tensor", "location", "w.bin").with("w.bin", append(make([]byte, 16), "payload"...)),
		modelOf("external-overlap", "onnx.external.overlap", "two tensors that share eight bytes", pair("8"), file{"w.bin", make([]byte, 32)}),
		modelOf("external-in-branch", "onnx.external.missing", "external data inside an If, where runtimes look on disk whatever they are given; a decoy lies beside",
			o.Standard(o.Input("c", bit), y, o.Node("If", "c", "y", inBranch("then_branch"), inBranch("else_branch"))), file{"decoy/gone.bin", make([]byte, 16)}),
		graphOf("external-sparse", "onnx.external.misplaced", "a sparse tensor whose values are external", relu(o.Sparse(
			slices.Concat(o.Head("s", f32, 1), o.External("location", "w.bin")), o.Int64s("", 0), 4))...).with("w.bin", make([]byte, 4)),
	}
}

// with is the vector with another file of that name.
func (v vector) with(name string, data []byte) vector {
	v.files = slices.DeleteFunc(slices.Clone(v.files), func(f file) bool { return f.name == name })
	v.files = append(v.files, file{name, data})
	return v
}

func onnxSafetensors() []vector {
	const header = `{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]}}`
	begin := 8 + len(header)
	weights := file{"w.safetensors", safetensorsFile(header, 32)}
	bound := func(name, expect, about string, tensors ...o.Part) vector {
		var graph []o.Part
		for _, t := range tensors {
			graph = append(graph, o.Initializer(t))
		}
		return modelOf(name, expect, about, o.Standard(relu(graph...)...), weights)
	}
	at := func(name string, offset int, dims ...int64) o.Part {
		return slices.Concat(o.Head(name, f32, dims...), o.External("location", weights.name, "offset", fmt.Sprint(begin+offset), "length", "16"))
	}
	named := func(name string, dataType int64, dims ...int64) o.Part {
		return slices.Concat(o.Head(name, dataType, dims...), o.External("location", weights.name))
	}
	return []vector{
		bound("safetensors-ranges", "admitted", "initializers at the ranges of safetensors", at("p", 0, 4), at("q", 16, 2, 2)),
		bound("safetensors-names", "admitted", "initializers by the names of safetensors", named("a", f32, 4), named("b", f32, 2, 2)),
		bound("safetensors-inside", "onnx.safetensors.range", "a range across two tensors", at("p", 8, 4), at("q", 16, 2, 2)),
		bound("safetensors-header", "onnx.safetensors.range", "a range inside the header", at("p", 8-begin, 4), at("q", 16, 2, 2)),
		bound("safetensors-unnamed", "onnx.safetensors.name", "a name that safetensors does not have", named("a", f32, 4), named("c", f32, 2, 2)),
		bound("safetensors-shape", "onnx.safetensors.mismatch", "another shape in the graph", named("a", f32, 2, 2), named("b", f32, 2, 2)),
		bound("safetensors-dtype", "onnx.safetensors.mismatch", "another element type in the graph", named("a", 6, 4), named("b", f32, 2, 2)),
		bound("safetensors-unused", "onnx.safetensors.unused", "a tensor that no initializer is", named("a", f32, 4)),
		bound("safetensors-twice", "onnx.safetensors.twice", "a tensor that two initializers are", named("a", f32, 4), at("p", 0, 4), named("b", f32, 2, 2)),
		bound("safetensors-limit", "onnx.limit", "a safetensors tensor of 65 dimensions, which are more than are read", named("a", f32, 4)).with(weights.name,
			safetensorsFile(`{"a":{"dtype":"F32","shape":[4`+strings.Repeat(",1", 64)+`],"data_offsets":[0,16]}}`, 16)),
		bound("safetensors-broken", "onnx.safetensors", "a header that ends early", named("a", f32, 4)).with(weights.name, safetensorsFile(strings.Replace(header, `"b"`, `"a"`, 1), 32)),
	}
}

func onnxFolding() []vector {
	bomb := func(name, expect, about string, graph ...o.Part) vector {
		return graphOf(name, expect, about, append([]o.Part{o.Output("y", f32)}, graph...)...)
	}
	constant := func(name string, values ...int64) o.Part { return o.Initializer(o.Int64s(name, values...)) }
	const size, unbounded = "onnx.fold.size", "onnx.fold.unbounded"
	fill := o.Node("ConstantOfShape", "n", "y")
	static := o.Input("x", f32, 1, 1000)
	branch := func(name string, n int64) o.Part {
		return o.Body(name, o.Output(name, i64), o.Node("Constant", "", name, o.Ints("value_ints", n)))
	}
	return []vector{
		bomb("fold-constant", size, "a constant of two gigabytes", constant("n", 1<<29), fill),
		bomb("fold-arithmetic", size, "the size is a product of constants", constant("a", 1<<15), constant("b", 1<<15), o.Node("Mul", "a b", "n"), fill),
		bomb("fold-shape", size, "the size is a multiple of an input's static shape", static, constant("c", 1<<10, 1<<10), o.Node("Shape", "x", "s"), o.Node("Mul", "s c", "n"), fill),
		bomb("fold-size", size, "the size is a multiple of an input's static size", static, constant("c", 1<<20), o.Node("Size", "x", "s"), o.Node("Mul", "s c", "n"), fill),
		bomb("fold-if", size, "an If on a constant picks the size", o.Initializer(o.Head("c", bit), o.Raw([]byte{1})),
			o.Node("If", "c", "n", branch("then_branch", 1<<30), branch("else_branch", 1)), fill),
		bomb("fold-unbounded", unbounded, "the size comes from an operator whose shape is not followed", static,
			o.Node("Einsum", "x x", "e", o.Text("equation", "ij,kj->ik")), o.Node("Shape", "e", "n"), fill),
		bomb("fold-expand", size, "a scalar expanded", o.Initializer(o.Head("v", f32, 1), o.Raw(make([]byte, 4))), constant("n", 1<<30), o.Node("Expand", "v n", "y")),
		bomb("fold-tile", size, "a scalar tiled", o.Initializer(o.Head("v", f32, 1), o.Raw(make([]byte, 4))), constant("n", 1<<30), o.Node("Tile", "v n", "y")),
		bomb("fold-range", size, "a range of constants", scalar("a", 0), scalar("b", 1<<40), scalar("c", 1), o.Node("Range", "a b c", "y")),
		bomb("fold-sum", size, "many constants of a megabyte", slices.Concat(constant("n", 1<<18), many(100, func(i int) o.Part {
			return o.Node("ConstantOfShape", "n", fmt.Sprintf("m%d", i))
		}), o.Node("Identity", "m0", "y"))),
		bomb("fold-loop", size, "a Loop of constant length over a constant", scalar("trips", 1<<30), o.Initializer(o.Head("go", bit), o.Raw([]byte{1})), constant("n", 1024),
			o.Node("Loop", "trips go n", "y", o.Body("body",
				o.Input("i", i64), o.Input("g", bit), o.Input("a", i64, 1),
				o.Output("h", bit), o.Output("b", i64), o.Node("Identity", "g", "h"), o.Node("Neg", "a", "b")))),
		bomb("fold-declared", size, "a declared shape that a runtime believes", x, o.ShapedOutput("r", f32, 1<<15, 1<<15),
			o.Node("Reshape", "x t", "r"), o.Input("t", i64, 2), o.Node("Shape", "r", "n"), fill),
		bomb("fold-sparse", size, "a sparse tensor of one value and four gigabytes",
			o.Sparse(slices.Concat(o.Head("s", f32, 1), o.Raw(make([]byte, 4))), o.Int64s("", 0), 1<<30), o.Node("Identity", "s", "y")),
		bomb("fold-steps", size, "a small image under a large kernel", constant("c", 1, 1, 300, 300), constant("k", 1, 1, 100, 100),
			o.Node("ConstantOfShape", "c", "image"), o.Node("ConstantOfShape", "k", "kernel"), o.Node("Conv", "image kernel", "y")),
		bomb("fold-text", size, "a long string repeated", o.Initializer(o.Head("s", text, 1), o.String(6, strings.Repeat("a", 1<<12))), constant("n", 1<<15), o.Node("Expand", "s n", "y")),
		bomb("fold-long-shape", unbounded, "the size is among more numbers than anybody follows", o.Input("x", f32, -1, 1<<30), constant("pad", make([]int64, 128)...), constant("b", 1), constant("e", 2),
			o.Node("Shape", "x", "s"), o.Node("Concat", "s pad", "l", o.Int("axis", 0)), o.Node("Slice", "l b e", "m"), o.Node("ConstantOfShape", "m", "z"), o.Node("Shape", "z", "n"), fill),
		bomb("weights-shared", "onnx.weights.shared", "a weight of a megabyte that a hundred nodes multiply by", x, constant("n", 1<<18), o.Node("ConstantOfShape", "n", "w"),
			o.Node("Relu", "x", "y"), many(100, func(i int) o.Part { return o.Node("Mul", "x w", fmt.Sprintf("m%d", i)) })),
		modelOf("fold-function", size, "the bomb inside a function", local(o.Function("f.f0", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17),
			o.FunctionNode("Constant", "", "n", o.Ints("value_ints", 1<<30)), o.FunctionNode("ConstantOfShape", "n", "c"), o.FunctionNode("Add", "a c", "b")))),
	}
}

// onnxTrees are ensembles of one tree whose branches are chained.
func onnxTrees() []vector {
	ensemble := func(length int64, next func(i int64) int64) []byte {
		var trees, nodes, yes []int64
		var modes o.Part
		for i := range length {
			trees, nodes, yes = append(trees, 0), append(nodes, i), append(yes, next(i))
			mode := "BRANCH_LEQ"
			if i == length-1 {
				mode = "LEAF"
			}
			modes = append(modes, o.String(9, mode)...)
		}
		return o.Model(o.IR(8), o.Opset("", 17), o.Opset("ai.onnx.ml", 3), o.Graph(x, y,
			o.Node("ai.onnx.ml:TreeEnsembleRegressor", "x", "y", o.Ints("nodes_treeids", trees...), o.Ints("nodes_nodeids", nodes...),
				o.Ints("nodes_truenodeids", yes...), o.Ints("nodes_falsenodeids", yes...), o.Attribute("nodes_modes", 8, modes))))
	}
	return []vector{
		modelOf("trees-deep", "onnx.trees", "a tree of a thousand branches one under the other", ensemble(1001, func(i int64) int64 { return i + 1 })),
		modelOf("trees-endless", "onnx.trees", "a tree whose branches lead back to its root", ensemble(3, func(i int64) int64 { return (i + 1) % 2 })),
	}
}

func scalar(name string, v int64) o.Part {
	return o.Initializer(o.Head(name, i64), o.Varint(7, v))
}

func many(n int, part func(i int) o.Part) o.Part {
	var all o.Part
	for i := range n {
		all = append(all, part(i)...)
	}
	return all
}
