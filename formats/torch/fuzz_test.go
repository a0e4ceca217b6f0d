package torch_test

import (
	stdzip "archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/torch"
)

// FuzzInspect holds an archive that is accepted against what archive/zip reads
// from it, member by member.
func FuzzInspect(f *testing.F) {
	for _, data := range samples(f, torch.Format()) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkArchive(t, data) })
}

// checkArchive reads data and reports whether it was accepted.
func checkArchive(t require.TestingT, data []byte) bool {
	before := inputtest.Allocated()
	found, err := inspect(torch.Format(), data)
	require.Less(t, inputtest.Allocated()-before, uint64(16*len(data)+2<<20))
	if err != nil {
		require.Nil(t, found)
		return false
	}
	claimed, err := torch.Format().Claims(context.Background(), input(data))
	require.NoError(t, err)
	require.True(t, claimed)
	container, err := torch.Read(context.Background(), input(data), formats.Limits{})
	require.NoError(t, err)
	require.Equal(t, []formats.Range{container.Pickles}, found.Pickles)

	theirs, err := stdzip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	pickles, storages := 0, 0
	for _, f := range theirs.File {
		place := formats.Range{}
		_, inside, _ := strings.Cut(f.Name, "/")
		key, isStorage := strings.CutPrefix(inside, "data/")
		switch at, ok := container.Storages[key]; {
		case inside == "data.pkl":
			place = container.Pickles
			pickles++
		case isStorage && ok:
			place = at
			storages++
		default:
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, string(content), string(data[place.Offset:place.End()]), f.Name)
	}
	require.Equal(t, 1, pickles)
	require.Equal(t, len(container.Storages), storages)
	return true
}

// What is mangled and accepted is held against the same properties.
func TestMangled(t *testing.T) {
	short := map[string][]byte{}
	for name, data := range inputtest.Samples(t, []string{torch.Name}) {
		if len(data) < 700 {
			short[name] = data
		}
	}
	accepted, refused := inputtest.Mangle(t, short, checkArchive)
	require.Greater(t, accepted, 50)
	require.Greater(t, refused, 2*accepted)
}

// FuzzLegacy holds the place of the pickles against the file, and what Claims
// says against what Inspect accepts.
func FuzzLegacy(f *testing.F) {
	for _, data := range samples(f, torch.Legacy()) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		claimed, err := torch.Legacy().Claims(context.Background(), input(data))
		require.NoError(t, err)
		found, err := inspect(torch.Legacy(), data)
		if err != nil {
			require.Nil(t, found)
			return
		}
		require.True(t, claimed)
		require.Equal(t, []formats.Range{{File: "dir/m.pt", Length: int64(min(len(data), torch.Head))}}, found.Pickles)
		require.Equal(t, int64(len(data)), found.Claims[0].Length)
	})
}
