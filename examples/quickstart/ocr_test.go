package main

import (
	"image"
	"image/color"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestPixels(t *testing.T) {
	for _, c := range []struct {
		name             string
		width, height    int
		paint            color.Color
		wide             int
		blue, green, red float32
	}{
		{"half as high", 96, 96, color.RGBA{R: 255, A: 255}, 48, -1, -1, 1},
		{"as it is", 100, 48, color.RGBA{B: 255, A: 255}, 100, 1, -1, -1},
		{"twice as high", 5, 24, color.White, 10, 1, 1, 1},
		{"rounded up", 3, 32, color.Black, 5, -1, -1, -1},
		{"never empty", 1, 1000, color.RGBA{G: 51, A: 255}, 1, -1, -0.6, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := image.NewRGBA(image.Rect(0, 0, c.width, c.height))
			for y := range c.height {
				for x := range c.width {
					line.Set(x, y, c.paint)
				}
			}
			values, width := pixels(line)
			require.Equal(t, c.wide, width)
			plane := lineHeight * width
			require.Len(t, values, 3*plane)
			for i, want := range []float32{c.blue, c.green, c.red} {
				for _, got := range values[i*plane : (i+1)*plane] {
					require.InDelta(t, want, got, 1e-6)
				}
			}
		})
	}
}

func TestPixelsKeepPlaces(t *testing.T) {
	line := image.NewGray(image.Rect(0, 0, 2*lineHeight, lineHeight))
	line.SetGray(70, 11, color.Gray{Y: 255})
	values, width := pixels(line)
	for i, v := range values {
		if i%(lineHeight*width) == 11*width+70 {
			require.Equal(t, float32(1), v)
		} else {
			require.Equal(t, float32(-1), v)
		}
	}
}

func TestAlphabet(t *testing.T) {
	for _, text := range []string{"a\n疗\n'", "a\n疗\n'\n"} {
		got, err := alphabet(fstest.MapFS{dictionary: {Data: []byte(text)}}, dictionary)
		require.NoError(t, err)
		require.Equal(t, []string{"", "a", "疗", "'", " "}, got)
	}
	_, err := alphabet(fstest.MapFS{}, dictionary)
	require.ErrorContains(t, err, dictionary)
}

func TestRead(t *testing.T) {
	letters := []string{"", "a", "b", " "}
	for _, c := range []struct {
		likeliest []int // by step
		text      string
	}{
		{nil, ""},
		{[]int{0, 0}, ""},
		{[]int{1, 1, 1}, "a"},
		{[]int{1, 0, 1}, "aa"},
		{[]int{0, 1, 2, 2, 0, 3, 1, 0}, "ab a"},
	} {
		var answer []float32
		for _, i := range c.likeliest {
			step := []float32{0.1, 0.1, 0.1, 0.1}
			step[i] = 0.7
			answer = append(answer, step...)
		}
		got, err := read(answer, letters)
		require.NoError(t, err)
		require.Equal(t, c.text, got)
	}
}

func TestReadNeedsTheModelsDictionary(t *testing.T) {
	for _, letters := range [][]string{nil, {"", "a", "b"}} {
		_, err := read(make([]float32, 8), letters)
		require.ErrorContains(t, err, "8 probabilities do not fit")
	}
}

func TestPage(t *testing.T) {
	short, err := page("a")
	require.NoError(t, err)
	long, err := page("a line of text")
	require.NoError(t, err)
	require.Greater(t, long.Bounds().Dx(), 5*short.Bounds().Dx())
	require.Equal(t, short.Bounds().Dy(), long.Bounds().Dy())

	ink := 0
	for y := range long.Bounds().Dy() {
		for x := range long.Bounds().Dx() {
			if color.GrayModel.Convert(long.At(x, y)) == (color.Gray{}) {
				ink++
			}
		}
	}
	require.Positive(t, ink)
	require.Equal(t, color.GrayModel.Convert(color.White), color.GrayModel.Convert(long.At(0, 0)))
}
