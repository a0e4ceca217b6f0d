package fetch

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed fetch.txt
var usual string

//go:embed fetch-cuda.txt
var cuda string

// Items are the committed items of these names; without names, all that the
// examples and the tests run on: onnxruntime-linux-amd64,
// onnxruntime-linux-arm64, ppocr-rec, ppocr-det, silero-vad and minilm. What
// CUDA sessions need as well is large, and comes by name only:
// onnxruntime-gpu-linux-amd64 and cuda-13.
func Items(names ...string) ([]Item, error) {
	if len(names) == 0 {
		return parse("fetch.txt", usual)
	}
	items, err := parse("fetch.txt", usual)
	if err != nil {
		return nil, err
	}
	more, err := parse("fetch-cuda.txt", cuda)
	if err != nil {
		return nil, err
	}
	return named(append(items, more...), names)
}

func named(all []Item, names []string) ([]Item, error) {
	var items []Item
	for _, name := range names {
		before := len(items)
		for _, item := range all {
			if item.Name == name {
				items = append(items, item)
			}
		}
		if len(items) == before {
			return nil, fmt.Errorf("fetch: there is no %q to fetch", name)
		}
	}
	return items, nil
}

// parse reads a table that lies in file.
func parse(file, table string) ([]Item, error) {
	var items []Item
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 6 {
			return nil, fmt.Errorf("fetch: %s: %q has %d columns, not 6", file, line, len(f))
		}
		size, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("fetch: %s: %w", file, err)
		}
		items = append(items, Item{Name: f[0], Package: f[1], Member: f[2], Size: size, SHA256: f[4], Path: f[5]})
	}
	return items, nil
}
