//go:build cgo && linux

package ort

// #include "shim.h"
import "C"

// appendCUDA makes the session prefer the CUDA provider. What it does not take
// the runtime gives to the CPU: see Session.Nodes.
func appendCUDA(options *C.OrtSessionOptions, list []Option) error {
	if cudaFault != nil {
		return cudaFault
	}
	cuda, err := newCUDAOptions(list)
	if err != nil {
		return err
	}
	defer C.ort_release_cuda_options(cuda)
	return check(C.ort_append_cuda(options, cuda))
}

// newCUDAOptions sets the options. The runtime checks them, and looks for the
// device if device_id is among them.
func newCUDAOptions(list []Option) (*C.OrtCUDAProviderOptionsV2, error) {
	var keys, values []string
	for _, o := range list {
		keys, values = append(keys, o.Key), append(values, o.Value)
	}
	cKeys, cValues := cStrings(keys), cStrings(values)
	defer freeStrings(cKeys, len(keys))
	defer freeStrings(cValues, len(values))
	var options *C.OrtCUDAProviderOptionsV2
	if err := check(C.ort_cuda_options(cKeys, cValues, C.size_t(len(list)), &options)); err != nil {
		return nil, err
	}
	return options, nil
}
