//go:build cgo && linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/yalue/onnxruntime_go"
)

// paths opens sessions by the path of their graphs, as without a gate.
type paths struct{ job job }

func (j job) runtimeByPath() (opener, error) {
	onnxruntime_go.SetSharedLibraryPath(j.Library)
	if err := onnxruntime_go.InitializeEnvironment(onnxruntime_go.WithLogLevelFatal()); err != nil {
		return nil, err
	}
	return paths{j}, nil
}

func (paths) tell(a *answer) { a.Runtime = onnxruntime_go.GetVersion() }

func (p paths) open(_ context.Context, w workload) (runner, error) {
	options, err := onnxruntime_go.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	if p.job.Device == deviceCUDA {
		if err := appendCUDA(options); err != nil {
			return nil, err
		}
		if !w.Shapes { // a session that gives a node to the CPU then does not come about
			if err := options.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1"); err != nil {
				return nil, err
			}
		}
	}
	var inputs []string
	for _, a := range w.Input {
		inputs = append(inputs, a.Name)
	}
	outputs := p.job.Outputs
	if w.Name == p.job.WarmUp.Name {
		outputs = []string{"y"}
	}
	s, err := onnxruntime_go.NewDynamicAdvancedSession(w.Graph, inputs, outputs, options)
	if err != nil {
		return nil, err
	}
	return pathSession{s, outputs}, nil
}

// appendCUDA asks for device 0, with the options that gpu.CUDAOptions has as its zero.
func appendCUDA(options *onnxruntime_go.SessionOptions) error {
	cuda, err := onnxruntime_go.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer cuda.Destroy()
	if err := cuda.Update(map[string]string{"device_id": "0", "use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"}); err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(cuda)
}

type pathSession struct {
	session *onnxruntime_go.DynamicAdvancedSession
	outputs []string
}

func (s pathSession) close() error { return s.session.Destroy() }

func (s pathSession) run(_ context.Context, given []array) (outputs []array, err error) {
	var inputs []onnxruntime_go.Value
	defer func() {
		for _, v := range inputs {
			err = errors.Join(err, v.Destroy())
		}
	}()
	for _, a := range given {
		v, err := a.value()
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, v)
	}
	values := make([]onnxruntime_go.Value, len(s.outputs)) // the runtime's
	if err := s.session.Run(inputs, values); err != nil {
		return nil, err
	}
	for i, v := range values {
		t, ok := v.(*onnxruntime_go.Tensor[float32])
		if !ok {
			return nil, fmt.Errorf("output %s is a %T", s.outputs[i], v)
		}
		outputs = append(outputs, floats(s.outputs[i], slices.Clone(t.GetData()), t.GetShape()...))
		if err := v.Destroy(); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}

func (a array) value() (onnxruntime_go.Value, error) {
	if a.Integer {
		return onnxruntime_go.NewTensor(onnxruntime_go.NewShape(a.Shape...), a.integers())
	}
	return onnxruntime_go.NewTensor(onnxruntime_go.NewShape(a.Shape...), a.floats())
}
