// Package ort is the part of ONNX Runtime's C interface that a verified model
// needs.
//
// onnxruntime_go opens the library and owns the process's environment, so that
// whoever else uses it in this process finds it initialised. Sessions are our
// own, since its types can neither take an initializer from memory nor stop a
// run, and hide the pointers with which that could be added: the shim finds the
// same function table again and calls the few slots that slots.h lists.
package ort

import "errors"

// ErrNoCUDA says that the runtime cannot use the CUDA device it was asked for.
var ErrNoCUDA = errors.New("gpu: no session on CUDA")

// ErrOutOfMemory says that the runtime could not get memory of the host or the
// device. The runtime tells it in words alone: other words are another error.
var ErrOutOfMemory = errors.New("gpu: out of memory")

// The execution providers, as the runtime calls them.
const (
	CPUProvider  = "CPUExecutionProvider"
	CUDAProvider = "CUDAExecutionProvider"
)

// A Node is a node of the graph that a session runs, as it was when providers
// took their parts.
type Node struct {
	Provider               string
	Name, Domain, Operator string // Domain is empty for ai.onnx
}

// An Option is an option of the CUDA provider, by the runtime's name for it.
type Option struct{ Key, Value string }
