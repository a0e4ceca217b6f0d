package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

type sign struct {
	measureFlags
	key     keyFlags
	output  outputFlags
	shards  int64
	subject string
}

func newSign() *cobra.Command {
	var s sign
	c := &cobra.Command{
		Use:   "sign DIR --key FILE",
		Short: "Sign a model's files, as OpenSSF Model Signing has it",
		Long: `Inspects the model, measures the SHA-256 of its files, and signs them all but the
bundle itself: DIR/model.sig, if --output says nothing. DIR may be a single file;
its bundle is FILE.sig. Findings of high severity are refused, and nothing is
signed then. What is ignored is not signed: a load that needs a signature refuses
it, unless its policy leaves it out too.

model-signing 1.1 verifies the bundle, if the key is ECDSA:
  model_signing verify key DIR --signature DIR/model.sig --public_key NAME.pub`,
		Args:                  s.args,
		RunE:                  func(c *cobra.Command, args []string) error { return ran(s.run(c, args[0])) },
		DisableFlagsInUseLine: true,
	}
	s.register(c)
	s.key.register(c, true)
	s.output.register(c, "the bundle, a `FILE`")
	c.Flags().Int64Var(&s.shards, "shards", 0, "sign shards of this many `BYTES`, from 1 MiB, instead of files: large files are measured in parallel")
	c.Flags().StringVar(&s.subject, "subject", "", "what the signature calls the model, a `NAME`; without it, that of DIR")
	return c
}

func (s *sign) args(c *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(c, args); err != nil {
		return err
	}
	if c.Flags().Changed("shards") && (s.shards < signature.MinShard || s.shards > signature.MaxShard) {
		return fmt.Errorf("--shards takes %d to %d bytes", signature.MinShard, int64(signature.MaxShard))
	}
	if err := notEmpty(c, "output", "subject", "cert"); err != nil {
		return err
	}
	return s.measureFlags.args()
}

func (s *sign) run(c *cobra.Command, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	s.output.path = cmp.Or(s.output.path, bundleOf(path, info.IsDir()))
	if err := s.output.free(); err != nil {
		return err
	}
	statement, err := s.statement(path)
	if err != nil {
		return err
	}
	own, err := s.key.open(c)
	if err != nil {
		return err
	}
	measured, err := s.model(c, path, path, statement.IgnorePaths, s.shards)
	if err != nil {
		return err
	}
	if err := resources(&statement, measured, !info.IsDir()); err != nil {
		return err
	}
	text, err := signature.Sign(own.key, own.chain, statement)
	if err != nil {
		return err
	}
	if err := s.output.write(text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "  signed    as %s, %d %s\n  key       %s\n  bundle    %s\n",
		formats.Quote(statement.Subject), len(statement.Resources), statement.Method, own.id, formats.Quote(s.output.path))
	return err
}

// bundleOf is where the bundle of what lies at path goes.
func bundleOf(path string, dir bool) string {
	if dir {
		return filepath.Join(path, "model.sig")
	}
	return path + ".sig"
}

// statement says how the model is signed, and nothing yet of what it is. The
// bundle is ignored where it lies in the model, as model-signing has it.
func (s *sign) statement(path string) (signature.Statement, error) {
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return signature.Statement{}, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return signature.Statement{}, err
	}
	bundle, err := linked(s.output.path)
	if err != nil {
		return signature.Statement{}, err
	}
	if bundle, err = filepath.Abs(bundle); err != nil {
		return signature.Statement{}, err
	}
	ignored := s.ignore
	name, err := filepath.Rel(root, bundle)
	switch {
	case err == nil && name == ".":
		return signature.Statement{}, denied("%s is what is to be signed", s.output.path)
	case err == nil && filepath.IsLocal(name):
		ignored = append(slices.Clone(ignored), filepath.ToSlash(name))
	}
	slices.Sort(ignored)
	method := signature.Files
	if s.shards > 0 {
		method = signature.Shards
	}
	return signature.Statement{
		Subject: cmp.Or(s.subject, filepath.Base(root)), Method: method, ShardSize: s.shards, IgnorePaths: slices.Compact(ignored),
	}, nil
}

// resources are what was measured. One file is signed without its name, as
// model-signing signs it.
func resources(s *signature.Statement, measured *loader.Report, one bool) error {
	files, shards := entries(measured), measured.Shards
	if one {
		shards = map[string][]manifest.Digest{".": shards[files[0].Name]}
		files[0].Name = "."
	}
	if s.Method == signature.Files {
		s.Resources = signature.FileResources(files)
		return nil
	}
	for _, f := range files {
		if f.Size == 0 {
			return denied("%s has no bytes, and shards do not cover it: sign files, or remove it", formats.Quote(f.Name))
		}
	}
	s.Resources = signature.ShardResources(files, s.ShardSize, shards)
	return nil
}
