package loader

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// library writes a file that stands for a runtime library: nothing here opens
// it as one.
func library(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

// libraryGate is a gate for the model in dir that pins these libraries.
func libraryGate(t *testing.T, dir string, session string, change func(*Config), libraries ...string) *Gate {
	t.Helper()
	lock, err := policy.ParseLock(pins(t, map[string]Source{"m": Dir(dir)}))
	require.NoError(t, err)
	for _, path := range libraries {
		e, err := MeasureLibrary(context.Background(), path)
		require.NoError(t, err)
		lock, err = lock.WithLibrary(e)
		require.NoError(t, err)
	}
	yaml := strings.Replace(entry("pin: required", session), "models:", "libraries: pinned\nmodels:", 1)
	if change == nil {
		change = func(*Config) {}
	}
	return newGate(t, yaml, lock.Encode(), change)
}

// fresh gives the test a process that has opened nothing.
func fresh(t *testing.T) {
	t.Helper()
	forget := func() {
		process.digest, process.sealed, process.folder, process.done = manifest.Digest{}, nil, memory.Folder{}, false
	}
	forget()
	t.Cleanup(forget)
}

func TestRuntimePhases(t *testing.T) {
	fresh(t)
	ctx := context.Background()
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	core := library(t, "libcore.so.1", "core")
	provider := library(t, "libprovider.so", "provider")
	var records []*Report
	gate := libraryGate(t, dir, "session: {device: [cpu]}", func(c *Config) {
		c.Recorder = RecorderFunc(func(_ context.Context, r *Report) error { records = append(records, r); return nil })
	}, core, provider)

	m, err := gate.Load(ctx, "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, policy.Pending, m.Verdict())
	require.Equal(t, []policy.Phase{policy.PhaseLibrary, policy.PhaseSession}, m.Report().Pending)
	view := func() error { return m.View(tensorW, func([]byte) error { return nil }) }
	hold := func() error {
		_, release, err := m.Hold(tensorW)
		if err == nil {
			release()
		}
		return err
	}
	require.ErrorIs(t, view(), ErrPending)
	require.ErrorIs(t, hold(), ErrPending)
	_, err = fs.ReadFile(m.FS(), "model.safetensors")
	require.NoError(t, err)

	lib, err := m.AdmitLibrary(ctx, core, provider)
	require.NoError(t, err)
	defer lib.Close()
	require.NoError(t, hold(), "until the library is admitted")
	require.ErrorIs(t, view(), ErrPending)

	opens := 0
	require.NoError(t, lib.Open(ctx, func(c string, providers []string) error {
		opens++
		b, err := os.ReadFile(c)
		require.NoError(t, err)
		require.Equal(t, "core", string(b))
		require.Len(t, providers, 1)
		require.Equal(t, filepath.Dir(c)+"/libprovider.so", providers[0], "a core finds its providers beside itself")
		b, err = os.ReadFile(providers[0])
		require.NoError(t, err)
		require.Equal(t, "provider", string(b))
		require.ErrorIs(t, os.WriteFile(c, []byte("evil"), 0), unix.EPERM)
		return nil
	}))
	require.NoError(t, lib.Open(ctx, func(string, []string) error { opens++; return nil }))
	require.Equal(t, 1, opens, "a process opens a library once")

	err = lib.AdmitSession(ctx, policy.SessionFacts{Device: "cuda"})
	require.Equal(t, []formats.Code{policy.CodeSessionDevice}, codesOf(t, err))
	require.ErrorIs(t, view(), ErrPending)
	require.NoError(t, lib.AdmitSession(ctx, policy.SessionFacts{Device: "cpu"}))
	require.NoError(t, view())
	require.Equal(t, policy.Admitted, m.Verdict())
	require.Equal(t, "cpu", m.Report().Session.Device)
	require.Len(t, m.Report().Library, 2)

	err = lib.AdmitSession(ctx, policy.SessionFacts{Device: "cuda"})
	require.ErrorIs(t, err, ErrDenied)
	require.NoError(t, view(), "a refused second session does not revoke the first")
	require.Equal(t, policy.Admitted, m.Verdict())

	events := []Event{EventLoad, EventLibrary, EventSession, EventSession, EventSession}
	require.Len(t, records, len(events))
	for i, r := range records {
		require.Equal(t, events[i], r.Event)
	}

	require.NoError(t, m.Close())
	_, err = m.AdmitLibrary(ctx, core, provider)
	require.ErrorIs(t, err, ErrClosed)
}

func TestRefusedLibraries(t *testing.T) {
	ctx := context.Background()
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	core := library(t, "libcore.so.1", "core")
	refused := func(t *testing.T, gate *Gate, want formats.Code, paths ...string) error {
		t.Helper()
		m, err := gate.Load(ctx, "m", Dir(dir))
		require.NoError(t, err)
		defer m.Close()
		_, err = m.AdmitLibrary(ctx, paths[0], paths[1:]...)
		require.Equal(t, []formats.Code{want}, codesOf(t, err))
		require.Equal(t, policy.Pending, m.Verdict())
		return err
	}
	t.Run("changed", func(t *testing.T) {
		fresh(t)
		gate := libraryGate(t, dir, "", nil, core)
		refused(t, gate, policy.CodeLibraryChanged, library(t, "libcore.so.1", "cure"))
	})
	t.Run("not pinned", func(t *testing.T) {
		fresh(t)
		gate := libraryGate(t, dir, "", nil, core)
		refused(t, gate, policy.CodeLibraryUnpinned, core, library(t, "libmore.so", "more"))
	})
	t.Run("two of one name", func(t *testing.T) {
		fresh(t)
		gate := libraryGate(t, dir, "", nil, core)
		refused(t, gate, CodeTwice, core, core)
		refused(t, gate, CodeTwice, core, library(t, "libmore.so", "more"), library(t, "libmore.so", "other"))
	})
	t.Run("absent", func(t *testing.T) {
		fresh(t)
		gate := libraryGate(t, dir, "", nil, core)
		err := refused(t, gate, CodeRead, filepath.Join(dir, "nowhere.so"))
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorIs(t, err, ErrUnverifiable)
	})
	t.Run("a FIFO", func(t *testing.T) {
		fresh(t)
		gate := libraryGate(t, dir, "", nil, core)
		pipe := filepath.Join(t.TempDir(), "libcore.so.1")
		require.NoError(t, unix.Mkfifo(pipe, 0o644))
		refused(t, gate, CodeRead, pipe)
	})
	t.Run("no library rule", func(t *testing.T) {
		fresh(t)
		m, err := pinned(t, dir).Load(ctx, "m", Dir(dir))
		require.NoError(t, err)
		defer m.Close()
		require.NoError(t, m.View(tensorW, func([]byte) error { return nil }))
		_, err = m.AdmitLibrary(ctx, core)
		require.Equal(t, []formats.Code{policy.CodeLibraryMissing}, codesOf(t, err))
	})
	t.Run("another is open", func(t *testing.T) {
		fresh(t)
		second := library(t, "libsecond.so.1", "second")
		gate := libraryGate(t, dir, "", nil, core, second)
		m, err := gate.Load(ctx, "m", Dir(dir))
		require.NoError(t, err)
		defer m.Close()
		first, err := m.AdmitLibrary(ctx, core)
		require.NoError(t, err)
		late, err := m.AdmitLibrary(ctx, second) // admitted while nothing is open
		require.NoError(t, err)
		defer late.Close()

		broken := errors.New("cannot open it")
		require.ErrorIs(t, first.Open(ctx, func(string, []string) error { return broken }), broken)
		require.NoError(t, first.Open(ctx, func(string, []string) error { return nil }), "a failure may be tried again")
		err = late.Open(ctx, func(string, []string) error { t.Error("a second library was opened"); return nil })
		require.Equal(t, []formats.Code{policy.CodeLibraryOther}, codesOf(t, err))
		_, err = m.AdmitLibrary(ctx, second)
		require.Equal(t, []formats.Code{policy.CodeLibraryOther}, codesOf(t, err))
		again, err := m.AdmitLibrary(ctx, core)
		require.NoError(t, err)
		require.NoError(t, again.Open(ctx, func(string, []string) error { t.Error("opened twice"); return nil }))
		require.NoError(t, again.Close())
		require.NoError(t, again.Close())
	})
	t.Run("what is open is not read again", func(t *testing.T) {
		fresh(t)
		path := library(t, "libcore.so.1", "core")
		m, err := libraryGate(t, dir, "", nil, path).Load(ctx, "m", Dir(dir))
		require.NoError(t, err)
		defer m.Close()
		first, err := m.AdmitLibrary(ctx, path)
		require.NoError(t, err)
		require.NoError(t, first.Open(ctx, func(string, []string) error { return nil }))
		sealed, err := os.Stat(path)
		require.NoError(t, err)

		require.NoError(t, os.WriteFile(path, []byte("CORE"), 0o644))
		require.NoError(t, os.Chtimes(path, time.Time{}, sealed.ModTime()))
		again, err := m.AdmitLibrary(ctx, path)
		require.NoError(t, err, "it is what was sealed, as far as a look from outside goes")
		require.Equal(t, first.Digest(), again.Digest(), "and the digest is that of what runs")

		require.NoError(t, os.Chtimes(path, time.Time{}, sealed.ModTime().Add(time.Second)))
		_, err = m.AdmitLibrary(ctx, path)
		require.Equal(t, []formats.Code{policy.CodeLibraryChanged, policy.CodeLibraryOther}, codesOf(t, err))
	})
	t.Run("closed before it is opened", func(t *testing.T) {
		fresh(t)
		m, err := libraryGate(t, dir, "", nil, core).Load(ctx, "m", Dir(dir))
		require.NoError(t, err)
		defer m.Close()
		lib, err := m.AdmitLibrary(ctx, core)
		require.NoError(t, err)
		require.NoError(t, lib.Close())
		err = lib.Open(ctx, func(string, []string) error { t.Error("opened"); return nil })
		require.ErrorIs(t, err, ErrClosed)
	})
}

func TestVerifyLibrary(t *testing.T) {
	fresh(t)
	ctx := context.Background()
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	core := library(t, "libcore.so.1", "core")
	gate := libraryGate(t, dir, "", nil, core)
	report, err := gate.Verify(ctx, "m", Dir(dir))
	require.NoError(t, err)
	require.Equal(t, []policy.Phase{policy.PhaseLibrary}, report.Pending)
	report, err = gate.Verify(ctx, "m", Dir(dir), core)
	require.NoError(t, err)
	require.Equal(t, policy.Admitted, report.Verdict)
	_, err = gate.Verify(ctx, "m", Dir(dir), library(t, "libcore.so.1", "cure"))
	require.Equal(t, []formats.Code{policy.CodeLibraryChanged}, codesOf(t, err))
}

// A library of any claimed size is refused before a page of it is touched.
func TestSparseLibrary(t *testing.T) {
	fresh(t)
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	m, err := libraryGate(t, dir, "", nil, library(t, "libcore.so.1", "core")).Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	f, err := os.CreateTemp("/dev/shm", "weightgate")
	require.NoError(t, err)
	defer os.Remove(f.Name())
	require.NoError(t, f.Truncate(100<<40))
	require.NoError(t, f.Close())
	_, err = m.AdmitLibrary(context.Background(), f.Name())
	require.Equal(t, []formats.Code{CodeMemory}, codesOf(t, err))
	_, err = MeasureLibrary(context.Background(), f.Name())
	require.ErrorIs(t, err, errNoRoom)
}

// After open returned, whatever it returned, nothing lies beside the core. What
// failed is tried again by the same paths.
func TestLibrariesLieBesideEachOtherWhileTheyAreOpened(t *testing.T) {
	fresh(t)
	ctx := context.Background()
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	core, provider := library(t, "libcore.so.1", "core"), library(t, "libprovider.so", "provider")
	m, err := libraryGate(t, dir, "", nil, core, provider).Load(ctx, "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	lib, err := m.AdmitLibrary(ctx, core, provider)
	require.NoError(t, err)

	var paths [][]string
	broken := errors.New("cannot open it")
	for _, want := range []error{broken, nil} {
		err := lib.Open(ctx, func(core string, providers []string) error {
			paths = append(paths, append([]string{core}, providers...))
			for _, path := range paths[0] {
				require.FileExists(t, path)
			}
			return want
		})
		require.ErrorIs(t, err, want)
		for _, path := range paths[0] {
			require.NoFileExists(t, path)
		}
		folder, err := os.Readlink(filepath.Dir(paths[0][0]))
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(folder, " (deleted)"), folder)
	}
	require.Len(t, paths, 2)
	require.Equal(t, paths[0], paths[1])
	require.Equal(t, "libcore.so.1", filepath.Base(paths[0][0]))
}

// A process that has opened its libraries copies no others.
func TestLaterLibrariesAreOnlyMeasured(t *testing.T) {
	fresh(t)
	ctx := context.Background()
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 10, 1)})
	core := library(t, "libcore.so.1", "core")
	m, err := libraryGate(t, dir, "", nil, core).Load(ctx, "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	lib, err := m.AdmitLibrary(ctx, core)
	require.NoError(t, err)
	broken := errors.New("cannot open it")
	require.ErrorIs(t, lib.Open(ctx, func(string, []string) error { return broken }), broken)
	require.NoError(t, lib.Close())

	again, err := m.AdmitLibrary(ctx, core)
	require.NoError(t, err)
	require.Empty(t, again.sealed)
	opened := ""
	require.NoError(t, again.Open(ctx, func(c string, _ []string) error {
		b, err := os.ReadFile(c)
		opened = string(b)
		return err
	}))
	require.Equal(t, "core", opened, "the copy that was tried first")
}
