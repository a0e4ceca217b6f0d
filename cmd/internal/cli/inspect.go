package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/cmd/internal/sarif"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

type inspect struct {
	ruleFlags
	failOn threshold
	sha256 bool
	json   bool
	sarif  bool
}

func newInspect() *cobra.Command {
	i := inspect{failOn: threshold(formats.High)}
	c := &cobra.Command{
		Use:   "inspect PATH...",
		Short: "Tell what model files are, and what is wrong with them",
		Long: `Reads files and directories and asks no policy: formats, digests, tensors,
findings. Nothing of them is executed: a pickle is read in a sandboxed child that
calls nothing, and held against --packs. A commit's directory in a Hugging Face
cache is read through its links; links are not followed anywhere else. A path
without a regular file, such as an empty directory or a pipe, cannot be read.

Exit codes: 0 nothing is wrong from --fail-on up, 1 something is, 2 something
could not be read or recognised, 3 usage. 1 wins over 2.`,
		Args:                  i.args,
		RunE:                  func(c *cobra.Command, args []string) error { return ran(i.run(c, args)) },
		DisableFlagsInUseLine: true,
	}
	i.register(c)
	c.Flags().Var(&i.failOn, "fail-on", "the lowest `SEVERITY` that is wrong: info, low, medium, high or critical")
	c.Flags().BoolVar(&i.sha256, "sha256", false, "measure the SHA-256 of each file too")
	c.Flags().BoolVar(&i.json, "json", false, "print the reports and their summary as JSON")
	c.Flags().BoolVar(&i.sarif, "sarif", false, "print the findings as SARIF 2.1.0")
	c.MarkFlagsMutuallyExclusive("json", "sarif")
	return c
}

func (i *inspect) args(_ *cobra.Command, paths []string) error {
	switch {
	case len(paths) == 0:
		return errors.New("inspect takes a PATH")
	case slices.Contains(paths, ""):
		return errors.New("a path is empty")
	}
	return nil
}

func (i *inspect) run(c *cobra.Command, paths []string) error {
	rule, err := i.rule()
	if err != nil {
		return err
	}
	bar := newProgress(c.ErrOrStderr())
	sum := summary{Version: loader.ReportVersion, FailOn: formats.Severity(i.failOn)}
	var kept []*loader.Report // text shows one after the other, and keeps none
	for n, path := range paths {
		r, err := i.look(c.Context(), path, rule, bar)
		if err != nil {
			return err
		}
		sum.add(r)
		if i.json || i.sarif {
			kept = append(kept, r)
			continue
		}
		if n > 0 {
			fmt.Fprintln(c.OutOrStdout())
		}
		if err := r.WriteText(c.OutOrStdout()); err != nil {
			return err
		}
	}
	if err := i.print(c.OutOrStdout(), sum, kept); err != nil {
		return err
	}
	if code := sum.exitCode(); code != exitAdmitted {
		return &ended{code, more(i.json || i.sarif, sum.first)}
	}
	return nil
}

// look inspects what is at path, and judges it.
func (i *inspect) look(ctx context.Context, path string, rule policy.Convert, bar progress) (*loader.Report, error) {
	r, err := loader.Inspect(ctx, path, readable{at(path)}, loader.InspectConfig{
		Formats: all.Formats(), SHA256: i.sha256, GoOn: true, Converter: convert.New(), Convert: rule, Progress: bar.show,
	})
	bar.clear()
	if _, rejected := errors.AsType[*loader.Rejection](err); err != nil && !rejected {
		return nil, err // a rejection is what the report says
	}
	return i.failOn.judge(r)
}

// readable is a source that cannot be opened where there is nothing to read. No
// policy is there to miss a file, and what was not read is not clean.
type readable struct{ loader.Source }

func (r readable) Open(ctx context.Context, lim formats.Limits) (loader.Tree, error) {
	tree, err := r.Source.Open(ctx, lim)
	if err != nil {
		return nil, err
	}
	nothing := errors.New("nothing to read: no file is there")
	for f, err := range tree.Files(ctx) {
		if err != nil || f.Kind == policy.Regular {
			return tree, nil // a listing that fails does so again
		}
		nothing = errors.New("nothing to read: a link, pipe, socket or device, and no regular file")
	}
	return nil, errors.Join(nothing, tree.Close())
}

// print ends what run has written so far, or writes all of it.
func (i *inspect) print(w io.Writer, sum summary, reports []*loader.Report) error {
	switch {
	case i.sarif:
		return sarif.Write(w, reports, sum.exitCode())
	case i.json:
		return json.NewEncoder(w).Encode(struct {
			summary
			Reports []*loader.Report `json:"reports"`
		}{sum, reports})
	case sum.Paths > 1:
		_, err := fmt.Fprintf(w, "\n%s\n", sum)
		return err
	}
	return nil
}
