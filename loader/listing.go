package loader

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
)

// A listing is stage 1: what there is, and no byte of it.
type listing struct {
	stat policy.StatFacts
}

func (l *listing) addTo(f *policy.Facts) { f.Stat = &l.stat }

// list reads names, sizes and kinds beneath the source's root.
func (a *admission) list(ctx context.Context, src Source) (*listing, error) {
	defer a.timed("list")()
	tree, err := src.Open(ctx, a.limits)
	if err != nil {
		return nil, faultFor(err, "")
	}
	a.tree = tree

	l := &listing{}
	if root := tree.Root(); root != nil && a.beneath != nil && a.beneath(root) {
		l.find(CodeBeneath, "", "the policy lies beneath the model's root")
	}
	n := 0
	for f, err := range tree.Files(ctx) {
		if errors.Is(err, ErrDepth) {
			return nil, tooMuch(CodeDepth, f.Name, "more than %d directories deep", a.limits.MaxDepth)
		}
		if errors.Is(err, ErrDirectories) {
			return nil, tooMuch(CodeFiles, f.Name, "more than %d directories", a.limits.MaxFiles)
		}
		if err != nil {
			return nil, faultFor(err, f.Name)
		}
		if n++; n > a.limits.MaxFiles {
			return nil, tooMuch(CodeFiles, "", "more than %d files", a.limits.MaxFiles)
		}
		if a.keeps != nil && !a.keeps(f.Name) {
			l.stat.LeftOut = append(l.stat.LeftOut, f.Name)
			continue
		}
		l.stat.Files = append(l.stat.Files, f)
	}
	slices.Sort(l.stat.LeftOut)
	slices.SortFunc(l.stat.Files, func(x, y policy.File) int { return cmp.Compare(x.Name, y.Name) })
	a.checkMemory(l)
	return l, nil
}

// checkMemory compares what would be kept with what there is, before the first
// copy: a refusal instead of a kill.
func (a *admission) checkMemory(l *listing) {
	need := int64(0)
	for _, f := range l.stat.Files {
		n := hashing.Chunks(f.Size) * 32 // the hashes
		if a.arena != nil {
			n = f.Size
		}
		if need = addSaturating(need, n); f.Size < 0 {
			need = math.MaxInt64
		}
	}
	if a.arena != nil && need > a.limits.MaxBytes {
		l.find(CodeMemory, "", "the files take %s, Limits.MaxBytes is %s", size(need), size(a.limits.MaxBytes))
		return
	}
	if a.arena != nil && need <= a.arena.Free() {
		return // it is the gate's already
	}
	have, known := memory.Available()
	if known && need > have {
		l.find(CodeMemory, "", "the load takes %s, the machine and its control group have %s left", size(need), size(have))
	}
}

// tooMuch ends the line: of half a listing no rule is asked.
func tooMuch(c formats.Code, file, format string, args ...any) *fault {
	return &fault{Finding: codes.Finding(c, file, 0, format, args...)}
}

func (l *listing) find(c formats.Code, file, format string, args ...any) {
	l.stat.Findings = append(l.stat.Findings, codes.Finding(c, file, 0, format, args...))
}

func addSaturating(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}
