package main

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// page is one line of text, black on white.
func page(text string) (image.Image, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 48, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	defer face.Close()

	const margin = 12
	metrics := face.Metrics()
	width, height := font.MeasureString(face, text).Ceil(), (metrics.Ascent + metrics.Descent).Ceil()
	paper := image.NewRGBA(image.Rect(0, 0, width+2*margin, height+2*margin))
	draw.Draw(paper, paper.Bounds(), image.White, image.Point{}, draw.Src)
	pen := font.Drawer{
		Dst:  paper,
		Src:  image.Black,
		Face: face,
		Dot:  fixed.Point26_6{X: fixed.I(margin), Y: fixed.I(margin) + metrics.Ascent},
	}
	pen.DrawString(text)
	return paper, nil
}
