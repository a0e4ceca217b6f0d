package graph

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
)

// A checkpoint is the tensors of one directory's safetensors files. Its reader
// takes those that it computes with, by name; what is left is refused or named
// as unused. The first thing that is wrong stays.
type checkpoint struct {
	dir     string
	tensors map[string]formats.Tensor
	taken   map[string]bool
	unused  []formats.TensorID
	err     error
}

// newCheckpoint has all tensors of the safetensors files right in dir: of one
// file, or of shards, or of what a conversion wrote.
func newCheckpoint(dir string, tensors []formats.Tensor) *checkpoint {
	c := &checkpoint{dir: dir, tensors: map[string]formats.Tensor{}, taken: map[string]bool{}}
	for _, t := range tensors {
		if path.Dir(t.ID.File) != dir || path.Ext(t.ID.File) != ".safetensors" || t.Inline {
			continue
		}
		if other, twice := c.tensors[t.ID.Name]; twice {
			c.fail(t, "%s has one of that name too", quote(other.ID.File))
		}
		c.tensors[t.ID.Name] = t
	}
	return c
}

func (c *checkpoint) fail(t formats.Tensor, detail string, args ...any) {
	c.err = cmp.Or(c.err, error(&Error{File: t.ID.File, Tensor: t.ID.Name, Kind: ErrTensor, Detail: fmt.Sprintf(detail, args...)}))
}

func (c *checkpoint) has(name string) bool { return c.tensors[name].ID.Name != "" }

// take is the tensor of that name, which must have that shape and a dtype that
// is computed with. It is false if it has not.
func (c *checkpoint) take(name string, shape ...int64) (formats.Tensor, bool) {
	t, ok := c.tensors[name]
	_, computed := elementTypes[t.DType]
	switch {
	case c.err != nil:
		return t, false
	case !ok:
		c.fail(formats.Tensor{ID: formats.TensorID{Name: path.Join(c.dir, name)}}, "no safetensors file has one of that name")
	case !slices.Equal(t.Shape, shape):
		c.fail(t, "its shape is %s, and by the config it is %s", formats.ShapeString(t.Shape), formats.ShapeString(shape))
	case !computed:
		c.fail(t, "its dtype is %v, and computed are F32, F16 and BF16", t.DType)
	}
	c.taken[name] = true
	return t, c.err == nil
}

// leave allows tensors to be there and not be taken: those of exactly these
// names, and with a name that ends in a dot, all below it.
func (c *checkpoint) leave(names ...string) {
	for name, t := range c.tensors {
		left := slices.ContainsFunc(names, func(n string) bool {
			return name == n || strings.HasSuffix(n, ".") && strings.HasPrefix(name, n)
		})
		if left && !c.taken[name] {
			c.taken[name] = true
			c.unused = append(c.unused, t.ID)
		}
	}
}

// refuseExtra refuses the tensors that were neither taken nor left, and is what
// was wrong first.
func (c *checkpoint) refuseExtra() error {
	var extra []string
	for name := range c.tensors {
		if !c.taken[name] {
			extra = append(extra, name)
		}
	}
	if len(extra) > 0 {
		c.fail(c.tensors[slices.Min(extra)], "the architecture has none of that name, and what it changes is not known")
	}
	return c.err
}
