package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// The ways from files to a first inference.
const (
	byPath      = "by path"
	throughGate = "gate"
)

const (
	deviceCPU  = "cpu"
	deviceCUDA = "cuda"
)

// A job is one session to make, in a process of its own: a process has one ONNX
// Runtime, and its time and memory are those of one way.
type job struct {
	Way       string   `json:"way"`
	Device    string   `json:"device"`
	Model     workload `json:"model"`
	WarmUp    workload `json:"warmUp"` // opens the runtime and the device before the clock starts; without a name, nothing does
	Library   string   `json:"library"`
	Providers []string `json:"providers"`
	Policy    string   `json:"policy"`
	Lock      string   `json:"lock"`
	Build     string   `json:"build"`  // where to write the graph that was built, for the way by path; empty: nowhere
	Excess    []array  `json:"excess"` // a first input, on which the run has to fail
	Memory    int64    `json:"memory"` // limit of the device's memory, in bytes; zero: none

	Outputs []string `json:"outputs"` // names, which the way by path is to be told
}

// An answer is what became of a job.
type answer struct {
	Start   float64  `json:"start"`   // seconds of the warm-up: runtime and device are open
	Seconds float64  `json:"seconds"` // from the model's files to the outputs of the first run
	Peak    int64    `json:"peak"`    // most resident bytes of the process
	Runtime string   `json:"runtime"` // version of ONNX Runtime
	Outputs []array  `json:"outputs"`
	Excess  string   `json:"excess"` // the error of the run that had to fail
	Error   string   `json:"error"`
	Codes   []string `json:"codes"`  // of the refusal that Error is
	Memory  bool     `json:"memory"` // what failed, or had to, failed for want of memory

	Phases []loader.PhaseTime `json:"phases"` // of the model, through the gate
}

// childArgument makes this program do the one job that is on its input.
const childArgument = "do-one-job"

// inChild does the job in a process that finds libraries in dirs as well.
func (j job) inChild(ctx context.Context, dirs []string) (answer, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return answer{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return answer{}, err
	}
	child := exec.CommandContext(ctx, program, childArgument)
	child.Stdin = bytes.NewReader(text)
	var said bytes.Buffer
	child.Stderr = &said
	child.Env = append(os.Environ(), "ORT_DISABLE_TELEMETRY=1") // gpu.Open sets it too, by path nobody would
	if len(dirs) > 0 {
		if given := os.Getenv("LD_LIBRARY_PATH"); given != "" {
			dirs = append(dirs[:len(dirs):len(dirs)], given)
		}
		child.Env = append(child.Env, "LD_LIBRARY_PATH="+strings.Join(dirs, ":"))
	}
	out, err := child.Output()
	if err != nil {
		return answer{}, fmt.Errorf("%s of %s on %s: its process: %w\n%s", j.Way, j.Model.Name, j.Device, err, &said)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		return answer{}, fmt.Errorf("%s of %s on %s: its answer: %w", j.Way, j.Model.Name, j.Device, err)
	}
	return a, nil
}

// serve is a child: a job in, its answer out.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	var a answer
	if err := j.do(ctx, &a); err != nil {
		a.Error = err.Error()
		a.Memory = errors.Is(err, gpu.ErrOutOfMemory)
		if r, ok := errors.AsType[*loader.Rejection](err); ok {
			for _, reason := range r.Report.Reasons() {
				a.Codes = append(a.Codes, string(reason.Code))
			}
		}
	}
	var err error
	if a.Peak, err = peak(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(a)
}

// An opener makes a session of a model, from its files.
type opener interface {
	open(context.Context, workload) (runner, error)
	tell(*answer) // what is known of the runtime, and of the session that was opened last
}

// A runner is an open session.
type runner interface {
	run(context.Context, []array) ([]array, error)
	close() error
}

func (j job) do(ctx context.Context, a *answer) error {
	var o opener
	var err error
	if j.Way == byPath {
		o, err = j.runtimeByPath()
	} else {
		o, err = j.gate()
	}
	if err != nil {
		return err
	}
	if j.WarmUp.Name != "" {
		if a.Start, _, err = j.first(ctx, o, j.WarmUp, nil); err != nil {
			return err
		}
	}
	a.Seconds, a.Outputs, err = j.first(ctx, o, j.Model, a)
	o.tell(a)
	return err
}

// first opens a model's session and runs it once.
func (j job) first(ctx context.Context, o opener, w workload, a *answer) (seconds float64, outputs []array, err error) {
	from := time.Now()
	s, err := o.open(ctx, w)
	if err != nil {
		return 0, nil, err
	}
	defer s.close()
	if a != nil && j.Excess != nil {
		_, err := s.run(ctx, j.Excess)
		if err == nil {
			return 0, nil, errors.New("a run succeeded that asked for more memory than there is")
		}
		a.Excess, a.Memory = err.Error(), errors.Is(err, gpu.ErrOutOfMemory)
	}
	outputs, err = s.run(ctx, w.Input)
	return time.Since(from).Seconds(), outputs, err
}

// gated opens sessions through a gate.
type gated struct {
	gate *loader.Gate
	job  job
	last *loader.Report
}

func (j job) gate() (opener, error) {
	p, err := policy.Parse([]byte(j.Policy), []byte(j.Lock))
	if err != nil {
		return nil, err
	}
	g, err := loader.New(loader.Config{Policy: p, Formats: modelFormats()})
	if err != nil {
		return nil, err
	}
	return &gated{gate: g, job: j}, nil
}

func (g *gated) tell(a *answer) {
	if g.last != nil && g.last.Session != nil {
		a.Runtime, a.Phases = g.last.Session.Runtime, g.last.Phases
	}
}

func (g *gated) open(ctx context.Context, w workload) (runner, error) {
	m, err := g.gate.Load(ctx, w.Name, loader.Dir(w.Dir))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	s, err := gpu.Open(ctx, m, g.job.config(w))
	if err != nil {
		return nil, err
	}
	g.last = m.Report()
	if w.Build && g.job.Build != "" {
		if err := writeBuilt(ctx, m, g.job.Build); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return gatedSession{s}, nil
}

type gatedSession struct{ *gpu.Session }

func (s gatedSession) close() error { return s.Close() }

func (s gatedSession) run(ctx context.Context, given []array) ([]array, error) {
	var inputs []gpu.Tensor
	for _, want := range s.Inputs() {
		for _, a := range given {
			if a.Name != want.Name {
				continue
			}
			dtype := formats.F32
			if a.Integer {
				dtype = formats.I64
			}
			t, err := gpu.RawTensor(dtype, a.Data, a.Shape...)
			if err != nil {
				return nil, err
			}
			inputs = append(inputs, t)
		}
	}
	tensors := make([]gpu.Tensor, len(s.Outputs()))
	if err := s.Run(ctx, inputs, tensors); err != nil {
		return nil, err
	}
	var outputs []array
	for i, t := range tensors {
		if t.DType() != formats.F32 {
			return nil, fmt.Errorf("output %d is %s", i, t.DType())
		}
		outputs = append(outputs, array{Name: s.Outputs()[i].Name, Shape: t.Shape(), Data: bytes.Clone(t.Bytes())})
	}
	return outputs, nil
}
