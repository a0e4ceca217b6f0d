package foreign_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/foreign"
)

// BenchmarkDetect asks every kind about a file that is none of them.
func BenchmarkDetect(b *testing.B) {
	data := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	set := foreign.Formats()
	for b.Loop() {
		if _, err := set.Detect(context.Background(), input(data)); !errors.Is(err, formats.ErrUnknown) {
			b.Fatal(err)
		}
	}
}
