package formattest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/formattest"
)

func TestGoodFormat(t *testing.T) {
	require.Empty(t, formattest.Check(toy{}, toys(), formattest.Terms{}))
	formattest.Run(t, toy{}, toys(), formattest.Terms{})
}

var errToy = errors.New("toy: no")

func syntax(in formats.Input, c formats.Code, offset int64, detail string) *formats.SyntaxError {
	return toyCodes.Syntax("toy", c, in.Name(), offset, "%s", detail)
}

// badFormats break one clause each.
func badFormats() map[string]struct {
	clause formattest.Clause
	format toy
} {
	type bad = struct {
		clause formattest.Clause
		format toy
	}
	var turn, inside atomic.Int64
	var kept formats.Input
	ranged := func(file string, offset, length int64) formats.Range {
		return formats.Range{File: file, Offset: offset, Length: length}
	}
	return map[string]bad{
		"a code twice":        {formattest.Table, toy{codes: append(toyCodes[:3:3], toyCodes[0])}},
		"a code of no rating": {formattest.Table, toy{codes: append(toyCodes[:3:3], formats.CodeInfo{Code: "toy.x"})}},
		"a name in capitals":  {formattest.Table, toy{name: "Toy"}},
		"a code in no table":  {formattest.Table, toy{codes: toyCodes[1:]}},
		"another severity": {formattest.Table, refusing(func(_ formats.Input, err *formats.SyntaxError) error {
			err.Severity = formats.Low
			return err
		})},

		"an index from the file": {formattest.Panic, before(func(_ context.Context, in formats.Input) error {
			var b [6]byte
			if n, err := in.ReadAt(b[:], 0); n == len(b) {
				_ = make([]int, 5)[b[4]]
			} else if in.Size() >= 6 {
				return err
			}
			return nil
		})},
		"Claims panics": {formattest.Panic, toy{claims: func(context.Context, formats.Input) (bool, error) { panic("no") }}},

		"a result beside an error": {formattest.Partial, toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			found, err := toy{}.Inspect(ctx, in, lim)
			if err != nil {
				found = &formats.Inspection{}
			}
			return found, err
		}}},
		"no result and no error": {formattest.Partial, refusing(func(formats.Input, *formats.SyntaxError) error { return nil })},
		"a claim beside an error": {formattest.Partial, toy{claims: func(ctx context.Context, in formats.Input) (bool, error) {
			ok, err := toy{}.Claims(ctx, in)
			return ok || err != nil, err
		}}},

		"an error of no type":         {formattest.Errors, refusing(func(formats.Input, *formats.SyntaxError) error { return errToy })},
		"an error of another format":  {formattest.Errors, refusing(func(_ formats.Input, err *formats.SyntaxError) error { err.Format = "zip"; return err })},
		"an error behind the file":    {formattest.Errors, refusing(func(in formats.Input, err *formats.SyntaxError) error { err.Offset = in.Size() + 1; return err })},
		"an error before the file":    {formattest.Errors, refusing(func(_ formats.Input, err *formats.SyntaxError) error { err.Offset = -1; return err })},
		"text that turns around":      {formattest.Errors, refusing(func(_ formats.Input, err *formats.SyntaxError) error { err.Detail = "\u202e"; return err })},
		"text that is not UTF-8":      {formattest.Errors, refusing(func(_ formats.Input, err *formats.SyntaxError) error { err.Detail = "\xff"; return err })},
		"text for a terminal":         {formattest.Errors, refusing(func(_ formats.Input, err *formats.SyntaxError) error { err.Detail = "\x1b[2J"; return err })},
		"an error of Claims":          {formattest.Errors, toy{claims: func(context.Context, formats.Input) (bool, error) { return false, errToy }}},
		"another format's Inspection": {formattest.Errors, after(func(_ formats.Input, found *formats.Inspection) { found.Format = "zip" })},
		"findings out of order": {formattest.Errors, after(func(in formats.Input, found *formats.Inspection) {
			found.Findings = []formats.Finding{syntax(in, toyNote, 2, "").Finding, syntax(in, toyNote, 1, "").Finding}
		})},

		"a read behind the file": {formattest.Bounds, before(func(_ context.Context, in formats.Input) error {
			_, _ = in.ReadAt(make([]byte, 1), in.Size()+1)
			return nil
		})},
		"a read before the file": {formattest.Bounds, before(func(_ context.Context, in formats.Input) error {
			_, _ = in.ReadAt(make([]byte, 1), -1)
			return nil
		})},

		"an input that is kept": {formattest.Lifetime, before(func(_ context.Context, in formats.Input) error {
			if inside.Add(1) == 1 {
				if kept != nil {
					_ = kept.Size()
				}
				kept = in
			}
			inside.Add(-1)
			return nil
		})},

		"an error elsewhere": {formattest.Siblings, refusing(func(_ formats.Input, err *formats.SyntaxError) error { err.File = "dir/note.txt"; return err })},
		"a place elsewhere":  {formattest.Siblings, after(func(_ formats.Input, found *formats.Inspection) { found.Tensors[0].Place.File = "w.bin" })},
		"a claim to elsewhere": {formattest.Siblings, after(func(_ formats.Input, found *formats.Inspection) {
			found.Claims = append(found.Claims, ranged("w.bin", 0, 1))
		})},

		"a read that does not matter": {formattest.Reads, before(func(_ context.Context, in formats.Input) error {
			_, _ = in.ReadAt(make([]byte, 1), 0)
			return nil
		})},
		"a read that is the file's fault": {formattest.Reads, toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			found, err := toy{}.Inspect(ctx, in, lim)
			if _, ok := errors.AsType[*formats.SyntaxError](err); err != nil && !ok && ctx.Err() == nil {
				bad := syntax(in, toyHeader, 0, "unreadable")
				bad.Err = err
				err = bad
			}
			return found, err
		}}},
		"a file that is cut": {formattest.Reads, before(func(_ context.Context, in formats.Input) error {
			if _, err := in.ReadAt(make([]byte, 3), 0); err != nil && err.Error() != "EOF" {
				return err
			}
			return nil
		})},
		"a read that does not matter to Claims": {formattest.Reads, toy{claims: func(ctx context.Context, in formats.Input) (bool, error) {
			ok, _ := toy{}.Claims(ctx, in)
			return ok, nil
		}}},

		"a deaf format": {formattest.Cancellation, toy{inspect: func(_ context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			return toy{}.Inspect(context.Background(), in, lim)
		}}},
		"an end that is forgotten": {formattest.Cancellation, toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			_ = ctx.Err()
			return toy{}.Inspect(context.Background(), in, lim)
		}}},
		"an end that has another name": {formattest.Cancellation, toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			if ctx.Err() != nil {
				return nil, errToy
			}
			return toy{}.Inspect(ctx, in, lim)
		}}},
		"reads after the end": {formattest.Cancellation, toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			if _, err := in.ReadAt(make([]byte, 1), 0); err != nil && in.Size() > 0 {
				return nil, err
			}
			return toy{}.Inspect(ctx, in, lim)
		}}},

		"recognised by its name": {formattest.Recognition, toy{claims: func(ctx context.Context, in formats.Input) (bool, error) {
			ok, err := toy{}.Claims(ctx, in)
			return ok && in.Name() != "x", err
		}}},
		"accepted and not claimed": {formattest.Recognition, toy{claims: func(_ context.Context, in formats.Input) (bool, error) { return in.Size() == 10, nil }}},
		"recognised by much of it": {formattest.Recognition, toy{claims: func(ctx context.Context, in formats.Input) (bool, error) {
			b := make([]byte, 4<<10)
			for at := int64(0); at < min(in.Size(), 300<<10); at += int64(len(b)) {
				if n, err := in.ReadAt(b, at); int64(n) < min(int64(len(b)), in.Size()-at) {
					return false, err
				}
			}
			return toy{}.Claims(ctx, in)
		}}},

		"every other time": {formattest.Determinism, after(func(in formats.Input, found *formats.Inspection) {
			found.Findings = []formats.Finding{syntax(in, toyNote, turn.Add(1)%2, "").Finding}
		})},
		"an error by chance": {formattest.Determinism, refusing(func(in formats.Input, _ *formats.SyntaxError) error {
			return syntax(in, toyHeader, 0, fmt.Sprint(turn.Add(1)))
		})},

		"as much as the file says": {formattest.Memory, before(func(_ context.Context, in formats.Input) error {
			var b [6]byte
			if n, err := in.ReadAt(b[:], 0); n == len(b) {
				allocate(int64(b[5]) << 16)
			} else if in.Size() >= 6 {
				return err
			}
			return nil
		})},
		"as much as the file is long": {formattest.Memory, toy{claims: func(ctx context.Context, in formats.Input) (bool, error) {
			allocate(min(in.Size(), 100<<20))
			return toy{}.Claims(ctx, in)
		}}},

		"a tensor behind the file": {formattest.Places, after(func(in formats.Input, found *formats.Inspection) { found.Tensors[0].Place.Offset = in.Size() })},
		"a tensor of another size": {formattest.Places, after(func(_ formats.Input, found *formats.Inspection) { found.Tensors[0].Shape = []int64{1, 1} })},
		"a tensor of no type":      {formattest.Places, after(func(_ formats.Input, found *formats.Inspection) { found.Tensors[0].DType = 0 })},
		"a tensor of another file": {formattest.Places, after(func(_ formats.Input, found *formats.Inspection) { found.Tensors[0].ID.File = "w.bin" })},
		"a tensor twice": {formattest.Places, after(func(_ formats.Input, found *formats.Inspection) {
			for i := range found.Tensors {
				found.Tensors[i].ID.Name = "t"
			}
		})},
		"a place twice": {formattest.Places, after(func(_ formats.Input, found *formats.Inspection) {
			for i := range found.Tensors {
				found.Tensors[i].Place = found.Tensors[0].Place
			}
		})},
		"inline in a place": {formattest.Places, after(func(_ formats.Input, found *formats.Inspection) { found.Tensors[0].Inline = true })},

		"nothing is claimed":  {formattest.Coverage, after(func(_ formats.Input, found *formats.Inspection) { found.Claims = nil })},
		"a byte is left out":  {formattest.Coverage, after(func(_ formats.Input, found *formats.Inspection) { found.Claims[0].Length-- })},
		"too much is claimed": {formattest.Coverage, after(func(_ formats.Input, found *formats.Inspection) { found.Claims[0].Length++ })},

		"no limit": {formattest.Limits, toy{inspect: func(ctx context.Context, in formats.Input, _ formats.Limits) (*formats.Inspection, error) {
			return toy{}.Inspect(ctx, in, formats.Limits{})
		}}},
		"a limit that denies": {formattest.Limits, toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			found, err := toy{}.Inspect(ctx, in, formats.Limits{})
			if err == nil && len(found.Tensors) > lim.WithDefaults().MaxTensors {
				return nil, syntax(in, toyHeader, 0, "too many")
			}
			return found, err
		}}},
		"a limit that shortens": {formattest.Limits, toy{inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			found, err := toy{}.Inspect(ctx, in, formats.Limits{})
			if err == nil {
				found.Tensors = found.Tensors[:min(len(found.Tensors), lim.WithDefaults().MaxTensors)]
			}
			return found, err
		}}},

		"a byte of no meaning": {formattest.Slack, toy{
			claims: func(context.Context, formats.Input) (bool, error) { return true, nil },
			inspect: func(ctx context.Context, in formats.Input, _ formats.Limits) (*formats.Inspection, error) {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				return &formats.Inspection{Format: "toy", Claims: []formats.Range{{File: in.Name(), Length: in.Size()}}}, nil
			},
		}},
	}
}

var allocation atomic.Pointer[[]byte]

// allocate makes n bytes that escape.
func allocate(n int64) {
	b := make([]byte, n)
	allocation.Store(&b)
}

// clauses are those that violations are of.
func clauses(list []formattest.Violation) map[formattest.Clause]bool {
	all := map[formattest.Clause]bool{}
	for _, v := range list {
		all[v.Clause] = true
	}
	return all
}

// entailed are clauses that a format cannot keep which breaks another.
var entailed = map[string][]formattest.Clause{
	"a name in capitals":       {formattest.Errors},
	"Claims panics":            {formattest.Corpus, formattest.Recognition},
	"an error of Claims":       {formattest.Corpus},
	"an error of no type":      {formattest.Limits},
	"no result and no error":   {formattest.Limits},
	"every other time":         {formattest.Limits},
	"a place twice":            {formattest.Slack},
	"a place elsewhere":        {formattest.Coverage, formattest.Slack},
	"an error by chance":       {formattest.Limits},
	"a tensor behind the file": {formattest.Coverage, formattest.Slack},
}

func TestBadFormats(t *testing.T) {
	list := badFormats()
	broken := map[formattest.Clause]bool{formattest.Corpus: true, formattest.Hang: true} // below
	for name, bad := range list {
		broken[bad.clause] = true
		t.Run(name, func(t *testing.T) {
			found := formattest.Check(bad.format, toys(), formattest.Terms{})
			want := map[formattest.Clause]bool{bad.clause: true}
			for _, c := range entailed[name] {
				want[c] = true
			}
			require.Equal(t, want, clauses(found), "%v", found)
		})
	}
	require.Len(t, broken, 18, "every clause is broken by some format")
	for name := range entailed {
		require.Contains(t, list, name)
	}
}

// unreadable is a corpus whose files cannot be opened.
type unreadable struct{ fstest.MapFS }

func (f unreadable) Open(name string) (fs.File, error) {
	if name == "." {
		return f.MapFS.Open(name)
	}
	return nil, fs.ErrPermission
}

func TestCorpus(t *testing.T) {
	for name, corpus := range map[string]fs.FS{
		"empty":           fstest.MapFS{},
		"nothing to read": unreadable{fstest.MapFS{"a.toy": {}}},
		"nothing claimed": fstest.MapFS{"note.txt": {Data: []byte("no toy\n")}},
	} {
		require.Equal(t, map[formattest.Clause]bool{formattest.Corpus: true}, clauses(formattest.Check(toy{}, corpus, formattest.Terms{})), name)
	}
}

func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := before(func(_ context.Context, in formats.Input) error {
			if in.Size() == 7 {
				<-release
			}
			return nil
		})
		found := formattest.Check(stuck, toys(), formattest.Terms{Patience: time.Hour})
		require.Len(t, found, 1)
		require.Equal(t, formattest.Hang, found[0].Clause)
		require.Equal(t, "dir/note.txt", found[0].File)
		close(release)
	})
}

// A format may say of itself what the contract otherwise forbids.
func TestTerms(t *testing.T) {
	all := func([]byte, int) bool { return true }
	tied := badFormats()["a place twice"].format
	require.Empty(t, formattest.Check(tied, toys(), formattest.Terms{Tied: true, Free: all}))

	meaningless := badFormats()["a byte of no meaning"].format
	named := toy{claims: meaningless.claims, codes: append(toyCodes[:2:2], formats.CodeInfo{Code: toyNote, Severity: formats.High, Advice: "Do not use it."}),
		inspect: func(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
			found, err := meaningless.inspect(ctx, in, lim)
			if err == nil {
				found.Findings = []formats.Finding{toyCodes.Finding(toyNote, in.Name(), 0, "")}
				found.Findings[0].Severity, found.Findings[0].Advice = formats.High, "Do not use it."
			}
			return found, err
		}}
	require.Empty(t, formattest.Check(named, toys(), formattest.Terms{}), "what is refused anyhow is no place to hide in")
	require.Empty(t, formattest.Check(meaningless, toys(), formattest.Terms{Free: all}))

	archive := refusing(func(_ formats.Input, err *formats.SyntaxError) error { err.Format = "part"; return err })
	archive.name, archive.codes = "toy", toyCodes[1:]
	require.Equal(t, map[formattest.Clause]bool{formattest.Errors: true, formattest.Table: true}, clauses(formattest.Check(archive, toys(), formattest.Terms{})))
	require.Empty(t, formattest.Check(archive, toys(), formattest.Terms{Parts: formats.Set{toy{name: "part"}}}))

	generous := badFormats()["as much as the file says"].format
	require.Empty(t, formattest.Check(generous, toys(), formattest.Terms{Constant: 64 << 20}))

	thorough := badFormats()["recognised by much of it"].format
	require.Empty(t, formattest.Check(thorough, toys(), formattest.Terms{Recognition: 320 << 10}))
}

// recorder is a test that fails without failing.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestRunFails(t *testing.T) {
	corpus := fstest.MapFS{"one.toy": {Data: []byte(magic + "\x01\x01a")}}
	r := &recorder{TB: t}
	formattest.Run(r, badFormats()["an index from the file"].format, corpus, formattest.Terms{})
	require.Len(t, r.failures, 1)
	require.Regexp(t, `^toy breaks the contract: panic: one.toy, byte 4 \^ 0x04: runtime error: index out of range \[5\] with length 5, at .*contract_test.go:\d+ \(and \d+ more mutants\)$`, r.failures[0])
}
