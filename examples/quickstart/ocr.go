package main

import (
	"fmt"
	"image"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/image/draw"
)

// lineHeight is the height, in pixels, of the lines that PP-OCR was trained on.
const lineHeight = 48

// pixels is the line as PP-OCR reads it: 48 pixels high, as wide as it then
// is, in three planes (blue, green, red) of values from -1 to 1.
func pixels(line image.Image) (values []float32, width int) {
	size := line.Bounds().Size()
	width = max(1, (size.X*lineHeight+size.Y/2)/size.Y)
	scaled := image.NewRGBA(image.Rect(0, 0, width, lineHeight))
	draw.BiLinear.Scale(scaled, scaled.Bounds(), line, line.Bounds(), draw.Src, nil)

	values = make([]float32, 3*lineHeight*width)
	for y := range lineHeight {
		for x := range width {
			pixel := scaled.RGBAAt(x, y)
			for plane, v := range [...]uint8{pixel.B, pixel.G, pixel.R} {
				values[(plane*lineHeight+y)*width+x] = float32(v)/127.5 - 1
			}
		}
	}
	return values, width
}

// alphabet is what the model's classes mean: nothing, then each line of the
// dictionary, then a space.
func alphabet(model fs.FS, dictionary string) ([]string, error) {
	text, err := fs.ReadFile(model, dictionary)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	return append(append([]string{""}, lines...), " "), nil
}

// read is the text in the model's answer: a probability for each letter at each
// step from left to right. The likeliest letter of a step counts, once for as
// long as it stays the likeliest.
func read(answer []float32, letters []string) (string, error) {
	if len(letters) == 0 || len(answer)%len(letters) != 0 {
		return "", fmt.Errorf("ocr: %d probabilities do not fit %d letters", len(answer), len(letters))
	}
	var text strings.Builder
	last := 0
	for step := range slices.Chunk(answer, len(letters)) {
		likeliest := 0
		for i, p := range step {
			if p > step[likeliest] {
				likeliest = i
			}
		}
		if likeliest != last {
			text.WriteString(letters[likeliest])
		}
		last = likeliest
	}
	return text.String(), nil
}
