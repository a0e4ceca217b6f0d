package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

const anyModel = `version: 1
lock: weightgate.lock
models:
  - {name: "*", source: [file], formats: [safetensors], pin: required}
`

// service writes a policy, and opens it as pin does.
func service(t *testing.T) (path string, open func() *policy.Policy) {
	path = filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte(anyModel), 0o644))
	return path, func() *policy.Policy {
		p, err := policy.Open(path, policy.WithoutLock())
		require.NoError(t, err)
		return p
	}
}

func pinned(t *testing.T, lock *policy.Lock, name string) *policy.Lock {
	next, err := lock.With(policy.Pin{Name: name, Files: manifest.Manifest{
		{Name: "w", Size: 1, Verity: manifest.Digest{1}, SHA256: manifest.Digest{2}},
	}})
	require.NoError(t, err)
	return next
}

func TestLockChangedMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		before []string // pinned when the policy is opened
		change func(path string) error
	}{
		"first pin of another": {nil, func(path string) error {
			return os.WriteFile(path, pinned(t, &policy.Lock{}, "other").Encode(), 0o644)
		}},
		"another pin": {[]string{"first"}, func(path string) error {
			return os.WriteFile(path, pinned(t, pinned(t, &policy.Lock{}, "first"), "other").Encode(), 0o644)
		}},
		"removed": {[]string{"first"}, os.Remove},
		"garbage": {[]string{"first"}, func(path string) error { return os.WriteFile(path, []byte("x"), 0o644) }},
	} {
		t.Run(name, func(t *testing.T) {
			_, open := service(t)
			for _, name := range c.before {
				pol := open()
				require.NoError(t, writeLock(pol, pinned(t, pol.Lock(), name)))
			}
			pol := open()
			require.NoError(t, c.change(pol.LockPath()))
			want, wantErr := os.ReadFile(pol.LockPath())

			require.ErrorContains(t, writeLock(pol, pinned(t, pol.Lock(), "mine")), "was changed meanwhile")
			got, gotErr := os.ReadFile(pol.LockPath())
			require.Equal(t, want, got)
			require.Equal(t, wantErr == nil, gotErr == nil)
			require.NoFileExists(t, pol.LockPath()+".new")
		})
	}
}

// A lock that is a link is written where the link leads, also when nothing is
// there yet.
func TestLockIsLink(t *testing.T) {
	for name, c := range map[string]struct {
		links  map[string]string
		target string
	}{
		"relative":             {map[string]string{"weightgate.lock": "locks/a.lock"}, "locks/a.lock"},
		"a link to a link":     {map[string]string{"weightgate.lock": "b.lock", "b.lock": "locks/a.lock"}, "locks/a.lock"},
		"climbs behind a link": {map[string]string{"weightgate.lock": "down/../a.lock", "down": "locks/deep"}, "locks/a.lock"},
	} {
		t.Run(name, func(t *testing.T) {
			path, open := service(t)
			dir := filepath.Dir(path)
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "locks", "deep"), 0o755))
			for from, to := range c.links {
				require.NoError(t, os.Symlink(to, filepath.Join(dir, from)))
			}
			pol := open()
			for _, name := range []string{"first", "second"} { // where nothing is, and in the place of what is
				require.NoError(t, writeLock(pol, pinned(t, pol.Lock(), name)))
				pol = open()
				text, err := os.ReadFile(filepath.Join(dir, c.target))
				require.NoError(t, err)
				require.Equal(t, pol.Lock().Encode(), text)
			}
			require.Equal(t, []string{"first", "second"}, pol.Lock().Names())
			for from, to := range c.links {
				target, err := os.Readlink(filepath.Join(dir, from))
				require.NoError(t, err)
				require.Equal(t, to, target)
			}
		})
	}

	path, open := service(t)
	pol := open()
	require.NoError(t, os.Symlink("weightgate.lock", filepath.Join(filepath.Dir(path), "weightgate.lock")))
	require.ErrorContains(t, writeLock(pol, pinned(t, pol.Lock(), "m")), "more than 40 links")
}

func TestLockKeepsItsMode(t *testing.T) {
	_, open := service(t)
	mode := func() fs.FileMode {
		info, err := os.Stat(open().LockPath())
		require.NoError(t, err)
		return info.Mode().Perm()
	}
	pol := open()
	require.NoError(t, writeLock(pol, pinned(t, pol.Lock(), "m")))
	require.Zero(t, mode()&0o133, "nobody else writes it, and nobody runs it")
	for _, want := range []fs.FileMode{0o600, 0o664, 0o640} {
		require.NoError(t, os.Chmod(pol.LockPath(), want))
		if runtime.GOOS == "windows" {
			want = mode() // it knows only read-only
		}
		pol = open()
		require.NoError(t, writeLock(pol, pol.Lock()))
		require.Equal(t, want, mode())
	}
}

// Every pin that says it was written is in the lock that is there at the end,
// and whoever reads meanwhile reads a whole lock.
func TestPinsAtOnce(t *testing.T) {
	const writers = 8
	path, open := service(t)
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range writers {
		model := filepath.Join(dir, fmt.Sprint(i))
		f, err := os.Create(model)
		require.NoError(t, err)
		require.NoError(t, safetensors.Write(f, []safetensors.Tensor{{Name: "w", DType: formats.U8, Shape: []int64{1}, Data: []byte{byte(i)}}}, nil))
		require.NoError(t, f.Close())
		all.Go(func() {
			for {
				var out, errs bytes.Buffer
				switch code := Main([]string{"pin", fmt.Sprint("m", i), model, "--policy", path}, &out, &errs); {
				case code == exitAdmitted:
					return
				case code != exitUnverifiable:
					t.Errorf("exit code %d: %s", code, &errs)
					return
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for open := true; open; {
		select {
		case <-ended:
			open = false
		default:
		}
		_, err := policy.Open(path, policy.WithoutLock())
		require.NoError(t, err)
	}
	lock := open().Lock()
	for i := range writers {
		files, ok := lock.Pin(fmt.Sprint("m", i))
		require.True(t, ok)
		require.Equal(t, fmt.Sprint(i), files.Files[0].Name)
	}
	require.Len(t, lock.Names(), writers)
}
