package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
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

func TestDecode(t *testing.T) {
	glass := image.NewNRGBA(image.Rect(3, 4, 13, 24))
	glass.Set(5, 7, color.NRGBA{R: 255, A: 255})
	page, err := decode(t.Context(), encoded(t, glass), 200)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 10, 20), page.Rect)
	require.Equal(t, color.RGBA{R: 255, A: 255}, page.RGBAAt(2, 3))
	require.Equal(t, color.RGBA{R: 255, G: 255, B: 255, A: 255}, page.RGBAAt(3, 3), "on white")

	var photo bytes.Buffer
	require.NoError(t, jpeg.Encode(&photo, glass, nil))
	page, err = decode(t.Context(), photo.Bytes(), 200)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 10, 20), page.Rect)

	for _, file := range [][]byte{photo.Bytes(), encoded(t, glass)} {
		page, err = decode(t.Context(), file, 199)
		require.ErrorIs(t, err, errTooManyPixels)
		require.Nil(t, page)
	}
}

func TestDecodeTakesNothingForHugeDimensions(t *testing.T) {
	file := huge()
	require.Len(t, file, 1024)
	perRun := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := decode(context.Background(), file, defaults().pixels); err != errTooManyPixels {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	require.Less(t, perRun, int64(1<<16))
}

// A progressive JPEG may hold thousands of scans, each of which passes over the
// whole picture and takes a few bytes.
func TestDecodeEndsWithItsContext(t *testing.T) {
	scan := "\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" + string(make([]byte, 30)) // 16 runs of 2^14 empty blocks, 15 bits each
	bomb := []byte("\xff\xd8" +
		"\xff\xdb\x00\x43\x00" + string(bytes.Repeat([]byte{1}, 64)) +
		"\xff\xc2\x00\x0b\x08\x10\x00\x10\x00\x01\x01\x11\x00" + // 4096 by 4096, gray
		"\xff\xc4\x00\x14\x10\x01" + string(make([]byte, 15)) + "\xe0") // one code, of one bit: a run
	for range 1 << 17 {
		bomb = append(bomb, scan...)
	}
	_, err := jpeg.DecodeConfig(bytes.NewReader(bomb))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	page, err := decode(ctx, bomb, defaults().pixels)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Nil(t, page)
}
