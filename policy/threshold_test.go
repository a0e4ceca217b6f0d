package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// Below the threshold passes what a parser says of a file that it has read,
// and nothing else.
func TestWhatPassesBelowTheThreshold(t *testing.T) {
	high := func(code formats.Code) formats.Finding { return found(code, formats.Denied, formats.High) }
	about := func(file string, f formats.Finding) formats.Finding { f.File = file; return f }
	for name, c := range map[string]struct {
		finding formats.Finding
		passes  bool
	}{
		"a format's own":                 {high("onnx.type"), true},
		"a format's own, in depth":       {high("onnx.name.duplicate"), true},
		"a container's":                  {high("zip.comment"), true},
		"somebody's own format":          {high("acme.note"), true},
		"about a graph's data":           {about("data.bin", high("onnx.external.unclaimed")), true},
		"about a sidecar":                {about("config.json", high("sidecar.note")), true},
		"as severe as the threshold":     {found("onnx.type", formats.Denied, formats.Critical), false},
		"not rated":                      {found("onnx.type", formats.Denied, 0), false},
		"not read":                       {found("onnx.type", formats.Unverifiable, formats.Info), false},
		"of no class":                    {found("onnx.type", 77, formats.Info), false},
		"about a file without a format":  {about("keys.txt", high("onnx.type")), false},
		"about a file that is not there": {about("nowhere", high("onnx.type")), false},
		"about no file":                  {about("", high("onnx.type")), false},
		"without a code":                 {high(""), false},
		"a pickle's, for information":    {found("pickle.global.dropped", formats.Denied, formats.Info), true},
		"a pickle's":                     {found("pickle.global.denied", formats.Denied, formats.Low), false},
		"a pickle's, not read":           {found("pickle.truncated", formats.Unverifiable, formats.Info), false},
		"a checkpoint's":                 {found("torch.member", formats.Denied, formats.Medium), true},
		"a checkpoint's, high":           {high("torch.sparse"), false},
		"a conversion's":                 {found("convert.merged", formats.Denied, formats.Medium), true},
		"a conversion's, high":           {high("convert.bounds"), false},
		"about a derived file":           {about("m.safetensors", found("safetensors.note", formats.Denied, formats.Info)), false},
		"the line's areas, derived":      {found("derived.changed", formats.Denied, formats.Info), false},
		"the line's areas, approval":     {high("approval.missing"), false},
		"the line's areas, file":         {high("file.read"), false},
		"the line's areas, alone":        {high("file"), false},
		"the line's areas, limits":       {high("limits.memory"), false},
		"the line's areas, load":         {high("load.canceled"), false},
		"the line's areas, record":       {high("record.failed"), false},
		"the line's areas, revocation":   {high("revocation.listed"), false},
		"the line's areas, sandbox":      {high("sandbox.absent"), false},
		"the line's areas, signature":    {high("signature.invalid"), false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.passes, passes(t, c.finding))
		})
	}
	for _, info := range policy.Codes() {
		require.False(t, passes(t, found(info.Code, formats.Denied, min(info.Severity, formats.High))), "%s is no format's", info.Code)
	}
}

// passes reports whether the most lenient entry takes a model with the finding.
func passes(t *testing.T, f formats.Finding) bool {
	s := newScene(t)
	s.unruly()
	files := manifest.Manifest{file("config.json", "{}"), file("data.bin", "tensors"), file("keys.txt", "keys"), file("m.onnx", "graph")}
	s.policy = strings.Replace(s.policy, "formats: [onnx]", "formats: [onnx, config]", 1)
	s.hold(files)
	s.facts.Inspect.Formats["data.bin"] = policy.DataFormat
	s.facts.Inspect.Sidecars = map[string]string{"config.json": "config"}
	s.facts.Inspect.Derived = manifest.Manifest{file("m.safetensors", "tensors")}
	s.facts.Inspect.Findings = []formats.Finding{f}
	for _, r := range s.decide(t, inspect).Reasons {
		if r.Rule == "content" {
			return false
		}
	}
	return true
}

// Where the entry refuses information, that of a converter is no exception.
func TestInformationOfConvertersIsRefused(t *testing.T) {
	for refuse, want := range map[string]policy.Verdict{"low": policy.Admitted, "info": policy.Denied} {
		s := newScene(t)
		s.unruly()
		s.policy = strings.Replace(s.policy, "critical", refuse, 1)
		s.facts.Inspect.Findings = []formats.Finding{found("pickle.global.dropped", formats.Denied, formats.Info)}
		require.Equal(t, want, s.decide(t, inspect).Verdict, refuse)
	}
}

// What the listing and the copy found is about the line, not about content.
func TestFindingsBeforeInspectionAlwaysCount(t *testing.T) {
	note := []formats.Finding{found("onnx.note", formats.Denied, formats.Info)}
	for name, spoil := range map[string]func(f *policy.Facts) policy.Phase{
		"stat":   func(f *policy.Facts) policy.Phase { f.Stat.Findings = note; return stat },
		"digest": func(f *policy.Facts) policy.Phase { f.Digest.Findings = note; return digest },
	} {
		s := newScene(t)
		s.unruly()
		p := spoil(&s.facts)
		require.Equal(t, policy.Denied, s.decide(t, p).Verdict, name)
	}
}

// Conversions whose output no pin holds are vouched for by nobody, and the
// files are held against their pin as ever.
func TestVouchedConversions(t *testing.T) {
	rules := func(s *scene) *policy.Rules {
		return mustParse(t, s.policy, s.lock.Encode()).For("bart", s.facts.Origin)
	}
	s := newScene(t)
	s.bart()
	require.True(t, rules(s).Pinned())
	require.True(t, rules(s).Vouched())
	s.underived(t)
	require.True(t, rules(s).Vouched(), "output without a pin is denied")

	s = newScene(t)
	s.bartUnpinned(t)
	require.True(t, rules(s).Pinned())
	require.False(t, rules(s).Vouched())
	s.facts.Digest.Manifest[0] = file("a.bin", "PICKLE")
	require.Equal(t, policy.CodePinChanged, s.decide(t, digest).Reasons[0].Code)

	var err error
	s.lock, err = s.lock.With(policy.Pin{Name: "bart", Files: bartFiles(), Derived: bartDerived()})
	require.NoError(t, err)
	require.True(t, rules(s).Vouched(), "a pin is held whatever the entry says")
}

// A strict reading lowers the threshold to high, never raises it, and changes
// nothing else.
func TestStrict(t *testing.T) {
	for _, c := range []struct {
		refuse            string
		severity          formats.Severity
		verdict, strictly policy.Verdict
	}{
		{"critical", formats.High, policy.Admitted, policy.Denied},
		{"critical", formats.Medium, policy.Admitted, policy.Admitted},
		{"critical", formats.Critical, policy.Denied, policy.Denied},
		{"high", formats.High, policy.Denied, policy.Denied},
		{"high", formats.Medium, policy.Admitted, policy.Admitted},
		{"low", formats.Medium, policy.Denied, policy.Denied},
		{"low", formats.Low, policy.Denied, policy.Denied},
		{"low", formats.Info, policy.Admitted, policy.Admitted},
	} {
		s := newScene(t)
		s.unruly()
		s.policy = strings.Replace(s.policy, "critical", c.refuse, 1)
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", formats.Denied, c.severity)}
		rules := mustParse(t, s.policy, nil).For("ocr", s.facts.Origin)
		strict := rules.Strict()
		require.Equal(t, c.strictly, strict.Decide(inspect, &s.facts).Verdict, "%s under %s", c.severity, c.refuse)
		require.Equal(t, c.verdict, rules.Decide(inspect, &s.facts).Verdict, "%s under %s: the rules are as they were", c.severity, c.refuse)
		require.Equal(t, strict, strict.Strict())
	}

	s := newScene(t)
	s.unruly()
	s.listing(regular("A"), regular("a"))
	rules := mustParse(t, s.policy, nil).For("ocr", s.facts.Origin)
	require.Equal(t, policy.Pending, rules.Decide(stat, &s.facts).Verdict)
	require.Equal(t, policy.Denied, rules.Strict().Decide(stat, &s.facts).Verdict, "names are rated too")

	for name, r := range map[string]*policy.Rules{"nil": nil, "zero": {}} {
		require.Equal(t, policy.CodeNoMatch, r.Strict().Decide(stat, &s.facts).Reasons[0].Code, name)
	}
}

func TestWithLock(t *testing.T) {
	s := newScene(t)
	s.rules, s.facts.Name = "nameless", "nameless"
	before := mustParse(t, s.policy, s.lock.Encode())
	next, err := s.lock.With(policy.Pin{Name: "nameless", Files: ocrFiles()})
	require.NoError(t, err)

	after, err := before.WithLock(next)
	require.NoError(t, err)
	require.Equal(t, mustParse(t, s.policy, next.Encode()), after)
	require.Equal(t, policy.Denied, before.For("nameless", s.facts.Origin).Decide(digest, &s.facts).Verdict, "the policy is as it was")
	require.Equal(t, policy.Pending, after.For("nameless", s.facts.Origin).Decide(digest, &s.facts).Verdict)

	empty, err := before.WithLock(nil)
	require.NoError(t, err)
	require.Equal(t, mustParse(t, s.policy, emptyLock()).Digest(), empty.Digest())

	for name, p := range map[string]*policy.Policy{"nil": nil, "zero": {}, "no lock": mustParse(t, minimal, nil)} {
		p, err := p.WithLock(next)
		require.ErrorContains(t, err, "names no lock", name)
		require.Nil(t, p, name)
	}
}

// An entry that asks for no pin does not switch off one that is there: the
// name is pinned, whichever entry it reached.
func TestPinUnderUnpinned(t *testing.T) {
	graph := file("m.onnx", "graph")
	pinned := func(t *testing.T, files ...manifest.Entry) *scene {
		s := newScene(t)
		s.draft()
		var err error
		s.lock, err = s.lock.With(policy.Pin{Name: "draft", Files: files})
		require.NoError(t, err)
		return s
	}
	rules := func(s *scene) *policy.Rules {
		return mustParse(t, s.policy, s.lock.Encode()).For("draft", s.facts.Origin)
	}

	s := newScene(t)
	s.draft()
	require.False(t, rules(s).Vouched(), "no pin, none asked for")
	s.facts.Stat.Files[0].Links = 2
	require.Equal(t, policy.Denied, s.decide(t, stat).Verdict)

	s = pinned(t, graph)
	require.True(t, rules(s).Vouched())
	s.facts.Stat.Files[0].Links = 2
	require.Equal(t, policy.Pending, s.decide(t, stat).Verdict, "as with any pin")
	require.Equal(t, policy.Pending, s.decide(t, digest).Verdict)

	for name, c := range map[string]struct {
		pin   manifest.Entry
		phase policy.Phase
		code  formats.Code
	}{
		"another size":    {file("m.onnx", "a graph"), stat, policy.CodePinChanged},
		"another content": {file("m.onnx", "GRAPH"), digest, policy.CodePinChanged},
		"another model":   {file("n.onnx", "graph"), stat, policy.CodePinChanged},
		"another SHA-256": {manifest.Entry{Name: graph.Name, Size: graph.Size, Verity: graph.Verity, SHA256: manifest.Digest{1}}, digest, policy.CodePinInconsistent},
	} {
		d := pinned(t, c.pin).decide(t, c.phase)
		require.Equal(t, policy.Denied, d.Verdict, name)
		require.Equal(t, c.code, d.Reasons[len(d.Reasons)-1].Code, name)
	}
}
