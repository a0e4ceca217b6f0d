package main

import (
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/gpu/graph"
)

// config is that of the job's session of a model. TF32 stays off, which is the
// zero of gpu.CUDAOptions: the CPU has no such numbers to compare with.
func (j job) config(w workload) gpu.Config {
	c := gpu.Config{Library: j.Library, Providers: j.Providers, Device: gpu.CPU}
	if j.Device == deviceCUDA {
		c.Device = gpu.CUDA(0)
		c.CUDA.MemoryLimit = j.Memory
	}
	if w.Build {
		c.Build = graph.Sentence
	}
	return c
}

func modelFormats() formats.Set { return formats.Set{onnx.Format(), safetensors.Format()} }
