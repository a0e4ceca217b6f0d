package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

type policyInit struct{ output string }

func newPolicyInit() *cobra.Command {
	var i policyInit
	c := &cobra.Command{
		Use:   "init DIR",
		Short: "Write a first policy for a model",
		Long: `Inspects the model and writes a policy that takes what was found and nothing
else, in the mode audit: a missing pin is reported and lets the load go on. Files
that something severe was found in are left out, and named in a comment.

The policy must not lie in DIR, and nothing is ever overwritten.`,
		Args:                  cobra.ExactArgs(1),
		RunE:                  func(c *cobra.Command, args []string) error { return ran(i.run(c, args[0])) },
		DisableFlagsInUseLine: true,
	}
	c.Flags().StringVar(&i.output, "output", "policy.yaml", "the policy, a `FILE`")
	return c
}

func (i *policyInit) run(c *cobra.Command, path string) error {
	if err := i.free(path); err != nil {
		return err
	}
	src := at(path)
	measured, err := i.look(c, path, src)
	if err != nil {
		return err
	}
	first, err := newFirstPolicy(modelName(path), src.Origin(), measured)
	if err != nil {
		return err
	}
	text := first.text()
	if _, err := policy.Parse(text, new(policy.Lock).Encode()); err != nil {
		return err
	}
	d, err := newDraft(i.output)
	if err != nil {
		return err
	}
	defer d.discard()
	if err := d.place(text, false); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "  policy    %s, for the model %s\n  next      weightgate pin %s DIR --policy FILE\n",
		formats.Quote(i.output), first.name, first.name)
	return err
}

// free denies an output that is there already, or where the model could rewrite
// what judges it.
func (i *policyInit) free(model string) error {
	switch _, err := os.Lstat(i.output); {
	case err == nil:
		return denied("%s exists: name another with --output, or remove it", i.output)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	root, err := os.Stat(model)
	if err != nil {
		return err
	}
	path, err := linked(i.output)
	if err != nil {
		return err
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && os.SameFile(info, root) {
			return denied("%s would lie in the model: name a file elsewhere with --output", i.output)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// look inspects the model as a policy with the pack weights would.
func (i *policyInit) look(c *cobra.Command, path string, src loader.Source) (*loader.Report, error) {
	bar := newProgress(c.ErrOrStderr())
	r, err := loader.Inspect(c.Context(), path, readable{src}, loader.InspectConfig{
		Formats: all.Formats(), GoOn: true, Converter: convert.New(), Progress: bar.show,
		Convert: policy.Convert{Packs: []string{weightsPack}, Sandbox: formats.SandboxSeccomp},
	})
	bar.clear()
	if _, rejected := errors.AsType[*loader.Rejection](err); !rejected || errors.Is(err, context.Canceled) {
		return r, err
	}
	if err := printReport(c.OutOrStdout(), r, false); err != nil {
		return nil, err
	}
	return nil, &ended{verdictCode(r.Verdict), errors.New("no policy was written")}
}
