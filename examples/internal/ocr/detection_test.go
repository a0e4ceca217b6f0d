package ocr

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPagePixelsSize(t *testing.T) {
	for _, c := range []struct{ x, y, width, height int }{
		{1, 1, 32, 32},
		{320, 64, 320, 64},
		{320, 65, 320, 64},
		{79, 81, 64, 96},
		{960, 959, 960, 960},
		{1920, 1080, 960, 544},
		{100, 4000, 32, 960},
		{100000, 10, 960, 32},
	} {
		values, width, height := PagePixels(image.NewGray(image.Rect(0, 0, c.x, c.y)))
		require.Equal(t, [2]int{c.width, c.height}, [2]int{width, height}, "%d by %d", c.x, c.y)
		require.Len(t, values, 3*c.width*c.height)
	}
}

func TestPagePixelsAreNormalised(t *testing.T) {
	page := image.NewRGBA(image.Rect(0, 0, 32, 64))
	for y := range 64 {
		for x := range 32 {
			page.Set(x, y, color.RGBA{R: 255, B: 51, A: 255})
		}
	}
	page.Set(5, 7, color.White)
	values, _, _ := PagePixels(page)
	for plane, want := range []float32{(0.2 - 0.485) / 0.229, -0.456 / 0.224, (1 - 0.406) / 0.225} {
		require.InDelta(t, want, values[plane*64*32], 1e-6)
	}
	require.InDelta(t, (1-0.456)/0.224, values[(64+7)*32+5], 1e-6, "green of the white pixel")
}

// answer is a detection's answer in which these rectangles have that probability.
func answer(width, height int, probability float32, lines ...image.Rectangle) []float32 {
	all := make([]float32, width*height)
	for _, r := range lines {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				all[y*width+x] = probability
			}
		}
	}
	return all
}

func TestBoxes(t *testing.T) {
	one := image.Rect(20, 10, 60, 20) // grows by 40 * 10 * 1.5 / 100 = 6
	for _, c := range []struct {
		name        string
		probability float32
		lines       []image.Rectangle
		want        []image.Rectangle
	}{
		{"none", 0.9, nil, nil},
		{"one", 0.9, []image.Rectangle{one}, []image.Rectangle{image.Rect(14, 4, 66, 26)}},
		{"not likely", 0.3, []image.Rectangle{one}, nil},
		{"not likely on the whole", 0.5, []image.Rectangle{one}, nil},
		{"too thin", 0.9, []image.Rectangle{image.Rect(20, 10, 60, 12)}, nil},
		{"at the corner", 0.9, []image.Rectangle{image.Rect(0, 0, 40, 10)}, []image.Rectangle{image.Rect(0, 0, 46, 16)}},
		{"two that touch at a corner are one", 0.9, []image.Rectangle{image.Rect(20, 10, 40, 15), image.Rect(40, 15, 60, 20)}, []image.Rectangle{image.Rect(14, 4, 66, 26)}},
		{"two in one row", 0.9, []image.Rectangle{image.Rect(50, 10, 60, 20), image.Rect(20, 12, 30, 22)}, []image.Rectangle{image.Rect(16, 8, 34, 26), image.Rect(46, 6, 64, 24)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Boxes(answer(96, 64, c.probability, c.lines...), 96, 64, image.Rect(0, 0, 96, 64))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestBoxesLieOnThePage(t *testing.T) {
	got, err := Boxes(answer(96, 64, 1, image.Rect(20, 10, 60, 20)), 96, 64, image.Rect(100, 200, 100+2*96, 200+64/2))
	require.NoError(t, err)
	require.Equal(t, []image.Rectangle{image.Rect(128, 202, 232, 213)}, got)

	got, err = Boxes(answer(96, 64, 1, image.Rect(20, 10, 60, 20)), 96, 64, image.Rect(0, 0, 96, 1))
	require.NoError(t, err)
	require.Empty(t, got, "no box without pixels")
}

func TestBoxesNeedAnAnswerOfThatSize(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {-2, -3}, {2, 2}, {3, 3}, {6, 0}, {7, 1}, {1 << 62, 1 << 62}} {
		boxes, err := Boxes(make([]float32, 6), size[0], size[1], image.Rect(0, 0, 9, 9))
		require.ErrorIs(t, err, ErrAnswer, "%v", size)
		require.Nil(t, boxes)
	}
}

func TestInReadingOrder(t *testing.T) {
	box := func(x, y int) image.Rectangle { return image.Rect(x, y, x+10, y+10) }
	want := []image.Rectangle{box(0, 2), box(20, 0), box(40, 3), box(5, 12), box(50, 14), box(0, 40)}
	for first := range want {
		given := append(append([]image.Rectangle{}, want[first:]...), want[:first]...)
		require.Equal(t, want, inReadingOrder(given))
	}
	require.Empty(t, inReadingOrder(nil))
}
