//go:build cgo && linux

package ort

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/yalue/onnxruntime_go"
)

// Initialized reports whether this process has an ONNX Runtime that
// onnxruntime_go opened, for us or for anyone else.
func Initialized() bool { return onnxruntime_go.IsInitialized() }

// cudaFault is why the CUDA provider did not open. Like the shim's table it is a
// fact of the process, and set before anything else is called.
var cudaFault error

// Open opens the library at path and makes the process's environment, which
// logs nothing and sends no telemetry. Both last as long as the process, whatever
// others do through onnxruntime_go: the shim has a share of its own in them.
// Nothing else of this package may be called before it succeeded.
//
// The variable ORT_DISABLE_TELEMETRY of the process is set for that. From 1.30 on
// the runtime for linux otherwise keeps a data base in the user's home and looks
// for a server to send it to; the call that switches events off comes too late.
//
// With cuda the CUDA provider beside path is opened too, while it is there. If
// that fails, sessions on CUDA do, with the same words.
func Open(path string, cuda bool) error {
	if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil {
		return err
	}
	runtime.LockOSThread() // why a library does not open is told to the thread that tried
	defer runtime.UnlockOSThread()
	onnxruntime_go.SetSharedLibraryPath(path)
	if err := onnxruntime_go.InitializeEnvironment(onnxruntime_go.WithLogLevelFatal()); err != nil {
		return err
	}
	if err := attach(path); err != nil {
		return errors.Join(err, onnxruntime_go.DestroyEnvironment())
	}
	if cuda {
		cudaFault = openCUDA()
	}
	return nil
}

// openCUDA sets an option that asks for no device, which opens the provider.
func openCUDA() error {
	options, err := newCUDAOptions([]Option{{"use_tf32", "0"}})
	if err != nil {
		return err
	}
	C.ort_release_cuda_options(options)
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

// check is the error of a status, which it releases.
func check(status *C.OrtStatus) error {
	if status == nil {
		return nil
	}
	defer C.ort_release_status(status)
	return failure(strings.TrimSpace(C.GoString(C.ort_message(status))))
}
