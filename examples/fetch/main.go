// Command fetch brings in what the examples and the tests run on, and prints
// where it lies, a path a line:
//
//	go run ./examples/fetch [-dir DIR] [-env] [NAME ...]
//
// With -env it prints what a shell evaluates before it runs the session tests:
//
//	eval "$(go run ./examples/fetch -env)"
//
// The names are onnxruntime-linux-amd64, onnxruntime-linux-arm64, ppocr-rec,
// ppocr-det, silero-vad and minilm; none means all of these. What sessions on
// CUDA need as well comes by name only, 1.6 GB of it:
//
//	go run ./examples/fetch onnxruntime-gpu-linux-amd64 cuda-13
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/weightgate/weightgate/examples/internal/fetch"
)

func main() {
	dir := flag.String("dir", "", "where to keep it (default weightgate in the user's cache directory)")
	env := flag.Bool("env", false, "print the environment of the session tests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *env, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, env bool, names []string) (err error) {
	if dir == "" {
		if dir, err = fetch.Dir(); err != nil {
			return err
		}
	}
	items, err := fetch.Items(names...)
	if err != nil {
		return err
	}
	if err := fetch.Get(ctx, dir, items, os.Stderr); err != nil {
		return err
	}
	if env {
		runtimeName := "libonnxruntime-" + runtime.GOOS + "-" + runtime.GOARCH + ".so.1"
		fmt.Printf("export WEIGHTGATE_ORT=%s WEIGHTGATE_MODELS=%s\n",
			quoted(filepath.Join(dir, "onnxruntime", runtimeName)), quoted(filepath.Join(dir, "models")))
		return nil
	}
	for _, item := range items {
		fmt.Println(filepath.Join(dir, filepath.FromSlash(item.Path)))
	}
	return nil
}

// quoted is a path as one word of a shell.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
