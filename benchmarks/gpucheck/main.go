// Command gpucheck holds sessions on a CUDA device against the CPU's, and
// measures them:
//
//	go run ./benchmarks/gpucheck
//
// MiniLM, whose graph is built from its config, PP-OCR's detection and
// recognition, and a stack of matrix products with 2 GiB of weights are loaded
// through a gate under a policy and a lock that pin models and libraries. Their
// outputs are held against the CPU's, TF32 off, within 0.001 of the largest of
// them, and the time to a first inference against that of the same files opened
// by path. Of MiniLM and recognition, which work shapes out on the CPU, a session
// by path does not tell what else it has there; the gate's does. Then come what
// must be refused, and what must be an error: a device that the policy does not
// allow, a provider library that is not the lock's, too little memory, a graph
// that would fall back to the CPU. Each session is a process of its own, which
// finds CUDA's libraries by LD_LIBRARY_PATH.
//
// What is not there is fetched by examples/fetch, 1.6 GB of it, if there is a
// device. A machine that lacks something is told what, a line each, and the exit
// code is 3. It is 1 if a check failed. What was found is printed, and written
// to benchmarks/results.
//
// With -device cpu the same is done with the CPU in the device's place, so that
// the check itself is exercised; nothing is then written.
//
// A machine without Go and network gets the program and the files:
//
//	go build -trimpath -ldflags '-s -w' -o gpucheck ./benchmarks/gpucheck
//	go run ./examples/fetch -dir FILES onnxruntime-gpu-linux-amd64 cuda-13 minilm ppocr-det ppocr-rec
//
// and there, with FILES carried over (its directory blobs is not needed):
//
//	./gpucheck -dir FILES -results . -commit COMMIT
//
// where a Python with CUDA 13 and cuDNN 9 from NVIDIA's packages may stand for
// FILES/cuda-13:
//
//	./gpucheck -dir FILES -python python3 -results . -commit COMMIT
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
)

// Exit codes.
const (
	exitFailed  = 1 // a check failed, or could not be made
	exitUsage   = 2
	exitMissing = 3 // the machine lacks what the check needs
)

// usual is the large model, of 2 GiB.
func usual() graphs.Graph { return graphs.MatMuls(32, 4096) }

// small is what -small takes in its place.
func small() graphs.Graph { return graphs.MatMuls(4, 512) }

type options struct {
	device    string
	dir       string
	library   string
	providers []string
	cuda      []string
	python    string
	models    string
	scratch   string
	results   string
	commit    string
	rounds    int
	small     bool
	notRun    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == childArgument {
		return exitCode(serve(ctx, stdin, stdout), stderr)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}
	if o.notRun {
		return exitCode(new(report).write(o.results), stderr)
	}
	missing, failures, err := o.check(ctx, stdout, stderr)
	for _, line := range missing {
		fmt.Fprintln(stderr, "missing: "+line)
	}
	for _, line := range failures {
		fmt.Fprintln(stderr, "FAILED: "+line)
	}
	switch {
	case err != nil:
		return exitCode(err, stderr)
	case len(missing) > 0:
		return exitMissing
	case len(failures) > 0:
		return exitFailed
	}
	return 0
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "gpucheck:", err)
	return exitFailed
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("gpucheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var providers, cuda string
	flags.StringVar(&o.device, "device", deviceCUDA, "`cuda`, or cpu in its place, which exercises the check and proves nothing of CUDA")
	flags.StringVar(&o.dir, "dir", "", "where examples/fetch keeps `files` (default weightgate in the user's cache directory)")
	flags.StringVar(&o.library, "library", "", "ONNX Runtime's core library, in place of the fetched one")
	flags.StringVar(&providers, "providers", "", "its provider libraries, beside it, in the order of their opening, separated by commas")
	flags.StringVar(&cuda, "cuda", "", "directories of CUDA's libraries and cuDNN's, separated by colons, before the fetched ones")
	flags.StringVar(&o.python, "python", "", "a Python whose packages have CUDA's libraries and cuDNN's, before the fetched ones")
	flags.StringVar(&o.models, "models", "", "the public models, laid out as examples/fetch does, in place of the fetched ones")
	flags.StringVar(&o.scratch, "scratch", "", "where the large model is made, for a while, 2 GiB (default the system's directory of temporary files)")
	flags.StringVar(&o.results, "results", filepath.Join("benchmarks", "results"), "where to write "+jsonFile+" and "+markdownFile)
	flags.StringVar(&o.commit, "commit", "", "what is checked, for the results")
	flags.IntVar(&o.rounds, "rounds", 5, "how often to take each time")
	flags.BoolVar(&o.small, "small", false, "make the large model small, and write nothing")
	flags.BoolVar(&o.notRun, "not-run", false, "write results that say that nothing was run")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.providers, o.cuda = split(providers, ","), split(cuda, ":")
	if o.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			fmt.Fprintln(stderr, "gpucheck: name a directory with -dir:", err)
			return options{}, err
		}
		o.dir = filepath.Join(cache, "weightgate")
	}
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("gpucheck: what is %q", flags.Arg(0))
	case o.device != deviceCPU && o.device != deviceCUDA:
		err = fmt.Errorf("gpucheck: -device is cuda or cpu, not %q", o.device)
	case o.rounds < 1:
		err = errors.New("gpucheck: -rounds is at least 1")
	default:
		err = o.absolute()
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return options{}, err
	}
	return o, nil
}

// absolute makes paths mean the same to whoever opens them.
func (o *options) absolute() (err error) {
	paths := []*string{&o.dir, &o.library, &o.models, &o.scratch}
	for i := range o.providers {
		paths = append(paths, &o.providers[i])
	}
	for i := range o.cuda {
		paths = append(paths, &o.cuda[i])
	}
	for _, path := range paths {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}

func split(list, separator string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, separator)
}

// check gives what the machine lacks, or else what failed.
func (o options) check(ctx context.Context, stdout, stderr io.Writer) (missing, failures []string, err error) {
	here := lookHere(ctx)
	if o.device == deviceCUDA {
		if missing := here.missing(); len(missing) > 0 {
			return missing, nil, nil
		}
	}
	found, missing, err := o.obtain(ctx, stderr)
	if err != nil || len(missing) > 0 {
		return missing, nil, err
	}
	scratch, err := os.MkdirTemp(o.scratch, "weightgate-gpucheck-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(scratch)

	c := check{device: o.device, rounds: o.rounds, large: usual(), files: found, scratch: scratch, progress: stderr}
	if o.small {
		c.large = small()
	}
	if o.device == deviceCUDA {
		c.libraries = append(found.cuda[:len(found.cuda):len(found.cuda)], here.driver)
	}
	r := &report{Device: o.device, Commit: o.commit, Machine: here}
	if err := c.run(ctx, r); err != nil {
		return nil, nil, err
	}
	if o.device != deviceCUDA {
		fmt.Fprintln(stdout, "NOT A CHECK OF CUDA: the CPU stood in the device's place. Nothing is written.")
	}
	if _, err := stdout.Write(r.markdown()); err != nil {
		return nil, nil, err
	}
	if o.device == deviceCUDA && !o.small {
		err = r.write(o.results)
	}
	return nil, r.failures(), err
}
