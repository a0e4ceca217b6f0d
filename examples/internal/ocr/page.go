package ocr

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Page is these lines of text one below the other, black on white.
func Page(lines ...string) (image.Image, error) {
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
	height := (metrics.Ascent + metrics.Descent).Ceil()
	width, pitch := 0, height+margin
	for _, line := range lines {
		width = max(width, font.MeasureString(face, line).Ceil())
	}
	paper := image.NewRGBA(image.Rect(0, 0, width+2*margin, len(lines)*pitch+margin))
	draw.Draw(paper, paper.Bounds(), image.White, image.Point{}, draw.Src)
	for i, line := range lines {
		pen := font.Drawer{
			Dst:  paper,
			Src:  image.Black,
			Face: face,
			Dot:  fixed.Point26_6{X: fixed.I(margin), Y: fixed.I(margin+i*pitch) + metrics.Ascent},
		}
		pen.DrawString(line)
	}
	return paper, nil
}
