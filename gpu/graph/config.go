package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
)

// A config is a JSON object that is read key by key. Its reader names every key
// that it knows; what is left is refused. The first thing that is wrong stays.
//
//	count, within, epsilon, text, flag   the key has to be there, with such a value
//	only                                 missing, or one of the values that are computed
//	empty                                missing, null, {} or []
//	inert                                anything: no value changes what is computed
type config struct {
	file    string
	members map[string]any
	known   map[string]bool
	err     error
}

func readConfig(ctx context.Context, files fs.FS, name string) (*config, error) {
	value, err := readJSON(ctx, files, name)
	if err != nil {
		return nil, err
	}
	return newConfig(name, value)
}

// readOptional is the config in a file, nil if the model has none of that name.
func readOptional(ctx context.Context, files fs.FS, name string) (*config, error) {
	if _, err := fs.Stat(files, name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return readConfig(ctx, files, name)
}

func newConfig(file string, value any) (*config, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, &Error{File: file, Kind: ErrConfig, Detail: "it is not a JSON object"}
	}
	return &config{file: file, members: members, known: map[string]bool{}}, nil
}

func (c *config) fail(kind error, key, detail string, args ...any) {
	c.err = cmp.Or(c.err, error(&Error{File: c.file, Key: key, Kind: kind, Detail: fmt.Sprintf(detail, args...)}))
}

// required is the value of a key that changes the mathematics.
func (c *config) required(key string) any {
	c.known[key] = true
	v, ok := c.members[key]
	if !ok {
		c.fail(ErrConfig, key, "it is missing, and the mathematics depends on it")
	}
	return v
}

// name is what a key is called that was renamed once.
func (c *config) name(key, legacy string) string {
	if _, renamed := c.members[key]; renamed {
		return key
	}
	if _, old := c.members[legacy]; old {
		return legacy
	}
	return key
}

// count is a positive number of things.
func (c *config) count(key string) int64 { return c.within(key, 1, math.MaxInt32) }

// within is a whole number from least to most.
func (c *config) within(key string, least, most int64) int64 {
	v := c.required(key)
	number, _ := v.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || n < least || n > most {
		c.fail(ErrConfig, key, "%s is no whole number from %d to %d", show(v), least, most)
		return least
	}
	return n
}

// epsilon is a positive number below 1.
func (c *config) epsilon(key string) float32 {
	v := c.required(key)
	number, _ := v.(json.Number)
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || !(float32(f) > 0 && f < 1) {
		c.fail(ErrConfig, key, "%s is no number between 0 and 1", show(v))
		return 0
	}
	return float32(f)
}

// text is a string.
func (c *config) text(key string) string {
	v := c.required(key)
	s, ok := v.(string)
	if !ok {
		c.fail(ErrConfig, key, "%s is no string", show(v))
	}
	return s
}

// flag is a bool.
func (c *config) flag(key string) bool {
	v := c.required(key)
	b, ok := v.(bool)
	if !ok {
		c.fail(ErrConfig, key, "%s is neither true nor false", show(v))
	}
	return b
}

// only allows a key to be missing or to have one of the values, which are all
// that is computed.
func (c *config) only(key string, values ...any) {
	c.known[key] = true
	v, ok := c.members[key]
	if ok && !slices.ContainsFunc(values, func(allowed any) bool { return equal(v, allowed) }) {
		c.fail(ErrUnsupported, key, "%s is not computed", show(v))
	}
}

// equal compares scalars.
func equal(v, allowed any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return v == allowed
}

// empty allows a key to be missing, null, or an empty object or array.
func (c *config) empty(key string) {
	c.known[key] = true
	switch v := c.members[key].(type) {
	case nil:
		return
	case map[string]any:
		if len(v) == 0 {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
	}
	c.fail(ErrUnsupported, key, "%s is not computed", show(c.members[key]))
}

// inert allows keys of which no value changes what an encoder computes.
func (c *config) inert(keys ...string) {
	for _, key := range keys {
		c.known[key] = true
	}
}

// refuseUnknown refuses the keys that nobody named, and is what was wrong first.
func (c *config) refuseUnknown() error {
	for _, key := range slices.Sorted(maps.Keys(c.members)) {
		if !c.known[key] {
			c.fail(ErrUnsupported, key, "what it changes is not known")
		}
	}
	return c.err
}

// show is a value as an error shows it: short, and printable.
func show(v any) string {
	s, ok := v.(string)
	if !ok {
		text, _ := json.Marshal(v) // of what was JSON
		s = string(text)
	}
	return quote(s)
}

// divides demands that a number of heads divides a width.
func (c *config) divides(key string, heads, width int64) {
	if width%heads != 0 {
		c.fail(ErrConfig, key, "%d heads do not divide a width of %d", heads, width)
	}
}
