package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

// progress is one line on a terminal; anywhere else it is silent.
type progress struct{ w io.Writer }

func newProgress(w io.Writer) progress {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return progress{w}
	}
	return progress{io.Discard}
}

const clearLine = "\r\x1b[K"

// show is called by one goroutine at a time.
func (p progress) show(at loader.Progress) {
	percent := 100.0
	if at.Total > 0 {
		percent = 100 * float64(at.Done) / float64(at.Total)
	}
	fmt.Fprintf(p.w, "%s%s: %d of %d MiB, %.0f %%", clearLine, formats.Quote(at.Name), at.Done>>20, at.Total>>20, percent)
}

func (p progress) clear() { fmt.Fprint(p.w, clearLine) }
