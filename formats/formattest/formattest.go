// Package formattest holds a format against the contract of [formats.Format],
// the house's own formats and those of others alike:
//
//	func TestContract(t *testing.T) {
//		formattest.Run(t, gguf.Format(), os.DirFS("testdata"), formattest.Terms{})
//	}
//
// Every regular file of the corpus is an input once, whether the format claims
// it or not; the files beside it and beneath its directory are its siblings. A
// scenario of several files is a directory of its own.
//
// Each file is read as it is, through reads that fail, under a context that
// ends, under limits of one, and as its mutants: every proper prefix, every
// flipped bit, every inverted byte, and every integer of one, two, four and
// eight bytes, in both byte orders and at any alignment, one more and one less.
// The clauses say what must hold for all of them.
package formattest

import (
	"cmp"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/weightgate/weightgate/formats"
)

// A Clause is one demand of the contract.
type Clause string

const (
	// Corpus: there are files, they can be read, and the format claims one.
	Corpus Clause = "corpus"

	// Table: the name is lower-case, and every code of Codes occurs there once,
	// with a severity and an advice. What is raised is in it, or in the table of
	// one of Terms.Parts, and rated as it says.
	Table Clause = "table"

	// Panic: no file makes the format panic.
	Panic Clause = "panic"

	// Hang: every call ends within Terms.Patience.
	Hang Clause = "hang"

	// Partial: the result is nil if there is an error and only then, and Claims
	// claims nothing beside an error.
	Partial Clause = "partial"

	// Errors: what is wrong with a file is a *formats.SyntaxError of the format,
	// and nothing else is an error while reads succeed. It and every finding
	// point at a place in the file or in a sibling that was asked for, findings
	// in the order of their offsets; what they quote of the file is escaped.
	Errors Clause = "errors"

	// Bounds: no read begins before a file or behind its end. A buffer may be
	// longer than what is left, as io.ReaderAt has it.
	Bounds Clause = "bounds"

	// Lifetime: an Input is not touched after the call that it was given to.
	Lifetime Clause = "lifetime"

	// Siblings: nothing is said of a file but the input and what Sibling gave.
	Siblings Clause = "siblings"

	// Reads: a read that fails ends the call with its error, wrapped and not as
	// a *formats.SyntaxError; a file that is shorter than its size is no result.
	Reads Clause = "reads"

	// Cancellation: Inspect asks its context before it does anything, and an
	// end of the context that it has seen is its error.
	Cancellation Clause = "cancellation"

	// Recognition: Claims fits what Inspect accepts, does not depend on the
	// name, and reads at most Terms.Recognition bytes of however long a file.
	Recognition Clause = "recognition"

	// Determinism: the same bytes give the same result, in turn and at once.
	Determinism Clause = "determinism"

	// Memory: what a call allocates, live or not, is at most Terms.Factor times
	// the bytes of the files and Terms.Constant.
	Memory Clause = "memory"

	// Places: a tensor lies in a file, in as many bytes as dtype and shape
	// demand; its ID names the input and occurs once; two tensors share no byte
	// unless Terms.Tied. An inline tensor has no place.
	Places Clause = "places"

	// Coverage: claims and pickles lie in their files, claims cover every place,
	// and what they leave of the input is zeros.
	Coverage Clause = "coverage"

	// Limits: a limit that is exceeded is a *formats.SyntaxError of the class
	// Unverifiable; one that is not changes nothing. A file of more than
	// MaxTensors tensors is refused.
	Limits Clause = "limits"

	// Slack: outside tensors and pickles, no byte of a file without a finding of
	// high severity can be another while the Inspection stays as it is, but for
	// Terms.Free. Bytes that mean nothing are a place to hide in, and make two
	// identities of one model.
	Slack Clause = "slack"
)

// Terms are what a format may say of itself. The zero Terms allow the least.
type Terms struct {
	// Tied allows tensors to share bytes.
	Tied bool

	// Parts are the formats whose readers this one reads parts of a file with, as
	// an archive of arrays reads zip: their errors and codes may be its own.
	Parts formats.Set

	// Free reports whether the byte at offset of file, which the format accepts,
	// has a meaning that no Inspection shows: text for people, the nodes of a
	// graph. Nil: none has.
	Free func(file []byte, offset int) bool

	// Factor and Constant bound what a call allocates. Zero: 64 for each byte,
	// and 1 MiB.
	Factor, Constant int64

	// Recognition bounds the bytes that Claims reads. Zero: 256 KiB.
	Recognition int64

	// Mutants is how many mutants of one file are tried, evenly spread. Zero: all
	// of a file of 4 KiB or below, 4,096 of a larger one, and 256 of any under
	// -short or the race detector.
	Mutants int

	// Patience is the time in which a call must end. Zero: half a minute.
	Patience time.Duration
}

func (t Terms) withDefaults() Terms {
	t.Factor = cmp.Or(t.Factor, 64)
	t.Constant = cmp.Or(t.Constant, 1<<20)
	t.Recognition = cmp.Or(t.Recognition, 256<<10)
	t.Patience = cmp.Or(t.Patience, 30*time.Second)
	if t.Free == nil {
		t.Free = func([]byte, int) bool { return false }
	}
	return t
}

// A Violation is a clause that a format breaks on a file.
type Violation struct {
	Clause   Clause
	File     string // of the corpus; "" if no file is needed to see it
	Mutation string // what was done to the file; "" if nothing was
	Detail   string
	More     int // further mutants of the file that break the clause
}

func (v Violation) String() string {
	s := string(v.Clause)
	if v.File != "" {
		s += ": " + v.File
	}
	if v.Mutation != "" {
		s += ", " + v.Mutation
	}
	s += ": " + v.Detail
	if v.More > 0 {
		s += fmt.Sprintf(" (and %d more mutants)", v.More)
	}
	return s
}

// Run holds f against the contract and fails t with every violation. Nothing
// else that allocates may run at the same time.
func Run(t testing.TB, f formats.Format, corpus fs.FS, terms Terms) {
	t.Helper()
	for _, v := range Check(f, corpus, terms) {
		t.Errorf("%s breaks the contract: %s", f.Name(), v)
	}
}

// Check is the violations of f, of each clause the first for each file. A call
// that hangs ends the check and is left behind.
func Check(f formats.Format, corpus fs.FS, terms Terms) []Violation {
	c := newChecker(f, terms.withDefaults())
	files, err := load(corpus)
	if err != nil {
		c.report(Corpus, specimen{}, "%v", err)
		return c.violations()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.check(files)
	}()
	for {
		before := c.calls.Load()
		select {
		case <-done:
			return c.violations()
		case <-time.After(c.terms.Patience):
		}
		if c.calls.Load() == before {
			c.report(Hang, *c.current.Load(), "a call does not end within %s", c.terms.Patience)
			return c.violations()
		}
	}
}

// load is the bytes of every regular file.
func load(corpus fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(corpus, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files[name], err = fs.ReadFile(corpus, name)
		}
		return err
	})
	return files, err
}
