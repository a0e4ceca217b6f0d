// Package pickletest holds samples of pickles.
package pickletest

import "embed"

// Samples are small files, testdata/SAMPLE, which generate.py wrote with Python's
// pickle module, or byte by byte where that writes no such thing.
//
//go:embed testdata
var Samples embed.FS
