// Package ocr is what PP-OCR's two models take and give: for the detection, a
// page's pixels in and the boxes of its lines out; for the recognition, one
// line's pixels in and its letters out. Running the models is the caller's part.
//
// The numbers are those of PaddleOCR's own inference for PP-OCRv4
// (tools/infer/predict_det.py and predict_rec.py).
package ocr

import (
	"errors"
	"image"
)

// ErrAnswer says that a model's answer does not have the shape that its input,
// or its dictionary, demands.
var ErrAnswer = errors.New("ocr: not an answer of this model")

// A normalisation turns a sample, from 0 to 1, into (sample - mean) / deviation.
// Planes are in the models' order: blue, green, red.
type normalisation struct{ mean, deviation [3]float32 }

// planes is the picture as three planes of normalised samples.
func (n normalisation) planes(picture *image.RGBA) []float32 {
	size := picture.Bounds().Size()
	values := make([]float32, 3*size.X*size.Y)
	for y := range size.Y {
		row := picture.Pix[y*picture.Stride:]
		for x := range size.X {
			red, green, blue := row[4*x], row[4*x+1], row[4*x+2]
			for plane, v := range [...]uint8{blue, green, red} {
				values[(plane*size.Y+y)*size.X+x] = (float32(v)/255 - n.mean[plane]) / n.deviation[plane]
			}
		}
	}
	return values
}
