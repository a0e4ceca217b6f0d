//go:build cgo && linux

package ort

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// failure is what the runtime tells. The text may quote the model: it is escaped,
// on one line.
func failure(text string) error {
	err := fmt.Errorf("onnxruntime: %s", formats.Quote(text))
	if shortage.MatchString(cause(text)) {
		return fmt.Errorf("%w: %w", ErrOutOfMemory, err)
	}
	return err
}

// cause is what follows the name of the node that failed, which the model chose:
// "… while running Add node. Name:'[a]' Status Message: …", once for each graph
// that the node lies in.
func cause(text string) string {
	const status = "Status Message: "
	if i := strings.LastIndex(text, status); i >= 0 {
		return text[i+len(status):]
	}
	return strings.TrimPrefix(text, "Exception during initialization: ")
}

// shortage is how the runtime's allocators, the C++ library and CUDA's libraries
// tell that there is no memory: alone, or behind a place in the runtime's source
// and the signature of its function. cuBLAS and cuDNN have told it in two ways.
var shortage = regexp.MustCompile(`(?s)^(\S+:\d+ .*[)\]] )?(` +
	`std::bad_alloc$|` +
	`Failed to allocate memory for requested buffer of size \d+$|` +
	`Available memory of \d+ is smaller than requested bytes of \d+$|` +
	`CUDA failure 2: out of memory ; |` +
	`CUBLAS failure 3: (CUBLAS_STATUS_ALLOC_FAILED|the resource allocation failed) ; |` +
	`CUDNN failure \d+: CUDNN_STATUS_(ALLOC_FAILED|INTERNAL_ERROR_(HOST|DEVICE)_ALLOCATION_FAILED) ; )`)
