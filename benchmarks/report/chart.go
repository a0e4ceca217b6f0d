package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// reference is the way that every bar is held against: today's practice.
const reference = "hash, then load"

// charted are the tables that the chart shows.
var charted = []string{"Load/one_file/warm", "Load/one_file/cold", "Load/shards/warm"}

// charts reports whether a way has a bar. Starts load nothing, and what only maps
// reads nothing before a tensor is touched: beside loads they would tell nothing.
func charts(way string) bool {
	return !strings.HasPrefix(way, "start of ") && !slices.Contains([]string{"safetensors, safe_open", "safetensors, load_file"}, way)
}

// Colours that are read on a dark ground as on a light one.
const ink = "#768390"

var colours = []struct {
	kind   results.Kind
	colour string
	means  string
}{
	{results.Gate, "#2f81f7", "weightgate: verified, and loaded"},
	{results.Unverified, "#8c959f", "loaded, but not verified as it is used"},
	{results.Limit, "#a371f7", "limit: hashed where it is"},
	{results.Program, "#d29922", "peers: loaded or hashed"},
}

// A bar is how many times as fast as the reference a way is.
type bar struct {
	way   string
	kind  results.Kind
	times results.Spread
}

// A panel is a table of the chart.
type panel struct {
	title string
	bars  []bar
}

func panels(run *results.Run) (all []panel) {
	for _, name := range charted {
		t, found := run.Table(name)
		base, ok := t.Row(reference)
		if !found || !ok {
			continue
		}
		p := panel{title: fmt.Sprintf("%s: %.2f GB, page cache %s", t.Workload.Name, float64(t.Workload.Bytes)/1e9, t.Cache)}
		for _, r := range t.Rows {
			if !charts(r.Way) {
				continue
			}
			var times []float64
			for i, seconds := range r.Rounds {
				times = append(times, base.Rounds[i]/seconds)
			}
			p.bars = append(p.bars, bar{r.Way, r.Kind, results.SpreadOf(times)})
		}
		all = append(all, p)
	}
	return all
}

// The places of the chart, in pixels.
const (
	width   = 880
	left    = 230 // of the bars
	right   = 810
	line    = 20 // of a bar, with its room
	top     = 94 // of the first panel
	heading = 26
	foot    = 30 // of a panel: its scale
)

// A scale is logarithmic, from one power of two to another.
type scale struct{ low, high int }

func scaleOf(all []panel) scale {
	s := scale{-1, 1}
	for _, p := range all {
		for _, b := range p.bars {
			s.low = min(s.low, int(math.Floor(math.Log2(b.times.Min))))
			s.high = max(s.high, int(math.Ceil(math.Log2(b.times.Max))))
		}
	}
	return s
}

func (s scale) x(times float64) float64 {
	return left + (math.Log2(times)-float64(s.low))/float64(s.high-s.low)*(right-left)
}

// chart is bars, with the bounds of their rounds, on a logarithmic scale.
func chart(run *results.Run) string {
	all := panels(run)
	s, height := scaleOf(all), top
	for _, p := range all {
		height += heading + line*len(p.bars) + foot
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="12" fill="%s" role="img">`+"\n", width, height, width, height, ink)
	b.WriteString("<title>How many times as fast as hashing a file and then loading it</title>\n")
	text(&b, 10, 20, `font-size="15" font-weight="600"`, "How many times as fast as hashing the files and then loading them")
	text(&b, 10, 40, `font-size="11"`, fmt.Sprintf("%s; %d cores, %s, %s", run.Machine.CPU, run.Machine.Cores, run.Machine.Disk, run.Date.Format("2006-01-02")))
	about := "Medians of interleaved rounds, whiskers from the slowest to the fastest; the scale is logarithmic. What only maps a file is in the tables."
	if run.Quick {
		about = "A quick run, which claims nothing. " + about
	}
	text(&b, 10, 56, `font-size="11"`, about)
	x := 10
	for _, c := range colours {
		fmt.Fprintf(&b, `<rect x="%d" y="68" width="10" height="10" rx="2" fill="%s"/>`+"\n", x, c.colour)
		text(&b, float64(x+15), 77, "", c.means)
		x += 27 + 6*len(c.means)
	}
	y := top
	for _, p := range all {
		y = p.draw(&b, s, y)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// draw writes a panel at y, and returns where the next one begins.
func (p panel) draw(b *strings.Builder, s scale, y int) int {
	text(b, 10, float64(y+16), `font-size="13" font-weight="600"`, p.title)
	y += heading
	bottom := y + line*len(p.bars)
	for power := s.low; power <= s.high; power++ {
		x, opacity := s.x(math.Exp2(float64(power))), "0.25"
		if power == 0 {
			opacity = "0.9"
		}
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-opacity="%s"/>`+"\n", x, y, x, bottom, ink, opacity)
		text(b, x, float64(bottom+14), `font-size="10" text-anchor="middle"`, fmt.Sprintf("%g×", math.Exp2(float64(power))))
	}
	for _, bar := range p.bars {
		bar.draw(b, s, float64(y))
		y += line
	}
	return bottom + foot
}

func (r bar) draw(b *strings.Builder, s scale, y float64) {
	colour := ink
	for _, c := range colours {
		if c.kind == r.kind {
			colour = c.colour
		}
	}
	one, at := s.x(1), s.x(r.times.Median)
	middle := y + line/2
	text(b, left-10, middle+4, `text-anchor="end"`, r.way)
	fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="12" rx="2" fill="%s" fill-opacity="0.75"/>`+"\n", min(one, at), middle-6, max(1, math.Abs(at-one)), colour)
	from, to := s.x(r.times.Min), s.x(r.times.Max)
	fmt.Fprintf(b, `<path d="M%.1f %.1fH%.1fM%.1f %.1fv6M%.1f %.1fv6" stroke="%s" stroke-width="1.5" fill="none"/>`+"\n", from, middle, to, from, middle-3, to, middle-3, ink)
	text(b, right+10, middle+4, "", fmt.Sprintf("%.3g×", r.times.Median))
}

// text writes a line of text.
func text(b *strings.Builder, x, y float64, attributes, says string) {
	if attributes != "" {
		attributes = " " + attributes
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f"%s>`, x, y, attributes)
	_ = xml.EscapeText(b, []byte(says)) // a Builder takes everything
	b.WriteString("</text>\n")
}
