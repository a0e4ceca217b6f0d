package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/cmd/internal/sarif"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
)

type inspect struct {
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
findings. Nothing of them is executed. A commit's directory in a Hugging Face
cache is read through its links; links are not followed anywhere else.

Exit codes: 0 nothing is wrong from --fail-on up, 1 something is, 2 something
could not be read or recognised, 3 usage. 1 wins over 2.`,
		Args:                  cobra.MinimumNArgs(1),
		RunE:                  func(c *cobra.Command, args []string) error { return ran(i.run(c, args)) },
		DisableFlagsInUseLine: true,
	}
	c.Flags().Var(&i.failOn, "fail-on", "the lowest `SEVERITY` that is wrong: info, low, medium, high or critical")
	c.Flags().BoolVar(&i.sha256, "sha256", false, "measure the SHA-256 of each file too")
	c.Flags().BoolVar(&i.json, "json", false, "print the reports and their summary as JSON")
	c.Flags().BoolVar(&i.sarif, "sarif", false, "print the findings as SARIF 2.1.0")
	c.MarkFlagsMutuallyExclusive("json", "sarif")
	return c
}

func (i *inspect) run(c *cobra.Command, paths []string) error {
	bar := newProgress(c.ErrOrStderr())
	sum := summary{Version: loader.ReportVersion, FailOn: formats.Severity(i.failOn)}
	var kept []*loader.Report // text shows one after the other, and keeps none
	for n, path := range paths {
		r, err := i.look(c.Context(), path, bar)
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
		return &ended{code: code}
	}
	return nil
}

// look inspects what is at path, and judges it.
func (i *inspect) look(ctx context.Context, path string, bar progress) (*loader.Report, error) {
	r, err := loader.Inspect(ctx, path, at(path), loader.InspectConfig{
		Formats: all.Formats(), SHA256: i.sha256, GoOn: true, Progress: bar.show,
	})
	bar.clear()
	if _, rejected := errors.AsType[*loader.Rejection](err); err != nil && !rejected {
		return nil, err // a rejection is what the report says
	}
	return i.failOn.judge(r)
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
