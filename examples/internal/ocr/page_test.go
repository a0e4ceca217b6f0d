package ocr

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPage(t *testing.T) {
	short, err := Page("a")
	require.NoError(t, err)
	long, err := Page("a line of text")
	require.NoError(t, err)
	two, err := Page("a line of text", "a")
	require.NoError(t, err)
	require.Greater(t, long.Bounds().Dx(), 5*short.Bounds().Dx())
	require.Equal(t, short.Bounds().Dy(), long.Bounds().Dy())
	require.Equal(t, long.Bounds().Dx(), two.Bounds().Dx())
	require.Greater(t, two.Bounds().Dy(), long.Bounds().Dy())

	below := two.Bounds()
	below.Min.Y = long.Bounds().Max.Y
	require.Positive(t, ink(long, long.Bounds()))
	require.Equal(t, ink(long, long.Bounds())+ink(short, short.Bounds()), ink(two, two.Bounds()))
	require.Equal(t, ink(short, short.Bounds()), ink(two, below))
	require.Equal(t, color.GrayModel.Convert(color.White), color.GrayModel.Convert(long.At(0, 0)))
}

// ink is how many pixels are black.
func ink(page image.Image, within image.Rectangle) (n int) {
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			if color.GrayModel.Convert(page.At(x, y)) == (color.Gray{}) {
				n++
			}
		}
	}
	return n
}
