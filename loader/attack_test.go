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
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// What was recorded is what the caller gets, and is not changed afterwards.
func TestTheRecordIsTheRejection(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	var recorded []byte
	var answer error
	gate := pinned(t, dir, func(c *Config) {
		c.Recorder = RecorderFunc(func(_ context.Context, r *Report) error {
			recorded = r.JSON()
			return answer
		})
	})
	_, err := gate.Load(context.Background(), "m", Dir(filepath.Join(dir, "nowhere")))
	var r *Rejection
	require.ErrorAs(t, err, &r)
	require.Equal(t, string(recorded), string(r.Report.JSON()))
	require.NotEmpty(t, r.Report.Error)

	// A recorder that fails hides no denial.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), weights(t, 100, 2), 0o644))
	answer = errors.New("the disk is full")
	_, err = gate.Load(context.Background(), "m", Dir(dir))
	require.ErrorIs(t, err, ErrDenied)
	require.ErrorIs(t, err, answer)
	require.Equal(t, []formats.Code{policy.CodePinChanged, CodeRecord}, codesOf(t, err))
}

// A Recorder may ask the model.
func TestRecorderAsksTheModel(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	var m *Model
	gate := pinned(t, dir, func(c *Config) {
		c.Recorder = RecorderFunc(func(ctx context.Context, r *Report) error {
			if m != nil {
				m.Identity()
				require.Equal(t, "mine", ctx.Value(ctxKey{}))
			}
			return nil
		})
	})
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.NoError(t, m.Close())
	_, err = m.AdmitLibrary(context.WithValue(context.Background(), ctxKey{}, "mine"), "nowhere.so")
	require.ErrorIs(t, err, ErrClosed)
}

type ctxKey struct{}

// Limits count for every caller of the line.
func TestLimitsCountForVerify(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	gate := newGate(t, entry("pin: required", "limits: {bytes: 50}"), pins(t, map[string]Source{"m": Dir(dir)}))
	_, err := gate.Verify(context.Background(), "m", Dir(dir))
	require.Equal(t, []formats.Code{CodeMemory}, codesOf(t, err))
	_, err = Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats, Limits: formats.Limits{MaxBytes: 50}})
	require.Equal(t, []formats.Code{CodeMemory}, codesOf(t, err))
}

// A file system may claim any size: nothing is allocated by it.
func TestClaimedSizes(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	for _, claimed := range []int64{1 << 62, 1<<63 - 1, 1 << 50, -1} {
		src := FS(lyingFS{nil, claimed})
		_, err := pinned(t, dir).Load(context.Background(), "m", src)
		require.Error(t, err)
		_, err = Inspect(context.Background(), "m", src, InspectConfig{Formats: testFormats})
		require.Error(t, err)
	}
	_, err := (&room{arena: emptyArena(t)}).take([]int64{1 << 62})
	require.ErrorIs(t, err, errNoRoom)
}

// Loads under way are promised memory that the system does not see yet.
func TestConcurrentLoadsShareMemory(t *testing.T) {
	r := &room{arena: emptyArena(t)}
	half := available() / 10 * 7
	first, err := r.take([]int64{half})
	require.NoError(t, err)
	_, err = r.take([]int64{half})
	require.ErrorIs(t, err, errNoRoom)
	first.release()
	first.release()
	require.Zero(t, r.promised)
	second, err := r.take([]int64{half})
	require.NoError(t, err)
	second.release()
}

// Closing a file of a model while it is read harms nobody.
func TestFilesCloseDuringReads(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 1<<20, 1)})
	m, err := pinned(t, dir).Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	f, err := m.FS().Open("model.safetensors")
	require.NoError(t, err)
	require.NoError(t, m.Close())
	var wg sync.WaitGroup
	started := make(chan struct{}, 4)
	for range 4 {
		wg.Go(func() {
			buf := make([]byte, 1<<22)
			for first := true; ; first = false {
				if _, err := f.(io.ReaderAt).ReadAt(buf, 0); errors.Is(err, fs.ErrClosed) {
					return
				}
				if first {
					started <- struct{}{}
				}
			}
		})
	}
	<-started
	require.NoError(t, f.Close())
	wg.Wait()
	require.ErrorIs(t, f.Close(), fs.ErrClosed)
	_, err = f.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
	_, err = f.(io.Seeker).Seek(0, io.SeekStart)
	require.ErrorIs(t, err, fs.ErrClosed)
}

// A parser that takes a failed read for a misfit does not hide it.
func TestSwallowedReadErrors(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1), "vocab.txt": []byte("one")})
	gate := pinned(t, dir, func(c *Config) {
		c.Formats = c.Formats.With(badFormat{name: "careless", claims: func(in formats.Input) bool {
			in.ReadAt(make([]byte, 1), 0) // whatever it says
			return false
		}})
	})
	gate.pause = func(p pausePoint, _ string, _ int64) {
		if p == pauseProtected {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "vocab.txt"), []byte("two"), 0o644))
		}
	}
	_, err := gate.Verify(context.Background(), "m", Dir(dir))
	require.Equal(t, []formats.Code{CodeChanged}, codesOf(t, err))
}

// A cancellation is one whatever its cause and whatever is measured.
func TestCancellationWithACause(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 1<<20, 1)})
	gate := newGate(t, entry("pin: required", "measure: [sha256]"), pins(t, map[string]Source{"m": Dir(dir)}))
	ctx, cancel := context.WithCancelCause(context.Background())
	gate.pause = func(p pausePoint, _ string, chunk int64) {
		if p == pauseCopied && chunk == 2 {
			cancel(errors.New("shutting down"))
		}
	}
	_, err := gate.Load(ctx, "m", Dir(dir))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []formats.Code{CodeCanceled}, codesOf(t, err))
}

// What a parser accounts for must be there, and each tensor once.
func TestLyingParsers(t *testing.T) {
	for name, lie := range map[string]func(found *formats.Inspection){
		"too much":        func(f *formats.Inspection) { f.Claims[0].Length = 1 << 40 },
		"before the file": func(f *formats.Inspection) { f.Claims[0] = formats.Range{File: "data.bad", Offset: -100, Length: 200} },
		"of no file":      func(f *formats.Inspection) { f.Claims[0].File = "other" },
		"twice": func(f *formats.Inspection) {
			f.Tensors = []formats.Tensor{tensorAt("data.bad", 0), tensorAt("data.bad", 1)}
		},
		"of another file": func(f *formats.Inspection) { f.Tensors = []formats.Tensor{tensorAt("other", 0)} },
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"data.bad": []byte("12345678")})
			bad := badFormat{name: "bad", claims: func(formats.Input) bool { return true }, inspect: func(in formats.Input) (*formats.Inspection, error) {
				found := &formats.Inspection{Claims: []formats.Range{{File: in.Name(), Length: in.Size()}}}
				lie(found)
				return found, nil
			}}
			yaml := strings.Replace(entry("pin: required"), "[safetensors]", "[bad]", 1)
			gate := newGate(t, yaml, pins(t, map[string]Source{"m": Dir(dir)}), func(c *Config) { c.Formats = formats.Set{bad} })
			_, err := gate.Load(context.Background(), "m", Dir(dir))
			require.Equal(t, []formats.Code{CodeParser}, codesOf(t, err))
		})
	}
}

func tensorAt(file string, offset int64) formats.Tensor {
	return formats.Tensor{ID: formats.TensorID{File: file, Name: "t"}, DType: formats.U8, Shape: []int64{1},
		Place: formats.Range{File: "data.bad", Offset: offset, Length: 1}}
}

// Somebody's fs.FS panics, or gives nothing: a failed read.
func TestBrokenFileSystems(t *testing.T) {
	good := fstest.MapFS{"model.safetensors": {Data: weights(t, 100, 1)}}
	lock := pins(t, map[string]Source{"m": FS(good)})
	for name, broken := range map[string]fs.FS{
		"panic in Open": anyFS(func(string) (fs.File, error) { panic("ouch") }),
		"no file":       anyFS(func(string) (fs.File, error) { return nil, nil }),
		"panic in Read": anyFS(func(name string) (fs.File, error) { f, err := good.Open(name); return panicFile{f, "Read"}, err }),
		"panic in Stat": anyFS(func(name string) (fs.File, error) { f, err := good.Open(name); return panicFile{f, "Stat"}, err }),
		"no info":       anyFS(func(name string) (fs.File, error) { f, err := good.Open(name); return panicFile{f, "nil"}, err }),
		"too many":      anyFS(func(name string) (fs.File, error) { f, err := good.Open(name); return panicFile{f, "many"}, err }),
	} {
		t.Run(name, func(t *testing.T) {
			gate := newGate(t, entry("pin: required"), lock)
			_, err := gate.Load(context.Background(), "m", FS(broken))
			require.Equal(t, []formats.Code{CodeRead}, codesOf(t, err))
			require.ErrorIs(t, err, errPanicked)
		})
	}
}

type anyFS func(name string) (fs.File, error)

func (o anyFS) Open(name string) (fs.File, error) { return o(name) }

// panicFile is a directory as it is, and a file that is broken in one way.
type panicFile struct {
	fs.File
	how string
}

func (f panicFile) ReadDir(n int) ([]fs.DirEntry, error) { return f.File.(fs.ReadDirFile).ReadDir(n) }

func (f panicFile) Read(p []byte) (int, error) {
	switch f.how {
	case "Read":
		panic("ouch")
	case "many":
		return len(p) + 1, nil
	}
	return f.File.Read(p)
}

func (f panicFile) Stat() (fs.FileInfo, error) {
	switch f.how {
	case "Stat":
		panic("ouch")
	case "nil":
		return nil, nil
	}
	return f.File.Stat()
}

// What nobody made is closed, or denies.
func TestZeroValues(t *testing.T) {
	ctx := context.Background()
	var g Gate
	_, err := g.Load(ctx, "m", Dir(t.TempDir()))
	require.Equal(t, []formats.Code{policy.CodeNoMatch}, codesOf(t, err))
	require.NoError(t, g.Close())

	var m Model
	require.True(t, m.Identity().IsZero())
	require.False(t, m.Vouched())
	require.Equal(t, policy.Denied, m.Verdict())
	_, err = m.FS().Open("x")
	require.ErrorIs(t, err, ErrClosed)
	_, err = m.AdmitLibrary(ctx, "x")
	require.ErrorIs(t, err, ErrClosed)
	require.NoError(t, m.Close())

	var l Library
	require.ErrorIs(t, l.Open(ctx, func(string, []string) error { t.Error("opened"); return nil }), ErrClosed)
	require.ErrorIs(t, l.AdmitSession(ctx, policy.SessionFacts{}), ErrClosed)
	require.NoError(t, l.Close())

	require.ErrorIs(t, &Rejection{}, ErrDenied)
	require.NotEmpty(t, (&Rejection{}).Error())
}

// Text from a model, a host or a runtime cannot steer a terminal.
func TestReportsAreEscaped(t *testing.T) {
	const hostile = "a\x1b[2J\u200b\u200e\u061c\u00ad\ufeff\u2028\u202eb"
	r := &Report{Name: hostile, Origin: policy.Origin{Kind: hostile, Repository: hostile, Commit: hostile}, Error: hostile,
		Session:   &policy.SessionFacts{Device: hostile, Runtime: hostile},
		Decisions: []policy.Decision{{Reasons: []policy.Reason{{Finding: formats.Finding{Code: "x.y", File: hostile, Detail: hostile}}}}}}
	var b bytes.Buffer
	require.NoError(t, r.WriteText(&b))
	for _, c := range hostile[1 : len(hostile)-1] {
		if c > 0x7e || c < 0x20 {
			require.NotContains(t, b.String(), string(c), "%U", c)
		}
	}
}
