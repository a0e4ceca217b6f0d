package onnx

// The tree that the reader builds. It holds what a runtime may see of a model;
// doc strings, metadata, device placement, shapes of intermediate values and
// quantisation annotations were checked and let go.

type opset struct {
	domain  string // "" for ai.onnx
	version int64
}

type graph struct {
	at           int64
	name         string
	nodes        []*node
	initializers []*tensor
	sparse       []*sparseTensor
	inputs       []*valueInfo
	outputs      []*valueInfo

	// As bound: ins and outs are the values of inputs and outputs.
	ins, outs []*value
	consts    []*value // of initializers that stay inline
	sparses   []*value // of sparse ones
	weights   []*value // of the whole model, in the main graph
}

type node struct {
	at              int64
	inputs, outputs []string
	name            string
	op              string
	domain          string // "" for ai.onnx
	overload        string
	attributes      []*attribute

	// As bound: nil stands for an optional value that is left out.
	in, out []*value
	calls   *function // the local function that it calls

	named  bool // Nodes has it, by its name: Encode puts that in brackets
	folds  bool // a runtime may compute it while it creates a session
	floats bool // it may compute anything but integers and booleans
}

// attribute finds an attribute by name; nil if the node has none.
func (n *node) attribute(name string) *attribute {
	for _, a := range n.attributes {
		if a.name == name {
			return a
		}
	}
	return nil
}

// is reports whether the node is that operator of ai.onnx.
func (n *node) is(op string) bool { return n.domain == "" && n.op == op && n.calls == nil }

// operator is the operator with its domain, as rules and sets name it: /Relu.
func (n *node) operator() string { return n.domain + "/" + n.op }

// attributeType is AttributeProto.AttributeType.
type attributeType int32

const (
	floatAttribute attributeType = iota + 1
	intAttribute
	stringAttribute
	tensorAttribute
	graphAttribute
	floatsAttribute
	intsAttribute
	stringsAttribute
	tensorsAttribute
	graphsAttribute
	sparseAttribute
	sparsesAttribute
	typeAttribute
	typesAttribute
)

// attributeFields names the field that holds the value of each type.
var attributeFields = [...]string{
	floatAttribute:   "f",
	intAttribute:     "i",
	stringAttribute:  "s",
	tensorAttribute:  "t",
	graphAttribute:   "g",
	floatsAttribute:  "floats",
	intsAttribute:    "ints",
	stringsAttribute: "strings",
	tensorsAttribute: "tensors",
	graphsAttribute:  "graphs",
	sparseAttribute:  "sparse_tensor",
	sparsesAttribute: "sparse_tensors",
	typeAttribute:    "tp",
	typesAttribute:   "type_protos",
}

type attribute struct {
	at   int64
	name string
	ref  string // of the enclosing function's attribute that is meant
	typ  attributeType

	f       float32
	i       int64
	s       []byte
	floats  []float32
	ints    []int64
	strings [][]byte
	tensors []*tensor // one for tensorAttribute
	graphs  []*graph  // one for graphAttribute
	sparses []*sparseTensor
	types   []*valueType
}

type function struct {
	at              int64
	domain          string
	name            string
	overload        string
	inputs, outputs []string
	parameters      []string     // attributes without a default
	defaults        []*attribute // attributes with one
	nodes           []*node
	opsets          []opset

	ins, outs []*value // as bound
}

// A value is what a name stands for. Names are resolved once; whoever renames
// a value renames it everywhere.
type value struct {
	name     string
	constant *tensor // of an initializer or a Constant node
	sparse   *sparseTensor
	uses     []use
	output   bool // a graph or a function returns it
	integral bool // it is known to hold integers or booleans
}

// A use is an input of a node.
type use struct {
	node  *node
	input int
}

// valueInfo is a ValueInfoProto; its type is nil if the file leaves it to inference.
type valueInfo struct {
	at   int64
	name string
	typ  *valueType
}

// A valueType is a TypeProto, of which one part is set.
type valueType struct {
	form     string   // the field that is set: tensor_type, sequence_type, …
	elem     dataType // of tensor_type, sparse_tensor_type; the key of map_type
	shape    []dim
	hasShape bool
	of       *valueType // of sequence_type, map_type, optional_type
}

// A dim is a TensorShapeProto.Dimension: known, or open until a run.
type dim struct {
	size  int64 // -1 if open
	param string
}

type model struct {
	version   int64 // of the IR
	opsets    []opset
	graph     *graph
	functions []*function
}
