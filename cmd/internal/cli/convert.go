package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

type conversion struct {
	ruleFlags
	sha256 bool
	json   bool
}

func newConvert() *cobra.Command {
	var v conversion
	c := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Make safetensors of PyTorch checkpoints without running their pickles",
		Long: `Reads a checkpoint, or a directory of shards with their index, and writes its
tensors as safetensors. The pickles are read in a sandboxed child that calls
nothing; what is no tensor is dropped and listed.

OUT is a directory that does not exist yet: it gets the safetensors files, the
index and conversion.json, the report. For a single file, OUT may be a name that
ends in .safetensors. OUT appears when all of it is written and was read back;
after an interruption the same command starts again. Until then it lies beside,
in .OUT.partial.

A directory is converted whole or not at all: whatever in it holds weights or an
index is judged, and whatever has a name of either. Scripts, texts and
configurations are not, and nothing but checkpoints and their index is written.

Exit codes: 0 converted, 1 something is wrong with the weights, 2 something could
not be read or written, or no sandbox could be had, 3 usage. 1 wins over 2.`,
		Args:                  cobra.ExactArgs(2),
		RunE:                  func(c *cobra.Command, args []string) error { return ran(v.run(c, args[0], args[1])) },
		DisableFlagsInUseLine: true,
	}
	v.register(c)
	c.Flags().BoolVar(&v.sha256, "sha256", false, "measure the SHA-256 of each file too")
	c.Flags().BoolVar(&v.json, "json", false, "print the report as JSON")
	return c
}

func (v *conversion) run(c *cobra.Command, in, out string) error {
	rule, err := v.rule()
	if err != nil {
		return err
	}
	target, err := newTarget(out)
	if err != nil {
		return err
	}
	defer target.discard() // what was not published
	bar := newProgress(c.ErrOrStderr())
	look, err := loader.Inspect(c.Context(), in, at(in), loader.InspectConfig{
		Formats: all.Formats(), SHA256: v.sha256, Converter: convert.New(), Convert: rule, Derived: target.file, Progress: bar.show,
	})
	bar.clear()
	if target.failed != nil {
		return target.failed
	}
	if _, rejected := errors.AsType[*loader.Rejection](err); err != nil && !rejected {
		return err
	}
	report, err := judgeConversion(look, target.read)
	if err != nil {
		return err
	}
	converted := report.Verdict == policy.Pending && len(report.DerivedFiles) > 0 // nothing speaks against it
	if converted {
		if err := target.publish(report); err != nil {
			return err
		}
	}
	if err := printReport(c.OutOrStdout(), report, v.json); err != nil {
		return err
	}
	switch {
	case report.Verdict != policy.Pending:
		return &ended{verdictCode(report.Verdict), errors.New("nothing was written")}
	case !converted:
		return denied("%s holds no checkpoint that could be converted", formats.Quote(look.Name))
	}
	if !v.json {
		for _, e := range report.DerivedFiles {
			fmt.Fprintf(c.OutOrStdout(), "  wrote     %s\n", formats.Quote(target.path(e.Name)))
		}
	}
	return nil
}

// ruleFlags say how pickles are judged.
type ruleFlags struct {
	packs   []string
	extract bool
	root    string
	sandbox string
}

func (f *ruleFlags) register(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.packs, "packs", []string{"weights"}, "the `PACKS` of globals and calls that a pickle may hold")
	c.Flags().BoolVar(&f.extract, "extract", false, "drop objects of unknown globals and keep the tensors, instead of refusing")
	c.Flags().StringVar(&f.root, "root", "", "the `KEY` whose dict holds the tensors, where there are several")
	c.Flags().StringVar(&f.sandbox, "sandbox", formats.SandboxSeccomp.String(), "the least `LEVEL` of the sandbox: seccomp, landlock or full")
}

// rule is what the flags say.
func (f *ruleFlags) rule() (policy.Convert, error) {
	level, ok := formats.ParseSandboxLevel(f.sandbox)
	if !ok || level == formats.Unconfined {
		return policy.Convert{}, &ended{exitUsage, fmt.Errorf("--sandbox %s: seccomp, landlock or full", f.sandbox)}
	}
	packs := slices.Clone(f.packs)
	slices.Sort(packs)
	return policy.Convert{Packs: slices.Compact(packs), Extract: f.extract, Root: f.root, Sandbox: level}, nil
}

// single reports that out names one file, not a directory.
func single(out string) bool { return strings.EqualFold(filepath.Ext(out), ".safetensors") }
