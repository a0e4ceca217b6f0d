package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

// outputFlags say where a signature goes.
type outputFlags struct {
	path   string
	update bool
}

func (o *outputFlags) register(c *cobra.Command, usage string) {
	c.Flags().StringVar(&o.path, "output", "", usage)
	c.Flags().BoolVar(&o.update, "update", false, "replace the file that is there")
}

// free denies to write over a file, before anything is measured or asked.
func (o *outputFlags) free() error {
	info, err := os.Lstat(o.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular(): // a link in a model leads where its publisher wants
		return denied("%s is no regular file, and is not written over", o.path)
	case !o.update:
		return denied("%s exists: --update replaces it", o.path)
	}
	return nil
}

// write puts text there in one step.
func (o *outputFlags) write(text []byte) error {
	d, err := newDraft(o.path)
	if err != nil {
		return err
	}
	defer d.discard()
	return d.place(text, o.update)
}
