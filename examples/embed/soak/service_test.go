//go:build linux && amd64 && cgo

package soak_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A service is the program itself, in a process of its own, with a copy of the
// model's directory that it was told of.
type service struct {
	*exec.Cmd
	url   string
	model string
	said  bytes.Buffer // on its standard error
}

// built is the program, made as this test was.
func built(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "embed")
	build := []string{"build", "-o", path}
	if race {
		build = append(build, "-race")
	}
	out, err := exec.Command("go", append(build, "..")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// start is a service that is ready.
func start(t testing.TB, program string) *service {
	t.Helper()
	cfg, s := config(t), &service{model: t.TempDir()}
	require.NoError(t, os.CopyFS(s.model, os.DirFS(cfg.Dir)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	s.url = "http://" + address
	s.Cmd = exec.Command(program, "-listen", address, "-admin", "127.0.0.1:0", "-policy", cfg.Policy, "-model", s.model, "-library", cfg.Library)
	s.Stderr = &s.said
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		if s.ProcessState == nil {
			s.Process.Kill()
			s.Wait()
		}
	})
	require.Eventually(t, s.ready, 2*time.Minute, 50*time.Millisecond, "it is never ready")
	return s
}

func (s *service) ready() bool {
	answer, err := http.Get(s.url + "/healthz")
	if err != nil {
		return false
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// resident is the memory of the process, in KiB.
func (s *service) resident(t testing.TB) int { return resident(t, s.Process.Pid) }

func resident(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`).FindSubmatch(status)
	require.NotNil(t, found)
	n, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return n
}

// descriptors is how many files and sockets the process has open.
func (s *service) descriptors(t testing.TB) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Process.Pid))
	require.NoError(t, err)
	return len(open)
}

// goroutines ends the service by SIGQUIT and is how many it had: its runtime
// prints each.
func (s *service) goroutines(t testing.TB) int {
	t.Helper()
	require.NoError(t, s.Process.Signal(syscall.SIGQUIT))
	require.Error(t, s.Wait())
	said := s.said.String()
	require.NotContains(t, said, "DATA RACE")
	require.Contains(t, said, "SIGQUIT")
	return strings.Count("\n"+said, "\ngoroutine ")
}
