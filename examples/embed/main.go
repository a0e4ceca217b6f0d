// Embed serves the embeddings of a verified model with OpenAI's API: a Hugging
// Face directory in, POST /v1/embeddings out. Without a verified model it says
// why at /healthz, and serves nothing else.
//
//	go run . -ask "What is verified?"
//	go run . -model DIR -policy policy.yaml -library libonnxruntime.so.1
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/examples/embed/service"
	"github.com/weightgate/weightgate/examples/internal/fetch"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
)

type flags struct {
	listen, admin string
	maxTokens     int
	exitOnDenied  bool
	ask           string
	encoder       encoder.Config
}

// parsed reads the command line. What is wrong with it is written to stderr.
func parsed(args []string, stderr io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("embed", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.listen, "listen", "127.0.0.1:8081", "where the API listens")
	set.StringVar(&f.admin, "admin", "127.0.0.1:8082", "where /debug/models listens, for operators alone")
	set.StringVar(&f.encoder.Name, "name", "minilm", "the model's name in the policy, and for clients")
	set.StringVar(&f.encoder.Dir, "model", "", "the model's directory (default: MiniLM is fetched)")
	set.StringVar(&f.encoder.Policy, "policy", "policy.yaml", "the policy; its lock lies beside it")
	set.StringVar(&f.encoder.Library, "library", "", "ONNX Runtime's library (default: it is fetched)")
	set.Func("providers", "libraries of execution providers, separated by commas", func(files string) error {
		f.encoder.Providers = strings.FieldsFunc(files, func(r rune) bool { return r == ',' })
		return nil
	})
	f.encoder.Device = gpu.CPU
	set.Func("device", "cpu or cuda (default cpu)", func(name string) (err error) {
		f.encoder.Device, err = deviceNamed(name)
		return err
	})
	set.IntVar(&f.encoder.Threads, "threads", 0, "threads for one operator; 0: one for each core")
	set.IntVar(&f.maxTokens, "max-tokens", 1<<15, "tokens of one request, all its inputs together")
	set.BoolVar(&f.exitOnDenied, "exit-on-denied", false, "end without a verified model, instead of saying why at /healthz")
	set.StringVar(&f.ask, "ask", "", "serve, ask for the embedding of this text, print it and the report, end")
	if err := set.Parse(args); err != nil {
		return flags{}, err
	}
	switch {
	case set.NArg() > 0:
		err = fmt.Errorf("embed: %q is not a flag", set.Arg(0))
	case f.maxTokens < 1:
		err = fmt.Errorf("embed: -max-tokens %d: want 1 or more", f.maxTokens)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		set.Usage()
		return flags{}, err
	}
	return f, nil
}

func deviceNamed(name string) (gpu.Device, error) {
	switch name {
	case "cpu":
		return gpu.CPU, nil
	case "cuda":
		return gpu.CUDA(0), nil
	}
	return 0, errors.New("want cpu or cuda")
}

func main() {
	f, err := parsed(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}
	level := slog.LevelInfo
	if f.ask != "" {
		level = slog.LevelError
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, f, logger); err != nil {
		logger.Error("embed ends", "error", err)
		if rejection, ok := errors.AsType[*loader.Rejection](err); ok {
			rejection.Report.WriteText(os.Stderr)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags, logger *slog.Logger) error {
	if f.ask != "" {
		f.listen, f.admin, f.exitOnDenied = "127.0.0.1:0", "127.0.0.1:0", true
	}
	s, err := service.New(service.Config{Model: f.encoder.Name, MaxTokens: f.maxTokens, Logger: logger})
	if err != nil {
		return err
	}
	api, err := net.Listen("tcp", f.listen)
	if err != nil {
		return err
	}
	admin, err := net.Listen("tcp", f.admin)
	if err != nil {
		api.Close()
		return err
	}
	logger.Info("listening", "api", api.Addr().String(), "admin", admin.Addr().String())

	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, api, admin) }()

	e, err := open(ctx, f.encoder)
	if err == nil {
		defer e.Close() // after the last request
		s.Ready(e)
		logger.Info("verified", "model", f.encoder.Name, "identity", e.Report().Identity.String(), "device", e.Device().String())
		if f.ask != "" {
			end(ask(ctx, api.Addr(), f, e.Report()))
		}
	} else {
		s.Refuse(err)
		logger.Error("not served", "model", f.encoder.Name, "error", err)
		if f.exitOnDenied {
			end(err)
		}
	}
	err = <-served
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// open admits the model and opens its session.
func open(ctx context.Context, cfg encoder.Config) (*encoder.Encoder, error) {
	if err := fetched(ctx, &cfg); err != nil {
		return nil, err
	}
	return encoder.Open(ctx, cfg)
}

// fetched brings in, once, what no flag names: MiniLM, and ONNX Runtime for the
// CPU of this machine. The policy decides whether that is what it should be.
func fetched(ctx context.Context, cfg *encoder.Config) error {
	dir, err := fetch.Dir()
	if err != nil {
		return err
	}
	for _, missing := range []struct {
		path *string
		item string
		of   func(path string) string
	}{
		{&cfg.Dir, "minilm", filepath.Dir},
		{&cfg.Library, "onnxruntime-" + runtime.GOOS + "-" + runtime.GOARCH, filepath.Clean},
	} {
		if *missing.path != "" {
			continue
		}
		items, err := fetch.Items(missing.item)
		if err != nil {
			return err
		}
		if err := fetch.Get(ctx, dir, items, os.Stderr); err != nil {
			return err
		}
		*missing.path = missing.of(filepath.Join(dir, filepath.FromSlash(items[0].Path)))
	}
	return nil
}
