package loader

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/signature"
)

// Verify runs the line of Load over a ring: every byte is read, hashed, held
// against the policy and parsed, and none is kept. With a library it goes on
// through the library phase; it opens nothing.
//
// The Report is never nil; the error is nil or a *Rejection with that Report.
// A verdict of policy.Pending lists what only a session can answer.
func (g *Gate) Verify(ctx context.Context, name string, src Source, libraries ...string) (*Report, error) {
	a := g.begin(EventVerify, name, src) // without room: bytes are not kept
	defer a.release()
	a.sha256 = true // pins hold both digests, and nobody waits for a session

	_, err := a.judge(ctx, src)
	if err == nil && len(libraries) > 0 {
		lib := &Library{}
		defer lib.Close()
		err = lib.judge(ctx, a, libraries)
	}
	return a.report, a.record(ctx, err)
}

// InspectConfig is what a look without a policy needs.
type InspectConfig struct {
	// Formats is what hostile bytes can reach. Required.
	Formats formats.Set

	// Limits bound it. Zero fields mean their defaults.
	Limits formats.Limits

	// Keep says which files are looked at; others are listed and never opened.
	// Nil: all.
	Keep func(name string) bool

	// SHA256 measures the SHA-256 of each file as well.
	SHA256 bool

	// ShardSize measures the SHA-256 of shards of so many bytes as well, into
	// Report.Shards: at least signature.MinShard, or 0 for none.
	ShardSize int64

	// GoOn makes a file that is irregular or cannot be read a finding, where
	// it would end the look.
	GoOn bool

	// Converter judges pickles, by the rule Convert, and makes safetensors of
	// checkpoints. Nil: what holds a pickle is a finding.
	Converter Converter

	// Convert is the rule for Converter; its zero value has no pack.
	Convert policy.Convert

	// Derived, if set, is called for each file that a conversion made, and says
	// where its bytes go: all of them, once and in order, by one goroutine,
	// while they are hashed and before they were read back. They are worth
	// something once Inspect has returned without an error.
	Derived func(name string, size int64) (io.Writer, error)

	// Progress is called as Config.Progress is.
	Progress func(Progress)
}

// Inspect runs the line over a ring and asks no policy: what the files are,
// their digests, tensors and findings. The memory it takes does not grow with
// the files but for 48 bytes for each 512 KiB and what parsers keep.
//
// The Report's verdict says nothing. The error is a *Rejection if something
// could not be read or exceeded a limit.
func Inspect(ctx context.Context, name string, src Source, cfg InspectConfig) (*Report, error) {
	if len(cfg.Formats) == 0 {
		return nil, errors.Join(ErrConfig, errors.New("loader: no formats"))
	}
	if cfg.ShardSize != 0 && cfg.ShardSize < signature.MinShard {
		return nil, errors.Join(ErrConfig, fmt.Errorf("loader: shards of %d bytes", cfg.ShardSize))
	}
	a := newAdmission(EventInspect, name, src.Origin(), cfg.Progress)
	a.formats, a.limits = cfg.Formats, cfg.Limits.WithDefaults()
	a.keeps, a.sha256, a.tolerant = cfg.Keep, cfg.SHA256, cfg.GoOn
	a.shardSize = cfg.ShardSize
	a.converter, a.rule, a.derived = cfg.Converter, &cfg.Convert, cfg.Derived
	defer a.release()
	return a.report, a.record(ctx, a.look(ctx, src))
}

// look is judge without decisions.
func (a *admission) look(ctx context.Context, src Source) error {
	found, err := a.list(ctx, src)
	if err != nil {
		return err
	}
	found.addTo(&a.facts)
	for _, f := range found.stat.Findings {
		if f.Class == formats.Unverifiable {
			return &fault{Finding: f}
		}
	}
	var regular []policy.File
	for _, f := range found.stat.Files {
		if f.Kind == policy.Regular {
			regular = append(regular, f)
			continue
		}
		if !a.tolerant {
			return &fault{Finding: irregular(f.Name)}
		}
		found.stat.Findings = append(found.stat.Findings, irregular(f.Name))
	}
	found.stat.Files = regular
	staged, err := a.stage(ctx, found)
	if err != nil {
		return err
	}
	staged.addTo(&a.facts)
	verified, err := a.inspect(ctx, staged)
	if err != nil {
		return err
	}
	verified.addTo(&a.facts)
	for _, t := range verified.tensors {
		n, _ := formats.ByteLen(t.DType, t.Shape)
		a.report.Inventory = append(a.report.Inventory, TensorReport{TensorID: t.ID, DType: t.DType, Shape: t.Shape, Bytes: n, Inline: t.Inline})
	}
	a.report.Verdict = policy.Pending // nothing was decided
	return nil
}
