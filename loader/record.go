package loader

import "context"

// A Recorder keeps what was admitted and refused. It fails closed: if Record
// returns an error, the call that it stands for is refused.
//
// Record is called once for each Load, Verify, AdmitLibrary and AdmitSession,
// with a context that the caller's cancellation does not reach, possibly by
// many goroutines at once. The Report must not be changed and may be kept.
type Recorder interface {
	Record(ctx context.Context, r *Report) error
}

// RecorderFunc is a function as a Recorder.
type RecorderFunc func(ctx context.Context, r *Report) error

// Record calls f.
func (f RecorderFunc) Record(ctx context.Context, r *Report) error { return f(ctx, r) }
