package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/sandbox/attacktest"
	"github.com/weightgate/weightgate/loader/internal/sandbox/walls"
)

// role is what a copy of the test's program is there for.
const role = "WEIGHTGATE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "victim":
		victim()
	case "converter":
		convertForEver()
	default:
		os.Exit(m.Run())
	}
}

// secret is what attackers read in a victim.
var secret = [8]byte{'s', 'e', 'c', 'r', 'e', 't'}

// victim offers what attacks aim at, until its input ends.
func victim() {
	unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	socket := fmt.Sprintf("weightgate-victim-%d", os.Getpid())
	if _, err := net.Listen("unix", "@"+socket); err != nil {
		panic(err)
	}
	fmt.Println(os.Getpid(), uint64(uintptr(unsafe.Pointer(&secret))), tcp.Addr().(*net.TCPAddr).Port, socket)
	io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(tcp)
}

// newTarget starts a victim, and leaves a file open as C libraries do: children
// that do not close it have it.
func newTarget(t *testing.T) (target attacktest.Target) {
	left, err := unix.Open(os.DevNull, unix.O_RDONLY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(left) })
	dir := openDir(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "mount"), 0o755))
	copyProgram(t, filepath.Join(dir, "program"))

	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), role+"=victim")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		require.NoError(t, cmd.Wait(), "the victim was hurt")
	})
	_, err = fmt.Fscan(out, &target.PID, &target.Secret, &target.Port, &target.Socket)
	require.NoError(t, err)
	target.Dir = dir
	t.Cleanup(target.Clean)
	return target
}

// openDir is a directory that other users can look into.
func openDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "weightgate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func copyProgram(t *testing.T, to string) {
	program, err := os.ReadFile(self)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, program, 0o755))
}

// attacker is this program with these walls, set apart by one of these rungs.
func attacker(set walls.Set, rungs ...rung) program {
	return program{
		path:   self,
		mark:   attacktest.Mark,
		more:   []string{attacktest.Walls + "=" + strconv.Itoa(int(set))},
		order:  walls.Order{CPU: 60},
		ladder: rungs,
	}
}

// walled is a program behind everything that can be had.
func walled() program { return attacker(walls.All, ladder()...) }

// try runs a child that nobody asks for its walls.
func try(t *testing.T, p program, input []byte) (said string, report walls.Report, e end) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f, err := seal([][]byte{input})
	require.NoError(t, err)
	defer f.Close()
	c, err := p.start(p.ladder[0], f)
	require.NoError(t, err)
	defer time.AfterFunc(20*time.Second, c.kill).Stop()
	var out *Outcome
	greeting := make([]byte, walls.ReportSize)
	_, talked := io.ReadFull(c.output, greeting)
	if talked == nil {
		out, talked = c.listen(Spec{MaxOutput: DefaultMaxOutput}, formats.Sandbox{})
	}
	c.goAhead.Close()
	e, err = c.wait()
	require.NoError(t, err)
	require.NoError(t, talked, "%v %s", e.state, escape(e.text))
	report, ok := walls.ParseReport(greeting)
	require.True(t, ok)
	return string(out.Output), report, e
}

func background(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func spec(input ...string) Spec {
	s := Spec{Least: formats.SandboxSeccomp, Timeout: 50 * time.Second, MaxOutput: DefaultMaxOutput}
	for _, i := range input {
		s.Input = append(s.Input, []byte(i))
	}
	return s
}

// rerun runs one test of this program again, and requires that it ran.
func rerun(t *testing.T, cmd *exec.Cmd, test string) {
	cmd.Args = append(cmd.Args, "-test.run=^"+test+"$", "-test.v", "-test.count=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.True(t, bytes.Contains(out, []byte("--- PASS: "+test+" ")), "%s", out)
	t.Logf("%d subtests passed, %d skipped", bytes.Count(out, []byte("    --- PASS: ")), bytes.Count(out, []byte("    --- SKIP: ")))
}
