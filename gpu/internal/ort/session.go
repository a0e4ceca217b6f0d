//go:build cgo && linux

package ort

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/weightgate/weightgate/formats"
)

// A Weight is an initializer that the graph names and memory holds.
type Weight struct {
	Name  string
	DType formats.DType
	Shape []int64
	Bytes []byte // not on the Go heap
	Lend  bool   // the runtime uses Bytes in place; else it copies them
}

// Config is what a session is created with.
type Config struct {
	Inputs, Outputs []string // names, in the order of Run
	Optimize        bool     // rewrite the graph; else run it as it is
	Threads         int      // within one operator; 0: the runtime's choice
	CUDA            []Option // of the CUDA provider, its device_id among them; none: the CPU
}

// A Session is a graph that the runtime has made ready to run. Calls may run at
// the same time; Close may not.
type Session struct {
	session         *C.OrtSession
	lent            []*C.OrtValue
	names           **C.char // of inputs, then outputs
	inputs, outputs int

	mu   sync.Mutex
	idle []*Call
}

// NewSession creates a session of a graph whose weights lie elsewhere. The
// bytes of lent weights must stay until Close, those of others until it
// returns. When ctx ends it gives up at the runtime's next opportunity.
func NewSession(ctx context.Context, graph []byte, weights []Weight, cfg Config) (*Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(graph) == 0 {
		return nil, errors.New("onnxruntime: an empty graph")
	}
	if err := cfg.checkNames(weights); err != nil {
		return nil, err
	}
	options, err := newOptions(cfg)
	if err != nil {
		return nil, err
	}
	defer C.ort_release_options(options)

	s := &Session{inputs: len(cfg.Inputs), outputs: len(cfg.Outputs)}
	s.names = cStrings(cfg.Inputs, cfg.Outputs)
	if err := s.create(ctx, options, graph, weights); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// checkNames refuses names that C would cut short, and so take for others.
func (cfg *Config) checkNames(weights []Weight) error {
	names := slices.Concat(cfg.Inputs, cfg.Outputs)
	for _, w := range weights {
		names = append(names, w.Name)
	}
	for _, name := range names {
		if strings.ContainsRune(name, 0) {
			return fmt.Errorf("onnxruntime: the name %+q has a zero byte", name)
		}
	}
	return nil
}

func (s *Session) create(ctx context.Context, options *C.OrtSessionOptions, graph []byte, weights []Weight) error {
	var copied []*C.OrtValue
	defer func() { releaseValues(copied) }()
	for _, w := range weights {
		value, err := w.wrap()
		if err != nil {
			return err
		}
		name := C.CString(w.Name)
		defer C.free(unsafe.Pointer(name))
		if w.Lend {
			s.lent = append(s.lent, value)
			err = check(C.ort_lend(options, name, value))
		} else {
			copied = append(copied, value)
			err = check(C.ort_copy(options, name, value))
		}
		if err != nil {
			return err
		}
	}

	settle := onDone(ctx, func() { C.ort_cancel_create(options) })
	err := check(C.ort_create(options, unsafe.Pointer(unsafe.SliceData(graph)), C.size_t(len(graph)), &s.session))
	settle()
	return ended(ctx, err)
}

func (w *Weight) wrap() (*C.OrtValue, error) {
	tensor := C.ort_tensor{
		data:    unsafe.Pointer(unsafe.SliceData(w.Bytes)),
		size:    C.size_t(len(w.Bytes)),
		rank:    C.size_t(len(w.Shape)),
		element: C.OrtElement(element(w.DType)),
	}
	var value *C.OrtValue
	err := check(C.ort_wrap(&tensor, (*C.int64_t)(unsafe.SliceData(w.Shape)), &value))
	return value, err
}

func newOptions(cfg Config) (*C.OrtSessionOptions, error) {
	const none, all = 0, 99 // GraphOptimizationLevel
	config := C.ort_config{optimization: none, threads: C.int(cfg.Threads)}
	if cfg.Optimize {
		config.optimization = all
	}
	var options *C.OrtSessionOptions
	if err := check(C.ort_options(&config, &options)); err != nil {
		return nil, err
	}
	if len(cfg.CUDA) == 0 {
		return options, nil
	}
	if err := appendCUDA(options, cfg.CUDA); err != nil {
		C.ort_release_options(options)
		return nil, fmt.Errorf("%w: %w", ErrNoCUDA, err)
	}
	return options, nil
}

// Close releases the session, and then what it borrowed.
func (s *Session) Close() {
	for _, c := range s.idle {
		C.ort_release_run_options(c.options)
	}
	if s.session != nil {
		C.ort_release_session(s.session)
	}
	releaseValues(s.lent)
	freeStrings(s.names, s.inputs+s.outputs)
	*s = Session{}
}

func releaseValues(values []*C.OrtValue) {
	for _, v := range values {
		C.ort_release_value(v)
	}
}

// cStrings is an array of C strings in C memory, for freeStrings to free.
func cStrings(lists ...[]string) **C.char {
	n := 0
	for _, names := range lists {
		n += len(names)
	}
	array := (**C.char)(C.calloc(C.size_t(n+1), C.size_t(unsafe.Sizeof((*C.char)(nil)))))
	rest := unsafe.Slice(array, n)
	for _, names := range lists {
		for _, name := range names {
			rest[0], rest = C.CString(name), rest[1:]
		}
	}
	return array
}

func freeStrings(array **C.char, n int) {
	for _, s := range unsafe.Slice(array, n) {
		C.free(unsafe.Pointer(s))
	}
	C.free(unsafe.Pointer(array))
}

// onDone calls interrupt when ctx ends before settle is called. After settle
// returned interrupt is not running and will not run.
func onDone(ctx context.Context, interrupt func()) (settle func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		interrupt()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// ended is err, or ctx's error where that is why the runtime stopped.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
