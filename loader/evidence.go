package loader

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weightgate/weightgate/policy"
)

// maxDocument is how long a document of others may be, in bytes.
const maxDocument = 32 << 20

// vouched is stage 3: what documents of others say of the model, verified.
type vouched struct {
	facts *policy.EvidenceFacts
}

func (v *vouched) addTo(f *policy.Facts) { f.Evidence = v.facts }

// authenticate reads the documents that the rules want to see, each once, lets
// the policy verify them, and looks up what the host's State has of the numbers
// in them. A document that cannot be read is for the rules to judge.
func (a *admission) authenticate(ctx context.Context, l *listing) (*vouched, error) {
	if len(a.evidence) == 0 {
		return &vouched{facts: &policy.EvidenceFacts{}}, nil
	}
	defer a.timed("authenticate")()
	type place struct {
		inModel bool
		name    string
	}
	read := map[place]policy.Document{}
	docs := make([]policy.Document, 0, len(a.evidence))
	for _, e := range a.evidence {
		at := place{e.InModel, e.Name}
		d, ok := read[at]
		if !ok {
			d = a.document(ctx, l, e)
			read[at] = d
		}
		d.Evidence = e // the same file may be wanted for more than one use
		docs = append(docs, d)
	}
	if err := ctx.Err(); err != nil {
		return nil, faultFor(err, "")
	}
	v := &vouched{facts: a.rules.Authenticate(docs, a.now())}
	return v, a.lookUp(ctx, v.facts)
}

// document reads one document from where it lies.
func (a *admission) document(ctx context.Context, l *listing, e policy.Evidence) policy.Document {
	if !e.InModel {
		return a.gate.cfg.Policy.Document(e)
	}
	d := policy.Document{Evidence: e}
	if f, ok := l.evidence[e.Name]; ok {
		d.Text, d.Err = readDocument(ctx, a.tree, f)
	}
	return d
}

// readDocument reads a file of the listing whole. What it allocates follows the
// bytes that are there.
func readDocument(ctx context.Context, tree Tree, f policy.File) ([]byte, error) {
	switch {
	case f.Kind != policy.Regular:
		return nil, fmt.Errorf("%w: a link, pipe, socket or device", ErrIrregular)
	case f.Size > maxDocument:
		return nil, fmt.Errorf("loader: a document of %s, at most %s are read", size(f.Size), size(maxDocument))
	}
	file, err := tree.Open(ctx, f.Name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if int64(len(text)) != f.Size {
		return nil, fmt.Errorf("loader: it was listed with %d bytes, and %d were read", f.Size, len(text))
	}
	return text, nil
}
