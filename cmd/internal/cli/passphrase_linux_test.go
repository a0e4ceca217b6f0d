package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// atTerminal makes a terminal the standard input.
func atTerminal(t *testing.T) (tty, screen *os.File) {
	tty, screen = terminal(t)
	before := os.Stdin
	os.Stdin = tty
	t.Cleanup(func() { os.Stdin = before })
	return tty, screen
}

// echoes reports whether what is typed is shown.
func echoes(t *testing.T, tty *os.File) bool {
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return state.Lflag&unix.ECHO != 0
}

// reads is what the screen shows up to and with text.
func reads(t *testing.T, screen io.Reader, text string) string {
	var shown bytes.Buffer
	for !strings.HasSuffix(shown.String(), text) {
		_, err := io.CopyN(&shown, screen, 1)
		require.NoError(t, err)
	}
	return shown.String()
}

func TestTypedPassphraseIsNotShown(t *testing.T) {
	tty, screen := atTerminal(t)
	name := filepath.Join(t.TempDir(), "release")
	code := make(chan int, 1)
	go func() { code <- Main([]string{"keygen", name}, io.Discard, tty) }()
	shown := ""
	for _, prompt := range []string{"Passphrase of " + name + ".key: ", "The same again: "} {
		shown += reads(t, screen, prompt)
		require.Eventually(t, func() bool { return !echoes(t, tty) }, time.Minute, time.Millisecond)
		_, err := screen.WriteString("correct horse\n")
		require.NoError(t, err)
	}
	require.Zero(t, <-code)
	shown += reads(t, screen, "\n")
	require.NotContains(t, shown, "horse")
	require.True(t, echoes(t, tty))
	require.FileExists(t, name+".key")
}

// Who interrupts at the prompt gets the terminal back as it was.
func TestInterruptedPrompt(t *testing.T) {
	tty, screen := atTerminal(t)
	ctx, interrupt := context.WithCancel(t.Context())
	root := newRoot()
	name := filepath.Join(t.TempDir(), "release")
	root.SetArgs([]string{"keygen", name})
	root.SetErr(tty)
	failed := make(chan error, 1)
	go func() { failed <- root.ExecuteContext(ctx) }()
	reads(t, screen, ".key: ")
	require.Eventually(t, func() bool { return !echoes(t, tty) }, time.Minute, time.Millisecond)
	interrupt()
	require.ErrorContains(t, <-failed, "context canceled")
	require.True(t, echoes(t, tty))
	require.NoFileExists(t, name+".key")
	_, err := screen.WriteString("\n") // lets the reader end
	require.NoError(t, err)
}
