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
var ErrNoCUDA = errors.New("gpu: no such CUDA device")
