// Package gpu turns a verified model into an ONNX Runtime session.
//
// The runtime is given only bytes that were verified: the library from a sealed
// copy that the policy admitted, the graph as package onnx wrote it anew, and
// the weights in the memory in which the loader hashed them. It is given no
// path.
//
// Sessions need linux and cgo. Elsewhere the package builds, and Open answers
// ErrPlatform or ErrNoCgo.
package gpu

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/gpu/internal/ort"
	"github.com/weightgate/weightgate/loader"
)

// A Device is where a session computes. The zero Device is none.
type Device int

// CPU is the host's processor.
const CPU Device = 1

// CUDA is the n-th CUDA device, counting from 0. An n that is negative, or above
// math.MaxInt-2, is no device.
func CUDA(n int) Device {
	if n < 0 || n > math.MaxInt-int(firstCUDA) {
		return 0
	}
	return firstCUDA + Device(n)
}

const firstCUDA Device = 2

// cuda is the number of a CUDA device; it is false for any other Device.
func (d Device) cuda() (int, bool) { return int(d - firstCUDA), d >= firstCUDA }

// String is cpu, cuda:0, cuda:1, …, or none.
func (d Device) String() string {
	if n, ok := d.cuda(); ok {
		return fmt.Sprintf("cuda:%d", n)
	}
	if d == CPU {
		return "cpu"
	}
	return "none"
}

// Config says how a session is made. Library and Device are required.
type Config struct {
	// Library is the path of ONNX Runtime's core library, of version 1.24 or
	// newer. It is read once; what is opened is the copy that the policy admitted.
	Library string

	// Providers are the paths of the execution provider libraries that CUDA needs:
	// libonnxruntime_providers_shared.so and libonnxruntime_providers_cuda.so.
	// They are judged and opened together with Library, whatever the Device: a
	// process has one set of libraries. NVIDIA's own libraries below them come
	// from the system, and no policy sees them before they are opened.
	Providers []string

	// Device is where the session computes, or fails to open: nothing falls back.
	// Which nodes compute floats on the CPU though the Device is CUDA the policy
	// decides; integers and booleans, which shapes are worked out in, may. CUDA
	// needs ONNX Runtime 1.30 or newer.
	Device Device

	// CUDA says how a CUDA device is used. On the CPU it must be zero. Sessions
	// of the CUDA provider were made and judged over a stand-in for NVIDIA's
	// libraries; none has run on a device.
	CUDA CUDAOptions

	// Graph is the name of the graph in the model. Empty: the only one.
	Graph string

	// Build makes the graph of a model that was published without one, from its
	// verified files: package graph has builders. It excludes Graph. Nil: the graph
	// is the model's.
	Build graph.Builder

	// Threads is how many threads work on one operator. Zero: one for each core.
	Threads int
}

// What Open answers instead of a session.
var (
	// ErrNoCgo and ErrPlatform say that this program can have no session: it was
	// built without cgo, or for another system than linux.
	ErrNoCgo    = fmt.Errorf("gpu: built without cgo: %w", errors.ErrUnsupported)
	ErrPlatform = fmt.Errorf("gpu: no sessions on this system: %w", errors.ErrUnsupported)

	// ErrNoDevice says that Config.Device is none.
	ErrNoDevice = errors.New("gpu: no device: want CPU or CUDA(n)")

	// ErrNoCUDA says that the runtime cannot use the CUDA device that
	// Config.Device names: it, a library, or an option of the provider is not
	// there, or the runtime is older than CUDA needs.
	ErrNoCUDA = ort.ErrNoCUDA

	// ErrCUDAOptions says that Config.CUDA has a value that is none, or is not
	// zero though Config.Device is CPU.
	ErrCUDAOptions = errors.New("gpu: no such CUDA options")

	// ErrPlacement says that the runtime does not tell where each node runs, or
	// gave one to a provider that was not asked for.
	ErrPlacement = errors.New("gpu: nodes are not where they were asked to be")

	// ErrNoLibrary says that Config.Library is empty.
	ErrNoLibrary = errors.New("gpu: no library: want the path of ONNX Runtime's core library")

	// ErrNoGraph says that the model does not hold the graph that was asked
	// for, that none was asked for and it does not hold exactly one, or that
	// Config has both a Graph and a Build.
	ErrNoGraph = errors.New("gpu: no such graph")

	// ErrBuild says that Config.Build gave neither a graph nor an error, a graph
	// whose File is no name that a file beside the model's could have, or one with
	// a weight that is no tensor of the model.
	ErrBuild = errors.New("gpu: not what a builder gives")

	// ErrRuntimeForeign says that something else in this process initialised
	// ONNX Runtime, from a library that no policy admitted.
	ErrRuntimeForeign = errors.New("gpu: ONNX Runtime was already initialised by something else in this process")
)

// What Session.Run answers, beside the runtime's own errors.
var (
	// ErrOutOfMemory says that the runtime could not get memory of the host or
	// the device. Open may answer it too. It is known by the runtime's words:
	// where those are other ones, the error is another one.
	ErrOutOfMemory = ort.ErrOutOfMemory

	// ErrClosed says that the session was closed.
	ErrClosed = errors.New("gpu: the session is closed")

	// ErrMismatch says that a tensor does not fit what the graph declares. The
	// runtime was not called.
	ErrMismatch = errors.New("gpu: not what the graph declares")
)

// A Value is what a graph declares of an input or an output. A dimension of -1
// is known only when it runs.
type Value = onnx.Value

// A Session is a verified graph, ready to run. It keeps the verified memory
// that it uses alive after its Model was closed. It is safe for concurrent use.
// The zero Session is a closed one.
type Session struct{ impl session }

// Open makes a session of a model's graph. Before the library is opened, and
// again before the session is returned, m's policy decides; the error is then a
// *loader.Rejection. The process's first session opens the library, for good:
// a process has one ONNX Runtime. A later one with other libraries is refused,
// as library.other. Sessions may be opened at once; one opens the library.
//
// Graphs that nobody vouched for (see Model.Vouched) run as they are written,
// without the runtime's optimizers. The runtime logs nothing and sends no
// telemetry, for which ORT_DISABLE_TELEMETRY is set in the process's environment.
//
// The caller closes the session, and may close m before.
func Open(ctx context.Context, m *loader.Model, cfg Config) (*Session, error) {
	return open(ctx, m, cfg)
}

// Inputs are what Run takes, in that order. They belong to the session.
func (s *Session) Inputs() []Value { return s.impl.inputs }

// Outputs are what Run gives, in that order. They belong to the session.
func (s *Session) Outputs() []Value { return s.impl.outputs }

// Run computes outputs from inputs, in the order of Inputs and Outputs. Counts,
// dtypes, ranks and known dimensions are checked first: ErrMismatch.
//
// An output that is the zero Tensor is allocated and filled in. One with memory
// is written in place and must have exactly the shape that the run gives it.
// After an error its bytes are undefined. The memory of tensors must not be
// touched while Run uses it.
//
// Run ends with ctx, at the next node of the graph, and then returns ctx's error.
// One that begins when Close was called is ErrClosed, and waits for nobody.
func (s *Session) Run(ctx context.Context, inputs, outputs []Tensor) error {
	return s.impl.run(ctx, inputs, outputs)
}

// Close waits for the runs that are under way and releases the session. It may
// be called twice, and its error is always nil.
func (s *Session) Close() error { return s.impl.close() }
