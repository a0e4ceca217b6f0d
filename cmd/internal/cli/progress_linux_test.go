package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is a terminal, and where what is written to it can be read.
func terminal(t *testing.T) (tty, screen *os.File) {
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { screen.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { tty.Close() })
	return tty, screen
}

func TestProgressOnATerminalOnly(t *testing.T) {
	tty, screen := terminal(t)
	path, _ := service(t)
	model := filepath.Join(t.TempDir(), "model")
	require.NoError(t, os.WriteFile(model, []byte{1, 2, 3, 0xff, 0}, 0o644))
	args := []string{"pin", "ocr", model, "--policy", path}

	var out bytes.Buffer
	require.Equal(t, exitUnverifiable, Main(args, &out, tty))
	line, err := bufio.NewReader(screen).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "\r\x1b[Kocr: 0 of 0 MiB, 100 %\r\x1b[Kweightgate: nothing was pinned")
	require.NotContains(t, out.String(), "\x1b")

	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, exitUnverifiable, Main(args, io.Discard, file))
	got, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Equal(t, "weightgate: nothing was pinned\n", string(got))
}

// What inspect is given was accepted by no policy: its name is escaped.
func TestProgressOfInspect(t *testing.T) {
	tty, screen := terminal(t)
	path := filepath.Join(t.TempDir(), "\x1b[31mred")
	require.NoError(t, os.WriteFile(path, []byte{1, 2, 3, 0xff, 0}, 0o644))
	require.Equal(t, exitDenied, Main([]string{"inspect", path, "--json"}, io.Discard, tty))
	_, err := tty.WriteString("\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(screen).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, `\x1b[31mred": 0 of 0 MiB, 100 %`)
	require.NotContains(t, strings.ReplaceAll(line, clearLine, ""), "\x1b")
}
