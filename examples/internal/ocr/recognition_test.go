package ocr

import (
	"image"
	"image/color"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestLinePixels(t *testing.T) {
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
		{"squeezed", 1000, 1, color.White, MaxLineWidth, 1, 1, 1},
		{"without pixels", 0, 0, color.White, 1, -1, -1, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := image.NewRGBA(image.Rect(7, 9, 7+c.width, 9+c.height))
			for y := range c.height {
				for x := range c.width {
					line.Set(7+x, 9+y, c.paint)
				}
			}
			values, width := LinePixels(line)
			require.Equal(t, c.wide, width)
			plane := LineHeight * width
			require.Len(t, values, 3*plane)
			for i, want := range []float32{c.blue, c.green, c.red} {
				for _, got := range values[i*plane : (i+1)*plane] {
					if got != want {
						require.InDelta(t, want, got, 1e-6)
					}
				}
			}
		})
	}
}

func TestLinePixelsKeepPlaces(t *testing.T) {
	line := image.NewGray(image.Rect(0, 0, 2*LineHeight, LineHeight))
	line.SetGray(70, 11, color.Gray{Y: 255})
	values, width := LinePixels(line)
	for i, v := range values {
		if i%(LineHeight*width) == 11*width+70 {
			require.Equal(t, float32(1), v)
		} else {
			require.Equal(t, float32(-1), v)
		}
	}
}

func TestAlphabet(t *testing.T) {
	for _, text := range []string{"a\n疗\n'", "a\n疗\n'\n"} {
		got, err := Alphabet(fstest.MapFS{"keys.txt": {Data: []byte(text)}}, "keys.txt")
		require.NoError(t, err)
		require.Equal(t, []string{"", "a", "疗", "'", " "}, got)
	}
	_, err := Alphabet(fstest.MapFS{}, "keys.txt")
	require.ErrorContains(t, err, "keys.txt")
}

func TestRead(t *testing.T) {
	letters := []string{"", "a", "b", " "}
	for _, c := range []struct {
		likeliest  []int // by step
		text       string
		confidence float64
	}{
		{nil, "", 0},
		{[]int{0, 0}, "", 0},
		{[]int{1, 1, 1}, "a", 0.7},
		{[]int{1, 0, 1}, "aa", 0.8},
		{[]int{0, 1, 2, 2, 0, 3, 1, 0}, "ab a", (0.8 + 0.9 + 1.2 + 1.3) / 4},
	} {
		var answer []float32
		for i, letter := range c.likeliest {
			step := []float32{0.1, 0.1, 0.1, 0.1}
			step[letter] = 0.7 + 0.1*float32(i)
			answer = append(answer, step...)
		}
		text, confidence, err := Read(answer, letters)
		require.NoError(t, err)
		require.Equal(t, c.text, text)
		require.InDelta(t, c.confidence, confidence, 1e-6)
	}
}

func TestReadNeedsTheModelsDictionary(t *testing.T) {
	for _, letters := range [][]string{nil, {"", "a", "b"}} {
		_, _, err := Read(make([]float32, 8), letters)
		require.ErrorIs(t, err, ErrAnswer)
		require.ErrorContains(t, err, "8 probabilities do not fit")
	}
}
