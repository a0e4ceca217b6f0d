package fetch

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed fetch.txt
var table string

// Items are the committed items of these names; without names, all of them.
// The names are onnxruntime-linux-amd64, onnxruntime-linux-arm64, ppocr-rec,
// ppocr-det and silero-vad.
func Items(names ...string) ([]Item, error) {
	all, err := parse(table)
	if err != nil {
		return nil, fmt.Errorf("fetch: fetch.txt: %w", err)
	}
	if len(names) == 0 {
		return all, nil
	}
	var items []Item
	for _, name := range names {
		before := len(items)
		for _, item := range all {
			if item.Name == name {
				items = append(items, item)
			}
		}
		if len(items) == before {
			return nil, fmt.Errorf("fetch: fetch.txt has no %q", name)
		}
	}
	return items, nil
}

func parse(table string) ([]Item, error) {
	var items []Item
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		if len(f) != 6 {
			return nil, fmt.Errorf("%q has %d columns, not 6", line, len(f))
		}
		size, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			return nil, err
		}
		items = append(items, Item{Name: f[0], Package: f[1], Member: f[2], Size: size, SHA256: f[4], Path: f[5]})
	}
	return items, nil
}
