package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// A change is a lock as it is to be, and what it puts in the place of other
// content.
type change struct {
	lock     *policy.Lock
	replaced []string // lines, as in a diff
}

// model pins a model's files, and what is made of them.
func (c *change) model(pin policy.Pin) error {
	was, pinned := c.lock.Pin(pin.Name)
	next, err := c.lock.With(pin)
	if err != nil {
		return denied("%w", err)
	}
	if pinned {
		c.replace(pin.Name, was.Files, pin.Files)
		c.replace(pin.Name+" (derived)", was.Derived, pin.Derived)
	}
	c.lock = next
	return nil
}

// library pins one runtime library.
func (c *change) library(e manifest.Entry) error {
	was, pinned := c.lock.Libraries().Find(e.Name)
	next, err := c.lock.WithLibrary(e)
	if err != nil {
		return denied("%w", err)
	}
	if pinned {
		now, _ := next.Libraries().Find(e.Name)
		c.replace(e.Name, manifest.Manifest{was}, manifest.Manifest{now})
	}
	c.lock = next
	return nil
}

// replace notes what is pinned, and what is to be, where the two differ.
func (c *change) replace(name string, was, now manifest.Manifest) {
	if slices.Equal(was, now) {
		return
	}
	c.replaced = append(c.replaced, fmt.Sprintf("%s is pinned with other content:", formats.Quote(name)))
	names := map[string]bool{}
	for _, e := range slices.Concat(was, now) {
		names[e.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, had := was.Find(name)
		after, has := now.Find(name)
		if before == after {
			continue
		}
		if had {
			c.replaced = append(c.replaced, "  - "+describe(before))
		}
		if has {
			c.replaced = append(c.replaced, "  + "+describe(after))
		}
	}
}

// describe is an entry as the lock has it.
func describe(e manifest.Entry) string {
	if e.SHA256.IsZero() { // a library
		return fmt.Sprintf("%s %s", e.Verity, formats.Quote(e.Name))
	}
	return fmt.Sprintf("%s %s %d %s", e.Verity, e.SHA256, e.Size, formats.Quote(e.Name))
}

// confirm shows what is replaced, and denies it unless update is set.
func (c *change) confirm(w io.Writer, update bool) error {
	for _, line := range c.replaced {
		fmt.Fprintln(w, line)
	}
	if len(c.replaced) > 0 && !update {
		return denied("nothing was pinned: --update replaces what is pinned")
	}
	return nil
}
