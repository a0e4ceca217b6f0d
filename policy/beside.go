package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

const maxDocument = 32 << 20 // bytes of evidence

// beside is where the files are that a policy names beside itself: in the
// directory of the policy at path, or in fsys. The zero beside has none.
type beside struct {
	path string
	fsys fs.FS
}

// read reads at most one byte more than limit.
func (b beside) read(name string, limit int) ([]byte, error) {
	switch {
	case b.fsys != nil:
		f, err := b.fsys.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, int64(limit)+1))
	case b.path != "":
		local, err := filepath.Localize(name)
		if err != nil {
			return nil, err
		}
		text, _, err := readFile(filepath.Join(filepath.Dir(b.path), local), limit)
		return text, err
	}
	return nil, fmt.Errorf("%s: %w: a policy made in memory has files beside it by WithEvidence", name, fs.ErrNotExist)
}

// WithEvidence has the files that the policy names beside itself (keys, roots,
// bundles, approvals, attestations, lists) read from fsys: for Parse, which has
// no directory to look into. Keys and roots are read once, evidence with each
// load.
func WithEvidence(fsys fs.FS) Option { return func(o *options) { o.beside = beside{fsys: fsys} } }

// Document reads evidence that lies beside the policy, as it is now.
func (p *Policy) Document(e Evidence) Document {
	d := Document{Evidence: e}
	if p == nil || e.InModel {
		return d
	}
	text, err := p.beside.read(e.Name, maxDocument)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		d.Err = err
	case len(text) > maxDocument:
		d.Err = fmt.Errorf("%s: longer than %d bytes", e.Name, maxDocument)
	default:
		d.Text = append([]byte{}, text...) // not nil: an empty file is there
	}
	return d
}
