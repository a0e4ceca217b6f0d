package sandbox

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/sandbox/attacktest"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// waiting is a child that has told of its walls, and waits. It must be looked at
// on the thread that started it.
func waiting(t *testing.T, p program) (*process, walls.Report) {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	f, err := seal(nil)
	require.NoError(t, err)
	defer f.Close()
	c, err := p.start(p.ladder[0], f)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.goAhead.Close()
		_, err := c.wait()
		require.NoError(t, err)
	})
	greeting := make([]byte, walls.ReportSize)
	_, err = io.ReadFull(c.output, greeting)
	require.NoError(t, err)
	report, ok := walls.ParseReport(greeting)
	require.True(t, ok)
	return c, report
}

// A child that is ended when memory is short spares its host.
func TestFirstToDie(t *testing.T) {
	for _, r := range ladder() {
		p := attacker(walls.All, r)
		if _, err := p.run(background(t), spec(attacktest.Echo)); err != nil {
			require.ErrorIs(t, err, ErrUnsupported)
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			c, _ := waiting(t, p)
			score, err := os.ReadFile("/proc/" + strconv.Itoa(c.Pid) + "/oom_score_adj")
			require.NoError(t, err)
			require.Equal(t, "1000", strings.TrimSpace(string(score)))
		})
	}
}

// filteredHost says to a copy of the test that its host is to have a filter.
const filteredHost = "WEIGHTGATE_TEST_FILTERED"

// A filter that a child inherited, as in containers, is not its own.
func TestInheritedFilter(t *testing.T) {
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), filteredHost+"=1")
	rerun(t, cmd, "TestFilteredHost")
}

func TestFilteredHost(t *testing.T) {
	if os.Getenv(filteredHost) == "" {
		t.Skip("TestInheritedFilter runs it")
	}
	require.NoError(t, allowAll())
	out, err := walled().run(background(t), spec(attacktest.Echo))
	require.NoError(t, err)
	require.Contains(t, out.Sandbox.Walls, "seccomp")

	c, report := waiting(t, attacker(walls.All&^walls.Of(walls.Seccomp), rung{name: "same user"}))
	require.Equal(t, walls.Absent, report.Errno[walls.Seccomp])
	report.Errno[walls.Seccomp] = 0 // a lie
	s, err := c.judge(report)
	require.NoError(t, err)
	require.Equal(t, formats.Unconfined, s.Level)
	require.Contains(t, s.Refused, "seccomp: the kernel does not show it")
}

// allowAll gives all threads of this process a filter that lets all through.
func allowAll() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	program := unix.SockFprog{Len: 1, Filter: &filter}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if e != 0 {
		return e
	}
	return nil
}

func TestFiltered(t *testing.T) {
	for _, c := range []struct {
		child, parent string
		want          bool
	}{
		{"Seccomp:\t2\nSeccomp_filters:\t1\n", "Seccomp:\t0\nSeccomp_filters:\t0\n", true},
		{"Seccomp:\t2\nSeccomp_filters:\t3\n", "Seccomp:\t2\nSeccomp_filters:\t2\n", true},
		{"Seccomp:\t2\nSeccomp_filters:\t2\n", "Seccomp:\t2\nSeccomp_filters:\t2\n", false},
		{"Seccomp:\t0\nSeccomp_filters:\t0\n", "Seccomp:\t0\nSeccomp_filters:\t0\n", false},
		{"Seccomp:\t2\n", "Seccomp:\t0\n", true}, // uncounted
		{"Seccomp:\t0\n", "Seccomp:\t0\n", false},
		{"Seccomp:\t2\nSeccomp_filters:\t1\n", "Seccomp:\t0\n", false},
		{"Seccomp:\t2\n", "Seccomp:\t0\nSeccomp_filters:\t0\n", false},
		{"", "", false},
	} {
		require.Equal(t, c.want, filtered(c.child, c.parent), "%q", c)
	}
}

func TestLimited(t *testing.T) {
	limits := func(changes ...string) string {
		return strings.NewReplacer(changes...).Replace(`Limit                     Soft Limit           Hard Limit           Units
Max cpu time              30                   30                   seconds
Max file size             0                    0                    bytes
Max data size             4096                 4096                 bytes
Max core file size        0                    0                    bytes
Max open files            4                    4                    files
Max locked memory         0                    0                    bytes
Max address space         1048576              1048576              bytes
Max pending signals       64                   64                   signals
Max msgqueue size         0                    0                    bytes
`)
	}
	require.True(t, limited(limits()), "a host's lower limits are no worse")
	for _, c := range [][]string{
		{"30                   30", "unlimited            unlimited"},
		{"30                   30", "30                   31"},
		{"4                    4 ", "4                    5 "},
		{"4                    4 ", "5                    5 "},
		{"4096                 4096", "4096                 unlimited"},
		{"64                   64", "65                   65"},
		{"Max locked memory", "Max unlocked memory"},
	} {
		require.False(t, limited(limits(c...)), c)
	}
	require.False(t, limited(""))
}
