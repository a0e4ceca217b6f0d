package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// huge is a small PNG that says it has 60000 by 60000 pixels.
func huge() []byte {
	header := []byte("IHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00")
	file := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(header)-4))
	file = binary.BigEndian.AppendUint32(append(file, header...), crc32.ChecksumIEEE(header))
	return append(file, make([]byte, 1024-len(file))...)
}

func flip(content []byte, at int) []byte {
	flipped := bytes.Clone(content)
	flipped[at] ^= 0xff
	return flipped
}

// few are limits of so many pixels.
func few(pixels int) limits {
	l := defaults()
	l.pixels = pixels
	return l
}

func TestDecode(t *testing.T) {
	glass := image.NewNRGBA(image.Rect(3, 4, 13, 24))
	glass.Set(5, 7, color.NRGBA{R: 255, A: 255})
	page, err := few(200).decode(t.Context(), encoded(t, glass))
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 10, 20), page.Rect)
	require.Equal(t, color.RGBA{R: 255, A: 255}, page.RGBAAt(2, 3))
	require.Equal(t, color.RGBA{R: 255, G: 255, B: 255, A: 255}, page.RGBAAt(3, 3), "on white")

	var photo bytes.Buffer
	require.NoError(t, jpeg.Encode(&photo, glass, nil))
	page, err = few(200).decode(t.Context(), photo.Bytes())
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 10, 20), page.Rect)

	for _, file := range [][]byte{photo.Bytes(), encoded(t, glass)} {
		page, err = few(199).decode(t.Context(), file)
		require.ErrorIs(t, err, errTooManyPixels)
		require.Nil(t, page)
	}
}

func TestDecodeTakesNothingForHugeDimensions(t *testing.T) {
	file := huge()
	require.Len(t, file, 1024)
	perRun := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := defaults().decode(context.Background(), file); err != errTooManyPixels {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	require.Less(t, perRun, int64(1<<16))
}

// passes is a progressive JPEG of 4096 by 4096 pixels that passes over them n
// times, and takes 40 bytes for each.
func passes(n int) []byte {
	scan := "\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" + string(make([]byte, 30)) // 16 runs of 2^14 empty blocks, 15 bits each
	return []byte("\xff\xd8" +
		"\xff\xdb\x00\x43\x00" + strings.Repeat("\x01", 64) +
		"\xff\xc2\x00\x0b\x08\x10\x00\x10\x00\x01\x01\x11\x00" + // gray
		"\xff\xc4\x00\x14\x10\x01" + string(make([]byte, 15)) + "\xe0" + // one code, of one bit: a run
		strings.Repeat(scan, n) + "\xff\xd9")
}

func TestDecodeCountsScans(t *testing.T) {
	l := defaults()
	l.scans = 3
	page, err := l.decode(t.Context(), passes(3))
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 4096, 4096), page.Rect)
	page, err = l.decode(t.Context(), passes(4))
	require.ErrorIs(t, err, errTooManyScans)
	require.Nil(t, page)
}

func TestScans(t *testing.T) {
	require.Equal(t, 4, scans(passes(4)))
	// A decoder that searches for a restart marker finds scans in what is a segment to others.
	require.Equal(t, 4, scans(bytes.Replace(passes(4), []byte("\xff\xda"), []byte("\xff\xe1\xff\xff\xff\xda"), 1)))
	require.Equal(t, 1, scans([]byte("\xff\xff\xda")), "after a fill byte")
	require.Zero(t, scans([]byte("\xff\x00\xda")), "in a scan's own bytes")
}

func TestDecodeEndsInTime(t *testing.T) {
	l := defaults()
	l.scans = 1 << 20
	l.decoding = 100 * time.Millisecond
	page, err := l.decode(t.Context(), passes(1<<17))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Nil(t, page)

	l.decoding = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	page, err = l.decode(ctx, passes(1<<17))
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, page)
}
