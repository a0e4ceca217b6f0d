package graph

import (
	"context"
	"io/fs"
	"path"

	"github.com/weightgate/weightgate/formats"
)

// smallestNorm keeps the denominator of a zero vector from being 0.
const smallestNorm = 1e-12

// composeNormalize gives every vector the length 1: torch's normalize.
func composeNormalize(ctx context.Context, e *embedding, name, dir string, files fs.FS, _ []formats.Tensor) error {
	c, err := readOptional(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return err
	}
	if c != nil {
		c.moduleNames()
		if err := c.refuseUnknown(); err != nil {
			return err
		}
	}
	norm := e.add(name+"/norm", "ReduceL2", []string{e.value}, integers("axes", 1))
	norm = e.add(name+"/positive", "Max", []string{norm, e.scalar("smallest.norm", smallestNorm)})
	e.value = e.add(name, "Div", []string{e.value, norm})
	return nil
}
