//go:build cgo && linux

package gpu

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
)

// readGraph is the model's own graph, or the one that was built for it.
func readGraph(ctx context.Context, m *loader.Model, cfg Config) (*onnx.Model, error) {
	if cfg.Build != nil {
		return build(ctx, m, cfg.Build)
	}
	name, err := findGraph(m.Report(), cfg.Graph)
	if err != nil {
		return nil, err
	}
	in, err := formats.Open(m.FS(), name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return onnx.Read(ctx, in, m.Limits())
}

// findGraph is the graph that was asked for, or the only one.
func findGraph(r *loader.Report, name string) (string, error) {
	var graphs []string
	for _, f := range r.Files {
		if f.Format == onnx.Name && (name == "" || f.Name == name) {
			graphs = append(graphs, f.Name)
		}
	}
	switch {
	case len(graphs) == 1:
		return graphs[0], nil
	case name != "":
		return "", fmt.Errorf("%w: the model has no graph %s", ErrNoGraph, formats.Quote(name))
	}
	return "", fmt.Errorf("%w: the model has %d graphs", ErrNoGraph, len(graphs))
}

// A handover is all that the runtime is given of a model.
type handover struct {
	graph           []byte // our own encoding: no weight lies in it
	nodes           []onnx.Node
	inputs, outputs []Value
	weights         []ort.Weight // in verified memory
	holds           holds        // one for each weight
}

// holds keep verified memory alive until they are released, once or more often.
type holds []func()

func (h holds) release() {
	for _, release := range h {
		release()
	}
}

// handOver reads the graph from verified memory, or builds it over what lies
// there, and holds the weights.
func handOver(ctx context.Context, m *loader.Model, cfg Config) (*handover, error) {
	tree, err := readGraph(ctx, m, cfg)
	if err != nil {
		return nil, err
	}
	h := &handover{nodes: tree.Nodes(), inputs: tree.Inputs(), outputs: tree.Outputs()}
	if h.graph, err = tree.Encode(ctx); err != nil {
		return nil, err
	}
	_, cuda := cfg.Device.cuda()
	ids := map[formats.Range]formats.TensorID{} // a graph that was built calls its tensors otherwise
	for _, t := range m.Tensors() {
		ids[t.Place] = t.ID
	}
	for _, w := range tree.Weights() {
		// A host tensor lent to a CUDA session is dropped with a warning.
		if err := h.hold(m, ids[w.Tensor.Place], w, w.Borrow && !cuda); err != nil {
			h.holds.release()
			return nil, err
		}
	}
	return h, nil
}

func (h *handover) hold(m *loader.Model, id formats.TensorID, w onnx.Weight, lend bool) error {
	bytes, release, err := m.Hold(id)
	if err != nil {
		return err
	}
	h.holds = append(h.holds, release)
	h.weights = append(h.weights, ort.Weight{
		Name: w.Initializer, DType: w.Tensor.DType, Shape: w.Tensor.Shape,
		Bytes: bytes, Lend: lend && aligned(bytes, w.Tensor.DType),
	})
	return nil
}

// aligned reports whether kernels may read b in place: any address will do on
// amd64, whole elements elsewhere.
func aligned(b []byte, d formats.DType) bool {
	element := uintptr(max(d.Bits()/8, 1))
	return runtime.GOARCH == "amd64" || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%element == 0
}

// session makes the session, which takes over the holds on what was lent to it;
// the rest is released, and all of it after an error.
func (h *handover) session(ctx context.Context, cfg Config, vouched bool) (*Session, error) {
	s, err := h.create(ctx, cfg, vouched)
	if err != nil {
		h.holds.release()
		return nil, err
	}
	var lent holds
	for i, w := range h.weights {
		if w.Lend {
			lent = append(lent, h.holds[i])
		} else {
			h.holds[i]()
		}
	}
	return &Session{session{inputs: h.inputs, outputs: h.outputs, ort: s, lent: lent}}, nil
}

// create tries once more with every weight copied: some optimizers read a lent
// weight through the graph, where they find no bytes, and give up.
func (h *handover) create(ctx context.Context, cfg Config, vouched bool) (*ort.Session, error) {
	config := ort.Config{Inputs: names(h.inputs), Outputs: names(h.outputs), Optimize: vouched, Threads: cfg.Threads}
	if n, cuda := cfg.Device.cuda(); cuda {
		config.CUDA = cfg.CUDA.list(n)
	}
	s, err := ort.NewSession(ctx, h.graph, h.weights, config)
	lent := slices.ContainsFunc(h.weights, func(w ort.Weight) bool { return w.Lend })
	if err == nil || ctx.Err() != nil || !lent {
		return s, err
	}
	for i := range h.weights {
		h.weights[i].Lend = false
	}
	return ort.NewSession(ctx, h.graph, h.weights, config)
}

func names(values []Value) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = v.Name
	}
	return list
}
