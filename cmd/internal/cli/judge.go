package cli

import (
	"context"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// outside denies a model around the policy or its lock, as a load does.
func outside(ctx context.Context, pol *policy.Policy, src loader.Source) error {
	tree, err := src.Open(ctx, formats.Limits{})
	if err != nil {
		return err
	}
	defer tree.Close()
	if root := tree.Root(); root != nil && pol.Beneath(root) {
		return denied("%v", loader.Codes().Finding(loader.CodeBeneath, "", 0, "the policy lies beneath the model's root"))
	}
	return nil
}

// judge is what a load of the inspected model, and then of those libraries if
// there are any, would be told under pol once it has this lock, by the strict
// reading of pol: who pins vouches.
func judge(pol *policy.Policy, lock *policy.Lock, inspected *loader.Report, libraries manifest.Manifest) (*loader.Report, error) {
	pol, err := pol.WithLock(lock)
	if err != nil {
		return nil, err
	}
	rules, facts := pol.For(inspected.Name, inspected.Origin).Strict(), inspected.Facts()
	facts.Now = time.Now()
	last := policy.PhaseInspect
	if len(libraries) > 0 {
		facts.Library = &policy.LibraryFacts{Files: libraries}
		last = policy.PhaseLibrary
	}
	r := *inspected
	r.Event, r.Vouched, r.Library = loader.EventVerify, rules.Vouched(), libraries
	for phase := policy.PhaseStat; phase <= last; phase++ {
		d := rules.Decide(phase, facts)
		r.Decisions = append(r.Decisions, d)
		if r.Verdict = d.Verdict; d.Refused() {
			r.Vouched = false
			return &r, nil
		}
	}
	r.Pending = rules.Opens(last)
	return &r, nil
}
