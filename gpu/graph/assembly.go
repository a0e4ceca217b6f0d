package graph

import (
	"cmp"
	"context"
	"io/fs"
	"slices"
	"strconv"

	"github.com/weightgate/weightgate/formats"
)

// An assembly is a network that grows over the tensors of checkpoints.
type assembly struct {
	network
	*checkpoint        // whose tensors are taken now
	prefix      string // of their names
	opened      []*checkpoint

	ids, mask string // what goes in, [batch, sequence], the mask as bools
	tokens    string // their shape
}

func newAssembly() *assembly {
	a := &assembly{}
	a.ids = a.input("input_ids")
	a.tokens = a.add("tokens/shape", "Shape", []string{a.ids})
	a.mask = a.add("tokens/mask", "Cast", []string{a.beside("attention_mask")}, integer("to", boolType))
	return a
}

// beside declares another input of the graph, of the shape of the ids. Of another
// shape it would be broadcast: then it is asked for as one that Reshape refuses.
func (a *assembly) beside(name string) string {
	given := a.input(name)
	same := a.add(name+"/same", "Equal", []string{a.add(name+"/shape", "Shape", []string{given}), a.tokens})
	shape := a.add(name+"/wanted", "Where", []string{same, a.tokens, a.index("no_dimension", -2)})
	return a.add(name+"/beside", "Reshape", []string{given, shape})
}

// open turns to the tensors of a directory.
func (a *assembly) open(dir string, tensors []formats.Tensor) {
	a.checkpoint = newCheckpoint(dir, tensors)
	a.prefix = ""
	a.opened = append(a.opened, a.checkpoint)
}

// raw is the initializer that is the tensor of that name, as it was saved.
func (a *assembly) raw(name string, shape ...int64) (string, formats.DType) {
	t, ok := a.take(a.prefix+name, shape...)
	if !ok {
		return "", formats.UnknownDType
	}
	initializer := t.ID.Name
	if a.dir != "." {
		initializer = a.dir + "/" + initializer
	}
	return a.weight(initializer, t), t.DType
}

// parameter is the tensor of that name as it is computed with.
func (a *assembly) parameter(name string, shape ...int64) string {
	v, dtype := a.raw(name, shape...)
	return a.single(v, dtype)
}

// single is a value as float32.
func (a *assembly) single(v string, dtype formats.DType) string {
	if dtype == formats.F32 {
		return v
	}
	return a.add(v+"/float32", "Cast", []string{v}, integer("to", float32Type))
}

// by is the shape [batch, sequence, dims…].
func (a *assembly) by(name string, dims ...int64) string {
	return a.add(name, "Concat", []string{a.tokens, a.vector(name+"/dims", dims...)}, integer("axis", 0))
}

// graph is what was assembled, under a name that no file of the model has.
func (a *assembly) graph(ctx context.Context, files fs.FS) (*Graph, error) {
	g := &Graph{File: "graph.onnx", Model: a.model()}
	for n := 2; ctx.Err() == nil; n++ {
		if _, err := fs.Stat(files, g.File); err != nil {
			break
		}
		g.File = "graph-" + strconv.Itoa(n) + ".onnx"
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, c := range a.opened {
		g.Unused = append(g.Unused, c.unused...)
	}
	slices.SortFunc(g.Unused, func(x, y formats.TensorID) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Name, y.Name))
	})
	return g, nil
}
