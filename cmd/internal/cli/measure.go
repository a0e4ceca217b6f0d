package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

// measureFlags say how a model is measured that somebody puts a name under.
type measureFlags struct {
	ruleFlags
	ignore []string
}

func (m *measureFlags) register(c *cobra.Command) {
	m.ruleFlags.register(c)
	c.Flags().StringArrayVar(&m.ignore, "ignore", nil, "a `PATH` in DIR, of a file or a directory, that is no part of the model: other signatures, .git")
}

// args holds the ignored paths to the one way to write each.
func (m *measureFlags) args() error {
	for i, name := range m.ignore {
		m.ignore[i] = path.Clean(name)
		if m.ignore[i] == "." || !fs.ValidPath(m.ignore[i]) {
			return fmt.Errorf("--ignore %s: not a path in DIR", formats.Quote(name))
		}
	}
	return nil
}

// model inspects and measures what is at path, apart from what is left out, and
// prints what it is. Findings of high severity refuse it, as does whatever could
// not be read. A file that no format claims is none, unless its name is that of
// weights: whether a policy takes it for a companion is for the policy to say.
func (m *measureFlags) model(c *cobra.Command, name, path string, left []string, shardSize int64) (*loader.Report, error) {
	rule, err := m.rule()
	if err != nil {
		return nil, err
	}
	bar := newProgress(c.ErrOrStderr())
	look, err := loader.Inspect(c.Context(), name, at(path), loader.InspectConfig{
		Formats: all.Formats(), SHA256: true, ShardSize: shardSize, Converter: convert.New(), Convert: rule, Progress: bar.show,
		Keep: func(file string) bool {
			return !slices.ContainsFunc(left, func(l string) bool { return within(file, l) })
		},
	})
	bar.clear()
	if _, rejected := errors.AsType[*loader.Rejection](err); err != nil && !rejected {
		return nil, err
	}
	called, err := names(look)
	if err != nil {
		return nil, err
	}
	r := *look
	r.Findings = slices.Concat(look.Findings, called, disguised(look))
	report := threshold(formats.High).judgeFindings(&r)
	if err := printReport(c.OutOrStdout(), report, false); err != nil {
		return nil, err
	}
	switch {
	case report.Verdict != policy.Pending:
		return nil, &ended{verdictCode(report.Verdict), errors.New("nothing was signed")}
	case len(report.Files) == 0:
		return nil, denied("%s holds no file: nothing was signed", formats.Quote(path))
	}
	return report, nil
}

// within reports whether file is dir or beneath it.
func within(file, dir string) bool { return file == dir || strings.HasPrefix(file, dir+"/") }
