package sidecar_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/sidecar"
	"github.com/weightgate/weightgate/formats/vectors"
)

const name = "dir/config.json"

// memory is a file's bytes as an Input, with files beside it.
type memory struct {
	*bytes.Reader
	beside map[string][]byte
}

func (memory) Name() string { return name }

func (m memory) Sibling(sibling string) (formats.Input, bool) {
	data, ok := m.beside[sibling]
	return memory{bytes.NewReader(data), nil}, ok
}

func input(text string) memory { return memory{bytes.NewReader([]byte(text)), nil} }

// torn is an Input that cannot be read from an offset on.
type torn struct {
	memory
	from int64
	err  error
}

func (f torn) ReadAt(b []byte, offset int64) (int, error) {
	if offset+int64(len(b)) <= f.from {
		return f.memory.ReadAt(b, offset)
	}
	n, err := f.memory.ReadAt(b[:max(0, min(int64(len(b)), f.from-offset))], offset)
	if f.err != nil {
		err = f.err
	}
	return n, err
}

// detect is the one format of the package that claims in, or nil.
func detect(t require.TestingT, in formats.Input) formats.Format {
	f, err := sidecar.Formats().Detect(context.Background(), in)
	if errors.Is(err, formats.ErrUnknown) {
		return nil
	}
	require.NoError(t, err)
	return f
}

func inspect(t require.TestingT, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	f := detect(t, in)
	require.NotNil(t, f)
	return f.Inspect(context.Background(), in, lim)
}

func requireCode(t *testing.T, want formats.Code, err error) *formats.SyntaxError {
	t.Helper()
	syntax, ok := errors.AsType[*formats.SyntaxError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, want, syntax.Code, "%v", err)
	return syntax
}

// own are the vectors of the package's formats.
func own(t testing.TB) []vectors.Vector {
	t.Helper()
	kinds := map[string]bool{}
	for _, f := range sidecar.Formats() {
		kinds[f.Name()] = true
	}
	list, err := vectors.Load()
	require.NoError(t, err)
	var all []vectors.Vector
	for _, v := range list {
		if kinds[v.Format] {
			all = append(all, v)
		}
	}
	require.Greater(t, len(all), 90, "vectors are missing")
	return all
}

// loaded is the file of a vector and those beside it.
func loaded(t testing.TB, v vectors.Vector) (string, map[string][]byte) {
	t.Helper()
	files := map[string][]byte{}
	for path := range v.FS.(fstest.MapFS) {
		data, err := fs.ReadFile(v.FS, path)
		require.NoError(t, err)
		files[path] = data
	}
	return string(files[v.File]), files
}

func TestVectors(t *testing.T) {
	for _, v := range own(t) {
		t.Run(v.Name, func(t *testing.T) {
			in, err := formats.Open(v.FS, v.File)
			require.NoError(t, err)
			defer in.Close()
			f := detect(t, in)
			if v.Expect == "format.unknown" {
				require.Nil(t, f)
				return
			}
			require.NotNil(t, f, "nobody claims it")
			require.Equal(t, v.Format, f.Name())
			found, err := f.Inspect(context.Background(), in, formats.Limits{})
			if err != nil {
				require.Nil(t, found)
				require.Equal(t, f.Name(), requireCode(t, formats.Code(v.Expect), err).Format)
				return
			}
			var raised []string
			for _, finding := range found.Findings {
				if v.Expect != vectors.Admitted || finding.Severity >= formats.High {
					raised = append(raised, string(finding.Code))
				}
			}
			if v.Expect == vectors.Admitted {
				require.Empty(t, raised)
				return
			}
			require.Contains(t, raised, v.Expect)
		})
	}
}

func TestFormats(t *testing.T) {
	require.Len(t, sidecar.Formats(), 11)
	for _, f := range sidecar.Formats() {
		require.Equal(t, formats.Traits{Sidecar: true}, formats.TraitsOf(f))
		require.Len(t, f.Codes(), 27)
	}
	require.Len(t, sidecar.Formats().Codes(), 27)
}

func TestClaims(t *testing.T) {
	long := strings.Repeat("x", 128<<10)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"whitespace", " \n", ""},
		{"an object", `{}`, ""},
		{"an array", `[]`, ""},
		{"a string", `"model_type"`, ""},
		{"two objects", `{"a":1}{"model_type":"bert"}`, ""},
		{"not closed", `{"auto_map":{}`, ""},
		{"closed twice", `{"auto_map":1}}`, ""},
		{"a bracket for the other", `{"auto_map":{"a":1}]`, ""},
		{"binary", "{\x00\x00\x00}", ""},
		{"a key of another type", `{"model_type":1,"weight_map":[],"architectures":{}}`, ""},
		{"a key where it means nothing", `{"a":{"model_type":"bert","weight_map":{}}}`, ""},
		{"a value, not a key", `{"a":"model_type","b":["weight_map",{}]}`, ""},
		{"a key in an array's object", `[{"weight_map":{}}]`, ""},

		{"what Python reads", `{"a":NaN,"b":[-Infinity],"model_type":"bert"}`, sidecar.Config},
		{"what nobody reads", `{"a"::,,"model_type":"bert"}`, sidecar.Config},
		{"a quote in a string", `{"\"model_type\":":1,"a\\":"\"","model_type":"bert"}`, sidecar.Config},
		{"a key with escapes", `{"mode\u006c_type":"bert"}`, sidecar.Config},
		{"a mark", "\ufeff{\"model_type\":\"bert\"}", sidecar.Config},
		{"steering at any depth", `{"a":[{"b":{"_target_":"os.system"}}]}`, sidecar.Config},
		{"steering without a value", `{"a":{"_target_":null}}`, ""},
		{"a switch as a number", `{"a":{"safe_mode":0}}`, sidecar.Config},
		{"a switch as what Python calls a number", `{"trust_remote_code":NaN}`, sidecar.Config},
		{"a callable as a number", `{"_target_":1}`, ""},
		{"the first decisive key", `{"weight_map":{},"model_type":"bert"}`, sidecar.Index},
		{"the other first", `{"model_type":"bert","weight_map":{}}`, sidecar.Config},
		{"hints by rank", `{"transformers_version":"4","do_sample":true,"tokenizer_class":"T"}`, sidecar.TokenizerConfig},
		{"a decisive key behind hints", `{"tokenizer_class":"T","model_type":"bert"}`, sidecar.Config},
		{"modules", `[{"name":"0","type":"a.B"}]`, sidecar.Modules},

		{"long", `{"a":"` + long + `"}`, sidecar.JSON},
		{"long, and something is seen", `{"do_sample":true,"a":"` + long + `"}`, sidecar.GenerationConfig},
		{"a long array", `["` + long + `"]`, sidecar.JSON},
		{"a long first element", `[{"name":"` + long + `","type":"a.B"}]`, sidecar.JSON},
		{"a long array, not closed", `["` + long + `"`, ""},
		{"a long array that ends as an object", `["` + long + `"}`, ""},
		{"long lines of arrays", `["a"]` + "\n" + `["` + long + `"]`, ""},
		{"long, and most of it unseen", `{}` + strings.Repeat(" ", 128<<10), sidecar.JSON},
		{"long whitespace before an array", strings.Repeat("\n", 128<<10) + `[{"type":"a.B"}]`, sidecar.JSON},
		{"long whitespace before neither", strings.Repeat("\n", 128<<10) + `a`, ""},
		{"long whitespace first", strings.Repeat("\n", 128<<10) + `{"auto_map":{}}`, sidecar.JSON},
		{"some whitespace first", strings.Repeat("\n", 1<<10) + `{"auto_map":{}}`, sidecar.Config},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := detect(t, input(c.text))
			if c.want == "" {
				require.Nil(t, f)
				return
			}
			require.NotNil(t, f)
			require.Equal(t, c.want, f.Name())
		})
	}
}

// No key hides behind what Claims does not look at.
func TestSteeringBehindTheHead(t *testing.T) {
	blanks, long := strings.Repeat(" ", 1<<18), strings.Repeat("x", 1<<18)
	for _, c := range []struct {
		pad, rest string
		code      formats.Code
	}{
		{`{"a":"` + long + `",`, `"auto_map":{"AutoModel":"m.M"}}`, sidecar.CodeAutoMap},
		{blanks + `{`, `"auto_map":{"AutoModel":"m.M"}}`, sidecar.CodeAutoMap},
		{`[{"name":"` + long + `",`, `"type":"m.M"}]`, sidecar.CodeImport},
		{blanks + `[{`, `"type":"m.M"}]`, sidecar.CodeImport},
	} {
		found, err := inspect(t, input(c.pad+c.rest), formats.Limits{})
		require.NoError(t, err)
		require.Len(t, found.Findings, 1)
		require.Equal(t, c.code, found.Findings[0].Code)
		require.Equal(t, int64(len(c.pad)), found.Findings[0].Offset)
	}
}

func TestFailsWithTheRead(t *testing.T) {
	text := `{"model_type":"bert","a":"` + strings.Repeat("x", 1<<18) + `"}`
	cause := errors.New("disk")
	for _, from := range []int64{0, 100, 600, 200_000} {
		_, err := sidecar.Formats().Detect(context.Background(), torn{input(text), from, cause})
		require.ErrorIs(t, err, cause, "%d bytes", from)
		_, err = sidecar.Formats().Detect(context.Background(), torn{input(text), from, io.EOF})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", from)
		for _, f := range sidecar.Formats() {
			found, err := f.Inspect(context.Background(), torn{input(text), from, cause}, formats.Limits{})
			require.ErrorIs(t, err, cause, "%d bytes", from)
			require.Nil(t, found)
		}
	}
}
