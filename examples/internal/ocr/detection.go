package ocr

import (
	"cmp"
	"fmt"
	"image"
	"slices"

	"golang.org/x/image/draw"
)

const (
	maxPageSide = 960 // pixels; a larger page is scaled down
	sideUnit    = 32  // the detection halves its input five times

	pixelThreshold = 0.3 // a likelier pixel belongs to a line
	boxThreshold   = 0.6 // mean over a line's pixels, below which it is none
	unclipRatio    = 1.5 // the detection answers with shrunken lines
	minCoreSide    = 3   // pixels of the answer, before a box is grown
	minBoxSide     = 5   // and after
)

// pageSamples are ImageNet's statistics, which PP-OCR applies in this order to
// blue, green, red.
var pageSamples = normalisation{mean: [3]float32{0.485, 0.456, 0.406}, deviation: [3]float32{0.229, 0.224, 0.225}}

// PagePixels is a page as the detection takes it, of shape 1, 3, height, width:
// its longer side at most 960 pixels, both of them multiples of 32, in three
// planes (blue, green, red) of normalised values.
func PagePixels(page image.Image) (values []float32, width, height int) {
	size := page.Bounds().Size()
	longer := max(size.X, size.Y)
	width, height = scaledSide(size.X, longer), scaledSide(size.Y, longer)
	scaled := image.NewRGBA(image.Rect(0, 0, width, height))
	// Two by two samples, as OpenCV takes them where PP-OCR was trained.
	draw.ApproxBiLinear.Scale(scaled, scaled.Bounds(), page, page.Bounds(), draw.Src, nil)
	return pageSamples.planes(scaled), width, height
}

// scaledSide is a side of a page in the detection's input.
func scaledSide(side, longer int) int {
	if longer > maxPageSide {
		side = side * maxPageSide / longer
	}
	return max(1, (side+sideUnit/2)/sideUnit) * sideUnit
}

// Boxes are the lines in the detection's answer, width by height probabilities
// that a pixel belongs to a line, in the pixels of a page that lies in bounds
// and in reading order.
//
// A line is a connected region of likely pixels, and its box is upright: a line
// that is slanted gets the box around all of it.
//
// An answer of another size is ErrAnswer.
func Boxes(answer []float32, width, height int, bounds image.Rectangle) ([]image.Rectangle, error) {
	if width <= 0 || height <= 0 || len(answer)/width != height || len(answer)%width != 0 {
		return nil, fmt.Errorf("%w: %d probabilities are not %d by %d", ErrAnswer, len(answer), width, height)
	}
	var boxes []image.Rectangle
	for _, r := range regions(answer, width) {
		core := r.box.Size()
		if min(core.X, core.Y) < minCoreSide || r.sum/float64(r.pixels) < boxThreshold {
			continue
		}
		grown := unclip(r.box).Intersect(image.Rect(0, 0, width, height))
		if min(grown.Dx(), grown.Dy()) < minBoxSide {
			continue
		}
		if box := onto(grown, width, height, bounds); !box.Empty() {
			boxes = append(boxes, box)
		}
	}
	return inReadingOrder(boxes), nil
}

// unclip grows a box by the distance that the detection's training data shrank
// it by: area times ratio by perimeter.
func unclip(box image.Rectangle) image.Rectangle {
	w, h := float64(box.Dx()), float64(box.Dy())
	return box.Inset(-int(w*h*unclipRatio/(2*(w+h)) + 0.5))
}

// onto is a box of the answer in the pixels of the page.
func onto(box image.Rectangle, width, height int, bounds image.Rectangle) image.Rectangle {
	x := func(x int) int { return bounds.Min.X + x*bounds.Dx()/width }
	y := func(y int) int { return bounds.Min.Y + y*bounds.Dy()/height }
	return image.Rect(x(box.Min.X), y(box.Min.Y), x(box.Max.X), y(box.Max.Y))
}

// A region is pixels that touch at a side or a corner.
type region struct {
	box    image.Rectangle
	pixels int
	sum    float64 // of the probabilities
}

// regions are the connected regions of likely pixels, from the top.
func regions(answer []float32, width int) []region {
	var all []region
	var open []int // likely pixels whose neighbours were not looked at
	seen := make([]bool, len(answer))
	visit := func(i int) {
		if !seen[i] && answer[i] > pixelThreshold {
			seen[i] = true
			open = append(open, i)
		}
	}
	for start := range answer {
		var r region
		for visit(start); len(open) > 0; {
			i := open[len(open)-1]
			open = open[:len(open)-1]
			x, y := i%width, i/width
			r.box = r.box.Union(image.Rect(x, y, x+1, y+1))
			r.pixels++
			r.sum += float64(answer[i])
			for ny := max(0, y-1); ny <= min(y+1, len(answer)/width-1); ny++ {
				for nx := max(0, x-1); nx <= min(x+1, width-1); nx++ {
					visit(ny*width + nx)
				}
			}
		}
		if r.pixels > 0 {
			all = append(all, r)
		}
	}
	return all
}

// inReadingOrder sorts boxes into rows from the top, and each row from the left.
// A box is in a row if its middle is no lower than the bottom of the row's
// highest box.
func inReadingOrder(boxes []image.Rectangle) []image.Rectangle {
	middle := func(b image.Rectangle) int { return (b.Min.Y + b.Max.Y) / 2 }
	slices.SortStableFunc(boxes, func(a, b image.Rectangle) int { return cmp.Compare(middle(a), middle(b)) })
	for start := 0; start < len(boxes); {
		end := start + 1
		for end < len(boxes) && middle(boxes[end]) < boxes[start].Max.Y {
			end++
		}
		slices.SortStableFunc(boxes[start:end], func(a, b image.Rectangle) int { return cmp.Compare(a.Min.X, b.Min.X) })
		start = end
	}
	return boxes
}
