package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// A tampering is a change that leaves the model loadable, and wrong.
type tampering struct {
	what   string
	file   string // beneath the model's directory
	change func(content []byte) []byte
}

var tamperings = []tampering{
	{"two lines of the dictionary swapped, so that it reads an e for every a", dictionary, swapAE},
	{"one byte of the weights flipped", graph, flipMiddle},
}

// refuse shows the gate a tampered copy of the model for each tampering, and
// fails unless each is refused because of that file.
func refuse(ctx context.Context, gate *loader.Gate, model string) error {
	for _, t := range tamperings {
		rejection, err := t.load(ctx, gate, model)
		if err != nil {
			return err
		}
		fmt.Printf("%s:\n%s\n", t.what, rejection.Report)
		if !changed(rejection, t.file) {
			return fmt.Errorf("quickstart: refused, but not for what was done to %s", t.file)
		}
	}
	return nil
}

// load makes the change in a copy of the model's directory and loads that.
func (t tampering) load(ctx context.Context, gate *loader.Gate, model string) (*loader.Rejection, error) {
	dir, err := os.MkdirTemp(filepath.Dir(model), "tampered-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(model)); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, t.file)
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, t.change(content), 0o644); err != nil {
		return nil, err
	}

	m, err := gate.Load(ctx, "ocr", loader.Dir(dir))
	if err == nil {
		m.Close()
		return nil, errors.New("quickstart: the tampered model was admitted")
	}
	rejection, ok := errors.AsType[*loader.Rejection](err)
	if !ok {
		return nil, err
	}
	return rejection, nil
}

// changed reports whether the load was denied because file is not what the lock pins.
func changed(r *loader.Rejection, file string) bool {
	for _, reason := range r.Report.Reasons() {
		if reason.Code == policy.CodePinChanged && reason.File == file {
			return errors.Is(r, loader.ErrDenied)
		}
	}
	return false
}

// swapAE swaps the lines "a" and "e" of a dictionary.
func swapAE(content []byte) []byte {
	lines := strings.Split(string(content), "\n")
	for i, line := range lines {
		switch line {
		case "a":
			lines[i] = "e"
		case "e":
			lines[i] = "a"
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// flipMiddle inverts the byte in the middle, which lies in a weight.
func flipMiddle(content []byte) []byte {
	flipped := slices.Clone(content)
	flipped[len(flipped)/2] ^= 0xff
	return flipped
}
