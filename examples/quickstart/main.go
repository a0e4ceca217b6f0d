// Quickstart admits a public text recognition model under policy.yaml and
// weightgate.lock, reads a line of text with it, and shows what happens to the
// same model once it was tampered with. Run it in its own directory: go run .
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/weightgate/weightgate/examples/internal/fetch"
	"github.com/weightgate/weightgate/examples/internal/ocr"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

const (
	graph      = "rec.onnx"
	dictionary = "ppocr_keys_v1.txt"
)

func main() {
	text := flag.String("text", "Weightgate admits what it verified", "the line to draw and to read")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := demo(ctx, *text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if r, ok := errors.AsType[*loader.Rejection](err); ok {
			r.Report.WriteText(os.Stderr)
		}
		os.Exit(1)
	}
}

func demo(ctx context.Context, text string) error {
	rules, err := policy.Open("policy.yaml")
	if err != nil {
		return err
	}
	model, library, err := fetched(ctx, rules.Lock())
	if err != nil {
		return err
	}
	gate, err := loader.New(loader.Config{Policy: rules, Formats: all.Formats()})
	if err != nil {
		return err
	}
	defer gate.Close()
	if err := recognise(ctx, gate, model, library, text); err != nil {
		return err
	}
	return refuse(ctx, gate, model)
}

// recognise is what a service does: load, open, run.
func recognise(ctx context.Context, gate *loader.Gate, model, library, text string) error {
	m, err := gate.Load(ctx, "ocr", loader.Dir(model))
	if err != nil {
		return err
	}
	defer m.Close()
	start := time.Now()
	s, err := gpu.Open(ctx, m, gpu.Config{Library: library, Device: gpu.CPU})
	if err != nil {
		return err
	}
	defer s.Close()
	opened := time.Since(start)

	line, err := ocr.Page(text)
	if err != nil {
		return err
	}
	values, width := ocr.LinePixels(line)
	input, err := gpu.NewTensor(values, 1, 3, ocr.LineHeight, int64(width))
	if err != nil {
		return err
	}
	outputs := make([]gpu.Tensor, 1) // without memory: Run allocates it
	start = time.Now()
	if err := s.Run(ctx, []gpu.Tensor{input}, outputs); err != nil {
		return err
	}
	ran := time.Since(start)

	letters, err := ocr.Alphabet(m.FS(), dictionary) // the bytes that were verified, not the file
	if err != nil {
		return err
	}
	answer, err := gpu.Data[float32](outputs[0])
	if err != nil {
		return err
	}
	got, _, err := ocr.Read(answer, letters)
	if err != nil {
		return err
	}
	fmt.Printf("drew  %s\nread  %s\n\n%s", text, got, m.Report())
	fmt.Printf("            session %v, run %v\n\n", opened.Round(time.Millisecond), ran.Round(time.Millisecond))
	if got != text {
		return errors.New("quickstart: the text was not recognised")
	}
	return nil
}

// fetched brings in, if they are not there yet, ONNX Runtime for this machine
// and the model as the lock pins it.
func fetched(ctx context.Context, lock *policy.Lock) (model, library string, err error) {
	dir, err := fetch.Dir()
	if err != nil {
		return "", "", err
	}
	items, err := fetch.Items("onnxruntime-"+runtime.GOOS+"-"+runtime.GOARCH, "ppocr-rec")
	if err != nil {
		return "", "", err
	}
	pin, _ := lock.Pin("ocr")
	for i := range items {
		if pinned, ok := pin.Files.Find(path.Base(items[i].Path)); ok {
			items[i].Size, items[i].SHA256 = pinned.Size, pinned.SHA256.String()
		}
	}
	if err := fetch.Get(ctx, dir, items, os.Stderr); err != nil {
		return "", "", err
	}
	at := func(i fetch.Item) string { return filepath.Join(dir, filepath.FromSlash(i.Path)) }
	return filepath.Dir(at(items[1])), at(items[0]), nil
}
