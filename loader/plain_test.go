package loader

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/hashing"
)

// looked are the findings in a file of plain text.
func looked(t *testing.T, text string) []formats.Finding {
	t.Helper()
	dir := write(t, map[string][]byte{"model_config.yaml": []byte(text)})
	report, err := Inspect(context.Background(), "m", Dir(dir), InspectConfig{Formats: testFormats})
	require.NoError(t, err)
	require.Equal(t, "text", report.Files[0].Format)
	return report.Findings
}

func TestYAMLAmongText(t *testing.T) {
	for name, c := range map[string]struct {
		line string
		want formats.Code
	}{
		"a key":                      {"_target_: os.system", CodeTarget},
		"a key of a list":            {"  - _target_: os.system", CodeTarget},
		"a key with blanks":          {"_target_ \t : os.system", CodeTarget},
		"a key without a blank":      {`{"_target_":"os.system"}`, CodeTarget},
		"a quoted key":               {"'_target_': os.system", CodeTarget},
		"a key of a flow":            {"model: {a: 1, _target_: os.system}", CodeTarget},
		"a key with a tag":           {"!!str _target_: os.system", CodeTarget},
		"a key that is marked":       {"? _target_", CodeTarget},
		"a key before a comment":     {"? _target_ # what to call", CodeTarget},
		"an anchor":                  {"- &a _target_\r", CodeTarget},
		"the second of a line":       {"my_target_: a, _target_: b", CodeTarget},
		"escaped, two digits":        {`"_t\x61rget_": os.system`, CodeTarget},
		"escaped, four":              {`"\u005ftarget_": os.system`, CodeTarget},
		"escaped, eight":             {`"_targe\U00000074_": os.system`, CodeTarget},
		"a dotted override":          {"model._target_: os.system", CodeTarget},
		"a longer key":               {"my_target_: os.system", ""},
		"another longer key":         {"_target_s: os.system", ""},
		"a shorter key":              {"target: ldm.Model", ""},
		"words about it":             {"The key `_target_` names a callable; _target_ is Hydra's.", ""},
		"a tag":                      {"x: !!python/object/apply:os.system [ls]", CodeTag},
		"a tag of a name":            {"!!python/name:os.system", CodeTag},
		"a tag in full":              {"x: !<tag:yaml.org,2002:python/object/new:os.system> []", CodeTag},
		"an escaped tag":             {"x: !!%70ython%2Fobject/apply:os.system []", CodeTag},
		"tags of another name":       {"%TAG ! tag:yaml.org,2002:pyth", CodeTag},
		"tags of another name, tab":  {"%TAG\t!x! tag:yaml.org,2002:", CodeTag},
		"a tag that YAML has itself": {"x: !!set {a, b}", ""},
		"a tag of an application":    {"x: !python/object", ""},
		"a directive, elsewhere":     {"100 %TAG of it", ""},
		"words with marks":           {"Hello!! python/snake", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range []string{"", "a: 1\n", "\ufeff"} {
				found := looked(t, before+c.line+"\nb: 2\n")
				if c.want == "" {
					require.Empty(t, found)
					continue
				}
				require.Len(t, found, 1, "behind %q", before)
				require.Equal(t, c.want, found[0].Code)
				require.Equal(t, formats.High, found[0].Severity)
				require.Equal(t, formats.Denied, found[0].Class)
				require.NotEmpty(t, found[0].Advice)
				require.Equal(t, int64(strings.LastIndex(before, "\n")+1), found[0].Offset)
			}
		})
	}
}

// The first of each sort is told, and no more.
func TestYAMLIsToldOnce(t *testing.T) {
	found := looked(t, "x: 1\n_target_: a.B\n_target_: c.D\ny: !!python/none\nz: !!python/none\n")
	require.Len(t, found, 2)
	require.Equal(t, CodeTarget, found[0].Code)
	require.Equal(t, int64(5), found[0].Offset)
	require.Contains(t, found[0].Detail, "a.B")
	require.Equal(t, CodeTag, found[1].Code)
	require.Equal(t, int64(33), found[1].Offset)
}

// Text is read in pieces, and nothing hides at their borders.
func TestYAMLAtBorders(t *testing.T) {
	for _, steering := range []string{"\n\"_t\\u0061rget_\" : os.system\n", "\nx: !<tag:yaml.org,2002:python/name:os.system>\n", "\n%TAG ! x\n"} {
		for cut := range len(steering) {
			padding := strings.Repeat("äb", hashing.Chunk)[:hashing.Chunk-cut] // may end within a character
			padding = strings.ToValidUTF8(padding, "c")
			require.Len(t, looked(t, padding+steering), 1, "%q, cut at %d", steering, cut)
		}
	}
	// Nor is anything made up there: a key goes on before the border.
	require.Empty(t, looked(t, strings.Repeat("a", hashing.Chunk-overlap)+"_target_: x\n"+strings.Repeat("a", hashing.Chunk)))
	require.Empty(t, looked(t, strings.Repeat("a", hashing.Chunk-overlap)+"%TAG x\n"+strings.Repeat("a", hashing.Chunk)))
}
