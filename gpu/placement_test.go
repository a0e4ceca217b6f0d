//go:build cgo && linux

package gpu

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats/onnx"
	o "github.com/weightgate/weightgate/formats/onnx/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/onnxtest"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// shapes computes 2·shape(x)[0] and nothing else.
func shapes() []byte {
	return model([]onnxtest.Node{
		{Op: "Shape", In: []string{"x"}, Out: []string{"s"}},
		{Op: "Gather", In: []string{"s", "first"}, Out: []string{"n"}},
		{Op: "Add", In: []string{"n", "n"}, Out: []string{"y"}},
	}, []onnxtest.Tensor{onnxtest.Scalar("first", 0)}, input("x", -1, side), onnxtest.Value{Name: "y", Type: onnxtest.Int64})
}

// halves computes in float16, for which the CPU has no kernel of Tan: the
// runtime casts.
func halves() []byte {
	const float16 = 10
	value := func(name string) onnxtest.Value {
		return onnxtest.Value{Name: name, Type: float16, Dims: []int64{4}}
	}
	return model([]onnxtest.Node{
		{Op: "Tan", In: []string{"x"}, Out: []string{"t"}},
		{Op: "Mul", In: []string{"t", "t"}, Out: []string{"y"}},
	}, nil, value("x"), value("y"))
}

// placed is where the nodes of a CPU session are, judged as if CUDA had been
// asked for, with the handover that the session was made of.
func placed(t *testing.T, model []byte, on terms) ([]string, *handover) {
	t.Helper()
	m := admit(t, fstest.MapFS{"model.onnx": file(model)}, on)
	s := openSession(t, m)
	h, err := handOver(t.Context(), m, Config{Device: CPU})
	require.NoError(t, err)
	t.Cleanup(h.holds.release)
	nodes, err := s.impl.ort.Nodes()
	require.NoError(t, err)

	none, err := cpuNodes(h.nodes, nodes, CPU)
	require.NoError(t, err)
	require.Empty(t, none, "on the CPU all of them are where they should be")
	found, err := cpuNodes(h.nodes, nodes, CUDA(0))
	require.NoError(t, err)
	return found, h
}

func TestFloatsOnTheCPU(t *testing.T) {
	for _, c := range []struct {
		name  string
		model []byte
		want  []string
	}{
		{"a product", matMul(), []string{"MatMul:MatMul_0"}},
		{"shapes alone", shapes(), nil},
		{"both branches of an If", branches(), []string{"If:If_0", "MatMul:MatMul_0", "MatMul:MatMul_0_1"}},
		{"the body of a Loop", counter(), []string{"Add:Add_1", "Loop:Loop_0"}},
		{"what is cast because it has no kernel", halves(), []string{"Mul:Mul_1", "Tan:Tan_0"}},
	} {
		for _, unpinned := range []bool{true, false} {
			t.Run(c.name, func(t *testing.T) {
				found, _ := placed(t, c.model, terms{unpinned: unpinned})
				require.Equal(t, c.want, found)
			})
		}
	}
}

// Every node that the runtime keeps of these models is one that we know.
func TestPlacementOfPublicModels(t *testing.T) {
	dir := onnxtest.Models(t)
	for _, name := range []string{"ppocr-rec/rec.onnx", "ppocr-det/det.onnx", "silero-vad/silero_vad.onnx"} {
		t.Run(name, func(t *testing.T) {
			model, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			found, h := placed(t, model, terms{unpinned: true})
			require.NotEmpty(t, found)
			floats := map[string]bool{}
			for _, n := range h.nodes {
				floats[n.Operator+":"+n.Name] = n.Floats
			}
			for _, node := range found {
				require.True(t, floats[node], node)
			}
		})
	}
}

// ONNX's numbers of element types.
const onnxFloat, onnxInt64, onnxBool = 1, 7, 9

// discarded is an If on a constant: the runtime puts the Unique of floats of the
// branch that is taken in its place, and throws away the one of integers, which
// has the given name.
func discarded(name string) []byte {
	return o.Standard(o.Input("x", onnxFloat, -1, 4), o.ShapedOutput("y", onnxFloat, -1),
		o.Initializer(o.Head("always", onnxBool), o.Raw([]byte{1})),
		o.Node("If", "always", "y",
			o.Body("then_branch", o.String(2, "then"), o.ShapedOutput("a", onnxFloat, -1), o.Node("Unique", "x", "a", o.NodeName("taken"))),
			o.Body("else_branch", o.String(2, "else"), o.ShapedOutput("b", onnxFloat, -1), o.Node("Shape", "x", "s"),
				o.Node("Unique", "s", "u", o.NodeName(name)), o.Node("Cast", "u", "b", o.Int("to", onnxFloat)))))
}

// inlined has the Unique of floats in a function, where it has the first name,
// and the one of integers, of the second, in a branch that is thrown away.
func inlined(inside, name string) []byte {
	return o.Model(o.IR(8), o.Opset("", 17), o.Opset("f", 1),
		o.Function("f.Fn", o.FunctionInputs("a"), o.FunctionOutputs("b"), o.FunctionOpset("", 17),
			o.FunctionNode("Unique", "a", "b", o.NodeName(inside))),
		o.Graph(o.Input("x", onnxFloat, -1, 4), o.ShapedOutput("y", onnxFloat, -1), o.ShapedOutput("k", onnxInt64, -1),
			o.Initializer(o.Head("always", onnxBool), o.Raw([]byte{1})),
			o.Node("Shape", "x", "s"),
			o.Node("If", "always", "k",
				o.Body("then_branch", o.String(2, "then"), o.ShapedOutput("c", onnxInt64, -1), o.Node("Identity", "s", "c")),
				o.Body("else_branch", o.String(2, "else"), o.ShapedOutput("d", onnxInt64, -1), o.Node("Unique", "s", "d", o.NodeName(name)))),
			o.Node("f:Fn", "x", "y")))
}

// A node that the runtime throws away lends its name to none that it makes. If
// nodes on constants are folded by its optimizers, functions always.
func TestFloatsHaveNamesOfTheirOwn(t *testing.T) {
	whole := []string{"Cast:Cast_2", "If:If_0", "Unique:taken"}
	branch, function := []string{"Unique:_if_then_branch_Unique"}, []string{"Unique:_inlfunc_Fn_u"}
	for _, c := range []struct {
		name         string
		model        []byte
		vouched, not []string
	}{
		{"a branch", discarded("_if_then_branch_Unique"), branch, whole},
		{"a branch, in brackets", discarded("[_if_then_branch_Unique]"), branch, whole},
		{"a branch, and another name", discarded("other"), branch, whole},
		{"a function", inlined("u", "_inlfunc_Fn_u"), function, function},
		{"a function, in brackets", inlined("[u]", "_inlfunc_Fn_[u]"), function, function},
		{"a function, and its own name", inlined("u", "u"), function, function},
		{"a function, and another name", inlined("u", "other"), function, function},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, _ := placed(t, c.model, terms{})
			require.Equal(t, c.vouched, found)
			found, _ = placed(t, c.model, terms{unpinned: true})
			require.Equal(t, c.not, found)
		})
	}
}

func TestPlacementIsJudged(t *testing.T) {
	graph := []onnx.Node{{Name: "shape", Operator: "Shape"}, {Name: "product", Operator: "MatMul", Floats: true}}
	cpu := func(op, name string) ort.Node {
		return ort.Node{Provider: ort.CPUProvider, Operator: op, Name: name}
	}
	cuda := func(op, name string) ort.Node {
		return ort.Node{Provider: ort.CUDAProvider, Operator: op, Name: name}
	}
	for _, c := range []struct {
		name   string
		placed []ort.Node
		want   []string
	}{
		{"all on the device", []ort.Node{cuda("MatMul", "[product]"), cuda("Shape", "[shape]")}, nil},
		{"shapes on the CPU", []ort.Node{cuda("MatMul", "[product]"), cpu("Shape", "[shape]")}, nil},
		{"floats on the CPU", []ort.Node{cpu("MatMul", "[product]"), cpu("Shape", "[shape]")}, []string{"MatMul:product"}},
		{"a node of the runtime's", []ort.Node{cpu("Gemm", "[product]/fused")}, []string{"Gemm:[product]/fused"}},
		{"without a name", []ort.Node{cpu("Shape", "")}, []string{"Shape:"}},
		{"another operator of that name", []ort.Node{cpu("Gather", "[shape]")}, []string{"Gather:[shape]"}},
		{"a name of the runtime's", []ort.Node{cpu("Shape", "shape")}, []string{"Shape:shape"}},
		{"a name around ours", []ort.Node{cpu("Shape", "[shape]_[shape]")}, []string{"Shape:[shape]_[shape]"}},
		{"another domain", []ort.Node{{Provider: ort.CPUProvider, Domain: "Shape:x", Operator: "Shape", Name: "[shape]"}}, []string{"Shape_x/Shape:[shape]"}},
		{"twice", []ort.Node{cpu("Shape", "[shape]"), cuda("Shape", "[shape]")}, []string{"Shape:shape"}},
		{"copies", []ort.Node{cpu("MemcpyToHost", "Memcpy"), cpu("MemcpyFromHost", "Memcpy_2")}, nil},
		{"copies of a domain", []ort.Node{{Provider: ort.CPUProvider, Domain: "x", Operator: "MemcpyToHost"}}, []string{"x/MemcpyToHost:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := cpuNodes(graph, c.placed, CUDA(3))
			require.NoError(t, err)
			require.Equal(t, c.want, found)
		})
	}

	for _, c := range []struct {
		name   string
		placed []ort.Node
		device Device
		says   string
	}{
		{"nothing is told", nil, CUDA(0), "left none to run"},
		{"a provider that nobody asked for", []ort.Node{{Provider: "TensorrtExecutionProvider", Operator: "Shape", Name: "[shape]"}}, CUDA(0), "runs on TensorrtExecutionProvider"},
		{"none at all", []ort.Node{{Operator: "Shape", Name: "[shape]"}}, CUDA(0), "runs on "},
		{"CUDA where the CPU was asked for", []ort.Node{cuda("Shape", "[shape]")}, CPU, "runs on CUDAExecutionProvider"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := cpuNodes(graph, c.placed, c.device)
			require.ErrorIs(t, err, ErrPlacement)
			require.ErrorContains(t, err, c.says)
			require.Nil(t, found)
		})
	}
}

func TestRecordsAll(t *testing.T) {
	for version, want := range map[string]bool{
		"1.30.0": true, "1.31.1": true, "2.0.0": true, "1.29.9": false, "1.3.0": false, "0.99.0": false, "": false, "new": false,
	} {
		require.Equal(t, want, recordsAll(version), version)
	}
}

// The policy lists the operators and nodes that may stay on the CPU.
func TestThePolicyTakesNodesOnTheCPU(t *testing.T) {
	found, h := placed(t, branches(), terms{})
	for _, c := range []struct {
		nodes string
		ok    bool
	}{
		{"Shape", false},
		{"If, MatMul", true},
		{"If, MatMul_0", false},
		{"If, MatMul_0, MatMul_0_1", true},
		{"'If:If_0', 'MatMul:MatMul_0', 'MatMul:MatMul_0_1'", true},
	} {
		t.Run(c.nodes, func(t *testing.T) {
			m := admit(t, fstest.MapFS{"model.onnx": file(branches())}, terms{device: "cuda], cpu_nodes: [" + c.nodes})
			lib, err := m.AdmitLibrary(t.Context(), onnxtest.Library(t))
			require.NoError(t, err)
			defer lib.Close()
			err = lib.AdmitSession(t.Context(), policy.SessionFacts{Device: "cuda", CPUNodes: found})
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, loader.ErrDenied)
		})
	}
	require.Len(t, h.nodes, 3)
}
