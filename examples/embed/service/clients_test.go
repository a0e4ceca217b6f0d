package service

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// Without a deadline that can be set no request is computed.
func TestArrivedNeedsAConnection(t *testing.T) {
	s, err := New(Config{Model: "m"})
	require.NoError(t, err)
	done, err := s.arrived(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/embeddings", nil))
	require.ErrorIs(t, err, http.ErrNotSupported)
	require.Nil(t, done)
}
