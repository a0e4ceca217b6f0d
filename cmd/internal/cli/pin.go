package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

type pin struct {
	sourceFlags
	policy    string
	sums      string
	libraries []string
	update    bool
	json      bool
}

func newPin() *cobra.Command {
	var p pin
	c := &cobra.Command{
		Use:   "pin [NAME DIR] --policy FILE",
		Short: "Write a model's digests into the lock beside the policy",
		Long: `Inspects the model, holds it against the policy as a load would, and writes the
digests of its files into the lock. DIR may be a single file. Findings of high
severity are refused whatever the policy lets pass. A name that is pinned with
other content needs --update.

With --library and no model it pins runtime libraries alone.`,
		Args:                  p.args,
		RunE:                  func(c *cobra.Command, args []string) error { return ran(p.run(c, args)) },
		DisableFlagsInUseLine: true,
	}
	p.register(c)
	c.Flags().StringVar(&p.policy, "policy", "", "the policy `FILE`; the lock is written beside it")
	c.Flags().StringVar(&p.sums, "sha256sums", "", "a `FILE` of SHA-256 digests known from elsewhere, as sha256sum writes it, which the model must have")
	c.Flags().StringArrayVar(&p.libraries, "library", nil, "an ONNX Runtime library `FILE` to pin too")
	c.Flags().BoolVar(&p.update, "update", false, "replace what is pinned with other content")
	c.Flags().BoolVar(&p.json, "json", false, "print the model's report as JSON")
	c.MarkFlagRequired("policy")
	return c
}

func (p *pin) args(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 2:
		return nil
	case len(args) != 0 || len(p.libraries) == 0:
		return errors.New("pin takes NAME and DIR, or only --library")
	}
	for _, flag := range []string{"sha256sums", "repository", "commit", "json"} {
		if c.Flags().Changed(flag) {
			return fmt.Errorf("--%s is about a model, and none is named", flag)
		}
	}
	return nil
}

func (p *pin) run(c *cobra.Command, args []string) error {
	pol, err := policy.Open(p.policy, policy.WithoutLock())
	if err != nil {
		return err
	}
	if pol.LockPath() == "" {
		return denied("%s names no lock: say lock: weightgate.lock", p.policy)
	}
	next := change{lock: pol.Lock()}
	libraries, err := p.measured(c.Context())
	if err != nil {
		return err
	}
	for _, e := range libraries {
		if err := next.library(e); err != nil {
			return err
		}
	}
	var report *loader.Report
	if len(args) == 2 {
		if report, err = p.model(c, pol, &next, libraries, args[0], args[1]); err != nil {
			return err
		}
	}
	if err := next.confirm(c.ErrOrStderr(), p.update); err != nil {
		return err
	}
	if err := writeLock(pol, next.lock); err != nil {
		return err
	}
	return p.print(c.OutOrStdout(), report, libraries, pol.LockPath())
}

// measured are the libraries, by base name. One that is named again is the same.
func (p *pin) measured(ctx context.Context) (libraries manifest.Manifest, err error) {
	for _, path := range p.libraries {
		e, err := loader.MeasureLibrary(ctx, path)
		if err != nil {
			return nil, err
		}
		switch i := slices.IndexFunc(libraries, func(other manifest.Entry) bool { return other.Name == e.Name }); {
		case i < 0:
			libraries = append(libraries, e)
		case libraries[i] != e:
			return nil, denied("two libraries are called %s", formats.Quote(e.Name))
		}
	}
	libraries.Sort()
	return libraries, nil
}

// print writes what was pinned, and where; report is nil if no model was.
func (p *pin) print(w io.Writer, report *loader.Report, libraries manifest.Manifest, lock string) error {
	if report == nil {
		for _, e := range libraries {
			fmt.Fprintf(w, "  library   %s  %s\n", e.Verity, formats.Quote(e.Name))
		}
	} else if err := printReport(w, report, p.json); err != nil || p.json {
		return err
	}
	_, err := fmt.Fprintf(w, "  pinned    in %s\n", lock)
	return err
}

// model pins the model at path under name in next, and reports what a load
// would say of it and of the libraries then. What a load would refuse is not
// pinned.
func (p *pin) model(c *cobra.Command, pol *policy.Policy, next *change, libraries manifest.Manifest, name, path string) (*loader.Report, error) {
	src, err := p.source(c.Context(), path)
	if err != nil {
		return nil, err
	}
	rules := pol.For(name, src.Origin())
	switch {
	case rules == nil:
		return nil, denied("no entry of %s is for %s from a source of the kind %s%s", p.policy, formats.Quote(name), src.Origin().Kind, p.kinds())
	case !rules.Pinned():
		return nil, denied("the entry of %s for %s says unpinned: say pin: required first", p.policy, name)
	}
	if err := outside(c.Context(), pol, src); err != nil {
		return nil, err
	}
	measured, err := p.inspect(c, name, src, rules)
	if err != nil {
		return nil, err
	}
	if err := next.model(policy.Pin{Name: name, Files: entries(measured), Derived: measured.DerivedFiles, Recipe: measured.Recipe}); err != nil {
		return nil, err
	}
	report, err := judge(pol, next.lock, measured, libraries)
	if err != nil {
		return nil, err
	}
	if report.Verdict != policy.Admitted && report.Verdict != policy.Pending {
		return nil, p.refuse(c, report)
	}
	return report, nil
}

// inspect measures a model, and holds it against digests from elsewhere.
func (p *pin) inspect(c *cobra.Command, name string, src loader.Source, rules *policy.Rules) (*loader.Report, error) {
	known, err := readSums(p.sums)
	if err != nil {
		return nil, err
	}
	bar := newProgress(c.ErrOrStderr())
	cfg := loader.InspectConfig{
		Formats: all.Formats(), Limits: formats.Limits{}.Lowered(rules.Limits()), Keep: rules.Keep, SHA256: true, Progress: bar.show,
	}
	if rule, converts := rules.Convert(); converts {
		cfg.Converter, cfg.Convert = convert.New(), rule
	}
	measured, err := loader.Inspect(c.Context(), name, src, cfg)
	bar.clear()
	if err != nil {
		return nil, p.refuse(c, measured)
	}
	if err := known.check(measured); err != nil {
		return nil, denied("%s disagrees: %w", p.sums, err)
	}
	return measured, nil
}

// entries are the files of a report as a pin has them.
func entries(r *loader.Report) manifest.Manifest {
	var files manifest.Manifest
	for _, f := range r.Files {
		files = append(files, f.Entry)
	}
	return files
}

// refuse prints why a model is not pinned.
func (p *pin) refuse(c *cobra.Command, r *loader.Report) error {
	if err := printReport(c.OutOrStdout(), r, p.json); err != nil {
		return err
	}
	return &ended{verdictCode(r.Verdict), errors.New("nothing was pinned")}
}
