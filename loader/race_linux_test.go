package loader

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/memory"
	"github.com/weightgate/weightgate/policy"
)

// The racing writer is another process: this test binary, which finds in its
// environment what to do, and to which directory or file.
const spoilEnv = "WEIGHTGATE_TEST_SPOIL"

func TestMain(m *testing.M) {
	how, dir, _ := strings.Cut(os.Getenv(spoilEnv), ":")
	switch how {
	case "spoil":
		spoil(dir)
	case "flip":
		flip(dir)
	case "count":
		countUp(dir)
	default:
		os.Exit(m.Run())
	}
}

// writer starts a process that changes the model in dir until the test ends.
func writer(t *testing.T, how, dir string) {
	t.Helper()
	w := exec.Command(os.Args[0], "-test.run=^$")
	w.Env = append(os.Environ(), spoilEnv+"="+how+":"+dir)
	require.NoError(t, w.Start())
	t.Cleanup(func() { w.Process.Kill(); w.Wait() })
}

// spoil rewrites, truncates and replaces a file for ever, and puts the good
// bytes back in between, so that some loads meet them.
func spoil(dir string) {
	path := filepath.Join(dir, "model.safetensors")
	good, err := os.ReadFile(path)
	if err != nil {
		os.Exit(1)
	}
	bad := bytes.Clone(good)
	for i := len(bad) / 4; i < len(bad); i += 4096 {
		bad[i] ^= 0xff
	}
	must := func(err error) {
		if err != nil {
			os.Exit(1) // the directory is gone: the test is over
		}
	}
	for {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		must(err)
		switch rand.IntN(4) {
		case 0: // rewrite in place
			at := rand.IntN(len(bad) - 1<<19)
			_, err = f.WriteAt(bad[at:at+1<<19], int64(at))
		case 1, 2: // cut short, in the middle of a page too
			err = f.Truncate(int64(rand.IntN(len(bad))))
		case 3: // replace
			must(os.WriteFile(dir+".new", bad, 0o644)) // beside the directory
			err = os.Rename(dir+".new", path)
		}
		must(err)
		must(f.Close())
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		must(os.WriteFile(path, good, 0o644))
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
	}
}

// Whatever a writer does at whatever moment, the model's bytes are the pinned
// bytes, or the load is refused.
func TestRacingWriters(t *testing.T) {
	const (
		wantChanged = 1000 // trials in which the file was seen to change between the first and the last read
		wantFaults  = 200  // of them by a fault in the mapping
		patience    = 3 * time.Minute
	)
	good := weights(t, 1<<20, 1) // 4 MiB: eight chunks
	dir := write(t, map[string][]byte{"model.safetensors": good})
	gate := pinned(t, dir, func(c *Config) { c.ArenaBytes = 8 << 20 })
	gate.via = readMapping
	var reads atomic.Int32
	gate.pause = func(p pausePoint, _ string, _ int64) {
		if p == pauseCopied {
			reads.Add(1)
			time.Sleep(100 * time.Microsecond) // let the writer in between two chunks
		}
	}
	writer(t, "spoil", dir)

	var trials, admitted, changed, faults int
	for start := time.Now(); changed < wantChanged || faults < wantFaults || admitted == 0; trials++ {
		require.Less(t, time.Since(start), patience, "%d trials: %d changed, %d faults, %d admitted", trials, changed, faults, admitted)
		reads.Store(0)
		m, err := gate.Load(context.Background(), "m", Dir(dir))
		if err == nil {
			admitted++
			requireBytes(t, good, m)
			require.NoError(t, m.Close())
			continue
		}
		switch code := codesOf(t, err)[0]; code {
		case CodeChanged:
			if reads.Load() > 0 { // not before the first read
				changed++
			}
		case policy.CodePinChanged: // it was another one all the time
		case CodeRead: // opened while it was being replaced
		default:
			require.Fail(t, "refused for another reason", "%v", err)
		}
		if errors.Is(err, memory.ErrFault) {
			faults++
		}
	}
	t.Logf("%d trials: %d saw a change, %d of them a fault; %d admitted", trials, changed, faults, admitted)
}

// flip changes one byte and back for ever, through a shared mapping: once a
// page is dirty the kernel records no time for further writes to it, so that no
// second look at the file's status sees them.
func flip(dir string) {
	f, err := os.OpenFile(filepath.Join(dir, "model.safetensors"), os.O_RDWR, 0)
	if err != nil {
		os.Exit(1)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, flipped+1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		os.Exit(1)
	}
	for {
		b[flipped] ^= 1
		time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
		if _, err := os.Stat(dir); err != nil {
			os.Exit(1)
		}
	}
}

const flipped = 5<<19 + 17 // in chunk 5

// Only the copy tells what was copied: a byte that changes back before it is
// hashed must not pass. This is the test that a build fails which hashes the
// file's mapping.
func TestWritesThroughAMapping(t *testing.T) {
	good := weights(t, 1<<20, 1)
	dir := write(t, map[string][]byte{"model.safetensors": good})
	gate := pinned(t, dir)
	gate.via = readMapping
	gate.pause = func(p pausePoint, _ string, chunk int64) {
		if p == pauseCopied && chunk == 5 {
			time.Sleep(200 * time.Microsecond)
		}
	}
	writer(t, "flip", dir)
	var admitted, refused int
	for start := time.Now(); admitted < 100 || refused < 100; {
		require.Less(t, time.Since(start), 3*time.Minute, "%d admitted, %d refused", admitted, refused)
		m, err := gate.Load(context.Background(), "m", Dir(dir))
		if err != nil {
			require.Subset(t, []formats.Code{CodeChanged, policy.CodePinChanged}, codesOf(t, err))
			refused++
			continue
		}
		admitted++
		requireBytes(t, good, m)
		require.NoError(t, m.Close())
	}
	t.Logf("%d admitted, %d refused", admitted, refused)
}

// A change that is made on purpose at each point of the line.
func TestChangeAtEachPoint(t *testing.T) {
	good := weights(t, 1<<20, 1)
	bad := bytes.Clone(good)
	bad[len(bad)-1] ^= 1
	changes := map[string]func(t *testing.T, path string){
		"rewrite": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt(bad[1<<20:], 1<<20)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		},
		"truncate": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 1<<20+100)) },
		"truncate inside the last page": func(t *testing.T, path string) {
			require.NoError(t, os.Truncate(path, int64(len(good)-10))) // reads as zeros, without a fault
		},
		"grow": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			require.NoError(t, err)
			_, err = f.WriteString("more")
			require.NoError(t, err)
			require.NoError(t, f.Close())
		},
		"replace": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+".new", bad, 0o644))
			require.NoError(t, os.Rename(path+".new", path))
		},
	}
	points := map[string]pausePoint{
		"opened": pauseOpened, "copied": pauseCopied, "hashed": pauseHashed, "protected": pauseProtected,
	}
	for _, via := range []reading{readMapping, readAt} {
		for pointName, point := range points {
			for changeName, change := range changes {
				t.Run(pointName+"/"+changeName, func(t *testing.T) {
					dir := write(t, map[string][]byte{"model.safetensors": good})
					gate := pinned(t, dir)
					gate.via = via
					done := false
					gate.pause = func(p pausePoint, _ string, chunk int64) {
						// The first chunk is copied by now, the others are not: one worker.
						if p == point && !done {
							done = true
							change(t, filepath.Join(dir, "model.safetensors"))
						}
					}
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
					m, err := gate.Load(context.Background(), "m", Dir(dir))
					require.True(t, done, "the point was never reached")
					if err != nil {
						require.Subset(t, []formats.Code{CodeChanged, "pin.changed"}, codesOf(t, err))
						require.ErrorIs(t, err, ErrDenied)
						return
					}
					require.True(t, point == pauseProtected || changeName == "replace", "a change during the copy went unseen")
					requireBytes(t, good, m)
					require.NoError(t, m.Close())
				})
			}
		}
	}
}
