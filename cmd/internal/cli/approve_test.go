package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEnds(t *testing.T) {
	now := time.Date(2026, 2, 27, 23, 30, 0, 999, time.FixedZone("west", -3600)) // the 28th in UTC
	for when, want := range map[string]time.Time{
		"":           {},
		"1d":         time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC),
		"36500d":     time.Date(2126, 2, 4, 0, 30, 0, 0, time.UTC),
		"2026-03-01": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	} {
		got, err := ends(when, now)
		require.NoError(t, err, when)
		require.Equal(t, want, got, when)
	}
	for _, when := range []string{"d", "0d", "-1d", "+1d", "36501d", "1h", "2026-02-28", "2026-02-30", "2026-3-1", "1D", " 1d"} {
		_, err := ends(when, now)
		require.Error(t, err, when)
	}
}
