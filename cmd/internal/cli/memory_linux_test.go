package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightgate/weightgate/cmd/internal/cli"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/formats/safetensors"
	"github.com/weightgate/weightgate/formats/sidecar"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

const (
	// constant and factor are what inspect may take of memory: so many times
	// the header, and the rest of the program.
	factor   = 8
	constant = 64 << 20

	large = 2 << 30   // bytes of a model
	small = 512 << 20 // bytes of memory
)

// How a child is limited before it does anything else: the control group to
// join, and the bytes of private memory that it may map.
const (
	groupVariable = "WEIGHTGATE_TEST_CGROUP"
	dataVariable  = "WEIGHTGATE_TEST_DATA"
)

// addMeasured adds programs that tell, on their third descriptor, the most
// memory that they held.
func addMeasured(commands map[string]func()) {
	commands["weightgate-measured"] = func() {
		measured(func() int { return cli.Main(os.Args[1:], os.Stdout, os.Stderr) })
	}
	commands["load-measured"] = func() { measured(func() int { return load(os.Args[1], os.Stdout) }) }
}

func measured(program func() int) {
	if group, ok := os.LookupEnv(groupVariable); ok {
		must(os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0))
	}
	if data, ok := os.LookupEnv(dataVariable); ok {
		n, err := strconv.ParseUint(data, 10, 63)
		must(err)
		must(unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: n, Max: n}))
	}
	code := program()
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	_, err = os.NewFile(3, "status").Write(status)
	must(err)
	os.Exit(code)
}

// must is for what a child has nobody to report to.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// load asks a gate for the model in dir, which is one file of size large, and
// prints the codes of the refusal.
func load(dir string, stdout io.Writer) int {
	_, err := largeGate(formats.Limits{}).Load(context.Background(), "m", loader.Dir(dir))
	r, ok := errors.AsType[*loader.Rejection](err)
	if !ok {
		fmt.Fprintln(stdout, "not refused:", err)
		return 0
	}
	fmt.Fprintln(stdout, r.Report.Bytes, "bytes copied")
	for _, reason := range r.Report.Reasons() {
		fmt.Fprintln(stdout, reason.Code)
	}
	return 1
}

// largeGate pins a file of size large, whatever its bytes are: nobody gets as
// far as to compare them.
func largeGate(limits formats.Limits) *loader.Gate {
	const yaml = `version: 1
lock: weightgate.lock
models:
  - {name: m, source: [dir], formats: [safetensors], pin: required}
`
	lock, err := (&policy.Lock{}).With(policy.Pin{Name: "m", Files: manifest.Manifest{
		{Name: "model.safetensors", Size: large, Verity: manifest.Digest{1}, SHA256: manifest.Digest{2}},
	}})
	must(err)
	p, err := policy.Parse([]byte(yaml), lock.Encode())
	must(err)
	gate, err := loader.New(loader.Config{Policy: p, Formats: all.Formats(), Limits: limits})
	must(err)
	return gate
}

// A run is what a child left.
type run struct {
	code   int
	stdout string
	peak   int64 // of its resident memory, in bytes
}

// child runs one of the measured programs under a limit, which is one of the
// variables above with its value, or empty. It fails the test if a signal ends it.
func child(t *testing.T, limit string, program string, args ...string) run {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	defer write.Close()
	var stdout, stderr bytes.Buffer
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr, c.ExtraFiles = &stdout, &stderr, []*os.File{write}
	if limit != "" {
		c.Env = append(os.Environ(), limit)
	}
	c.Run() // how it ended is in its state
	require.NotNil(t, c.ProcessState, program)
	require.True(t, c.ProcessState.Exited(), "%s %s: %s\n%s", program, args, c.ProcessState, &stderr)
	require.Empty(t, stderr.String())
	require.NoError(t, write.Close())
	return run{code: c.ProcessState.ExitCode(), stdout: stdout.String(), peak: peak(t, read)}
}

// peak reads VmHWM, in KiB (https://docs.kernel.org/filesystems/proc.html).
func peak(t *testing.T, status io.Reader) int64 {
	t.Helper()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 53)
			require.NoError(t, err)
			return n << 10
		}
	}
	require.Fail(t, "no VmHWM")
	return 0
}

// inspected is what the JSON of inspect says of one path.
func (r run) inspected(t *testing.T) *loader.Report {
	t.Helper()
	var s struct{ Reports []*loader.Report }
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &s))
	require.Len(t, s.Reports, 1)
	return s.Reports[0]
}

// A header as long as it may be, of more tensors than there may be, costs no
// more memory than a multiple of its length.
func TestPeakOfInspect(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(w *bufio.Writer)
		want  formats.Code
	}{
		{"model.safetensors", manyTensors, safetensors.CodeLimit},
		{"model.safetensors.index.json", manyPlaces, sidecar.CodeLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.name)
			f, err := os.Create(path)
			require.NoError(t, err)
			w := bufio.NewWriterSize(f, 1<<20)
			c.write(w)
			require.NoError(t, w.Flush())
			info, err := f.Stat()
			require.NoError(t, err)
			require.NoError(t, f.Close())

			r := child(t, "", "weightgate-measured", "inspect", "--json", path)
			reasons := r.inspected(t).Reasons()
			require.Len(t, reasons, 1)
			require.Equal(t, c.want, reasons[0].Code)
			require.Contains(t, reasons[0].Detail, "more tensors than MaxTensors, 131072")
			require.Equal(t, 2, r.code)
			most := factor*info.Size() + constant
			require.LessOrEqual(t, r.peak, most)
			t.Logf("%d bytes, peak %d MiB of %d", info.Size(), r.peak>>20, most>>20)
		})
	}
}

// maxHeader is the longest header that the reference of safetensors reads.
const maxHeader = 100_000_000

// manyTensors writes a file whose header is as long as it may be, and full of
// tensors that are as short as they may be.
func manyTensors(w *bufio.Writer) {
	w.Write(binary.LittleEndian.AppendUint64(nil, maxHeader))
	left := maxHeader
	for i := range int64(1_770_000) {
		n, _ := w.WriteString(separator(i) + strconv.FormatInt(i, 36) + `":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)
		left -= n
	}
	w.WriteString("}" + strings.Repeat(" ", left-1))
}

// manyPlaces writes an index of a million tensors.
func manyPlaces(w *bufio.Writer) {
	w.WriteString(`{"weight_map":`)
	for i := range int64(1_000_000) {
		w.WriteString(separator(i) + strconv.FormatInt(i, 36) + `":"m"`)
	}
	w.WriteString("}}")
}

// separator is what stands before the name of member i.
func separator(i int64) string {
	if i == 0 {
		return `{"`
	}
	return `,"`
}

// A model that the memory cannot hold is refused before its first byte is
// copied, and can be inspected none the less.
func TestModelLargerThanMemory(t *testing.T) {
	dir := t.TempDir()
	sparse(t, filepath.Join(dir, "model.safetensors"))

	t.Run("limit of the host", func(t *testing.T) {
		gate := largeGate(formats.Limits{MaxBytes: small})
		defer gate.Close()
		_, err := gate.Load(context.Background(), "m", loader.Dir(dir))
		var r *loader.Rejection
		require.ErrorAs(t, err, &r)
		require.Len(t, r.Report.Reasons(), 1)
		require.Equal(t, loader.CodeMemory, r.Report.Reasons()[0].Code)
		require.ErrorIs(t, err, loader.ErrUnverifiable)
		require.Zero(t, r.Report.Bytes)
	})
	t.Run("limit of the control group", func(t *testing.T) {
		group := groupVariable + "=" + limited(t)
		r := child(t, group, "load-measured", dir)
		require.Equal(t, "0 bytes copied\nlimits.memory\n", r.stdout)
		require.Equal(t, 1, r.code)
		require.LessOrEqual(t, r.peak, int64(constant))
		t.Logf("load: peak %d MiB", r.peak>>20)
		inspectLarge(t, group, dir)
	})
	t.Run("limit of the process", func(t *testing.T) {
		inspectLarge(t, dataVariable+"="+strconv.Itoa(small), dir)
	})
}

// inspectLarge looks at the model in dir under a limit. What it held at most is
// no measure here: pages of the file that are mapped count, and the system
// takes them back.
func inspectLarge(t *testing.T, limit, dir string) {
	t.Helper()
	r := child(t, limit, "weightgate-measured", "inspect", "--json", dir)
	require.Equal(t, 0, r.code, r.stdout)
	report := r.inspected(t)
	require.Equal(t, int64(large), report.Bytes)
	require.Equal(t, 1, report.Tensors)
	require.Empty(t, report.Findings)
}

// sparse writes a model of size large whose tensor takes no room on the disk.
func sparse(t *testing.T, path string) {
	t.Helper()
	header := func(n int) string {
		return fmt.Sprintf(`{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%[1]d]}}`, n)
	}
	length := len(header(large)) // as many digits as the number that is left
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	text := header(large - 8 - length)
	require.Len(t, text, length)
	_, err = f.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(length)), text...))
	require.NoError(t, err)
	require.NoError(t, f.Truncate(large))
}

// limited makes a control group whose processes have small bytes of memory, of
// the first version or of the second
// (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html,
// https://docs.kernel.org/admin-guide/cgroup-v2.html#memory).
func limited(t *testing.T) string {
	t.Helper()
	var why []string
	for _, c := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{"/sys/fs/cgroup", "memory.max"},
	} {
		group, err := os.MkdirTemp(c.root, "weightgate-test-")
		if err != nil {
			why = append(why, err.Error())
			continue
		}
		t.Cleanup(func() { require.NoError(t, os.Remove(group)) })               // empty: its processes have ended
		limit, err := os.OpenFile(filepath.Join(group, c.limit), os.O_WRONLY, 0) // never create it
		if err == nil {
			_, err = limit.WriteString(strconv.Itoa(small))
			limit.Close()
		}
		if err == nil {
			return group
		}
		why = append(why, err.Error())
	}
	t.Skipf("no control group can be made here, which takes root: %s", strings.Join(why, "; "))
	return ""
}
