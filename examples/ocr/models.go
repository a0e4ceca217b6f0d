package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/weightgate/weightgate/examples/internal/ocr"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// An origin is where models and runtime come from, and where they shall run.
// Empty paths are fetched.
type origin struct {
	models    string // directory of ppocr-det and ppocr-rec
	library   string // ONNX Runtime's core library
	providers []string
	device    gpu.Device
}

// A line is a line of text in an image. Confidence is from 0 to 1.
type line struct {
	Text       string  `json:"text"`
	Confidence float64 `json:"confidence"`
	Box        box     `json:"box"`
}

// A box is in pixels of the image, from its upper left corner.
type box struct {
	X      int `json:"x"`
	Y      int `json:"y"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

// models are the detection and the recognition, verified and ready to run. They
// are safe for concurrent use.
type models struct {
	det, rec *gpu.Session
	letters  []string
	most     int // lines in an image
}

// open admits both models before it opens a session of either, so that the
// runtime is not opened either unless everything is what the lock says. A
// refusal is a *loader.Rejection.
func open(ctx context.Context, log *slog.Logger, from origin, most int) (_ *models, err error) {
	if from, err = from.fetched(ctx, os.Stderr); err != nil {
		return nil, err
	}
	rules, err := policy.Open("policy.yaml")
	if err != nil {
		return nil, err
	}
	gate, err := loader.New(loader.Config{Policy: rules, Formats: all.Formats(), Logger: log})
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	det, err := gate.Load(ctx, "det", loader.Dir(filepath.Join(from.models, "ppocr-det")))
	if err != nil {
		return nil, err
	}
	defer det.Close() // sessions keep what they use
	rec, err := gate.Load(ctx, "rec", loader.Dir(filepath.Join(from.models, "ppocr-rec")))
	if err != nil {
		return nil, err
	}
	defer rec.Close()

	m := &models{most: most}
	if m.letters, err = ocr.Alphabet(rec.FS(), "ppocr_keys_v1.txt"); err != nil { // the bytes that were verified, not the file
		return nil, err
	}
	cfg := gpu.Config{Library: from.library, Providers: from.providers, Device: from.device}
	if m.det, err = gpu.Open(ctx, det, cfg); err != nil {
		return nil, err
	}
	if m.rec, err = gpu.Open(ctx, rec, cfg); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	for _, report := range []*loader.Report{det.Report(), rec.Report()} {
		log.Info("verified", "model", report.Name, "identity", report.Identity.String(), "vouched", report.Vouched,
			"device", report.Session.Device, "runtime", report.Session.Runtime)
	}
	return m, nil
}

// Close waits for the runs that are under way. Nil models are closed.
func (m *models) Close() error {
	if m == nil {
		return nil
	}
	var errs []error
	for _, s := range []*gpu.Session{m.det, m.rec} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// read is what the page says, in reading order. Lines run one by one: what is
// read in one does not depend on the others, as it would in a padded batch.
func (m *models) read(ctx context.Context, page *image.RGBA) ([]line, error) {
	values, width, height := ocr.PagePixels(page)
	answer, err := infer(ctx, m.det, values, height, width)
	if err != nil {
		return nil, fmt.Errorf("detection: %w", err)
	}
	boxes, err := ocr.Boxes(answer, width, height, page.Bounds())
	if err != nil {
		return nil, err
	}
	if len(boxes) > m.most {
		return nil, errTooManyLines
	}
	lines := []line{}
	for _, b := range boxes {
		values, width := ocr.LinePixels(page.SubImage(b))
		answer, err := infer(ctx, m.rec, values, ocr.LineHeight, width)
		if err != nil {
			return nil, fmt.Errorf("recognition: %w", err)
		}
		text, confidence, err := ocr.Read(answer, m.letters)
		if err != nil {
			return nil, err
		}
		if text != "" {
			lines = append(lines, line{text, confidence, box{b.Min.X, b.Min.Y, b.Dx(), b.Dy()}})
		}
	}
	return lines, nil
}

// infer runs a model on one picture of three planes.
func infer(ctx context.Context, s *gpu.Session, values []float32, height, width int) ([]float32, error) {
	input, err := gpu.NewTensor(values, 1, 3, int64(height), int64(width))
	if err != nil {
		return nil, err
	}
	outputs := make([]gpu.Tensor, 1) // without memory: Run allocates it
	if err := s.Run(ctx, []gpu.Tensor{input}, outputs); err != nil {
		return nil, err
	}
	return gpu.Data[float32](outputs[0])
}
