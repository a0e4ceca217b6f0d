package ocr

import (
	"fmt"
	"image"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/image/draw"
)

const (
	// LineHeight is the height, in pixels, of the lines that the recognition was
	// trained on.
	LineHeight = 48

	// MaxLineWidth is how wide, in pixels, a line is made at most: a longer one
	// is squeezed, so that a picture cannot choose how much memory a run takes.
	MaxLineWidth = 80 * LineHeight
)

var lineSamples = normalisation{mean: [3]float32{0.5, 0.5, 0.5}, deviation: [3]float32{0.5, 0.5, 0.5}}

// LinePixels is a line as the recognition takes it, of shape 1, 3, LineHeight,
// width: in three planes (blue, green, red) of values from -1 to 1. A line
// without pixels is one black pixel wide.
func LinePixels(line image.Image) (values []float32, width int) {
	size := line.Bounds().Size()
	width = 1
	if size.Y > 0 {
		width = min(max(1, (size.X*LineHeight+size.Y/2)/size.Y), MaxLineWidth)
	}
	scaled := image.NewRGBA(image.Rect(0, 0, width, LineHeight))
	draw.BiLinear.Scale(scaled, scaled.Bounds(), line, line.Bounds(), draw.Src, nil)
	return lineSamples.planes(scaled), width
}

// Alphabet is what the recognition's classes mean: nothing, then each line of
// the model's dictionary, then a space.
func Alphabet(model fs.FS, dictionary string) ([]string, error) {
	text, err := fs.ReadFile(model, dictionary)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	return append(append([]string{""}, lines...), " "), nil
}

// Read is the text in the recognition's answer, which has a probability for
// each letter at each step from left to right. The likeliest letter of a step
// counts, once for as long as it stays the likeliest. The confidence is the mean
// of the probabilities that counted; without text it is 0.
//
// An answer that is no whole number of alphabets is ErrAnswer.
func Read(answer []float32, letters []string) (text string, confidence float64, err error) {
	if len(letters) == 0 || len(answer)%len(letters) != 0 {
		return "", 0, fmt.Errorf("%w: %d probabilities do not fit %d letters", ErrAnswer, len(answer), len(letters))
	}
	var written strings.Builder
	last, counted := 0, 0
	for step := range slices.Chunk(answer, len(letters)) {
		likeliest := 0
		for i, p := range step {
			if p > step[likeliest] {
				likeliest = i
			}
		}
		if likeliest != last && likeliest != 0 {
			written.WriteString(letters[likeliest])
			confidence += float64(step[likeliest])
			counted++
		}
		last = likeliest
	}
	return written.String(), confidence / float64(max(1, counted)), nil
}
