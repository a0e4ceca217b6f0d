package formats_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

// stub is a format that claims what it is told to.
type stub struct {
	name    string
	claims  bool
	err     error
	refines []string
}

func (s stub) Name() string { return s.name }

func (s stub) Claims(context.Context, formats.Input) (bool, error) { return s.claims, s.err }

func (s stub) Inspect(context.Context, formats.Input, formats.Limits) (*formats.Inspection, error) {
	return nil, errors.New("not asked for")
}

func (s stub) Codes() formats.CodeTable {
	return formats.CodeTable{{Code: formats.Code(s.name + ".bad")}}
}

// refining is a stub with traits.
type refining struct{ stub }

func (r refining) Traits() formats.Traits { return formats.Traits{Refines: r.refines} }

func open(t *testing.T, name string, data string) *formats.OpenInput {
	t.Helper()
	in, err := formats.Open(fstest.MapFS{name: {Data: []byte(data)}}, name)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, in.Close()) })
	return in
}

func TestDetect(t *testing.T) {
	var (
		no    = stub{name: "no"}
		zip   = stub{name: "zip", claims: true}
		onnx  = stub{name: "onnx", claims: true}
		torch = refining{stub{name: "torch", claims: true, refines: []string{"zip"}}}
		npz   = refining{stub{name: "npz", claims: true, refines: []string{"zip"}}}
	)
	for _, c := range []struct {
		name      string
		set       formats.Set
		want      string
		ambiguous []string
	}{
		{name: "nil set"},
		{name: "no hit", set: formats.Set{no}},
		{name: "one hit", set: formats.Set{no, zip}, want: "zip"},
		{name: "two hits", set: formats.Set{zip, no, onnx}, ambiguous: []string{"onnx", "zip"}},
		{name: "a hit refines another", set: formats.Set{zip, torch}, want: "torch"},
		{name: "in any order", set: formats.Set{torch, zip}, want: "torch"},
		{name: "two refine one", set: formats.Set{zip, torch, npz}, ambiguous: []string{"npz", "torch"}},
		{name: "only what is refined is removed", set: formats.Set{zip, torch, onnx}, ambiguous: []string{"onnx", "torch"}},
		{name: "what refines is no hit", set: formats.Set{zip, refining{stub{name: "torch", refines: []string{"zip"}}}}, want: "zip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.set.Detect(context.Background(), open(t, "m", ""))
			if c.want != "" {
				require.NoError(t, err)
				require.Equal(t, c.want, got.Name())
				return
			}
			require.Nil(t, got)
			if c.ambiguous == nil {
				require.ErrorIs(t, err, formats.ErrUnknown)
				return
			}
			amb, ok := errors.AsType[*formats.AmbiguousError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, &formats.AmbiguousError{File: "m", Formats: c.ambiguous}, amb)
			for _, name := range c.ambiguous {
				require.ErrorContains(t, err, name)
			}
		})
	}
}

// A format that cannot be asked might have been a second hit.
func TestDetectFailsWithOneFormat(t *testing.T) {
	cause := errors.New("disk")
	set := formats.Set{stub{name: "zip", claims: true}, stub{name: "onnx", err: cause}}
	got, err := set.Detect(context.Background(), open(t, "m", ""))
	require.Nil(t, got)
	require.ErrorIs(t, err, cause)
	require.ErrorContains(t, err, "onnx")
}

func TestWithLeavesTheSet(t *testing.T) {
	base := make(formats.Set, 1, 4)
	base[0] = stub{name: "a"}
	b, c := base.With(stub{name: "b"}), base.With(stub{name: "c"})
	require.Len(t, base, 1)
	require.Equal(t, "b", b[1].Name())
	require.Equal(t, "c", c[1].Name())
}

func TestSetCodes(t *testing.T) {
	require.Empty(t, formats.Set(nil).Codes())
	require.Equal(t,
		formats.CodeTable{{Code: "a.bad"}, {Code: "b.bad"}},
		formats.Set{stub{name: "a"}, stub{name: "b"}, stub{name: "a"}}.Codes())
}

func TestTraitsOf(t *testing.T) {
	require.Zero(t, formats.TraitsOf(stub{refines: []string{"zip"}}))
	require.Equal(t, formats.Traits{Refines: []string{"zip"}}, formats.TraitsOf(refining{stub{refines: []string{"zip"}}}))
}
