package loader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/policy"
)

// Model B, pinned under its own name, put where A is expected.
func TestSwappedAmongTheGood(t *testing.T) {
	a := weights(t, 1<<17, 1)
	for name, b := range map[string][]byte{
		"equal sizes": weights(t, 1<<17, 2),
		"other sizes": weights(t, 1<<16, 2),
	} {
		t.Run(name, func(t *testing.T) {
			dirA := write(t, map[string][]byte{"model.safetensors": a})
			dirB := write(t, map[string][]byte{"model.safetensors": b})
			lock := pins(t, map[string]Source{"a": Dir(dirA), "b": Dir(dirB)})
			yaml := strings.Replace(entry("pin: required"), "name: m", `name: "*"`, 1)
			gate := newGate(t, yaml, lock)

			_, err := gate.Load(context.Background(), "a", Dir(dirB))
			require.Equal(t, []formats.Code{policy.CodePinOther}, codesOf(t, err))
			m, err := gate.Load(context.Background(), "b", Dir(dirB))
			require.NoError(t, err)
			require.NoError(t, m.Close())

			// A lock of the model's own says nothing.
			own := pins(t, map[string]Source{"a": Dir(dirB)})
			require.NoError(t, os.WriteFile(filepath.Join(dirB, "weightgate.lock"), own, 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(dirB, "policy.yaml"), []byte(yaml), 0o644))
			_, err = gate.Load(context.Background(), "a", Dir(dirB))
			require.ErrorIs(t, err, ErrDenied)
			require.Contains(t, codesOf(t, err), policy.CodeCompanionExtra)
		})
	}
}

// A policy that lies beneath the model's root is nobody's word.
func TestPolicyBeneathTheModel(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	lock := pins(t, map[string]Source{"m": Dir(dir)})
	for _, at := range []string{".", "config/trust"} {
		home := filepath.Join(dir, at)
		require.NoError(t, os.MkdirAll(home, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(home, "policy.yaml"), []byte(entry("pin: required", "files: {only: [model.safetensors]}")), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(home, "weightgate.lock"), lock, 0o644))
		gate, err := Open(filepath.Join(home, "policy.yaml"), testFormats)
		require.NoError(t, err)
		_, err = gate.Load(context.Background(), "m", Dir(dir))
		require.Equal(t, []formats.Code{CodeBeneath}, codesOf(t, err))

		m, err := gate.Load(context.Background(), "m", File(filepath.Join(dir, "model.safetensors")))
		require.NoError(t, err, "the root of a file is the file alone")
		require.NoError(t, m.Close())
		require.NoError(t, gate.Close())
	}
}

func TestLimits(t *testing.T) {
	files := map[string][]byte{"a/b/c/model.safetensors": weights(t, 100, 1), "x.txt": nil}
	dir := write(t, files)
	lock := pins(t, map[string]Source{"m": Dir(dir)})
	for name, c := range map[string]struct {
		limits formats.Limits
		want   formats.Code
	}{
		"files":       {formats.Limits{MaxFiles: 1}, CodeFiles},
		"directories": {formats.Limits{MaxFiles: 2}, CodeFiles},
		"depth":       {formats.Limits{MaxDepth: 2}, CodeDepth},
		"bytes":       {formats.Limits{MaxBytes: 100}, CodeMemory},
	} {
		t.Run(name, func(t *testing.T) {
			copied := false
			gate := newGate(t, entry("pin: required", `companions: ["*.txt"]`), lock, func(cfg *Config) { cfg.Limits = c.limits })
			gate.pause = func(pausePoint, string, int64) { copied = true }
			_, err := gate.Load(context.Background(), "m", Dir(dir))
			require.ErrorIs(t, err, ErrUnverifiable, codesOf(t, err))
			require.Contains(t, codesOf(t, err), c.want)
			require.False(t, copied, "a byte was copied")
		})
	}
	exact := newGate(t, entry("pin: required", `companions: ["*.txt"]`), lock, func(cfg *Config) {
		cfg.Limits = formats.Limits{MaxFiles: 4, MaxDepth: 3, MaxBytes: int64(len(files["a/b/c/model.safetensors"]))}
	})
	m, err := exact.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.NoError(t, m.Close())

	// The policy may lower a limit, never raise one.
	for _, limits := range []string{"limits: {files: 1}", "limits: {files: 99}"} {
		gate := newGate(t, entry("pin: required", `companions: ["*.txt"]`, limits), lock, func(cfg *Config) { cfg.Limits.MaxFiles = 4 })
		m, err := gate.Load(context.Background(), "m", Dir(dir))
		if strings.Contains(limits, "99") {
			require.NoError(t, err)
			require.NoError(t, m.Close())
			continue
		}
		require.Contains(t, codesOf(t, err), CodeFiles)
	}
}

// A format of a third party, as bad as it gets.
type badFormat struct {
	name    string
	traits  formats.Traits
	claims  func(in formats.Input) bool
	inspect func(in formats.Input) (*formats.Inspection, error)
}

func (f badFormat) Name() string             { return f.name }
func (f badFormat) Codes() formats.CodeTable { return nil }
func (f badFormat) Traits() formats.Traits   { return f.traits }
func (f badFormat) Claims(_ context.Context, in formats.Input) (bool, error) {
	return f.claims(in), nil
}
func (f badFormat) Inspect(_ context.Context, in formats.Input, _ formats.Limits) (*formats.Inspection, error) {
	return f.inspect(in)
}

func TestBadParsers(t *testing.T) {
	all := func(formats.Input) bool { return true }
	whole := func(in formats.Input) (*formats.Inspection, error) {
		return &formats.Inspection{Format: "bad", Claims: []formats.Range{{File: in.Name(), Length: in.Size()}}}, nil
	}
	place := func(p formats.Range, shape ...int64) func(in formats.Input) (*formats.Inspection, error) {
		return func(in formats.Input) (*formats.Inspection, error) {
			found, err := whole(in)
			found.Tensors = []formats.Tensor{{ID: formats.TensorID{File: in.Name(), Name: "t"}, DType: formats.U8, Shape: shape, Place: p}}
			return found, err
		}
	}
	for name, c := range map[string]struct {
		format badFormat
		want   []formats.Code
	}{
		"panic in Inspect":          {badFormat{claims: all, inspect: func(formats.Input) (*formats.Inspection, error) { panic("ouch") }}, []formats.Code{CodeParser}},
		"panic in Claims":           {badFormat{claims: func(formats.Input) bool { panic("ouch") }}, []formats.Code{CodeParser}},
		"a place in no file":        {badFormat{claims: all, inspect: place(formats.Range{File: "elsewhere", Length: 1}, 1)}, []formats.Code{CodeParser}},
		"a place beyond the file":   {badFormat{claims: all, inspect: place(formats.Range{File: "data.bad", Offset: 5, Length: 4}, 4)}, []formats.Code{CodeParser}},
		"a place before the file":   {badFormat{claims: all, inspect: place(formats.Range{File: "data.bad", Offset: -1, Length: 4}, 4)}, []formats.Code{CodeParser}},
		"a place of another length": {badFormat{claims: all, inspect: place(formats.Range{File: "data.bad", Length: 4}, 5)}, []formats.Code{CodeParser}},
		"bytes that nobody claims":  {badFormat{claims: all, inspect: func(formats.Input) (*formats.Inspection, error) { return &formats.Inspection{}, nil }}, []formats.Code{CodeUnclaimed}},
		"a finding of another sort": {badFormat{claims: all, inspect: func(in formats.Input) (*formats.Inspection, error) {
			found, err := whole(in)
			found.Findings = []formats.Finding{{Code: "bad.unrated"}} // no severity: critical
			return found, err
		}}, []formats.Code{"bad.unrated"}},
		"nothing at all": {badFormat{claims: all, inspect: func(formats.Input) (*formats.Inspection, error) { return nil, nil }}, []formats.Code{CodeParser}},
		"good":           {badFormat{claims: all, inspect: whole}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"data.bad": []byte("12345678")})
			lock := pins(t, map[string]Source{"m": Dir(dir)})
			c.format.name = "bad"
			yaml := strings.Replace(entry("pin: required"), "[safetensors]", "[bad]", 1)
			gate := newGate(t, yaml, lock, func(cfg *Config) { cfg.Formats = formats.Set{c.format} })
			m, err := gate.Load(context.Background(), "m", Dir(dir))
			if c.want == nil {
				require.NoError(t, err)
				require.NoError(t, m.Close())
				return
			}
			require.Equal(t, c.want, codesOf(t, err))
		})
	}
}

// Two structures that both fit are refused, unless one refines the other.
func TestAmbiguous(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	lock := pins(t, map[string]Source{"m": Dir(dir)})
	other := badFormat{name: "other", claims: func(formats.Input) bool { return true }}
	gate := newGate(t, entry("pin: required"), lock, func(cfg *Config) { cfg.Formats = formats.Set{safetensors.Format(), other} })
	_, err := gate.Load(context.Background(), "m", Dir(dir))
	require.Contains(t, codesOf(t, err), CodeAmbiguous)
	require.ErrorIs(t, err, ErrDenied)
}

// Data of a graph is not asked what else it looks like.
func TestDataBelongsToItsOwner(t *testing.T) {
	graph := badFormat{
		name: "graph", traits: formats.Traits{Owner: true},
		claims: func(in formats.Input) bool { return in.Name() == "graph" },
		inspect: func(in formats.Input) (*formats.Inspection, error) {
			if _, ok := in.Sibling("data"); !ok {
				return nil, errors.New("no sibling")
			}
			return &formats.Inspection{
				Tensors: []formats.Tensor{{ID: formats.TensorID{File: "graph", Name: "t"}, DType: formats.U8, Shape: []int64{3}, Place: formats.Range{File: "data", Offset: 2, Length: 3}}},
				Claims:  []formats.Range{{File: in.Name(), Length: in.Size()}, {File: "data", Offset: 2, Length: 3}},
			}, nil
		},
	}
	greedy := badFormat{name: "greedy", claims: func(in formats.Input) bool { return in.Name() == "data" }}
	for name, c := range map[string]struct {
		data []byte
		want []formats.Code
	}{
		"padded with zeros":  {[]byte{0, 0, 1, 2, 3, 0}, nil},
		"something hides":    {[]byte{0, 0, 1, 2, 3, 9}, []formats.Code{CodeUnclaimed}},
		"shorter than it is": {[]byte{0, 0, 1, 2}, []formats.Code{CodeParser}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"data": c.data, "graph": []byte("g")})
			yaml := strings.Replace(entry("pin: required"), "[safetensors]", "[graph]", 1)
			gate := newGate(t, yaml, pins(t, map[string]Source{"m": Dir(dir)}), func(cfg *Config) { cfg.Formats = formats.Set{greedy, graph} })
			m, err := gate.Load(context.Background(), "m", Dir(dir))
			if c.want != nil {
				require.Subset(t, codesOf(t, err), c.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, policy.DataFormat, m.Report().Files[0].Format)
			require.NoError(t, m.View(formats.TensorID{File: "graph", Name: "t"}, func(b []byte) error {
				require.Equal(t, []byte{1, 2, 3}, b)
				return nil
			}))
			require.NoError(t, m.Close())
		})
	}
}

// A file that goes on, or ends, other than it said.
func TestLyingFileSystem(t *testing.T) {
	good := weights(t, 1<<18, 1)
	dir := write(t, map[string][]byte{"model.safetensors": good})
	for name, c := range map[string]struct {
		bytes []byte
		said  int64
	}{
		"goes on": {append(bytes.Clone(good), "more"...), int64(len(good))},
		"ends":    {good[:1<<19+5], int64(len(good))},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pinned(t, dir).Load(context.Background(), "m", FS(lyingFS{c.bytes, c.said}))
			require.Equal(t, []formats.Code{CodeChanged}, codesOf(t, err))
		})
	}
}

// lyingFS has one file, of another size than it says.
type lyingFS struct {
	bytes []byte
	said  int64
}

func (l lyingFS) Open(name string) (fs.File, error) {
	if name == "." {
		return &modelDir{stat: modelStat{name: ".", dir: true}, entries: l.entries()}, nil
	}
	return &lyingFile{io.NewSectionReader(bytes.NewReader(l.bytes), 0, int64(len(l.bytes))), l.said}, nil
}

func (l lyingFS) entries() []fs.DirEntry {
	return []fs.DirEntry{fs.FileInfoToDirEntry(modelStat{name: "model.safetensors", size: l.said})}
}

type lyingFile struct {
	r    io.Reader
	said int64
}

func (f *lyingFile) Read(b []byte) (int, error) { return f.r.Read(b) }
func (f *lyingFile) Close() error               { return nil }
func (f *lyingFile) Stat() (fs.FileInfo, error) {
	return modelStat{name: "model.safetensors", size: f.said}, nil
}

// Reads that block end with the context, at the next chunk.
func TestCancelBetweenChunks(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 1<<20, 1)})
	gate := pinned(t, dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	gate.pause = func(p pausePoint, _ string, _ int64) {
		if p == pauseCopied {
			<-ctx.Done()
		}
	}
	_, err := gate.Load(ctx, "m", Dir(dir))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, []formats.Code{CodeCanceled}, codesOf(t, err))
}

// Names from the model cannot write on the terminal.
func TestNamesAreEscaped(t *testing.T) {
	for _, name := range []string{"a\x1b[2Jb.txt", "a\u202eb.txt", "a\nb.txt", "a\xffb.txt"} {
		dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
		gate := pinned(t, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
		_, err := gate.Load(context.Background(), "m", Dir(dir))
		require.Contains(t, codesOf(t, err), policy.CodeNameControl)
		var r *Rejection
		require.ErrorAs(t, err, &r)
		for _, text := range []string{err.Error(), r.Report.String()} {
			require.NotContains(t, text, name)
			require.NotContains(t, text, "\x1b")
			require.NotContains(t, text, "\u202e")
		}
	}
}

// Plain text is a companion, and code among it is a finding.
func TestPlainText(t *testing.T) {
	long := bytes.Repeat([]byte("äöü€𝄞 "), 1<<17) // characters cut in two by every border
	for name, c := range map[string]struct {
		file   string
		bytes  []byte
		format string
		want   []formats.Code
	}{
		"text":             {"vocab.txt", []byte("one\r\n\ttwo\n"), "text", nil},
		"empty":            {"vocab.txt", nil, "text", nil},
		"long":             {"vocab.txt", long, "text", nil},
		"cut short":        {"vocab.txt", long[:len(long)-3], "", nil},
		"control":          {"vocab.txt", []byte("one\x00two"), "", nil},
		"escape sequences": {"vocab.txt", []byte("one\x1b[2J"), "", nil},
		"no UTF-8":         {"vocab.txt", []byte("one\xfftwo"), "", nil},
		"an error page":    {"model.bin", []byte("Invalid username or password."), "text", []formats.Code{CodeNoWeights}},
		"an empty file":    {"model.onnx", nil, "text", []formats.Code{CodeNoWeights}},
		"code":             {"modeling.PY", []byte("import os\n"), "text", []formats.Code{CodeScript}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string][]byte{c.file: c.bytes})
			report, err := Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats})
			require.NoError(t, err)
			require.Equal(t, c.format, report.Files[0].Format)
			var seen []formats.Code
			for _, f := range report.Findings {
				seen = append(seen, f.Code)
			}
			require.Equal(t, c.want, seen)
		})
	}
}
