package sandbox

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/loader/internal/sandbox/attacktest"
)

// convertForEver runs children until it is killed: some end, some would not.
func convertForEver() {
	os.Stdout.WriteString("here\n")
	for i := range 4 {
		go func() {
			for {
				walled().run(context.Background(), spec([]string{attacktest.Echo, attacktest.Sleep, attacktest.Spin, attacktest.Flood}[i]))
			}
		}()
	}
	select {}
}

// A parent that is killed, at whatever moment, leaves no child.
func TestParentKilled(t *testing.T) {
	require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) // orphans become ours
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	orphans := 0
	for range 100 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), role+"=converter")
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = out.Read(make([]byte, 1))
		require.NoError(t, err)
		time.Sleep(rand.N(60 * time.Millisecond))
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		require.Eventually(t, func() bool {
			left := children(t, os.Getpid())
			for pid, state := range left {
				if state == "Z" {
					unix.Wait4(pid, nil, unix.WNOHANG, nil)
					orphans++
				}
			}
			return len(left) == 0
		}, 20*time.Second, time.Millisecond)
	}
	require.NotZero(t, orphans, "no child was ever there")
}
