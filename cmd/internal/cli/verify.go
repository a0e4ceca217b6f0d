package cli

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

type verify struct {
	sourceFlags
	policy    string
	state     string
	libraries []string
	until     lastPhase
	json      bool
}

func newVerify() *cobra.Command {
	var v verify
	c := &cobra.Command{
		Use:   "verify NAME DIR --policy FILE",
		Short: "Tell whether the policy would admit a model, and why not",
		Long: `Runs the line of a load and keeps no byte: lists, hashes, holds the digests
against the lock, parses, decides. DIR may be a single file.

Rules about the runtime are asked with --library. Rules about a session can only
be met by the service that opens it: a model that has such rules stays pending,
exit code 2, unless --until ends the question before.`,
		Args:                  cobra.ExactArgs(2),
		RunE:                  func(c *cobra.Command, args []string) error { return ran(v.run(c, args[0], args[1])) },
		DisableFlagsInUseLine: true,
	}
	v.register(c)
	c.Flags().StringVar(&v.policy, "policy", "", "the policy `FILE`, with its lock beside it")
	c.Flags().StringArrayVar(&v.libraries, "library", nil, "an ONNX Runtime library `FILE` to judge too; the first is the core, others are providers")
	c.Flags().StringVar(&v.state, "state", "", "the `FILE` in which the service remembers releases and lists, for monotonic rules; it is only read")
	c.Flags().Var(&v.until, "until", "the last `PHASE` whose rules must be met: inspect or library")
	c.Flags().BoolVar(&v.json, "json", false, "print the report as JSON")
	c.MarkFlagRequired("policy")
	return c
}

func (v *verify) run(c *cobra.Command, name, path string) error {
	p, err := policy.Open(v.policy)
	if err != nil {
		return err
	}
	src, err := v.source(c.Context(), path)
	if err != nil {
		return err
	}
	bar := newProgress(c.ErrOrStderr())
	cfg := loader.Config{Policy: p, Formats: all.Formats(), Converter: convert.New(), Progress: bar.show}
	cfg.InsecureAllowAudit = true // nothing is loaded, and the verdict stays what it is
	if v.state != "" {
		cfg.State = loader.FileState(v.state)
	}
	gate, err := loader.New(cfg)
	if err != nil {
		return err
	}
	defer gate.Close()
	report, _ := gate.Verify(c.Context(), name, src, v.libraries...) // the report holds every reason
	bar.clear()
	if err := printReport(c.OutOrStdout(), report, v.json); err != nil {
		return err
	}
	if code := verdictCode(report.Verdict); code != exitAdmitted && !v.until.settles(report) {
		return &ended{code, more(v.json, report)}
	}
	return nil
}

// lastPhase is the phase at which the question ends; zero is the last of all.
// It is the value of a flag.
type lastPhase policy.Phase

// settles reports whether all that a pending report has open comes later.
func (l lastPhase) settles(r *loader.Report) bool {
	open := func(p policy.Phase) bool { return l == 0 || p <= policy.Phase(l) }
	return r.Verdict == policy.Pending && !slices.ContainsFunc(r.Pending, open)
}

func (l lastPhase) String() string {
	if l == 0 {
		return ""
	}
	return policy.Phase(l).String()
}

func (l *lastPhase) Type() string { return "phase" }

func (l *lastPhase) Set(word string) error {
	for _, p := range []policy.Phase{policy.PhaseInspect, policy.PhaseLibrary} {
		if p.String() == word {
			*l = lastPhase(p)
			return nil
		}
	}
	return errors.New("inspect or library")
}
