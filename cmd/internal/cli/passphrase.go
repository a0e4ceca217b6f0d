package cli

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/weightgate/weightgate/formats"
)

const maxPassphrase = 1024 // bytes

// passphraseFlag says where a passphrase comes from: a terminal, or a file
// descriptor. Arguments and the environment are for everybody to read.
type passphraseFlag struct{ fd int }

func (p *passphraseFlag) register(c *cobra.Command) {
	c.Flags().IntVar(&p.fd, "passphrase-fd", -1, "read the passphrase from the file `DESCRIPTOR`, up to its first newline, and not from the terminal; on Windows, 0")
}

// ask is the passphrase of the key in the file at path, which the caller wipes.
// A new one is asked for twice where a person types it.
func (p *passphraseFlag) ask(c *cobra.Command, path string, anew bool) ([]byte, error) {
	if p.fd >= 0 {
		pass, err := await(c.Context(), p.fromDescriptor)
		if err != nil {
			return nil, fmt.Errorf("passphrase from descriptor %d: %w", p.fd, err)
		}
		return filled(pass)
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, errors.New("no terminal to ask for the passphrase: --passphrase-fd says where it is")
	}
	pass, err := typed(c, "Passphrase of "+formats.Quote(path))
	if err != nil || !anew {
		return pass, err
	}
	again, err := typed(c, "The same again")
	defer clear(again)
	if err == nil && subtle.ConstantTimeCompare(pass, again) == 0 {
		err = errors.New("the two passphrases differ")
	}
	if err != nil {
		clear(pass)
		return nil, err
	}
	return pass, nil
}

// fromDescriptor reads up to a newline or the end.
func (p *passphraseFlag) fromDescriptor() ([]byte, error) {
	f := os.Stdin
	if p.fd != 0 {
		if f = os.NewFile(uintptr(p.fd), "passphrase"); f == nil {
			return nil, os.ErrInvalid
		}
		defer f.Close()
	}
	buf := make([]byte, maxPassphrase+1) // read in place: no copy to forget
	for n := 0; n < len(buf); {
		read, err := f.Read(buf[n:])
		end := bytes.IndexByte(buf[n:n+read], '\n')
		switch n += read; {
		case end >= 0:
			return buf[:n-read+end], nil
		case errors.Is(err, io.EOF):
			return buf[:n], nil
		case err != nil:
			clear(buf)
			return nil, err
		}
	}
	clear(buf)
	return nil, fmt.Errorf("longer than %d bytes", maxPassphrase)
}

// typed asks at the terminal, which shows nothing of it.
func typed(c *cobra.Command, prompt string) ([]byte, error) {
	tty := int(os.Stdin.Fd())
	before, err := term.GetState(tty)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s: ", prompt)
	pass, err := await(c.Context(), func() ([]byte, error) { return term.ReadPassword(tty) })
	fmt.Fprintln(c.ErrOrStderr())
	if err != nil {
		return nil, errors.Join(err, term.Restore(tty, before)) // an interrupt leaves the reader, and its terminal
	}
	return filled(pass)
}

func filled(pass []byte) ([]byte, error) {
	if len(pass) == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	return pass, nil
}

// await is read, unless ctx ends before: whoever types can be interrupted.
func await(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type answer struct {
		pass []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		pass, err := read()
		answered <- answer{pass, err}
	}()
	select {
	case a := <-answered:
		return a.pass, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
