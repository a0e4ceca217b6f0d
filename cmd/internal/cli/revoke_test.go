package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
)

func TestAdd(t *testing.T) {
	now := time.Date(2026, 11, 23, 11, 0, 0, 5, time.UTC)
	second := now.Truncate(time.Second)
	entry := revocation.Entry{Key: manifest.Digest{1}, Reason: "lost"}
	var list revocation.List
	require.NoError(t, add(&list, entry, now))
	require.Equal(t, revocation.List{Version: 1, IssuedAt: second, Entries: []revocation.Entry{entry}}, list)
	require.NoError(t, add(&list, revocation.Entry{}, now))
	require.Equal(t, revocation.List{Version: 2, IssuedAt: second, Entries: []revocation.Entry{entry}}, list)

	for name, err := range map[string]error{
		"revoked already":        add(&list, revocation.Entry{Key: manifest.Digest{1}, Reason: "stolen"}, now),
		"a clock that is behind": add(&list, revocation.Entry{Key: manifest.Digest{2}}, now.Add(-time.Second)),
	} {
		e, ok := errors.AsType[*ended](err)
		require.True(t, ok, name)
		require.Equal(t, exitDenied, e.code, name)
	}
	require.Equal(t, revocation.List{Version: 2, IssuedAt: second, Entries: []revocation.Entry{entry}}, list)
}
