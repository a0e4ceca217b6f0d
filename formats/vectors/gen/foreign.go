package main

import (
	"io/fs"
	"path"
	"strings"

	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/foreign/foreigntest"
)

// withForeign is lists and, for each kind of package foreign, its samples: the
// first, and those of up to 1 KiB.
func withForeign(lists map[string][]vector) map[string][]vector {
	for _, kind := range foreign.Formats() {
		samples, err := fs.Glob(foreigntest.Samples, path.Join("testdata", kind.Name(), "*"))
		if err != nil || len(samples) == 0 {
			panic("no sample of " + kind.Name())
		}
		for i, sample := range samples {
			data, err := foreigntest.Samples.ReadFile(sample)
			if err != nil {
				panic(err)
			}
			if i > 0 && len(data) > 1<<10 {
				continue
			}
			name := path.Base(sample)
			lists[kind.Name()] = append(lists[kind.Name()], vector{
				name:   name,
				about:  "a model that is " + kind.Name() + ": " + strings.ReplaceAll(name, "-", " "),
				expect: string(kind.Codes()[0].Code),
				files:  []file{{"model.safetensors", data}},
			})
		}
	}
	return lists
}
