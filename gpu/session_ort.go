//go:build cgo && linux

package gpu

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// session is a runtime's session and the verified memory that it borrows.
type session struct {
	inputs, outputs []Value

	mu   sync.RWMutex // held for reading by each run
	ort  *ort.Session // nil once closed
	lent holds
}

func open(ctx context.Context, m *loader.Model, cfg Config) (*Session, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	lib, err := m.AdmitLibrary(ctx, cfg.Library, cfg.Providers...)
	if err != nil {
		return nil, err
	}
	defer lib.Close()
	if err := lib.Open(ctx, openRuntime); err != nil {
		return nil, err
	}
	if _, cuda := cfg.Device.cuda(); cuda && !recordsAll(ort.Version()) {
		return nil, fmt.Errorf("%w: ONNX Runtime %s does not tell where it runs each node", ErrNoCUDA, ort.Version())
	}

	h, err := handOver(ctx, m, cfg)
	if err != nil {
		return nil, err
	}
	s, err := h.session(ctx, cfg, m.Vouched())
	if err != nil {
		return nil, err
	}
	if err := admitSession(ctx, lib, cfg.Device, h, s.impl.ort); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// maxThreads is more than any machine has, and fits the runtime's int.
const maxThreads = 1 << 16

func (cfg *Config) check() error {
	switch {
	case cfg.Device < CPU:
		return ErrNoDevice
	case cfg.Library == "":
		return ErrNoLibrary
	case cfg.Build != nil && cfg.Graph != "":
		return fmt.Errorf("%w: the config names one and has a builder for another", ErrNoGraph)
	case cfg.Threads < 0 || cfg.Threads > maxThreads:
		return fmt.Errorf("gpu: %d threads", cfg.Threads)
	case cfg.Device == CPU && cfg.CUDA != CUDAOptions{}:
		return fmt.Errorf("%w: the device is the CPU", ErrCUDAOptions)
	}
	if err := cfg.CUDA.check(); err != nil {
		return err
	}
	if _, cuda := cfg.Device.cuda(); cuda && len(cfg.Providers) == 0 {
		return fmt.Errorf("%w: no provider libraries: Config.Providers is empty", ErrNoCUDA)
	}
	return nil
}

// openRuntime opens the sealed copies. The core library looks for the providers
// beside itself; there they are until openRuntime returns.
func openRuntime(core string, providers []string) error {
	if ort.Initialized() {
		return ErrRuntimeForeign
	}
	return ort.Open(core, len(providers) > 0)
}

// admitSession asks the policy about what the runtime made of the handover.
func admitSession(ctx context.Context, lib *loader.Library, d Device, h *handover, s *ort.Session) error {
	placed, err := s.Nodes()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPlacement, err)
	}
	facts := policy.SessionFacts{Device: "cpu", Runtime: ort.Version(), Graph: sha256.Sum256(h.graph)}
	if _, cuda := d.cuda(); cuda {
		facts.Device = "cuda"
	}
	if facts.CPUNodes, err = cpuNodes(h.nodes, placed, d); err != nil {
		return err
	}
	if facts.Mapped, err = mappedCode(); err != nil {
		return err
	}
	return lib.AdmitSession(ctx, facts)
}

func (s *session) run(ctx context.Context, inputs, outputs []Tensor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.mu.TryRLock() { // only close takes it wholly, and may be waiting for other runs
		return ErrClosed
	}
	defer s.mu.RUnlock()
	if s.ort == nil {
		return ErrClosed
	}
	if err := fitAll("input", s.inputs, inputs, false); err != nil {
		return err
	}
	if err := fitAll("output", s.outputs, outputs, true); err != nil {
		return err
	}

	call, err := s.ort.Begin()
	if err != nil {
		return err
	}
	defer call.End()
	for _, t := range inputs {
		call.Add(t.dtype, t.shape, t.data)
	}
	for _, t := range outputs {
		if t.absent() {
			call.AddAbsent()
		} else {
			call.Add(t.dtype, t.shape, t.data)
		}
	}
	if err := call.Run(ctx); err != nil {
		return err
	}
	return fill(outputs, call)
}

// fill gives each output that had no memory what the runtime allocated for it.
func fill(outputs []Tensor, call *ort.Call) error {
	for i := range outputs {
		if !outputs[i].absent() {
			continue
		}
		dtype, shape, data, err := call.Output(i)
		if err != nil {
			return err
		}
		outputs[i] = Tensor{dtype: dtype, shape: shape, data: data}
	}
	return nil
}

func fitAll(kind string, declared []Value, given []Tensor, absentFits bool) error {
	if len(given) != len(declared) {
		return fmt.Errorf("%w: %d %ss, not %d", ErrMismatch, len(declared), kind, len(given))
	}
	for i, v := range declared {
		if absentFits && given[i].absent() {
			continue
		}
		if !fits(v, given[i]) {
			return fmt.Errorf("%w: %s %s is %s %s, not %s %s", ErrMismatch, kind, formats.Quote(v.Name),
				v.DType, formats.ShapeString(v.Shape), given[i].dtype, formats.ShapeString(given[i].shape))
		}
	}
	return nil
}

func fits(v Value, t Tensor) bool {
	if t.dtype != v.DType || t.absent() {
		return false
	}
	return v.Shape == nil || slices.EqualFunc(v.Shape, t.shape, func(declared, given int64) bool {
		return declared < 0 || declared == given
	})
}

func (s *session) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ort == nil {
		return nil
	}
	s.ort.Close()
	s.ort = nil
	s.lent.release()
	return nil
}
