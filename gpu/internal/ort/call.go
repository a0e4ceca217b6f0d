//go:build cgo && linux

package ort

// #include "shim.h"
//
// #cgo noescape ort_run
// #cgo nocallback ort_run
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/weightgate/weightgate/formats"
)

// A Call is one run of a session: Begin, then an Add for each input and each
// output, Run, Output, End. Sessions keep their calls, so that a run allocates
// next to nothing.
type Call struct {
	session *Session
	options *C.OrtRunOptions
	tensors []C.ort_tensor // their memory is pinned until End
	shapes  []C.int64_t    // of all tensors, one after another
	values  []*C.OrtValue
	pins    runtime.Pinner
}

// Begin is a call of the session, for one goroutine.
func (s *Session) Begin() (*Call, error) {
	if c := s.reuse(); c != nil {
		return c, nil
	}
	c := &Call{session: s, values: make([]*C.OrtValue, s.inputs+s.outputs)}
	if err := check(C.ort_run_options(&c.options)); err != nil {
		return nil, err
	}
	return c, nil
}

func (s *Session) reuse() *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	if last < 0 {
		return nil
	}
	c := s.idle[last]
	s.idle = s.idle[:last]
	return c
}

// Add is the next input or output, over the caller's memory.
func (c *Call) Add(d formats.DType, shape []int64, data []byte) {
	t := C.ort_tensor{size: C.size_t(len(data)), rank: C.size_t(len(shape)), element: C.OrtElement(element(d))}
	if len(data) > 0 {
		c.pins.Pin(unsafe.SliceData(data))
		t.data = unsafe.Pointer(unsafe.SliceData(data))
	}
	c.tensors = append(c.tensors, t)
	for _, dim := range shape {
		c.shapes = append(c.shapes, C.int64_t(dim))
	}
}

// AddAbsent leaves the memory of the next output to the runtime.
func (c *Call) AddAbsent() { c.tensors = append(c.tensors, C.ort_tensor{absent: true}) }

// Run runs the graph. It ends with ctx, between two nodes.
func (c *Call) Run(ctx context.Context) error {
	s := c.session
	if len(c.tensors) != s.inputs+s.outputs {
		return fmt.Errorf("onnxruntime: %d tensors for %d inputs and %d outputs", len(c.tensors), s.inputs, s.outputs)
	}
	settle := onDone(ctx, func() { C.ort_terminate(c.options) })
	err := check(C.ort_run(s.session, c.options, s.names,
		unsafe.SliceData(c.tensors), unsafe.SliceData(c.shapes), C.size_t(s.inputs), C.size_t(s.outputs),
		unsafe.SliceData(c.values)))
	settle()
	return ended(ctx, err)
}

// Output is a copy of what the runtime allocated for the i-th output.
func (c *Call) Output(i int) (formats.DType, []int64, []byte, error) {
	value := c.values[c.session.inputs+i]
	if value == nil {
		return 0, nil, nil, fmt.Errorf("onnxruntime: output %d has no value", i)
	}
	var t C.ort_tensor
	if err := check(C.ort_look(value, &t)); err != nil {
		return 0, nil, nil, err
	}
	shape := make([]int64, t.rank)
	if err := check(C.ort_shape(value, (*C.int64_t)(unsafe.SliceData(shape)), t.rank)); err != nil {
		return 0, nil, nil, err
	}
	d := dtype(uint32(t.element))
	size, ok := formats.ByteLen(d, shape)
	if !ok {
		return 0, nil, nil, fmt.Errorf("onnxruntime: output %d is no tensor of plain numbers", i)
	}
	data := make([]byte, size)
	copy(data, unsafe.Slice((*byte)(t.data), size))
	return d, shape, data, nil
}

// End gives the call back to its session.
func (c *Call) End() {
	for i, value := range c.values {
		if value != nil {
			C.ort_release_value(value)
			c.values[i] = nil
		}
	}
	c.pins.Unpin()
	clear(c.tensors)
	c.tensors, c.shapes = c.tensors[:0], c.shapes[:0]
	C.ort_resume(c.options)

	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	c.session.idle = append(c.session.idle, c)
}
