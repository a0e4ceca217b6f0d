// Package sandbox runs the reading child of a conversion behind walls: resource
// limits, a seccomp allowlist, Landlock, namespaces. It fails closed. It needs
// linux/amd64, Linux 5.9 and /proc.
//
// On some hosts that have all of it every Run fails nevertheless:
//   - one that ignores SIGCHLD, or reaps children that are not its own, as
//     wait4(-1) does: how the child ended is lost;
//   - one that is not root and has /proc mounted with hidepid=2, where no
//     namespaces can be had: it does not see its own child;
//   - one whose libraries are found by LD_LIBRARY_PATH, which the child is not
//     told: it needs a Helper that starts without.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/weightgate/weightgate/formats"
)

// What a child ended by, if it did not do its job. The error says more in its
// text; what the child complained of is part of it, escaped and cut.
var (
	// ErrUnsupported says that this system, or this program, can start no child
	// that could be confined. It wraps errors.ErrUnsupported.
	ErrUnsupported = fmt.Errorf("sandbox: no child can be confined here: %w", errors.ErrUnsupported)

	ErrLevel     = errors.New("sandbox: fewer walls stand than were asked for") // the child read nothing
	ErrViolation = errors.New("sandbox: the child tried what is forbidden")     // and was killed for it, reading
	ErrResources = errors.New("sandbox: the child used up its memory or processor time")
	ErrDeadline  = errors.New("sandbox: the child did not end in time")
	ErrOutput    = errors.New("sandbox: the child wrote too much")
	ErrCrashed   = errors.New("sandbox: the child crashed") // anything else, and any end before it read its input
)

// Defaults of a Spec.
const (
	DefaultTimeout   = 30 * time.Second
	DefaultMaxOutput = 64 << 20
)

// A Spec is one child.
type Spec struct {
	Input     [][]byte             // what the child can read, one after the other
	Helper    string               // path of a program that links the hook; empty: this process's own
	Least     formats.SandboxLevel // below it nothing is handed to the child; zero: formats.SandboxSeccomp
	Timeout   time.Duration        // wall clock, and as much processor time, in whole seconds; zero: DefaultTimeout
	MaxOutput int64                // bytes; zero: DefaultMaxOutput
}

// An Outcome is what came back from a child that ended well.
type Outcome struct {
	Output  []byte // hostile
	Sandbox formats.Sandbox
}

// Run starts a child, looks at its walls, lets it read the input, and waits
// until it has ended and is reaped. No child outlives Run or this process. The
// error is one of this package's, the context's, or a system call's, as when
// the host has no descriptors or memory for a child; the
// Outcome is nil with it.
//
// Run is safe for concurrent use. It keeps the calling goroutine on its thread
// meanwhile: the kernel kills a child when the thread ends that started it.
func Run(ctx context.Context, s Spec) (*Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.Least == formats.Unconfined {
		s.Least = formats.SandboxSeccomp
	}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	if s.MaxOutput <= 0 {
		s.MaxOutput = DefaultMaxOutput
	}
	s.MaxOutput = min(s.MaxOutput, math.MaxInt64-1) // one more is read, to see it
	return run(ctx, s)
}
