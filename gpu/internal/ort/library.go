//go:build cgo && linux

package ort

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/weightgate/weightgate/formats"
	"github.com/yalue/onnxruntime_go"
)

// Initialized reports whether this process has an ONNX Runtime that
// onnxruntime_go opened, for us or for anyone else.
func Initialized() bool { return onnxruntime_go.IsInitialized() }

// Open opens the library at path and makes the process's environment, which
// logs nothing. Both last as long as the process, whatever others do through
// onnxruntime_go: the shim has a share of its own in them. Nothing else of this
// package may be called before it succeeded.
func Open(path string) error {
	onnxruntime_go.SetSharedLibraryPath(path)
	if err := onnxruntime_go.InitializeEnvironment(onnxruntime_go.WithLogLevelFatal()); err != nil {
		return err
	}
	if err := attach(path); err != nil {
		return errors.Join(err, onnxruntime_go.DestroyEnvironment())
	}
	return nil
}

func attach(path string) error {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if wrong := C.ort_attach(name); wrong != nil {
		return fmt.Errorf("onnxruntime: %s", C.GoString(wrong))
	}
	return check(C.ort_start())
}

// Version is the version of the open library, as it tells it.
func Version() string { return onnxruntime_go.GetVersion() }

// check is the error of a status, which it releases. The text may quote the
// model: it is escaped, on one line.
func check(status *C.OrtStatus) error {
	if status == nil {
		return nil
	}
	defer C.ort_release_status(status)
	text := strings.TrimSpace(C.GoString(C.ort_message(status)))
	return fmt.Errorf("onnxruntime: %s", formats.Quote(text))
}
