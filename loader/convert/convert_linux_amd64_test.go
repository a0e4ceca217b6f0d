package convert

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/policy"
)

const fixtures = "../../formats/torch/testdata/"

var weights = policy.Convert{Packs: []string{"weights"}, Sandbox: formats.SandboxSeccomp}

func fromHeap(n int64) ([]byte, error) { return make([]byte, n), nil }

// converted is what c makes of data.
func converted(t *testing.T, c *Converter, data []byte, rule policy.Convert) (*formats.Conversion, formats.Input) {
	in := newFile("dir/pytorch_model.bin", data)
	found := &formats.Inspection{Format: pickle.Name, Pickles: []formats.Range{{File: in.Name(), Length: in.Size()}}}
	for _, format := range []formats.Format{torch.Format(), torch.Legacy()} {
		claims, err := format.Claims(t.Context(), in)
		require.NoError(t, err)
		if claims {
			found.Format = format.Name()
		}
	}
	out, err := c.Convert(t.Context(), in, found, rule, formats.Limits{}, fromHeap)
	require.NoError(t, err)
	require.Equal(t, Name, out.Converter)
	return out, in
}

func read(t *testing.T, path string) []byte {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// Every checkpoint that PyTorch wrote for the tests becomes a safetensors file,
// or is refused.
func TestFixtures(t *testing.T) {
	paths, err := filepath.Glob(fixtures + "*.pt")
	require.NoError(t, err)
	derived, refused := 0, 0
	for _, path := range paths {
		data := read(t, path)
		rule := weights
		switch {
		case strings.Contains(path, "lightning"):
			rule.Extract, rule.Root = true, "state_dict"
		case strings.Contains(path, "training"):
			rule.Extract, rule.Root = true, "model"
		}
		out, in := converted(t, New(), data, rule)
		require.NotNil(t, out.Sandbox, path)
		require.GreaterOrEqual(t, out.Sandbox.Level, formats.SandboxSeccomp)
		require.Equal(t, "weights", out.Packs[0].Name)
		require.Len(t, out.Packs[0].SHA256, 64)
		if strings.Contains(path, "refused-") {
			require.Empty(t, out.File, path)
			require.Empty(t, out.Parts, path)
			require.NotEmpty(t, out.Findings, path)
			refused++
			continue
		}
		require.Equal(t, "dir/model.safetensors", out.File, "%s: %v", path, out.Findings)
		require.NotEmpty(t, out.Uses)
		file := join(t, in, out.Parts)
		require.EqualValues(t, out.Size(), len(file))
		require.NotEmpty(t, headerOf(t, file).Tensors, path)
		derived++
	}
	require.Greater(t, derived, 5)
	require.Greater(t, refused, 5)
}

// Pickles that are no checkpoints are judged, and nothing comes of them.
func TestPickles(t *testing.T) {
	deny, extract := weights, weights
	extract.Extract = true
	for _, c := range []struct {
		name, stream string
		rule         policy.Convert
		want         []formats.Code
	}{
		{"harmless", "\x80\x02]q\x00K\x01a.", deny, nil},
		{"unknown", "\x80\x02canybody\nKnows\n.", deny, []formats.Code{pickle.CodeGlobalDenied}},
		{"unknown, and nothing to extract", "\x80\x02canybody\nKnows\n.", extract, []formats.Code{pickle.CodeGlobalDenied}},
		{"dangerous", "\x80\x02cos\nsystem\n(S'id'\ntR.", extract, []formats.Code{pickle.CodeGlobalDangerous}},
		{"broken behind what it did", "\x80\x02cos\nsystem\n(S'id'\ntR\xff", deny, []formats.Code{pickle.CodeGlobalDangerous, pickle.CodeOpcode}},
		{"nothing", "", deny, []formats.Code{pickle.CodeTruncated}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _ := converted(t, New(), []byte(c.stream), c.rule)
			require.Subset(t, codesOf(out.Findings), c.want)
			require.Empty(t, out.File)
			require.NotNil(t, out.Sandbox)
			if len(c.want) == 0 {
				require.Empty(t, out.Findings)
			}
			for _, f := range out.Findings {
				require.Equal(t, "dir/pytorch_model.bin", f.File)
				require.NotEmpty(t, f.Advice)
			}
		})
	}
	out, _ := converted(t, New(), []byte("\x80\x02cos\nsystem\n(S'id'\ntR."), deny)
	require.Contains(t, out.Uses, formats.Use{File: "dir/pytorch_model.bin", Name: "os.system", Offset: 2})
}

func TestRefusedEarly(t *testing.T) {
	checkpoint := read(t, fixtures+"state-dict-215.pt")
	in := newFile("m.pt", checkpoint)
	isTorch := &formats.Inspection{Format: torch.Name}
	for _, c := range []struct {
		name  string
		found *formats.Inspection
		rule  policy.Convert
		lim   formats.Limits
		want  formats.Code
	}{
		{"an unknown pack", isTorch, policy.Convert{Packs: []string{"weights", "everything"}}, formats.Limits{}, CodePack},
		{"a long pickle", &formats.Inspection{Format: pickle.Name, Pickles: []formats.Range{{Length: in.Size()}}}, weights, formats.Limits{MaxHeader: 10}, CodeLimit},
		{"two pickles", &formats.Inspection{Format: "joblib", Pickles: make([]formats.Range, 2)}, weights, formats.Limits{}, CodeLimit},
		{"a pickle that is not there", &formats.Inspection{Format: pickle.Name, Pickles: []formats.Range{{Length: in.Size() + 1}}}, weights, formats.Limits{}, CodeLimit},
		{"walls that there are not", isTorch, policy.Convert{Sandbox: formats.SandboxFull + 1}, formats.Limits{}, CodeLevel},
	} {
		out, err := New().Convert(t.Context(), in, c.found, c.rule, c.lim, fromHeap)
		require.NoError(t, err)
		require.Equal(t, []formats.Code{c.want}, codesOf(out.Findings), c.name)
		require.Empty(t, out.File)
		require.Nil(t, out.Sandbox)
	}
	out, err := (&Converter{HelperPath: filepath.Join(t.TempDir(), "gone")}).Convert(t.Context(), in, isTorch, weights, formats.Limits{}, fromHeap)
	require.NoError(t, err)
	require.Equal(t, []formats.Code{CodeUnsupported}, codesOf(out.Findings))
}

func TestConvertFails(t *testing.T) {
	data := read(t, fixtures+"state-dict-215.pt")
	isTorch := &formats.Inspection{Format: torch.Name}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := New().Convert(ended, newFile("m.pt", data), isTorch, weights, formats.Limits{}, fromHeap)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, out)

	channels := read(t, fixtures+"views-2-215.pt")
	none := errors.New("no memory")
	out, err = New().Convert(t.Context(), newFile("m.pt", channels), isTorch, weights, formats.Limits{}, func(int64) ([]byte, error) { return nil, none })
	require.ErrorIs(t, err, none)
	require.Nil(t, out)
}

// buildLiar builds a helper whose child lies.
func buildLiar(t *testing.T) string {
	dir := t.TempDir()
	const answer = "func answer(input []byte) []byte {"
	source := string(read(t, "plan/plan.go"))
	require.Equal(t, 1, strings.Count(source, answer))
	honest := filepath.Join(dir, "honest.go")
	require.NoError(t, os.WriteFile(honest, []byte(strings.Replace(source, answer, "func honest(input []byte) []byte {", 1)), 0o600))
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(here, "plan/plan.go"): honest,
		filepath.Join(here, "plan/lies.go"): filepath.Join(here, "testdata/liar/lies.go"),
	}})
	require.NoError(t, err)
	list := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))
	liar := filepath.Join(dir, "liar")
	cmd := exec.Command("go", "build", "-overlay", list, "-o", liar, "./testdata/helper")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return liar
}

// A child that lies, or was taken over, and what its parent makes of it.
func TestLiar(t *testing.T) {
	liar := &Converter{HelperPath: buildLiar(t), Timeout: 20 * time.Second}
	data := read(t, fixtures+"state-dict-215.pt")
	for _, c := range []struct {
		lie     string
		want    formats.Code
		timeout time.Duration
	}{
		{lie: "offset", want: CodeBounds},
		{lie: "stride", want: CodeBounds},
		{lie: "elements", want: CodeStorage},
		{lie: "key", want: CodeStorage},
		{lie: "another key", want: CodePlan},
		{lie: "name", want: CodeName},
		{lie: "name twice", want: CodeDuplicate},
		{lie: "type", want: CodeDType},
		{lie: "form", want: CodePlan},
		{lie: "amplified", want: CodeAmplified},
		{lie: "overlapping", want: CodeShared},
		{lie: "many", want: CodeLimit},
		{lie: "finding", want: CodePlan},
		{lie: "uses", want: CodePlan},
		{lie: "findings", want: CodePlan},
		{lie: "dropped", want: CodePlan},
		{lie: "nothing", want: CodePlan},
		{lie: "half", want: CodePlan},
		{lie: "twice", want: CodePlan},
		{lie: "counts", want: CodePlan},
		{lie: "endless", want: CodeOutput},
		{lie: "unable", want: CodeJob},
		{lie: "open", want: CodeViolation},
		{lie: "crash", want: CodeCrashed},
		{lie: "memory", want: CodeResources},
		{lie: "sleep", want: CodeDeadline, timeout: 500 * time.Millisecond},
	} {
		t.Run(c.lie, func(t *testing.T) {
			converter := *liar
			if c.timeout != 0 {
				converter.Timeout = c.timeout
			}
			rule := weights
			rule.Root = c.lie
			out, _ := converted(t, &converter, data, rule)
			require.Equal(t, []formats.Code{c.want}, codesOf(out.Findings), "%v", out.Findings)
			require.Empty(t, out.File)
			require.Empty(t, out.Parts)
			require.Less(t, len(out.Uses)+len(out.Dropped), 100)
			require.NotContains(t, out.Findings[0].Detail, "\x1b")
		})
	}

	rule := weights
	rule.Root = "none"
	out, in := converted(t, liar, data, rule)
	honest, _ := converted(t, New(), data, weights)
	require.Empty(t, out.Findings)
	require.Equal(t, join(t, in, honest.Parts), join(t, in, out.Parts))
}
