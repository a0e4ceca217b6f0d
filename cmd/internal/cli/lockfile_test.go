package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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
