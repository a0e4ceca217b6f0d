package benchmarks

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A reference does a task of reference.py, in a Python that has imported
// everything, and that did it with something small, before the clock starts.
type reference struct{ task string }

// What reference.py can be asked for.
const (
	taskSafeOpen    = "safe_open"        // every tensor by get_tensor
	taskLoadFile    = "load_file"        // safetensors.torch
	taskLoadCopies  = "load_file, clone" // and a copy of every tensor
	taskTorchLoad   = "torch.load"       // with weights_only=True
	taskConvert     = "convert"          // torch.load, then save_file
	taskConvertSync = "convert, sync"    // the same to a file that is on the disk
)

// ask is a line to reference.py, and answer is one of it.
type (
	ask struct {
		Task string   `json:"task"`
		From []string `json:"from"`
		To   string   `json:"to"`
	}
	answered struct {
		Bytes int64 `json:"bytes"` // of the tensors
	}
)

const madeName = "model.safetensors"

func (r reference) measure(j job) (sample, error) {
	c := exec.Command(j.Tools.Python, filepath.Join(j.Tools.Scripts, "reference.py"), "serve")
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		return sample{}, err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return sample{}, err
	}
	if err := c.Start(); err != nil {
		return sample{}, err
	}
	said := bufio.NewReader(stdout)
	s, err := r.serve(j, process(c.Process.Pid), stdin, said)
	return s, errors.Join(err, stdin.Close(), c.Wait())
}

// from is the files that the task reads.
func (r reference) from(j job) []string {
	if slices.Contains([]string{taskSafeOpen, taskLoadFile, taskLoadCopies}, r.task) {
		return j.paths(".safetensors")
	}
	return j.paths("")
}

// serve measures one that was started as p.
func (r reference) serve(j job, p process, stdin io.Writer, stdout *bufio.Reader) (sample, error) {
	versions, err := stdout.ReadString('\n')
	if err != nil {
		return sample{}, fmt.Errorf("it did not start: %w", err)
	}
	out, err := os.MkdirTemp(j.Tools.Out, "sample-")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(out)
	line, err := json.Marshal(ask{Task: r.task, From: r.from(j), To: filepath.Join(out, madeName)})
	if err != nil {
		return sample{}, err
	}
	s, err := j.repeat(p, func() (*held, error) {
		if _, err := stdin.Write(append(line, '\n')); err != nil {
			return nil, err
		}
		text, err := stdout.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		var done answered
		if err := json.Unmarshal(text, &done); err != nil {
			return nil, fmt.Errorf("it answers %q: %w", text, err)
		}
		return r.left(j, done, out)
	})
	s.Says = strings.TrimSpace(versions)
	return s, err
}

// left is what a task leaves. One that did not see about all bytes of its files
// did not do its job.
func (r reference) left(j job, done answered, out string) (*held, error) {
	size := int64(0)
	for _, path := range r.from(j) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		size += info.Size()
	}
	if done.Bytes > size || done.Bytes < size*9/10 {
		return nil, fmt.Errorf("%w: tensors of %d bytes, and the files have %d", errNotDone, done.Bytes, size)
	}
	h := &held{copied: -1, release: func() error { return nil }}
	if r.task == taskConvert || r.task == taskConvertSync {
		h.digests = []digest{func() (string, error) { return hexSumOf(os.DirFS(out), madeName) }}
		h.release = func() error { return os.Remove(filepath.Join(out, madeName)) }
	}
	return h, nil
}
