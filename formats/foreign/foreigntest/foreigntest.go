// Package foreigntest holds samples of the formats that package foreign names.
package foreigntest

import "embed"

// Samples are small files, testdata/KIND/SAMPLE, which generate.py wrote with the
// libraries that such files come from, or byte by byte where there is none.
//
//go:embed testdata
var Samples embed.FS
