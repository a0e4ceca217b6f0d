package loader

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

var tensorW = formats.TensorID{File: "model.safetensors", Name: "w"}

func modelFiles(t testing.TB) map[string][]byte {
	return map[string][]byte{
		"model.safetensors": weights(t, 1<<18, 7),
		"vocab.txt":         []byte("one\ntwo\n"),
		"sub/more.txt":      {},
	}
}

func TestLoad(t *testing.T) {
	files := modelFiles(t)
	dir := write(t, files)
	mapFS := fstest.MapFS{}
	for name, b := range files {
		mapFS[name] = &fstest.MapFile{Data: b}
	}
	lock := pins(t, map[string]Source{"m": Dir(dir)})
	sources := map[string]Source{
		"dir":               Dir(dir),
		"fs":                FS(mapFS),
		"fs, not by offset": FS(streamFS{mapFS}),
	}
	for name, src := range sources {
		for _, arena := range []int64{0, 8 << 20} {
			for _, measure := range [][]string{nil, {"measure: [sha256]"}} {
				t.Run(name, func(t *testing.T) {
					var told Progress
					gate := newGate(t, entry(append([]string{"pin: required", `companions: ["*.txt"]`}, measure...)...), lock, func(c *Config) {
						c.ArenaBytes = arena
						c.Progress = func(p Progress) { told = p }
					})
					m, err := gate.Load(context.Background(), "m", src)
					require.NoError(t, err)
					defer m.Close()
					requireBytes(t, files["model.safetensors"], m)
					require.Equal(t, policy.Admitted, m.Verdict())
					require.True(t, m.Vouched())
					require.NoError(t, fstest.TestFS(m.FS(), slices.Collect(mapKeys(files))...))
					for name, want := range files {
						got, err := fs.ReadFile(m.FS(), name)
						require.NoError(t, err)
						require.True(t, bytes.Equal(want, got), name)
					}
					report := m.Report()
					require.Equal(t, report.Identity, m.Identity())
					require.False(t, m.Identity().IsZero())
					require.Equal(t, 1, report.Tensors)
					require.Equal(t, told.Total, report.Bytes)
					require.Equal(t, told.Done, told.Total)
					require.Len(t, report.Files, 3)
					for _, f := range report.Files {
						require.Equal(t, len(measure) > 0, !f.SHA256.IsZero())
					}
				})
			}
		}
	}
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// streamFS hides io.ReaderAt and io.Seeker.
type streamFS struct{ fs.FS }

type streamFile struct{ fs.File }

func (s streamFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if d, ok := f.(fs.ReadDirFile); ok {
		return d, nil
	}
	return streamFile{f}, nil
}

// What comes from another place under the same name is the same model.
func TestSourcesAgree(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	const commit = "0123456789abcdef0123456789abcdef01234567"
	cache := t.TempDir()
	repository := filepath.Join(cache, "models--org--name")
	require.NoError(t, os.MkdirAll(filepath.Join(repository, "blobs"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(repository, "snapshots", commit), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(repository, "blobs", "abc"), weights(t, 100, 1), 0o644))
	require.NoError(t, os.Symlink("../../blobs/abc", filepath.Join(repository, "snapshots", commit, "model.safetensors")))

	gate := pinned(t, dir)
	var identity manifest.Digest
	for _, src := range []Source{Dir(dir), File(filepath.Join(dir, "model.safetensors")), HubCache(cache, "org/name", commit), FS(os.DirFS(dir))} {
		m, err := gate.Load(context.Background(), "m", src)
		require.NoError(t, err, src.Origin())
		if identity.IsZero() {
			identity = m.Identity()
		}
		require.Equal(t, identity, m.Identity())
		require.Equal(t, src.Origin(), m.Report().Origin)
		require.NoError(t, m.Close())
	}
}

func TestModelLendsBytes(t *testing.T) {
	files := map[string][]byte{"model.safetensors": weights(t, 1<<16, 7)}
	dir := write(t, files)
	m, err := pinned(t, dir, func(c *Config) { c.ArenaBytes = 2 << 20 }).Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)

	unknown := formats.TensorID{File: "model.safetensors", Name: "v"}
	require.ErrorIs(t, m.View(unknown, func([]byte) error { return nil }), ErrNoTensor)
	mine := errors.New("mine")
	require.ErrorIs(t, m.View(tensorW, func([]byte) error { return mine }), mine)

	held, release, err := m.Hold(tensorW)
	require.NoError(t, err)
	require.True(t, faults(func() { held[0] = 1 }), "the bytes can be written to")
	file, err := m.FS().Open("model.safetensors")
	require.NoError(t, err)

	require.NoError(t, m.Close())
	require.NoError(t, m.Close())
	require.ErrorIs(t, m.View(tensorW, func([]byte) error { return nil }), ErrClosed)
	_, _, err = m.Hold(tensorW)
	require.ErrorIs(t, err, ErrClosed)
	_, err = m.FS().Open("model.safetensors")
	require.ErrorIs(t, err, ErrClosed)

	_ = held[0] // still lent
	release()
	release()
	got, err := io.ReadAll(file)
	require.NoError(t, err)
	require.Equal(t, files["model.safetensors"], got, "an open file outlives Close")
	require.NoError(t, file.Close())
	require.True(t, faults(func() { files["late"] = bytes.Clone(held) }), "the bytes outlive the last holder")
}

// faults reports whether f touches memory that it must not.
func faults(f func()) (yes bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { yes = recover() != nil }()
	f()
	return false
}

// A gate for several loads at once, while models come and go.
func TestConcurrentLoads(t *testing.T) {
	files := map[string][]byte{"model.safetensors": weights(t, 1<<18, 7)}
	dir := write(t, files)
	gate := pinned(t, dir, func(c *Config) { c.ArenaBytes = 4 << 20 })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				m, err := gate.Load(context.Background(), "m", Dir(dir))
				if err != nil {
					t.Error(err)
					return
				}
				requireBytes(t, files["model.safetensors"], m)
				m.Close()
			}
		})
	}
	wg.Wait()
}

// Every call ends in one record, and the call fails with it.
func TestRecords(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	var records []*Report
	var answer error
	gate := pinned(t, dir, func(c *Config) {
		c.Recorder = RecorderFunc(func(ctx context.Context, r *Report) error {
			require.NoError(t, ctx.Err())
			records = append(records, r)
			return answer
		})
	})
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.Same(t, records[0], m.Report())
	require.NoError(t, m.Close())

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = gate.Load(ctx, "m", Dir(dir))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, ErrUnverifiable)
	require.Equal(t, []formats.Code{CodeCanceled}, codesOf(t, err))
	require.Len(t, records, 2)

	_, err = gate.Load(context.Background(), "m", Dir(filepath.Join(dir, "nowhere")))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, []formats.Code{CodeRead}, codesOf(t, err))
	require.Len(t, records, 3)

	_, err = gate.Load(context.Background(), "nobody", Dir(dir))
	require.ErrorIs(t, err, ErrDenied)
	require.Equal(t, []formats.Code{policy.CodeNoMatch}, codesOf(t, err))
	require.Len(t, records, 4)

	answer = errors.New("the disk is full")
	_, err = gate.Load(context.Background(), "m", Dir(dir))
	require.ErrorIs(t, err, answer)
	require.ErrorIs(t, err, ErrUnverifiable)
	require.Equal(t, []formats.Code{CodeRecord}, codesOf(t, err))
	require.Len(t, records, 5)
	require.Equal(t, policy.Admitted, records[4].Verdict, "what was recorded does not change")

	answer = nil
	require.NoError(t, gate.Close())
	_, err = gate.Load(context.Background(), "m", Dir(dir))
	require.Equal(t, []formats.Code{CodeClosed}, codesOf(t, err))
}

// A load that is cancelled in the middle keeps no memory.
func TestCancellationFreesMemory(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 1<<22, 1)})
	gate := pinned(t, dir, func(c *Config) { c.ArenaBytes = 32 << 20 })
	whole := gate.room.arena.Free()
	for _, sha256 := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		gate.pause = func(p pausePoint, _ string, chunk int64) {
			if p == pauseHashed && chunk == 3 {
				cancel()
			}
		}
		a := gate.begin(EventLoad, "m", Dir(dir))
		a.room = gate.room
		a.sha256 = sha256
		_, err := a.judge(ctx, Dir(dir))
		require.ErrorIs(t, a.record(ctx, err), context.Canceled)
		require.Less(t, gate.room.arena.Free(), whole)
		a.release()
		require.Equal(t, whole, gate.room.arena.Free())
	}
}

func TestReportIsData(t *testing.T) {
	dir := write(t, modelFiles(t))
	m, err := pinned(t, dir).Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	var back Report
	require.NoError(t, json.Unmarshal(m.Report().JSON(), &back))
	want := *m.Report()
	want.facts = policy.Facts{}
	require.Equal(t, want.JSON(), back.JSON())
	require.Equal(t, ReportVersion, back.Version)
	text := m.Report().String()
	require.True(t, strings.HasPrefix(text, "ADMITTED  m (dir)\n"), text)
	require.Contains(t, text, m.Identity().String())
	require.Contains(t, text, "safetensors  model.safetensors")
}

func TestRejectionText(t *testing.T) {
	files := modelFiles(t)
	dir := write(t, files)
	gate := pinned(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte("two\none\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "more.txt"), []byte("x"), 0o644))
	_, err := gate.Load(context.Background(), "m", Dir(dir))
	require.ErrorIs(t, err, ErrDenied)
	require.NotErrorIs(t, err, ErrUnverifiable)
	require.Regexp(t, `^weightgate: denied m: pin\.changed sub/more\.txt: .*$`, err.Error())
	require.NotContains(t, err.Error(), "\n")

	var r *Rejection
	require.ErrorAs(t, err, &r)
	lines := strings.Split(r.Report.String(), "\n")
	require.Equal(t, "DENIED  m (dir), 1 reason", lines[0])
	require.Contains(t, lines[2], "→ ")
}

func TestConfigIsChecked(t *testing.T) {
	p, err := policy.Parse([]byte(strings.Replace(entry("unpinned: true"), "lock: weightgate.lock\n", "", 1)), nil)
	require.NoError(t, err)
	_, err = New(Config{Policy: p})
	require.ErrorIs(t, err, ErrConfig)
	_, err = New(Config{Formats: testFormats})
	require.ErrorIs(t, err, ErrConfig)
	_, err = Inspect(context.Background(), "m", Dir(t.TempDir()), InspectConfig{})
	require.ErrorIs(t, err, ErrConfig)
	_, err = Open(filepath.Join(t.TempDir(), "policy.yaml"), testFormats)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Verify and Load say the same of the same bytes.
func TestVerify(t *testing.T) {
	files := modelFiles(t)
	dir := write(t, files)
	gate := pinned(t, dir)
	report, err := gate.Verify(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.Equal(t, policy.Admitted, report.Verdict)
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.Equal(t, m.Identity(), report.Identity)
	require.NoError(t, m.Close())

	report, err = gate.Verify(context.Background(), "m", FS(streamFS{os.DirFS(dir)}))
	require.NoError(t, err)
	require.Equal(t, m.Identity(), report.Identity)

	path := filepath.Join(dir, "model.safetensors")
	require.NoError(t, os.WriteFile(path, append([]byte{1}, files["model.safetensors"][1:]...), 0o644))
	report, err = gate.Verify(context.Background(), "m", Dir(dir))
	require.Equal(t, []formats.Code{policy.CodePinChanged}, codesOf(t, err))
	require.Equal(t, policy.Denied, report.Verdict)
	require.False(t, report.Vouched, "the pin is another model's")
}

// What a ring reads again for a parser is what it hashed, or the load ends.
func TestRingBelievesNothingTwice(t *testing.T) {
	good := weights(t, 1<<18, 7)
	for _, via := range []func(dir string) Source{Dir, func(dir string) Source { return FS(streamFS{os.DirFS(dir)}) }} {
		dir := write(t, map[string][]byte{"model.safetensors": good})
		gate := pinned(t, dir)
		gate.pause = func(p pausePoint, _ string, _ int64) {
			if p == pauseProtected { // hashed, not yet parsed
				bad := bytes.Clone(good)
				bad[12] = 'x' // in the header
				require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), bad, 0o644))
			}
		}
		_, err := gate.Verify(context.Background(), "m", via(dir))
		require.Equal(t, []formats.Code{CodeChanged}, codesOf(t, err))
	}
}

// A look goes on where a load ends: what cannot be read is a finding.
func TestInspectGoesOn(t *testing.T) {
	good := weights(t, 1<<18, 1)
	for _, sha256 := range []bool{false, true} {
		report, err := Inspect(context.Background(), "m", FS(brokenFS{fstest.MapFS{
			"a.broken": {Data: good}, "b.safetensors": {Data: good}, "c.broken": {Data: good}, "d.late": {Data: good},
		}}), InspectConfig{Formats: testFormats, SHA256: sha256, GoOn: true})
		require.NoError(t, err)
		var seen []string
		for _, f := range report.Findings {
			seen = append(seen, string(f.Code)+" "+f.File)
		}
		require.ElementsMatch(t, []string{"file.read a.broken", "file.read c.broken", "file.read d.late"}, seen)
		require.Len(t, report.Files, 1)
		require.Equal(t, sha256, !report.Files[0].SHA256.IsZero())
		require.Equal(t, []TensorReport{{
			TensorID: formats.TensorID{File: "b.safetensors", Name: "w"}, DType: formats.F32, Shape: []int64{1 << 18}, Bytes: 1 << 20,
		}}, report.Inventory)
	}
}

// brokenFS cannot open files called .broken, and cannot read those called
// .late to their end.
type brokenFS struct{ fs.FS }

func (b brokenFS) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	switch {
	case err != nil:
		return nil, err
	case strings.HasSuffix(name, ".broken"):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	case strings.HasSuffix(name, ".late"):
		return lateFile{f, new(int)}, nil
	}
	return f, nil
}

type lateFile struct {
	fs.File
	reads *int
}

func (f lateFile) Read(b []byte) (int, error) {
	if *f.reads++; *f.reads > 1 {
		return 0, errors.New("bad sector")
	}
	return f.File.Read(b)
}

// The Logger hears of each admission and refusal, in one line.
func TestLogger(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	var log bytes.Buffer
	gate := pinned(t, dir, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.Regexp(t, `level=INFO msg=weightgate event=load model=m verdict=admitted identity=`+m.Identity().String(), log.String())
	require.NoError(t, m.Close())
	log.Reset()
	_, err = gate.Load(context.Background(), "nobody", Dir(dir))
	require.Error(t, err)
	require.Regexp(t, `level=WARN msg=weightgate event=load model=nobody verdict=denied .*reason="policy.nomatch`, log.String())
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
}
