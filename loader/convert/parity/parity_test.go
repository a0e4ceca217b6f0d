//go:build linux && amd64

// Package parity_test holds conversions against the real packages: what PyTorch
// saves, converted here, must be byte for byte what Hugging Face's converter
// makes of it with safetensors.torch, or explanations says why not.
//
// matrix.py writes the checkpoints and what the reference makes of them.
// testdata has some of each version, for tests that have no Python; with the
// build tag parity, all of them are written and compared: make parity.
package parity_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixtures are the directories of testdata, one for each version of torch.
func fixtures(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/torch-*")
	require.NoError(t, err)
	require.Len(t, dirs, 3)
	return dirs
}

func TestFixtures(t *testing.T) {
	for _, dir := range fixtures(t) {
		for _, c := range checkpoints(t, dir) {
			t.Run(c.Torch+"/"+c.name, func(t *testing.T) {
				result, why := c.judge(t)
				require.NotEqual(t, different, result, why)
			})
		}
	}
}
