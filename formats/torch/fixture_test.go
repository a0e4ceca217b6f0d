package torch_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// A wanted is what torch reads from a fixture, or the code that refuses it.
type wanted struct {
	Code    string
	Root    string
	Tensors map[string]struct {
		DType string
		Shape []int64
		Hex   string
	}
}

// fixtures are the files that testdata/gen.py had torch write.
func fixtures(t testing.TB) map[string]wanted {
	t.Helper()
	text, err := os.ReadFile("testdata/want.json")
	require.NoError(t, err)
	var list map[string]wanted
	require.NoError(t, json.Unmarshal(text, &list))
	files, err := filepath.Glob("testdata/*.pt")
	require.NoError(t, err)
	require.Len(t, files, len(list))
	return list
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

func input(data []byte) inputtest.File { return inputtest.New("dir/m.pt", data) }

// weights is what a policy that names nothing else allows.
func weights(t testing.TB) *machine.Rules {
	t.Helper()
	packs := machine.Packs()
	i := slices.IndexFunc(packs, func(p machine.Pack) bool { return p.Name == "weights" })
	require.GreaterOrEqual(t, i, 0)
	rules, err := machine.NewRules(packs[i])
	require.NoError(t, err)
	return rules
}

func read(t testing.TB, data []byte, opt grammar.Options) (*torch.Container, *grammar.Checkpoint) {
	t.Helper()
	container, err := torch.Read(context.Background(), input(data), formats.Limits{})
	require.NoError(t, err)
	p := container.Pickles
	checkpoint, err := grammar.Read(container.Form, data[p.Offset:p.End()], opt)
	require.NoError(t, err)
	return container, checkpoint
}

// What torch wrote is read as torch reads it, to the byte.
func TestFixtures(t *testing.T) {
	rules := weights(t)
	for name, want := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			data := fixture(t, name)
			opt := grammar.Options{Options: machine.Options{Rules: rules}, Root: want.Root}
			if want.Code != "" {
				opt.Unknown = machine.Extract // the refusal does not depend on it
			}
			container, checkpoint := read(t, data, opt)
			require.Empty(t, container.Findings)
			if want.Code != "" {
				require.Contains(t, codesOf(checkpoint.Findings), want.Code)
				require.Empty(t, checkpoint.Tensors)
				return
			}
			require.Empty(t, checkpoint.Findings)
			require.Equal(t, want.Root, checkpoint.Root)
			for _, u := range checkpoint.Uses {
				require.True(t, u.Known, u.Name)
			}
			storages := storagesOf(t, data, container, checkpoint)
			require.Len(t, checkpoint.Tensors, len(want.Tensors))
			for _, tensor := range checkpoint.Tensors {
				w, ok := want.Tensors[tensor.Name]
				require.True(t, ok, tensor.Name)
				require.Equal(t, w.DType, tensor.DType.String(), tensor.Name)
				require.Equal(t, w.Shape, append([]int64{}, tensor.Shape...), tensor.Name)
				require.Equal(t, w.Hex, hex.EncodeToString(gathered(storages[tensor.Storage], tensor)), tensor.Name)
			}
		})
	}
}

func codesOf(findings []machine.Finding) []string {
	var codes []string
	for _, f := range findings {
		codes = append(codes, f.Code)
	}
	return codes
}

// storagesOf are the bytes of the storages, each as long as the pickle says and
// in the place that its form gives it.
func storagesOf(t *testing.T, data []byte, container *torch.Container, checkpoint *grammar.Checkpoint) [][]byte {
	bytes := make([][]byte, len(checkpoint.Storages))
	next := checkpoint.End
	for _, key := range checkpoint.Keys {
		i := slices.IndexFunc(checkpoint.Storages, func(s grammar.Storage) bool { return s.Key == key })
		s := checkpoint.Storages[i]
		require.Equal(t, s.Elements, int64(binary.LittleEndian.Uint64(data[next:])))
		length := s.Elements * int64(s.DType.Size())
		bytes[i] = data[next+8:][:length]
		next += 8 + length
	}
	if container.Form == grammar.Legacy {
		require.Equal(t, int64(len(data)), next)
		return bytes
	}
	require.Len(t, container.Storages, len(bytes))
	for i, s := range checkpoint.Storages {
		place, ok := container.Storages[s.Key]
		require.True(t, ok, s.Key)
		require.Equal(t, s.Elements*int64(s.DType.Size()), place.Length)
		bytes[i] = data[place.Offset:place.End()]
	}
	return bytes
}

// gathered is the bytes of a tensor, element by element.
func gathered(storage []byte, t grammar.Tensor) []byte {
	size := int64(t.DType.Size())
	var out []byte
	var visit func(dim int, at int64)
	visit = func(dim int, at int64) {
		if dim < len(t.Shape) {
			for i := range t.Shape[dim] {
				visit(dim+1, at+i*t.Strides[dim])
			}
			return
		}
		element := slices.Clone(storage[at*size:][:size])
		if t.Conj { // the sign of the imaginary part
			element[size-1] ^= 0x80
		}
		if t.Neg {
			element[size-1] ^= 0x80
		}
		out = append(out, element...)
	}
	visit(0, t.Offset)
	return out
}
