package cli_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weightgate/weightgate/cmd/internal/cli"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/loader"
)

func weightgate() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }

func TestMain(m *testing.M) {
	commands := map[string]func(){"weightgate": weightgate}
	addLimited(commands)
	testscript.Main(m, commands)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"weights": weights,
			"append":  appendText,
			"flip":    flip,
			"report":  report,
			"once":    once,
		},
	})
}

// exits CODE PROGRAM ARGS... runs a program, which must exit with CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want || neg {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// weights FILE TEXT writes a safetensors file with one tensor, whose bytes are
// TEXT.
func weights(ts *testscript.TestScript, _ bool, args []string) {
	path, data := ts.MkAbs(args[0]), []byte(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.Create(path)
	ts.Check(err)
	ts.Check(safetensors.Write(f, []safetensors.Tensor{{Name: "w", DType: formats.U8, Shape: []int64{int64(len(data))}, Data: data}}, nil))
	ts.Check(f.Close())
}

// append FILE TEXT writes TEXT behind what FILE has.
func appendText(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	ts.Check(err)
	_, err = io.WriteString(f, args[1])
	ts.Check(err)
	ts.Check(f.Close())
}

// flip FILE flips the lowest bit of the last byte.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	b[len(b)-1] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// report VERDICT CODE... holds the standard output against the JSON of a
// report: one value and nothing else, of this version, with this verdict, for
// exactly these reasons in this order, and with a decision.
func report(ts *testscript.TestScript, _ bool, args []string) {
	var r struct {
		Version   int
		Verdict   string
		Decisions []struct {
			Verdict string
			Reasons []struct {
				Code, Class, Advice string
			}
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &r))
	if r.Version != loader.ReportVersion || r.Verdict != args[0] || len(r.Decisions) == 0 {
		ts.Fatalf("version %d, verdict %s, %d decisions", r.Version, r.Verdict, len(r.Decisions))
	}
	var got []string
	for _, d := range r.Decisions {
		for _, reason := range d.Reasons {
			got = append(got, reason.Class+":"+reason.Code)
			if reason.Advice == "" {
				ts.Fatalf("%s advises nothing", reason.Code)
			}
		}
	}
	if g, w := strings.Join(got, " "), strings.Join(args[1:], " "); g != w {
		ts.Fatalf("reasons %q, want %q", g, w)
	}
}

// once FILE TEXT demands that TEXT occurs once in FILE.
func once(ts *testscript.TestScript, _ bool, args []string) {
	if n := strings.Count(ts.ReadFile(args[0]), args[1]); n != 1 {
		ts.Fatalf("%q occurs %d times", args[1], n)
	}
}
