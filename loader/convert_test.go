package loader

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/sidecar"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// boxed is a toy format that needs a converter: "BOX" and a safetensors file,
// all of which only a converter may judge.
type boxed struct{}

func (boxed) Name() string             { return "boxed" }
func (boxed) Codes() formats.CodeTable { return nil }
func (boxed) Claims(_ context.Context, in formats.Input) (bool, error) {
	magic := make([]byte, 3)
	_, err := in.ReadAt(magic, 0)
	return string(magic) == "BOX", err
}
func (boxed) Inspect(_ context.Context, in formats.Input, _ formats.Limits) (*formats.Inspection, error) {
	all := []formats.Range{{File: in.Name(), Length: in.Size()}}
	return &formats.Inspection{Format: "boxed", Pickles: all, Claims: all}, nil
}

// converter converts as the function says.
type converter func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error)

func (c converter) Convert(_ context.Context, in formats.Input, _ *formats.Inspection, rule policy.Convert, _ formats.Limits, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
	return c(in, rule, alloc)
}

func (converter) Reindex(ctx context.Context, index formats.Input, lim formats.Limits, shard func(shard, tensor string) (string, bool)) (*formats.Conversion, error) {
	text, err := sidecar.MoveShards(ctx, index, lim, shard)
	return &formats.Conversion{File: "model.safetensors.index.json", Parts: []formats.Part{{Bytes: text}}, Converter: "unbox/1"}, err
}

// unbox is an honest converter of boxed: the tensor's bytes stay where they
// lie, the header is copied.
func unbox(in formats.Input, _ policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
	length := make([]byte, 8)
	if _, err := in.ReadAt(length, 3); err != nil {
		return nil, err
	}
	n := 8 + int64(binary.LittleEndian.Uint64(length))
	header, err := alloc(n)
	if err != nil {
		return nil, err
	}
	if _, err := in.ReadAt(header, 3); err != nil {
		return nil, err
	}
	return &formats.Conversion{
		File:      "w.safetensors",
		Converter: "unbox/1",
		Packs:     []formats.Pack{{Name: "weights", Version: 1}},
		Sandbox:   &formats.Sandbox{Level: formats.SandboxFull},
		Parts: []formats.Part{
			{Bytes: header},
			{Source: formats.Range{File: in.Name(), Offset: 3 + n, Length: in.Size() - 3 - n}},
		},
	}, nil
}

func box(t *testing.T, n int) []byte { return append([]byte("BOX"), weights(t, n, 1)...) }

const converting = `version: 1
lock: weightgate.lock
models:
  - name: m
    source: [dir, file, fs, hub]
    formats: [boxed]
    pin: required
    convert: {packs: [weights]}
`

// boxGate is a gate with a lock for the box in dir as unbox converts it.
func boxGate(t *testing.T, dir string, c Converter) *Gate {
	t.Helper()
	set := formats.Set{safetensors.Format(), boxed{}}
	report, err := Inspect(t.Context(), "m", Dir(dir), InspectConfig{
		Formats: set, SHA256: true, Converter: converter(unbox), Convert: policy.Convert{Packs: []string{"weights"}},
	})
	require.NoError(t, err)
	pin := policy.Pin{Name: "m", Derived: report.DerivedFiles}
	for _, f := range report.Files {
		pin.Files = append(pin.Files, f.Entry)
	}
	lock, err := new(policy.Lock).With(pin)
	require.NoError(t, err)
	return newGate(t, converting, lock.Encode(), func(cfg *Config) { cfg.Formats, cfg.Converter = set, c })
}

func TestConversion(t *testing.T) {
	const n = 300_000 // more than two chunks
	content := box(t, n)
	dir := write(t, map[string][]byte{"model.box": content})
	g := boxGate(t, dir, converter(unbox))

	m, err := g.Load(t.Context(), "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, policy.Admitted, m.Verdict())

	b, release, err := m.Hold(formats.TensorID{File: "w.safetensors", Name: "w"})
	require.NoError(t, err)
	defer release()
	require.True(t, bytes.Equal(content[len(content)-4*n:], b))
	kept, _ := m.staged.find("model.box")
	require.Same(t, &kept.bytes[len(content)-4*n], &b[0], "the tensor was copied")

	made, err := fs.ReadFile(m.FS(), "w.safetensors")
	require.NoError(t, err)
	require.True(t, bytes.Equal(content[3:], made))
	names, err := fs.ReadDir(m.FS(), ".")
	require.NoError(t, err)
	require.Len(t, names, 2)

	r := m.Report()
	require.Equal(t, r.Derived, m.Derived())
	require.Equal(t, []string{"w.safetensors"}, []string{r.DerivedFiles[0].Name})
	require.NotEqual(t, r.Identity, r.Derived)
	require.Equal(t, "unbox/1", r.Conversions[0].Converter)

	// The derived file's digests are those of a file with these bytes.
	alone := write(t, map[string][]byte{"w.safetensors": content[3:]})
	plain, err := Inspect(t.Context(), "m", Dir(alone), InspectConfig{Formats: testFormats, SHA256: true})
	require.NoError(t, err)
	pinned, _ := g.cfg.Policy.Lock().Pin("m")
	require.Equal(t, manifest.Manifest{plain.Files[0].Entry}, pinned.Derived)

	// So says the ring, which keeps no byte.
	report, err := g.Verify(t.Context(), "m", Dir(dir))
	require.NoError(t, err)
	require.Equal(t, r.Derived, report.Derived)
}

func TestConversionIsWrittenInOrder(t *testing.T) {
	content := box(t, 1_000_000)
	dir := write(t, map[string][]byte{"model.box": content})
	var written bytes.Buffer
	_, err := Inspect(t.Context(), "m", Dir(dir), InspectConfig{
		Formats: formats.Set{safetensors.Format(), boxed{}}, SHA256: true, Converter: converter(unbox),
		Derived: func(name string, size int64) (io.Writer, error) {
			require.Equal(t, "w.safetensors", name)
			require.EqualValues(t, len(content)-3, size)
			return &written, nil
		},
	})
	require.NoError(t, err)
	require.True(t, bytes.Equal(content[3:], written.Bytes()))

	full := errors.New("no space left")
	_, err = Inspect(t.Context(), "m", Dir(dir), InspectConfig{
		Formats: formats.Set{safetensors.Format(), boxed{}}, Converter: converter(unbox),
		Derived: func(string, int64) (io.Writer, error) { return failing{full}, nil },
	})
	require.ErrorIs(t, err, full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Who arrives at the recipe of the lock has made what the lock has, and does not
// hash it; anything else is measured.
func TestRecipe(t *testing.T) {
	content := box(t, 300_000)
	dir := write(t, map[string][]byte{"model.box": content})
	set := formats.Set{safetensors.Format(), boxed{}}
	look := func(dir string, c Converter) *Report {
		report, err := Inspect(t.Context(), "m", Dir(dir), InspectConfig{Formats: set, SHA256: true, Converter: c, Convert: policy.Convert{Packs: []string{"weights"}}})
		require.NoError(t, err)
		return report
	}
	report := look(dir, converter(unbox))
	require.False(t, report.Recipe.IsZero())
	require.False(t, report.Implied)
	gate := func(change func(*policy.Pin)) *Gate {
		pin := policy.Pin{Name: "m", Derived: report.DerivedFiles, Recipe: report.Recipe}
		for _, f := range report.Files {
			pin.Files = append(pin.Files, f.Entry)
		}
		change(&pin)
		lock, err := new(policy.Lock).With(pin)
		require.NoError(t, err)
		lock, err = policy.ParseLock(lock.Encode())
		require.NoError(t, err)
		return newGate(t, converting, lock.Encode(), func(cfg *Config) { cfg.Formats, cfg.Converter = set, converter(unbox) })
	}

	g := gate(func(*policy.Pin) {})
	m, err := g.Load(t.Context(), "m", Dir(dir))
	require.NoError(t, err)
	require.True(t, m.Report().Implied)
	require.Equal(t, report.Derived, m.Derived())
	require.Equal(t, report.DerivedFiles, m.Report().DerivedFiles)
	require.NoError(t, m.Close())
	verified, err := g.Verify(t.Context(), "m", Dir(dir))
	require.NoError(t, err)
	require.False(t, verified.Implied, "verify measures")

	for name, change := range map[string]func(*policy.Pin){
		"none in the lock": func(p *policy.Pin) { p.Recipe = manifest.Digest{} },
		"another one":      func(p *policy.Pin) { p.Recipe[0] ^= 1 },
	} {
		m, err := gate(change).Load(t.Context(), "m", Dir(dir))
		require.NoError(t, err, name)
		require.False(t, m.Report().Implied, name)
		require.NoError(t, m.Close())
	}

	// A recipe says everything that the derived bytes follow from.
	other := slices.Clone(content)
	other[len(other)-1] ^= 1
	twice := converter(func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
		c, err := unbox(in, rule, alloc)
		half := c.Parts[1]
		half.Source.Length /= 2
		c.Parts = append(c.Parts[:1], half, half) // as long, and half of it twice
		return c, err
	})
	renamed := converter(func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
		c, err := unbox(in, rule, alloc)
		c.File = "v.safetensors"
		return c, err
	})
	header := converter(func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
		c, err := unbox(in, rule, alloc)
		c.Parts[0].Bytes = bytes.Replace(c.Parts[0].Bytes, []byte(`"w"`), []byte(`"v"`), 1)
		return c, err
	})
	for name, recipe := range map[string]manifest.Digest{
		"other bytes":  look(write(t, map[string][]byte{"model.box": other}), converter(unbox)).Recipe,
		"other parts":  look(dir, twice).Recipe,
		"other name":   look(dir, renamed).Recipe,
		"other header": look(dir, header).Recipe,
		"other source": look(write(t, map[string][]byte{"other.box": content}), converter(unbox)).Recipe,
	} {
		require.NotEqual(t, report.Recipe, recipe, name)
	}
}

// What a converter says is held against what is there, and what it derives
// against the lock.
func TestLyingConverters(t *testing.T) {
	content := box(t, 1000)
	dir := write(t, map[string][]byte{"model.box": content})
	changed := func(change func(c *formats.Conversion)) converter {
		return func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
			c, err := unbox(in, rule, alloc)
			change(c)
			return c, err
		}
	}
	for name, lie := range map[string]struct {
		converter Converter
		codes     []formats.Code
	}{
		"nothing": {converter(func(formats.Input, policy.Convert, func(int64) ([]byte, error)) (*formats.Conversion, error) {
			return nil, nil
		}), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"a panic": {converter(func(formats.Input, policy.Convert, func(int64) ([]byte, error)) (*formats.Conversion, error) {
			panic("boo")
		}), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"bytes behind the end":   {changed(func(c *formats.Conversion) { c.Parts[1].Source.Length++ }), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"bytes before the file":  {changed(func(c *formats.Conversion) { c.Parts[1].Source.Offset = -1 }), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"bytes of another file":  {changed(func(c *formats.Conversion) { c.Parts[1].Source.File = "other" }), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"the name of the source": {changed(func(c *formats.Conversion) { c.File = "MODEL.box" }), []formats.Code{policy.CodeDerivedName, policy.CodeDerivedMissing, policy.CodeDerivedExtra}},
		"a name above the root":  {changed(func(c *formats.Conversion) { c.File = "../w.safetensors" }), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"no safetensors":         {changed(func(c *formats.Conversion) { c.Parts = c.Parts[1:] }), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"a tensor in pieces": {changed(func(c *formats.Conversion) {
			tail := c.Parts[1]
			tail.Source.Offset, tail.Source.Length = tail.Source.Offset+400, tail.Source.Length-400
			c.Parts[1].Source.Length = 400
			c.Parts = append(c.Parts, tail)
		}), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"weights that can still be written to": {changed(func(c *formats.Conversion) {
			c.Parts[1] = formats.Part{Bytes: slices.Clone(content[len(content)-4000:])}
		}), []formats.Code{CodeParser, policy.CodeDerivedMissing}},
		"other weights": {converter(func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
			c, err := unbox(in, rule, alloc)
			other, _ := alloc(4000)
			copy(other, content[len(content)-4000:])
			other[17]++
			c.Parts[1] = formats.Part{Bytes: other}
			return c, err
		}), []formats.Code{policy.CodeDerivedChanged}},
		"another name":   {changed(func(c *formats.Conversion) { c.File = "v.safetensors" }), []formats.Code{policy.CodeDerivedMissing, policy.CodeDerivedExtra}},
		"no sandbox":     {changed(func(c *formats.Conversion) { c.Sandbox = nil }), []formats.Code{policy.CodeConvertSandbox}},
		"a weak sandbox": {changed(func(c *formats.Conversion) { c.Sandbox = &formats.Sandbox{} }), []formats.Code{policy.CodeConvertSandbox}},
		"other packs":    {changed(func(c *formats.Conversion) { c.Packs[0].Name = "numpy" }), []formats.Code{policy.CodeConvertUnlisted}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := boxGate(t, dir, lie.converter).Load(t.Context(), "m", Dir(dir))
			require.ElementsMatch(t, lie.codes, codesOf(t, err), "%v", err)
		})
	}
}

func TestConversionsNeedMemory(t *testing.T) {
	dir := write(t, map[string][]byte{"model.box": box(t, 1000)})
	greedy := converter(func(in formats.Input, _ policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
		_, err := alloc(1 << 60)
		return nil, err
	})
	_, err := boxGate(t, dir, greedy).Load(t.Context(), "m", Dir(dir))
	require.Equal(t, []formats.Code{CodeMemory}, codesOf(t, err))
	require.ErrorIs(t, err, ErrUnverifiable)

	_, err = Inspect(t.Context(), "m", Dir(dir), InspectConfig{Formats: formats.Set{safetensors.Format(), boxed{}}, Converter: greedy})
	require.Equal(t, []formats.Code{CodeMemory}, codesOf(t, err))
}

// What is kept of the files counts against MaxBytes, and what was copied too.
func TestConversionsCountAgainstMaxBytes(t *testing.T) {
	content := box(t, 100_000)
	dir := write(t, map[string][]byte{"model.box": content})
	copies := converter(func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
		if _, err := alloc(400_000); err != nil {
			return nil, err
		}
		return unbox(in, rule, alloc)
	})
	for limit, want := range map[int64]bool{700_000: false, 900_000: true} {
		g := boxGate(t, dir, copies)
		g.cfg.Limits.MaxBytes = limit
		m, err := g.Load(t.Context(), "m", Dir(dir))
		if !want {
			require.Equal(t, []formats.Code{CodeMemory}, codesOf(t, err))
			continue
		}
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
}

// A pickle that nobody judges is not clean.
func TestNoConverter(t *testing.T) {
	dir := write(t, map[string][]byte{"model.box": box(t, 1000)})
	set := formats.Set{safetensors.Format(), boxed{}}
	report, err := Inspect(t.Context(), "m", Dir(dir), InspectConfig{Formats: set})
	require.NoError(t, err)
	require.Equal(t, []formats.Code{CodeAbsent}, []formats.Code{report.Findings[0].Code})

	p, err := policy.Parse([]byte(converting), new(policy.Lock).Encode())
	require.NoError(t, err)
	_, err = New(Config{Policy: p, Formats: set})
	require.ErrorIs(t, err, ErrConfig)

	unpinned := `{version: 1, models: [{name: m, source: [dir], formats: [boxed], unpinned: true}]}`
	g := newGate(t, unpinned, nil, func(cfg *Config) { cfg.Formats, cfg.Converter = set, converter(unbox) })
	_, err = g.Load(t.Context(), "m", Dir(dir))
	require.Equal(t, []formats.Code{CodeAbsent}, codesOf(t, err))
	require.ErrorIs(t, err, ErrUnverifiable)
}

// An index follows its shards: it is rewritten, held against what was derived,
// and part of what the lock has.
func TestConvertedShards(t *testing.T) {
	index := `{"metadata": {"total_size": 8000}, "weight_map": {"w": "model.box", "tied": "model.box"}}`
	dir := write(t, map[string][]byte{"model.box": box(t, 2000), "pytorch_model.bin.index.json": []byte(index)})
	set := append(formats.Set{safetensors.Format(), boxed{}}, sidecar.Formats()...)
	tied := converter(func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
		c, err := unbox(in, rule, alloc)
		c.Merged = []string{"tied"}
		return c, err
	})
	written := map[string]*bytes.Buffer{}
	report, err := Inspect(t.Context(), "m", Dir(dir), InspectConfig{
		Formats: set, SHA256: true, Converter: tied,
		Derived: func(name string, _ int64) (io.Writer, error) {
			written[name] = new(bytes.Buffer)
			return written[name], nil
		},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"metadata": {"total_size": 8000}, "weight_map": {"w": "w.safetensors"}}`, written["model.safetensors.index.json"].String())
	require.Equal(t, []string{"model.safetensors.index.json", "w.safetensors"}, []string{report.DerivedFiles[0].Name, report.DerivedFiles[1].Name})
	for _, f := range report.Findings {
		require.Equal(t, sidecar.CodeIndexUnchecked, f.Code) // of the index as it was
	}

	pin := policy.Pin{Name: "m", Derived: report.DerivedFiles}
	for _, f := range report.Files {
		pin.Files = append(pin.Files, f.Entry)
	}
	lock, err := new(policy.Lock).With(pin)
	require.NoError(t, err)
	yaml := converting + "    companions: [\"*.json\"]\n"
	g := newGate(t, yaml, lock.Encode(), func(cfg *Config) { cfg.Formats, cfg.Converter = set, tied })
	m, err := g.Load(t.Context(), "m", Dir(dir))
	require.NoError(t, err)
	require.NoError(t, m.Close())

	// A tensor that no shard has stays in the index, which is wrong then.
	report, err = Inspect(t.Context(), "m", Dir(dir), InspectConfig{Formats: set, Converter: converter(unbox)})
	require.NoError(t, err)
	require.Contains(t, reportedCodes(report), sidecar.CodeIndexTensor)

	// An index that could not be read is not rewritten; nor by a converter that fails.
	for name, c := range map[string]Converter{
		"panics":  reindexer{func() (*formats.Conversion, error) { panic("boo") }},
		"nothing": reindexer{func() (*formats.Conversion, error) { return nil, nil }},
		"fails":   reindexer{func() (*formats.Conversion, error) { return nil, io.ErrUnexpectedEOF }},
	} {
		report, err := Inspect(t.Context(), "m", Dir(dir), InspectConfig{Formats: set, Converter: c})
		require.NoError(t, err, name)
		require.Contains(t, reportedCodes(report), CodeParser, name)
		require.Len(t, report.DerivedFiles, 1, name)
	}
	bad := write(t, map[string][]byte{"model.box": box(t, 2000), "m.index.json": []byte(index[:60] + `"w": "model.box", "w": "model.box"}}`)})
	report, err = Inspect(t.Context(), "m", Dir(bad), InspectConfig{Formats: set, Converter: reindexer{func() (*formats.Conversion, error) { panic("asked") }}})
	require.NoError(t, err)
	require.NotContains(t, reportedCodes(report), CodeParser)
}

// A shard in a directory beneath the index keeps its directory.
func TestConvertedShardsBeneath(t *testing.T) {
	dir := write(t, map[string][]byte{
		"sub/model.box": box(t, 2000),
		"a.index.json":  []byte(`{"weight_map": {"w": "sub/model.box"}}`),
	})
	set := append(formats.Set{safetensors.Format(), boxed{}}, sidecar.Formats()...)
	beneath := converter(func(in formats.Input, rule policy.Convert, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
		c, err := unbox(in, rule, alloc)
		c.File = "sub/w.safetensors"
		return c, err
	})
	written := map[string]*bytes.Buffer{}
	report, err := Inspect(t.Context(), "m", Dir(dir), InspectConfig{Formats: set, Converter: beneath, Derived: func(name string, _ int64) (io.Writer, error) {
		written[name] = new(bytes.Buffer)
		return written[name], nil
	}})
	require.NoError(t, err)
	require.Len(t, report.DerivedFiles, 2)
	require.JSONEq(t, `{"weight_map": {"w": "sub/w.safetensors"}}`, written["model.safetensors.index.json"].String())
}

// A reindexer is unbox with another answer about indexes.
type reindexer struct {
	answer func() (*formats.Conversion, error)
}

func (reindexer) Convert(_ context.Context, in formats.Input, _ *formats.Inspection, rule policy.Convert, _ formats.Limits, alloc func(int64) ([]byte, error)) (*formats.Conversion, error) {
	return unbox(in, rule, alloc)
}

func (r reindexer) Reindex(_ context.Context, _ formats.Input, _ formats.Limits, shard func(shard, tensor string) (string, bool)) (*formats.Conversion, error) {
	shard("model.box", "w")
	return r.answer()
}

func reportedCodes(r *Report) []formats.Code {
	var codes []formats.Code
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	return codes
}
