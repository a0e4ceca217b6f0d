package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/sandbox/attacktest"
	"github.com/weightgate/weightgate/loader/internal/sandbox/child"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// The hook that hosts link, not that of the tests.
func TestRun(t *testing.T) {
	out, err := Run(background(t), Spec{Input: [][]byte{[]byte("what no job "), []byte("begins with")}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, out.Sandbox.Level, formats.SandboxSeccomp)
	require.Subset(t, out.Sandbox.Walls, []string{"limits", "privileges", "seccomp"})
	require.Positive(t, out.Sandbox.MaxRSS)
	require.Less(t, out.Sandbox.MaxRSS, int64(64<<20))
}

// What the parent holds is not counted as the child's memory.
func TestPeakIsTheChilds(t *testing.T) {
	held := bytes.Repeat([]byte{1}, 256<<20)
	out, err := walled().run(background(t), spec(attacktest.Echo))
	require.NoError(t, err)
	require.Positive(t, out.Sandbox.MaxRSS)
	require.Less(t, out.Sandbox.MaxRSS, int64(len(held)))
	runtime.KeepAlive(held)
}

func TestHelper(t *testing.T) {
	helper := filepath.Join(openDir(t), "helper")
	copyProgram(t, helper)
	out, err := Run(background(t), Spec{Helper: helper})
	require.NoError(t, err)
	require.GreaterOrEqual(t, out.Sandbox.Level, formats.SandboxSeccomp)

	_, err = Run(background(t), Spec{Helper: helper + "-that-is-not-there"})
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A helper without the hook does what it does, is given nothing, and is killed.
func TestHelperWithoutHook(t *testing.T) {
	for _, helper := range []string{"true", "echo"} {
		path, err := exec.LookPath(helper)
		require.NoError(t, err)
		_, err = Run(background(t), Spec{Helper: path})
		require.ErrorIs(t, err, ErrCrashed)
	}
}

func TestEcho(t *testing.T) {
	stream := make([]byte, 2<<20)
	for i := range stream {
		stream[i] = byte(i * 7 >> 3)
	}
	want := append([]byte(attacktest.Echo+"\n"), stream...)
	out, err := walled().run(background(t), spec(attacktest.Echo+"\n", string(stream[:1<<20]), "", string(stream[1<<20:])))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, out.Output))
}

// Everything that a Go program does by itself is let through.
func TestLive(t *testing.T) {
	out, err := walled().run(background(t), spec(attacktest.Live))
	require.NoError(t, err)
	require.Equal(t, attacktest.Worked, string(out.Output))
}

func TestResources(t *testing.T) {
	long, short := 50*time.Second, 300*time.Millisecond
	for _, c := range []struct {
		job     string
		cpu     uint64
		timeout time.Duration
		most    int64
		want    error
		says    string
	}{
		{attacktest.Heap, 40, long, 0, ErrResources, ""},
		{attacktest.Spin, 1, long, 0, ErrResources, ""},
		{attacktest.Sleep, 40, short, 0, ErrDeadline, ""},
		{attacktest.HangUp, 40, short, 0, ErrDeadline, ""},
		{attacktest.Flood, 40, long, 1 << 20, ErrOutput, "more than 1048576 bytes"},
		{attacktest.Complain, 40, long, 0, ErrOutput, ""},
		{attacktest.Crash, 40, long, 0, ErrCrashed, `red \x1b[31m and\n\tmore\n`},
		{attacktest.Fail, 40, long, 0, ErrCrashed, "exit status 1"},
		{attacktest.Exit, 40, long, 0, ErrCrashed, "exit status 3"},
		{"no such job", 40, long, 0, ErrCrashed, "invalid argument"},
	} {
		t.Run(c.job, func(t *testing.T) {
			p := walled()
			p.order.CPU = c.cpu
			s := spec(c.job)
			s.Timeout, s.MaxOutput = c.timeout, max(c.most, 1<<10)
			out, err := p.run(t.Context(), s)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			require.Less(t, len(err.Error()), 800)
			require.Nil(t, out)
		})
	}
}

// A stack without end meets the limit on memory or the runtime's own.
func TestRecursion(t *testing.T) {
	_, err := walled().run(t.Context(), spec(attacktest.Recursion))
	require.True(t, errors.Is(err, ErrResources) || errors.Is(err, ErrCrashed), "%v", err)
}

// Threads are counted where the child has a user of its own.
func TestThreads(t *testing.T) {
	p := walled()
	out, err := p.run(t.Context(), spec(attacktest.Echo))
	require.NoError(t, err)
	if out.Sandbox.Level < formats.SandboxFull {
		t.Skip("the child shares its user")
	}
	_, err = p.run(t.Context(), spec(attacktest.Threads))
	require.ErrorIs(t, err, ErrResources)
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := walled().run(ctx, spec(attacktest.Sleep))
	require.ErrorIs(t, err, context.Canceled)

	_, err = Run(ctx, Spec{})
	require.ErrorIs(t, err, context.Canceled)

	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = walled().run(ctx, spec(attacktest.Sleep))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// With a wall missing that must stand, or with less than was asked for, the
// child is never told to read.
func TestLevel(t *testing.T) {
	same := rung{name: "same user"}
	if out, err := attacker(walls.All, same).run(background(t), spec(attacktest.Echo)); err != nil || len(out.Sandbox.Refused) > 0 {
		t.Skipf("this kernel refuses walls: %+v, %v", out, err)
	}
	for _, c := range []struct {
		name string
		set  walls.Set
		on   rung
		want formats.SandboxLevel
	}{
		{"no seccomp", walls.All &^ walls.Of(walls.Seccomp), same, formats.Unconfined},
		{"no limits", walls.All &^ walls.Of(walls.Limits), same, formats.Unconfined},
		{"no privileges", walls.All &^ walls.Of(walls.Privileges), same, formats.Unconfined},
		{"nothing", 0, same, formats.Unconfined},
		{"no landlock", walls.All &^ walls.Of(walls.Landlock), same, formats.SandboxSeccomp},
		{"no pages", walls.All &^ walls.Of(walls.Pages), same, formats.SandboxLandlock},
		{"same user", walls.All, same, formats.SandboxLandlock},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := attacker(c.set, c.on)
			s := spec(attacktest.Echo)
			if s.Least = c.want; c.want >= formats.SandboxSeccomp {
				out, err := p.run(background(t), s)
				require.NoError(t, err)
				require.Equal(t, c.want, out.Sandbox.Level)
			}
			s.Least = c.want + 1
			out, err := p.run(background(t), s)
			require.ErrorIs(t, err, ErrLevel)
			require.Nil(t, out)
			s.Least = formats.Unconfined // still not none
			if out, err = p.run(background(t), s); c.want == formats.Unconfined {
				require.ErrorIs(t, err, ErrLevel)
				require.Nil(t, out)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// A program that only its owner may execute can have no other user, and says so.
func TestProgramOfOneUser(t *testing.T) {
	if os.Geteuid() != 0 || !ownUsers() {
		t.Skip("this system gives no other users")
	}
	p := attacker(walls.All, alone["user"].on, rung{name: "same user"})
	p.path = filepath.Join(openDir(t), "program")
	copyProgram(t, p.path)
	require.NoError(t, os.Chmod(p.path, 0o700))
	out, err := p.run(background(t), spec(attacktest.Echo))
	require.NoError(t, err)
	require.Equal(t, []string{`user: the child says "permission denied"`}, out.Sandbox.Refused)
	require.NotContains(t, out.Sandbox.Walls, "user")
}

// A host that may give its child no other user climbs on.
func TestUserRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("TestOrdinaryUser runs it")
	}
	out, err := attacker(walls.All, alone["user"].on, rung{name: "same user"}).run(background(t), spec(attacktest.Echo))
	require.NoError(t, err)
	require.Equal(t, []string{`user: the child says "operation not permitted"`}, out.Sandbox.Refused)
}

// A debugger of the host sees it as it did before.
func TestHostStaysDumpable(t *testing.T) {
	for _, r := range ladder() {
		require.NoError(t, unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0))
		_, err := attacker(walls.All, r).run(background(t), spec(attacktest.Echo))
		if !errors.Is(err, ErrUnsupported) {
			require.NoError(t, err)
		}
		dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		require.NoError(t, err)
		require.Equal(t, 1, dumpable, r.name)
	}
}

// What ends a child that was not told to read says nothing of its input.
func TestEndBeforeReading(t *testing.T) {
	for _, c := range []struct{ script, says string }{
		{"kill -SYS $$", "signal: bad system call"},
		{"kill -KILL $$", "signal: killed"},
		{"echo out of memory >&2; exit 2", "out of memory"},
		{"exec yes >&2", "signal: killed"},
	} {
		helper := filepath.Join(openDir(t), "helper")
		require.NoError(t, os.WriteFile(helper, []byte("#!/bin/sh\n"+c.script), 0o755))
		p := walled()
		p.path, p.ladder = helper, []rung{{name: "same user"}} // the first of a namespace would survive
		_, err := p.run(background(t), spec(attacktest.Echo))
		require.ErrorIs(t, err, ErrCrashed)
		require.ErrorContains(t, err, c.says)
	}
}

// A host without descriptors to spare says that, and takes no lesser rung.
func TestExhausted(t *testing.T) {
	whole, err := Run(background(t), Spec{}) // opens what stays open
	require.NoError(t, err)
	var was unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &was))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 512, Max: was.Max}))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &was)) }()
	var taken []int
	for {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	worked, failed := 0, 0
	for _, fd := range slices.Backward(taken[len(taken)-30:]) {
		if out, err := Run(background(t), Spec{}); err != nil {
			require.ErrorIs(t, err, unix.EMFILE)
			for _, accused := range []error{ErrUnsupported, ErrLevel, ErrCrashed} {
				require.NotErrorIs(t, err, accused)
			}
			failed++
		} else {
			require.Equal(t, whole.Sandbox.Level, out.Sandbox.Level)
			worked++
		}
		unix.Close(fd)
	}
	for _, fd := range taken[:len(taken)-30] {
		unix.Close(fd)
	}
	require.NotZero(t, worked)
	require.NotZero(t, failed)
}

// A host that does not keep the ends of its children gets an error, and loses
// nothing by it.
func TestEndNotKept(t *testing.T) {
	_, err := Run(background(t), Spec{}) // opens what stays open
	require.NoError(t, err)
	files := descriptors(t)
	signal.Ignore(unix.SIGCHLD)
	defer func() { // Reset leaves it ignored
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, unix.SIGCHLD)
		signal.Stop(heard)
	}()
	for range 3 {
		_, err = walled().run(background(t), spec(attacktest.Echo))
		require.ErrorIs(t, err, unix.ECHILD)
	}
	require.Equal(t, files, descriptors(t))
}

// What the child says is not believed against what the kernel shows.
func TestLiar(t *testing.T) {
	p := walled()
	p.more = []string{attacktest.Liar + "=1"}
	_, err := p.run(background(t), spec(attacktest.Echo))
	require.ErrorIs(t, err, ErrLevel)
	require.ErrorContains(t, err, "seccomp: the kernel does not show it")
}

// A refused rung is told, and the next one taken.
func TestLadder(t *testing.T) {
	p := attacker(walls.All, rung{name: "impossible", flags: 1 << 40}, rung{name: "same user"})
	p.ladder[0].flags = 0x10000 // a thread that shares nothing: EINVAL
	out, err := p.run(background(t), spec(attacktest.Echo))
	require.NoError(t, err)
	require.Equal(t, []string{"impossible: invalid argument"}, out.Sandbox.Refused)
}

// A child that was started wrongly neither works nor goes on as the host.
func TestMisused(t *testing.T) {
	for _, order := range []string{"", "1.0.0.1.0", "1.0.0.1", "0.0.0.1.0", "1.0.0.1.x"} {
		cmd := exec.Command(self)
		cmd.Args = []string{child.Name}
		cmd.Env = []string{child.Mark + "=" + order}
		var exit *exec.ExitError
		require.ErrorAs(t, cmd.Run(), &exit)
		require.Equal(t, child.Misused, exit.ExitCode(), order)
	}
	for _, order := range []string{"", "1.0.0.0.0", "1.0.0.1.0"} { // the variable alone starts nothing
		cmd := exec.Command(self, "-test.run=^$")
		cmd.Env = append(os.Environ(), child.Mark+"="+order)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

func TestHolds(t *testing.T) {
	const line = "7f0000001000-7f0000002000 r-xp 00001000 00:2a 42                         /usr/lib/a host (deleted)"
	file, ok := holds(line, 0x7f0000001000)
	require.True(t, ok)
	require.Equal(t, "/usr/lib/a host (deleted)", file)
	for _, address := range []uint64{0, 0x7f0000000fff, 0x7f0000002000} {
		_, ok = holds(line, address)
		require.False(t, ok)
	}
	file, ok = holds("1000-2000 r-xp 00000000 00:00 0 ", 0x1800)
	require.True(t, ok)
	require.Empty(t, file)
	_, ok = holds("no line", 0)
	require.False(t, ok)
}

// Code that another program loaded as a library can not be executed again.
func TestExecutable(t *testing.T) {
	require.NoError(t, executable(uintptr(reflect.ValueOf(TestExecutable).Pointer())))
	err := executable(0)
	require.ErrorIs(t, err, ErrUnsupported)
}

func TestNothingIsLeft(t *testing.T) {
	_, err := Run(background(t), Spec{}) // opens what stays open: the poller
	require.NoError(t, err)
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			ctx, p := context.Context(background(t)), walled()
			switch i % 5 {
			case 0: // killed at some moment
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Duration(i)*time.Millisecond)
				defer cancel()
			case 1:
				p.ladder = []rung{{name: "thread", flags: 0x10000}}
			case 2:
				p = attacker(0, rung{name: "same user"})
			}
			job := []string{attacktest.Echo, attacktest.Crash, attacktest.Exit}[i%3]
			p.run(ctx, spec(job))
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool {
		return runtime.NumGoroutine()-1 <= goroutines // one looks
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, files, descriptors(t))
	require.Empty(t, children(t, os.Getpid()))
}

// One child from its start to its end, with all walls that can be had.
func BenchmarkRun(b *testing.B) {
	p := walled()
	for b.Loop() {
		if _, err := p.run(b.Context(), spec(attacktest.Echo)); err != nil {
			b.Fatal(err)
		}
	}
}

// descriptors is what this process has open.
func descriptors(t *testing.T) (files []string) {
	dir, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, f := range dir {
		to, err := os.Readlink("/proc/self/fd/" + f.Name())
		if err == nil && !strings.HasPrefix(to, "/proc/") { // not the directory itself
			files = append(files, f.Name())
		}
	}
	return files
}

// children are the processes whose parent is pid, with the letters of their
// states.
func children(t *testing.T, pid int) map[int]string {
	found := map[int]string{}
	dir, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, d := range dir {
		id, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		status, err := os.ReadFile("/proc/" + d.Name() + "/status")
		if err == nil && field(string(status), "PPid") == strconv.Itoa(pid) {
			found[id] = field(string(status), "State")[:1]
		}
	}
	return found
}
