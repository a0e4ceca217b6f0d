package sidecar_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/sidecar"
)

func TestInspect(t *testing.T) {
	text := `{"model_type":"bert","a":{"trust_remote_code":true},"_name_or_path":"org/m"}`
	found, err := inspect(t, input(text), formats.Limits{})
	require.NoError(t, err)
	require.Equal(t, "config", found.Format)
	require.Empty(t, found.Tensors)
	require.Equal(t, []formats.Range{{File: name, Length: int64(len(text))}}, found.Claims)
	require.Len(t, found.Findings, 2)
	for i, want := range []struct {
		code formats.Code
		key  string
	}{{sidecar.CodeTrust, `"trust`}, {sidecar.CodeOrigin, `"_name`}} {
		require.Equal(t, want.code, found.Findings[i].Code)
		require.Equal(t, int64(strings.Index(text, want.key)), found.Findings[i].Offset)
		require.Equal(t, name, found.Findings[i].File)
		require.NotEmpty(t, found.Findings[i].Advice)
	}
}

// A switch is on or off to whoever asks Python whether a value is true, and to
// whoever reads its words.
func TestSwitches(t *testing.T) {
	for _, c := range []struct {
		value          string
		trusts, unsafe bool // as trust_remote_code, as safe_mode
	}{
		{`true`, true, false},
		{`false`, false, true},
		{`null`, false, false},
		{`1`, true, false},
		{`-0.5e-3`, true, false},
		{`0`, false, true},
		{`-0.0e9`, false, true},
		{`1e-400`, false, true},
		{`1e400`, true, false},
		{`""`, false, true},
		{`"True"`, true, false},
		{`"1"`, true, false},
		{`"yes"`, true, false},
		{`"false"`, true, true},
		{`" Off"`, true, true},
		{`"0"`, true, true},
		{`[]`, false, true},
		{`{ }`, false, true},
		{`[0]`, true, false},
		{`{"a":0}`, true, false},
	} {
		t.Run(c.value, func(t *testing.T) {
			text := fmt.Sprintf(`{"model_type":"bert","a":[{"trust_remote_code":%[1]s}],"enable_unsafe_deserialization":%[1]s,"safe_mode":%[1]s}`, c.value)
			found, err := inspect(t, input(text), formats.Limits{})
			require.NoError(t, err)
			var want []int64
			for key, wrong := range map[string]bool{`"trust`: c.trusts, `"enable`: c.trusts, `"safe`: c.unsafe} {
				if wrong {
					want = append(want, int64(strings.Index(text, key)))
				}
			}
			var at []int64
			for _, f := range found.Findings {
				at = append(at, f.Offset)
			}
			require.ElementsMatch(t, want, at, "%v", found.Findings)
		})
	}
}

// In a vocabulary the keys are tokens, and the numbers their ids.
func TestSwitchesAmongTokens(t *testing.T) {
	found, err := inspect(t, input(`{"added_tokens":[],"model":{"vocab":{"safe_mode":0,"trust_remote_code":1}}}`), formats.Limits{})
	require.NoError(t, err)
	require.Empty(t, found.Findings)
}

// What sentence-transformers imports by name is the library's own, or a layer
// of PyTorch, or a finding.
func TestImports(t *testing.T) {
	for _, c := range []struct {
		text    string
		imports bool
	}{
		{`{"activation_function":"torch.nn.modules.linear.Identity"}`, false},
		{`{"activation_function":"torch.hub.load"}`, true},
		{`{"activation_function":"torch.nnx.Tanh"}`, true},
		{`{"activation_function":"gelu_new"}`, false},
		{`{"activation_fct":"evil.Tanh"}`, true},
		{`{"activation_fn":"evil.Tanh"}`, true},
		{`{"sbert_ce_default_activation_function":"os.system"}`, true},
		{`{"tokenizer_class":"sentence_transformers.models.tokenizer.WhitespaceTokenizer"}`, false},
		{`{"tokenizer_class":"evil.module.Tokenizer"}`, true},
		{`{"tokenizer_class":"BertTokenizer"}`, false},
		{`{"types":{"a":"sentence_transformers.models.Pooling"},"structure":{}}`, false},
		{`{"types":{"a":"evil.module.M"},"structure":{}}`, true},
		{`{"types":{"a":"evil"},"structure":{}}`, false},
		{`{"model_type":"bert","a":{"types":{"a":"evil.module.M"}}}`, false},
		{`{"types":{"a":{"b":"evil.module.M"}}}`, false},
	} {
		t.Run(c.text, func(t *testing.T) {
			found, err := inspect(t, input(c.text), formats.Limits{})
			require.NoError(t, err)
			if !c.imports {
				require.Empty(t, found.Findings)
				return
			}
			require.Len(t, found.Findings, 1)
			require.Equal(t, sidecar.CodeImport, found.Findings[0].Code)
		})
	}
}

func TestOffsets(t *testing.T) {
	const head = `{"model_type":"bert",`
	for _, c := range []struct {
		text   string
		code   formats.Code
		offset int
	}{
		{`"a":01}`, sidecar.CodeJSON, 4},
		{`"a":1}x}`, sidecar.CodeJSON, 6},
		{`"a":1,"b":2,"\u0061":3}`, sidecar.CodeDuplicate, 12},
		{`"a":{"b":1,"b":1},"c":01}`, sidecar.CodeDuplicate, 11},
	} {
		found, err := inspect(t, input(head+c.text), formats.Limits{})
		require.Nil(t, found)
		require.Equal(t, int64(len(head)+c.offset), requireCode(t, c.code, err).Offset, c.text)
	}
}

func TestLimits(t *testing.T) {
	config := `{"model_type":"bert","a":[[{"b":1}]]}`
	index := `{"weight_map":{"a":"1","b":"2","c":"1"}}`
	for _, c := range []struct {
		name, text string
		lim        formats.Limits
		ok         bool
	}{
		{"size fits", config, formats.Limits{MaxHeader: int64(len(config))}, true},
		{"one byte more", config, formats.Limits{MaxHeader: int64(len(config)) - 1}, false},
		{"depth fits", config, formats.Limits{MaxNesting: 4}, true},
		{"one level more", config, formats.Limits{MaxNesting: 3}, false},
		{"tensors fit", index, formats.Limits{MaxTensors: 3}, true},
		{"one tensor more", index, formats.Limits{MaxTensors: 2}, false},
		{"shards fit", index, formats.Limits{MaxFiles: 2}, true},
		{"one shard more", index, formats.Limits{MaxFiles: 1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := inspect(t, input(c.text), c.lim)
			if c.ok {
				require.NoError(t, err)
				return
			}
			require.Nil(t, found)
			require.Equal(t, formats.Unverifiable, requireCode(t, sidecar.CodeLimit, err).Class)
		})
	}
}

// What follows the first tensor too many is not read.
func TestStopsAtOneMore(t *testing.T) {
	text := `{"weight_map":{"a":"1","b":"1","c":"1",this is no JSON}}`
	_, err := inspect(t, input(text), formats.Limits{MaxTensors: 2})
	requireCode(t, sidecar.CodeLimit, err)
	_, err = inspect(t, input(text), formats.Limits{MaxTensors: 3})
	requireCode(t, sidecar.CodeJSON, err)
}

// Many findings of one kind are counted, not kept, and hide no other.
func TestFindingsAreCounted(t *testing.T) {
	text := `{"model_type":"bert","a":[` + strings.Repeat(`{"_target_":"os.system"},`, 100) + `1],"trust_remote_code":true}`
	found, err := inspect(t, input(text), formats.Limits{})
	require.NoError(t, err)
	require.Len(t, found.Findings, 33)
	require.Contains(t, found.Findings[31].Detail, "(and 68 more like it)")
	require.Equal(t, sidecar.CodeTrust, found.Findings[32].Code)
}

func TestFindingsAreShortAndEscaped(t *testing.T) {
	found, err := inspect(t, input(`{"_target_":"`+strings.Repeat("\u202e", 1<<16)+`"}`), formats.Limits{})
	require.NoError(t, err)
	require.Len(t, found.Findings, 1)
	require.Less(t, len(found.Findings[0].Detail), 1<<10)
	require.NotContains(t, found.Findings[0].Detail, "\u202e")
}

// The weight_map is held against the shards whatever the file is taken for.
func TestIndexInAnotherKind(t *testing.T) {
	found, err := inspect(t, input(`{"model_type":"bert","weight_map":{"a":"../x"}}`), formats.Limits{})
	require.NoError(t, err)
	require.Equal(t, "config", found.Format)
	require.Len(t, found.Findings, 1)
	require.Equal(t, sidecar.CodeIndexPath, found.Findings[0].Code)
}

// A shard that cannot be read is a failed read, not a finding.
func TestShardFailsWithTheRead(t *testing.T) {
	in := besideTorn{input(`{"weight_map":{"a":"s"}}`)}
	found, err := inspect(t, in, formats.Limits{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Nil(t, found)
}

type besideTorn struct{ memory }

func (besideTorn) Sibling(string) (formats.Input, bool) {
	return torn{input(strings.Repeat("x", 100)), 0, context.DeadlineExceeded}, true
}

// countdown is a context that ends after it was asked n times.
type countdown struct {
	context.Context
	n int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

func TestEndsWithItsContext(t *testing.T) {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	in := input(`{"model_type":"bert"` + b.String() + `}`)
	f := detect(t, in)
	for asked := range 3 {
		found, err := f.Inspect(&countdown{context.Background(), asked}, in, formats.Limits{})
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, found)
	}
	_, err := f.Inspect(&countdown{context.Background(), 3}, in, formats.Limits{})
	require.NoError(t, err)
}

// All that a call allocates, live or not, is bounded by the text and a constant.
func TestMemory(t *testing.T) {
	const head = `{"model_type":"bert",`
	list := func(element string) string { return head + `"a":[` + strings.Repeat(element+",", 1<<18) + `1]}` }
	keys := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()[1:]
	}
	for name, text := range map[string]string{
		"objects":       list(`{}`),
		"small objects": list(`{"":0}`),
		"arrays":        list(`[]`),
		"numbers":       list(`1`),
		"paths":         list(`"../a/../b"`),
		"libraries":     list(`"a.so"`),
		"callables":     list(`{"_target_":"a"}`),
		"imports":       list(`{"module":"a","class_name":"b"}`),
		"one string":    head + `"a":"` + strings.Repeat("a/", 1<<20) + `"}`,
		"escapes":       head + `"a":"` + strings.Repeat(`\n`, 1<<20) + `"}`,
		"colons":        head + `"a":"` + strings.Repeat(`:`, 1<<22) + `"}`,
		"keys":          head + keys(`,"%x":0`, 1<<18) + `}`,
		"a vocabulary":  `{"added_tokens":[],"model":{"vocab":{` + keys(`,"token%d":0`, 1<<18) + `}}}`,
		"an index":      `{"weight_map":{` + keys(`,"%x":"a"`, 1<<17) + `}}`,
		"many shards":   `{"weight_map":{` + keys(`,"%x":"%[1]x"`, 10_000) + `}}`,
		"a million":     `{"weight_map":{` + keys(`,"model.layers.%d.weight":"a"`, 1_000_000) + `}}`,
		"brackets":      head + `"a":` + strings.Repeat("[", 1<<22) + `]}`,
		"whitespace":    strings.Repeat(" ", 1<<22) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			in := input(text)
			f := detect(t, in)
			require.NotNil(t, f)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = f.Inspect(context.Background(), in, formats.Limits{}) // some are refused
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8*len(text)+4<<20), "a text of %d bytes", len(text))
		})
	}
}

// A format reads nothing that it does not claim.
func TestInspectOfAnotherKind(t *testing.T) {
	for _, f := range sidecar.Formats() {
		found, err := f.Inspect(context.Background(), input(`{"a":1}`), formats.Limits{})
		require.Nil(t, found)
		require.ErrorContains(t, requireCode(t, sidecar.CodeJSON, err), f.Name())
	}
}
