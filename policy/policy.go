// Package policy decides what may be loaded: facts in, decision out.
//
// A [Policy] is two files of the service, read once and never changed: a
// strict YAML document, and beside it the [Lock] with the digests that its
// names are pinned to. [Policy.For] finds the [Rules] of a name;
// [Rules.Decide] holds [Facts] against them. It does no I/O, reads no clock,
// and is total: whatever is missing, unknown or zero denies.
package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/weightgate/weightgate/policy/manifest"
)

const domain = "weightgate.policy.v1\x00"

// A Policy is a parsed policy with its lock. It is immutable and safe for
// concurrent use. The nil and the zero Policy have rules for no name.
type Policy struct {
	doc      document
	json     []byte
	lock     *Lock
	lockPath string
	passed   []fs.FileInfo // directories on the way to both files
	beside   beside        // reads what the policy names beside itself
}

// Option changes how Open reads a policy.
type Option func(*options)

type options struct {
	missingLock bool
	beside      beside
	signed      func(p *Policy, text []byte) error // nil: no signature is asked for
}

// WithoutLock lets Open take a lock that does not exist yet as an empty
// one, which pins nothing: it is for the command that writes the lock.
func WithoutLock() Option { return func(o *options) { o.missingLock = true } }

// Open reads the policy at path, and beside it the lock that it names, each
// once. What is not well formed is a *ParseError; on error the Policy is nil.
func Open(path string, opts ...Option) (*Policy, error) {
	absolute, err := filepath.Abs(path) // evidence is read later, wherever the process is by then
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	o := choose(opts, beside{path: absolute})
	text, passed, err := readFile(path, maxPolicy)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	doc, err := parseDocument(path, text)
	if err != nil {
		return nil, err
	}
	if err := doc.resolve(path, o.beside); err != nil {
		return nil, err
	}
	p := &Policy{doc: doc, lock: &Lock{}, passed: passed, beside: o.beside}
	if doc.Lock != "" {
		p.lockPath = filepath.Join(filepath.Dir(path), doc.Lock)
		text, passed, err := readFile(p.lockPath, maxLock)
		p.passed = append(p.passed, passed...)
		switch {
		case err == nil:
			if p.lock, err = parseLock(p.lockPath, text); err != nil {
				return nil, err
			}
		case !o.missingLock || !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("policy: lock: %w", err)
		}
	}
	p.json = doc.canonical()
	if o.signed != nil {
		text, _, err := readFile(path+SignatureSuffix, maxSignature)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnsigned, err)
		}
		if err := o.signed(p, text); err != nil {
			return nil, err
		}
	}
	return p, nil
}

const maxSignature = 64 << 10 // bytes of a policy's signature

// choose is what opts say.
func choose(opts []Option, files beside) options {
	o := options{beside: files}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// Parse makes a policy in memory from the text of a policy and of the lock
// that it names; without one, lock must be empty. It keeps neither slice. What
// is not well formed is a *ParseError; on error the Policy is nil.
func Parse(policyYAML, lock []byte, opts ...Option) (*Policy, error) {
	o := choose(opts, beside{})
	doc, err := parseDocument("policy", policyYAML)
	if err != nil {
		return nil, err
	}
	if err := doc.resolve("policy", o.beside); err != nil {
		return nil, err
	}
	if o.signed != nil {
		return nil, fmt.Errorf("%w: a policy made in memory has no signature beside it", ErrUnsigned)
	}
	p := &Policy{doc: doc, json: doc.canonical(), lock: &Lock{}, beside: o.beside}
	switch {
	case doc.Lock != "":
		if p.lock, err = parseLock("lock", lock); err != nil {
			return nil, err
		}
	case len(lock) > 0:
		return nil, &ParseError{File: "policy", Msg: "a lock was given that the policy does not name"}
	}
	return p, nil
}

// Digest names policy and lock together: SHA-256 over "weightgate.policy.v1\0",
// the length of the canonical JSON as u64le, the canonical JSON, and the
// lock's digest. It is the zero Digest for a policy that was not parsed.
func (p *Policy) Digest() manifest.Digest {
	if p == nil || p.json == nil {
		return manifest.Digest{}
	}
	h := sha256.New()
	h.Write([]byte(domain))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(p.json))))
	h.Write(p.json)
	lock := p.lock.Digest()
	h.Write(lock[:])
	return manifest.Digest(h.Sum(nil))
}

// JSON is the canonical form: one line, keys and sets sorted bytewise, what
// equals its default left out. It is YAML too, and parses to the same policy.
// It is there for whoever shows a policy, or computes its Digest elsewhere.
func (p *Policy) JSON() []byte {
	if p == nil {
		return nil
	}
	return slices.Clone(p.json)
}

// Lock is the lock that the policy names, an empty one if it names none. It is
// never nil.
func (p *Policy) Lock() *Lock {
	if p == nil || p.lock == nil {
		return &Lock{}
	}
	return p.lock
}

// LockPath is where the lock lies, or is to lie; "" for a policy made in
// memory or without a lock.
func (p *Policy) LockPath() string {
	if p == nil {
		return ""
	}
	return p.lockPath
}

// Beneath reports whether the policy or its lock lies in the directory root or
// below it, or was reached through a directory that does: who can write there
// picks the policy. It is so as it was when they were opened, and false for a
// policy made in memory.
func (p *Policy) Beneath(root fs.FileInfo) bool {
	return p != nil && slices.ContainsFunc(p.passed, func(dir fs.FileInfo) bool { return os.SameFile(dir, root) })
}

// WithLock is p with another lock in the place of its own, nil for an empty
// one; p is unchanged. For a policy that names no lock it is an error.
func (p *Policy) WithLock(l *Lock) (*Policy, error) {
	if p == nil || p.doc.Lock == "" {
		return nil, errors.New("policy: it names no lock, and was given one")
	}
	if l == nil {
		l = &Lock{}
	}
	next := *p
	next.lock = l
	return &next, nil
}

// Names are the names of the model entries in their order; one that ends in *
// stands for all that begin like it.
func (p *Policy) Names() []string {
	if p == nil {
		return nil
	}
	var names []string
	for _, e := range p.doc.Models {
		names = append(names, e.Name)
	}
	return names
}

// Formats are the formats that the entries list, sorted, each once.
func (p *Policy) Formats() []string {
	if p == nil {
		return nil
	}
	var names []string
	for _, e := range p.doc.Models {
		names = append(names, e.Formats...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// For is what the first entry that fits name and origin says of name, nil if
// none fits: nil Rules deny.
func (p *Policy) For(name string, o Origin) *Rules {
	if p == nil {
		return nil
	}
	for i := range p.doc.Models {
		if e := &p.doc.Models[i]; e.names(name) && e.admits(o) {
			pin, _ := p.Lock().Pin(name)
			return &Rules{entry: e, name: name, pin: pin.Files, derived: pin.Derived, recipe: pin.Recipe, lock: p.Lock(), doc: &p.doc, audit: p.Audit(), libraries: p.doc.Libraries == pinned}
		}
	}
	return nil
}
