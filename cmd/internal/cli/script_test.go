package cli_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weightgate/weightgate/cmd/internal/cli"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/convert"
	"github.com/weightgate/weightgate/policy"
)

func weightgate() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }

func TestMain(m *testing.M) {
	commands := map[string]func(){"weightgate": weightgate}
	addLimited(commands)
	addMeasured(commands)
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
			"hub":     hub,

			"checkpoint": checkpoint,
			"shards":     shards,

			"flip":   flip,
			"report": report,
			"once":   once,

			"summary":  summarised,
			"timeless": timeless,
			"overlap":  overlap,
			"noise":    noise,
			"many":     many,
			"lines":    lines,

			"silent":  silent,
			"payload": payload,
			"vouches": vouches,
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

// checkpoint FILE NAME copies a checkpoint that PyTorch wrote.
func checkpoint(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(filepath.Join(checkpoints, args[1]+".pt"))
	ts.Check(err)
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, b, 0o644))
}

// checkpoints is where they lie; scripts run in directories of their own.
var checkpoints = func() string {
	dir, err := filepath.Abs("../../../formats/torch/testdata")
	if err != nil {
		panic(err)
	}
	return dir
}()

// shards INDEX FILE... writes the index of checkpoints, as transformers does.
func shards(ts *testscript.TestScript, _ bool, args []string) {
	placed, size := map[string]string{}, int64(0)
	for _, file := range args[1:] {
		path := ts.MkAbs(file)
		r, err := loader.Inspect(context.Background(), path, loader.File(path), loader.InspectConfig{
			Formats: all.Formats(), Converter: convert.New(), Convert: policy.Convert{Packs: []string{"weights"}, Sandbox: formats.SandboxSeccomp},
		})
		ts.Check(err)
		for _, t := range r.Inventory {
			placed[t.Name] = filepath.Base(file)
			size += t.Bytes
		}
	}
	b, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": size}, "weight_map": placed})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
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

// summarised PATHS DENIED UNVERIFIABLE CODE... holds the standard output against
// the JSON of inspect: the numbers of paths, and all reasons in their order.
func summarised(ts *testscript.TestScript, _ bool, args []string) {
	var s struct {
		Version, Paths, Denied, Unverifiable int
		Reports                              []loader.Report
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &s))
	got := []string{strconv.Itoa(s.Paths), strconv.Itoa(s.Denied), strconv.Itoa(s.Unverifiable)}
	for _, r := range s.Reports {
		for _, reason := range r.Reasons() {
			got = append(got, reason.Class.String()+":"+string(reason.Code))
			if !slices.Contains(r.Findings, reason.Finding) {
				ts.Fatalf("%s is no finding", reason.Code)
			}
		}
	}
	if !slices.Equal(got, args) || s.Version != loader.ReportVersion || len(s.Reports) != s.Paths {
		ts.Fatalf("%q, want %q", got, args)
	}
}

// aroundChild is how a child was confined, which differs between machines.
var aroundChild = regexp.MustCompile(`sandbox \w+, child [0-9.]+ \w+`)

// timeless FILE writes the standard output to FILE, without what took how long
// and how a child was confined.
func timeless(ts *testscript.TestScript, _ bool, args []string) {
	var kept strings.Builder
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if !strings.HasPrefix(line, "  time ") {
			kept.WriteString(aroundChild.ReplaceAllString(line, "sandbox"))
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(kept.String()), 0o644))
}

// overlap FILE writes a safetensors file whose tensor says less than it has.
func overlap(ts *testscript.TestScript, _ bool, args []string) {
	const header = `{"w":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}}   `
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	ts.Check(os.WriteFile(path, append(file, header+"four"...), 0o644))
}

// noise FILE writes a file that is of no format.
func noise(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, []byte{1, 2, 3, 0xff, 0}, 0o644))
}

// many DIR N FILE fills DIR with N copies of FILE.
func many(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := ts.ReadFile(args[2])
	ts.Check(os.Mkdir(ts.MkAbs(args[0]), 0o755))
	for i := range n {
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), fmt.Sprintf("%04d", i)), []byte(data), 0o644))
	}
}

// lines FILE N demands that FILE has at most N lines, which fit a terminal.
func lines(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[1])
	ts.Check(err)
	all := strings.Split(ts.ReadFile(args[0]), "\n")
	if len(all) > most {
		ts.Fatalf("%d lines", len(all))
	}
	for _, line := range all {
		if utf8.RuneCountInString(line) > 100 {
			ts.Fatalf("too wide: %s", line)
		}
	}
}
