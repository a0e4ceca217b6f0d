//go:build !(linux && amd64)

package sandbox

import "context"

func run(context.Context, Spec) (*Outcome, error) { return nil, ErrUnsupported }
