// Package cli is the weightgate command: its words, its output, its exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// The exit codes. What is wrong wins over what could not be read; JSON holds
// both.
const (
	exitAdmitted     = 0
	exitDenied       = 1 // it was read, and it is wrong
	exitUnverifiable = 2 // something could not be read or verified, or is still pending
	exitUsage        = 3
)

// Main runs the command and returns its exit code. Data goes to out, everything
// else to errs.
func Main(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one does not wait for the first

	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitAdmitted
	}
	e, ran := errors.AsType[*ended](err)
	switch {
	case !ran:
		fmt.Fprintf(errs, "weightgate: %s\nweightgate --help says how to use it.\n", visible(err))
		return exitUsage
	case e.why != nil:
		fmt.Fprintf(errs, "weightgate: %s\n", visible(e.why))
	}
	return e.code
}

// visible is an error as a terminal may show it: in its lines, and with what
// hides in the names and texts that it quotes escaped.
func visible(err error) string {
	var b strings.Builder
	for text := err.Error(); text != ""; {
		r, n := utf8.DecodeRuneInString(text)
		if c := text[:n]; r != '\n' && formats.Hides(r) || r == utf8.RuneError && n == 1 {
			escaped := strconv.QuoteToASCII(c)
			b.WriteString(escaped[1 : len(escaped)-1])
		} else {
			b.WriteString(c)
		}
		text = text[n:]
	}
	return b.String()
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "weightgate",
		Short: "Pin models, verify them against a policy, and tell what they are",
		Long: `Weightgate is the gate in front of your weights. This command writes and checks
what the Go package enforces at the load: the same policy, the same lock, the
same line.

Exit codes: 0 admitted, 1 denied, 2 something could not be read or verified, or
is still pending, 3 usage. 1 wins over 2.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { // exit code 0 would read as admitted
			return errors.New("no command: pin, verify, inspect, convert, keygen, sign, approve, revoke, policy or explain")
		},
		SilenceErrors:         true,
		SilenceUsage:          true,
		DisableFlagsInUseLine: true,
		CompletionOptions:     cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(newPin(), newVerify(), newInspect(), newConvert(), newKeygen(), newSign(), newApprove(), newRevoke(), newPolicy(), newExplain())
	return root
}

// ended is how a command that ran ends other than well. What cobra refuses to
// run at all is usage.
type ended struct {
	code int
	why  error // nil: a report has said it
}

func (e *ended) Error() string { return fmt.Sprintf("exit code %d: %v", e.code, e.why) }

// denied ends a command because of something that was read and is wrong.
func denied(format string, args ...any) error {
	return &ended{exitDenied, fmt.Errorf(format, args...)}
}

// ran marks the error of a command that ran. One without a code of its own is
// about something that could not be read, verified or written.
func ran(err error) error {
	if _, ok := errors.AsType[*ended](err); ok || err == nil {
		return err
	}
	return &ended{exitUnverifiable, err}
}

// verdictCode is the exit code of a verdict.
func verdictCode(v policy.Verdict) int {
	switch v {
	case policy.Admitted:
		return exitAdmitted
	case policy.Unverifiable, policy.Pending:
		return exitUnverifiable
	}
	return exitDenied
}
