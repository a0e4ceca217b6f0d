package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/draw"
	_ "image/jpeg" // the formats that decode knows
	_ "image/png"
	"io"
)

// decode is the PNG or JPEG in data, on white where it is transparent, with its
// upper left corner at 0, 0. Its size is held against most, in pixels, before
// memory is taken for it. A large one takes some 20 bytes a pixel for a moment.
func decode(ctx context.Context, data []byte, most int) (*image.RGBA, error) {
	declared, _, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, errFormat
	case err != nil || declared.Width <= 0 || declared.Height <= 0:
		return nil, errBroken
	case declared.Width > most/declared.Height:
		return nil, errTooManyPixels
	}
	picture, _, err := image.Decode(&abortable{ctx: ctx, r: bytes.NewReader(data)})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, errBroken
	}
	page := image.NewRGBA(image.Rectangle{Max: picture.Bounds().Size()})
	draw.Draw(page, page.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(page, page.Bounds(), picture, picture.Bounds().Min, draw.Over)
	return page, nil
}

// abortable ends with its context. It reads in small steps: a progressive JPEG
// may demand a pass over the whole picture with every few bytes.
type abortable struct {
	ctx context.Context
	r   io.Reader
}

func (a *abortable) Read(p []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	return a.r.Read(p[:min(len(p), 512)])
}
