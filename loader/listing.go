package loader

import (
	"cmp"
	"context"
	"crypto/sha256"
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

// checkMemory compares what the load takes with what there is, before the
// first copy: a refusal instead of a kill.
func (a *admission) checkMemory(l *listing) {
	sizes := make([]int64, len(l.stat.Files))
	bytes, hashes := int64(0), int64(0)
	for i, f := range l.stat.Files {
		sizes[i] = f.Size
		bytes = addSaturating(bytes, f.Size)
		hashes = addSaturating(hashes, hashing.Chunks(f.Size)*sha256.Size)
	}
	have, known := memory.Available()
	if !known {
		have = math.MaxInt64
	}
	if a.arena == nil {
		if hashes > have {
			l.find(CodeMemory, "", "the hashes take %s, the machine and its control group have %s left", size(hashes), size(have))
		}
		return
	}
	if bytes > a.limits.MaxBytes {
		l.find(CodeMemory, "", "the files take %s, Limits.MaxBytes is %s", size(bytes), size(a.limits.MaxBytes))
		return
	}
	if _, err := memory.Arrange(sizes, max(have, a.arena.Free())); err != nil {
		l.find(CodeMemory, "", "the files take %s, the machine and its control group have %s left", size(bytes), size(have))
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
