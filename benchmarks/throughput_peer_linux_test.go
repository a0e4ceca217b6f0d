//go:build cgo

package benchmarks

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

var onnxruntimeFlag = flag.String("onnxruntime", "", "a Python with onnxruntime and numpy; none: throughput is not measured")

var errNoPython = errors.New("-onnxruntime names no Python with onnxruntime and numpy")

// A runtimePeer is throughput.py in a process that stays.
type runtimePeer struct {
	Versions string `json:"versions"`
	Library  string `json:"library"` // path of ONNX Runtime's core library beside it

	process process
	stdin   io.Writer
	stdout  *bufio.Reader
}

func startRuntimePeer(t testing.TB) *runtimePeer {
	t.Helper()
	c := exec.Command(*onnxruntimeFlag, "throughput.py")
	c.Env = append(os.Environ(), "ORT_DISABLE_TELEMETRY=1") // as gpu.Open has it
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		require.NoError(t, stdin.Close())
		require.NoError(t, c.Wait())
	})
	p := &runtimePeer{process: process(c.Process.Pid), stdin: stdin, stdout: bufio.NewReader(stdout)}
	require.NoError(t, p.hear(p), "%s cannot import onnxruntime and numpy; -onnxruntime names a Python that can", *onnxruntimeFlag)
	return p
}

// open has the peer open a session, and is what its first run computes.
func (p *runtimePeer) open(t testing.TB, model string, threads int, ids [][]int64) []float32 {
	t.Helper()
	require.NoError(t, p.tell(map[string]any{"model": model, "threads": threads, "ids": ids}))
	var said struct {
		Output []float32 `json:"output"`
	}
	require.NoError(t, p.hear(&said))
	require.NotEmpty(t, said.Output)
	return said.Output
}

// run has the session run so often.
func (p *runtimePeer) run(runs int) error {
	if err := p.tell(map[string]int{"runs": runs}); err != nil {
		return err
	}
	return p.hear(&struct{}{})
}

func (p *runtimePeer) tell(v any) error { return json.NewEncoder(p.stdin).Encode(v) }

func (p *runtimePeer) hear(v any) error {
	line, err := p.stdout.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("throughput.py ended: %w", err)
	}
	return json.Unmarshal(line, v)
}
