//go:build !(cgo && linux)

package gpu

import (
	"context"
	"runtime"

	"github.com/weightgate/weightgate/loader"
)

// session is never anything but zero here.
type session struct{ inputs, outputs []Value }

func open(context.Context, *loader.Model, Config) (*Session, error) {
	if runtime.GOOS == "linux" {
		return nil, ErrNoCgo
	}
	return nil, ErrPlatform
}

func (*session) run(context.Context, []Tensor, []Tensor) error { return ErrClosed }
func (*session) close() error                                  { return nil }
