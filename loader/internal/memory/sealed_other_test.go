//go:build !linux

package memory

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSealedUnsupported(t *testing.T) {
	s, err := NewSealed("library", 1, func([]byte) error { return nil })
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Nil(t, s)
}
