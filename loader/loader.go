// Package loader is the straight line from a source to a verified model.
//
// A [Gate] holds a policy. [Gate.Load] lists a source, copies every byte once
// into memory of its own, hashes the copy in that same pass, verifies who vouches
// for it, holds the digests against the policy before anything is parsed, parses
// the copy, and decides again. What comes out is a [Model], which only this package can make, or a
// [*Rejection] with every reason.
//
//	gate, err := loader.Open("policy.yaml", all.Formats())
//	…
//	m, err := gate.Load(ctx, "bert", loader.Dir("models/bert"))
//
// The package links no cgo of its own and no converter; sessions are made by
// package gpu.
package loader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
)

// Config is the long form of Open.
type Config struct {
	// Policy decides. Required: nil is an error.
	Policy *policy.Policy

	// Formats is what hostile bytes can reach. Required: an empty Set is an error.
	Formats formats.Set

	// Converter judges pickles and makes safetensors of them, where the policy
	// says convert. Nil: a file that holds a pickle is refused, and a policy
	// that converts is an error.
	Converter Converter

	// Recorder sees every admission and refusal before the caller does; if it
	// fails, so does the call. Nil records nothing.
	Recorder Recorder

	// State remembers numbers that may only grow. Nil: a policy with a monotonic
	// rule is an error.
	State State

	// InsecureAllowAudit lets the policy's mode be audit, in which models that
	// are denied come out of Load all the same. False: such a policy is an error.
	InsecureAllowAudit bool

	// Limits bound every load. Zero fields mean their defaults; a policy may
	// only lower them.
	Limits formats.Limits

	// Now is the clock that decisions get their time from. Nil: time.Now.
	Now func() time.Time

	// Logger gets one line for each admission and refusal. Nil: silence.
	Logger *slog.Logger

	// Progress is called while bytes are copied, by one goroutine at a time
	// and at most ten times a second. It must not block. Nil: not called.
	Progress func(Progress)

	// ArenaBytes are mapped, faulted in and kept by the Gate for the bytes of
	// models, which makes loads faster. Zero: map and unmap with each load.
	ArenaBytes int64
}

// Progress is how far a load's copy is.
type Progress struct {
	Name        string // of the model
	Done, Total int64  // bytes
}

// ErrConfig says that a Gate was asked for without what it needs.
var ErrConfig = errors.New("loader: incomplete configuration")

// A Gate admits models under one policy. It is safe for concurrent use.
type Gate struct {
	cfg   Config
	room  *room
	via   reading // how local files are read; tests choose
	pause func(point pausePoint, file string, chunk int64)
}

// Open reads the policy at policyPath and the lock beside it, and makes a Gate
// with defaults for everything else.
func Open(policyPath string, set formats.Set, opts ...policy.Option) (*Gate, error) {
	p, err := policy.Open(policyPath, opts...)
	if err != nil {
		return nil, err
	}
	return New(Config{Policy: p, Formats: set})
}

// New makes a Gate. The caller closes it.
func New(cfg Config) (*Gate, error) {
	switch {
	case cfg.Policy == nil:
		return nil, errors.Join(ErrConfig, errors.New("loader: no policy"))
	case len(cfg.Formats) == 0:
		return nil, errors.Join(ErrConfig, errors.New("loader: no formats"))
	}
	for _, name := range cfg.Policy.Formats() {
		if !slices.ContainsFunc(cfg.Formats, func(f formats.Format) bool { return f.Name() == name }) {
			return nil, errors.Join(ErrConfig, fmt.Errorf("loader: the policy takes the format %s, which the host does not have", formats.Quote(name)))
		}
	}
	if cfg.Policy.Converts() && cfg.Converter == nil {
		return nil, errors.Join(ErrConfig, errors.New("loader: the policy converts, and the host has no Converter"))
	}
	if cfg.Policy.Monotonic() && cfg.State == nil {
		return nil, errors.Join(ErrConfig, errors.New("loader: the policy has a monotonic rule, and the host has no State"))
	}
	if cfg.Policy.Audit() && !cfg.InsecureAllowAudit {
		return nil, errors.Join(ErrConfig, errors.New("loader: the policy's mode is audit, and Config.InsecureAllowAudit is not set"))
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Limits = cfg.Limits.WithDefaults()
	arena, err := memory.NewArena(cfg.ArenaBytes)
	if err != nil {
		return nil, err
	}
	return &Gate{cfg: cfg, room: &room{arena: arena}}, nil
}

// Close lets go of the Gate's arena. Models that are still open keep their
// bytes; a Load after Close is refused. It may be called twice.
func (g *Gate) Close() error {
	if g.room == nil {
		return nil
	}
	return g.room.arena.Close()
}

// Load admits what src holds, under the name that the policy gives it.
//
// The error is always a *Rejection, recorded before it is returned, also when
// ctx ends or the Recorder fails. The caller closes the Model.
func (g *Gate) Load(ctx context.Context, name string, src Source) (*Model, error) {
	a := g.begin(EventLoad, name, src) // facts and report of this load, the first policy entry that fits
	a.room = g.room                    // bytes are kept
	defer a.release()                  // whatever no Model took over

	verified, err := a.judge(ctx, src)
	if err == nil {
		err = a.advance(ctx) // 5: what is older than this is refused from now on
	}
	if err := a.record(ctx, err); err != nil { // 6: no record, no model
		return nil, err
	}
	return a.model(verified), nil // 7: the only constructor
}

// judge is the straight line. Each stage returns what it learned; decide adds
// that to the facts and asks the policy; nothing reaches back.
func (a *admission) judge(ctx context.Context, src Source) (*content, error) {
	if err := a.match(); err != nil {
		return nil, err // before anything is opened
	}

	found, err := a.list(ctx, src) // 1: names, sizes, kinds, beneath one root
	if err != nil {
		return nil, err
	}
	if err := a.decide(policy.PhaseStat, found); err != nil {
		return nil, err // before a byte is copied
	}

	staged, err := a.stage(ctx, found) // 2: copied once into memory that is ours, hashed there
	if err != nil {
		return nil, err
	}
	vouched, err := a.authenticate(ctx, found) // 3: who says what of it
	if err != nil {
		return nil, err
	}
	if err := a.decide(policy.PhaseDigest, staged, vouched); err != nil { // against pins and signatures
		return nil, err // before anything of the model is parsed
	}

	verified, err := a.inspect(ctx, staged) // 4: detect, parse, scan
	if err != nil {
		return nil, err
	}
	return verified, a.decide(policy.PhaseInspect, verified)
}
