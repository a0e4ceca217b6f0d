package loader

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/hashing"
	"github.com/weightgate/weightgate/policy"
)

// A listing is stage 1: what there is, and no byte of it.
type listing struct {
	stat     policy.StatFacts
	evidence map[string]policy.File // documents that the rules want to see, which are no files of the model
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

	l := &listing{evidence: map[string]policy.File{}}
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
		if slices.ContainsFunc(a.evidence, func(e policy.Evidence) bool { return e.InModel && e.Name == f.Name }) {
			l.evidence[f.Name] = f
			continue
		}
		if a.keeps != nil && !a.keeps(f.Name) {
			l.stat.LeftOut = append(l.stat.LeftOut, f.Name)
			continue
		}
		l.stat.Files = append(l.stat.Files, f)
	}
	slices.Sort(l.stat.LeftOut)
	slices.SortFunc(l.stat.Files, func(x, y policy.File) int { return cmp.Compare(x.Name, y.Name) })
	if err := a.makeRoom(l); err != nil {
		return nil, faultFor(err, "")
	}
	return l, nil
}

// makeRoom finds the memory that the load takes before the first copy: a
// refusal instead of a kill.
func (a *admission) makeRoom(l *listing) error {
	sizes := make([]int64, len(l.stat.Files))
	bytes, need := int64(0), int64(0)
	for i, f := range l.stat.Files {
		sizes[i] = f.Size
		bytes = addSaturating(bytes, f.Size)
		need = addSaturating(need, hashing.Chunks(f.Size)*(sha256.Size+hashing.SealSize))
		if a.shardSize > 0 {
			need = addSaturating(need, shards(f.Size, a.shardSize)*sha256.Size)
		}
	}
	if bytes > a.limits.MaxBytes {
		l.find(CodeMemory, "", "the files take %s, Limits.MaxBytes is %s", size(bytes), size(a.limits.MaxBytes))
		return nil
	}
	var err error
	if a.room != nil {
		need = bytes
		a.space, err = a.room.take(sizes)
	} else if need > available() {
		err = errNoRoom
	}
	if errors.Is(err, errNoRoom) {
		l.find(CodeMemory, "", "it takes %s of memory, the machine and its control group have %s left", size(need), size(available()))
		return nil
	}
	return err
}

// tooMuch ends the line: of half a listing no rule is asked.
func tooMuch(c formats.Code, file, format string, args ...any) *fault {
	return &fault{Finding: codes.Finding(c, file, 0, format, args...)}
}

func (l *listing) find(c formats.Code, file, format string, args ...any) {
	l.stat.Findings = append(l.stat.Findings, codes.Finding(c, file, 0, format, args...))
}
