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
// upper left corner at 0, 0. Its pixels and passes are held against the limits
// before memory is taken for it. A large one takes some 20 bytes a pixel for a
// moment.
func (l limits) decode(ctx context.Context, data []byte) (*image.RGBA, error) {
	declared, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, errFormat
	case err != nil || declared.Width <= 0 || declared.Height <= 0:
		return nil, errBroken
	case declared.Width > l.pixels/declared.Height:
		return nil, errTooManyPixels
	case format == "jpeg" && scans(data) > l.scans:
		return nil, errTooManyScans
	}
	ctx, cancel := context.WithTimeout(ctx, l.decoding)
	defer cancel()
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

// scans is no less than the number of scans of a JPEG, each of which is a pass
// over the whole picture: every marker that begins one (ITU-T T.81, B.1.1.3)
// counts, also where metadata happen to hold its bytes. A walk from segment to
// segment would be exact, but not agree with the decoder on damaged files.
func scans(data []byte) int { return bytes.Count(data, []byte{0xff, 0xda}) }

// abortable ends with its context. It reads in small steps, since a scan may be
// a few bytes.
type abortable struct {
	ctx context.Context
	r   io.Reader
}

func (a *abortable) Read(p []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	return a.r.Read(p[:min(len(p), 64)])
}
