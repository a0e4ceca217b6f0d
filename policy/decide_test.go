package policy_test

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

const judged = `version: 1
lock: weightgate.lock
libraries: pinned
models:
  - name: ocr
    source: [dir]
    formats: [onnx]
    pin: required
    companions: [keys.txt]
    measure: [sha256]
    session: {device: [cpu, cuda], cpu_nodes: [Shape, /head/Gather]}
  - {name: nameless, source: [dir], formats: [onnx], pin: required}
  - {name: draft, source: [hub, dir], repository: acme/draft, formats: [onnx], unpinned: true, companions: [keys.txt], files: {only: ["*.onnx", "*.txt"]}, findings: {refuse: low}}
  - name: bart
    source: [dir]
    formats: [torch, torch.legacy]
    pin: required
    convert: {packs: [weights, numpy], sandbox: landlock}
    measure: [sha256]
`

const unruly = `version: 1
models:
  - {name: ocr, source: [dir], formats: [onnx], unpinned: true, findings: {refuse: critical}}
`

const loose = `version: 1
models:
  - {name: bart, source: [dir], formats: [torch, torch.legacy], unpinned: true, convert: {packs: [weights], unpinned: true}}
`

// A scene is a policy and facts that nothing speaks against; tests spoil them.
type scene struct {
	policy string
	lock   *policy.Lock
	rules  string // the name that For is asked for
	facts  policy.Facts
}

func ocrFiles() manifest.Manifest {
	return manifest.Manifest{file("data.bin", "tensors"), file("keys.txt", "keys"), file("m.onnx", "graph")}
}

func bartFiles() manifest.Manifest {
	return manifest.Manifest{file("a.bin", "pickle"), file("b.bin", "pickles")}
}

func bartDerived() manifest.Manifest {
	return manifest.Manifest{file("a.safetensors", "tensors of a"), file("b.safetensors", "tensors of b")}
}

func newScene(t testing.TB) *scene {
	ocr := ocrFiles()
	twin := ocrFiles() // the same names and sizes
	twin[2] = file("m.onnx", "hparg")
	bert := manifest.Manifest{file("m.onnx", "another graph")}
	s := &scene{
		policy: judged,
		rules:  "ocr",
		lock: mustLock(t, []policy.Pin{{Name: "ocr", Files: ocr}, {Name: "twin", Files: twin}, {Name: "bert", Files: bert},
			{Name: "bart", Files: bartFiles(), Derived: bartDerived()}},
			library("libonnxruntime.so.1", "ort"), library("libonnxruntime_providers_cuda.so", "cuda")),
	}
	s.facts = policy.Facts{
		Name:    "ocr",
		Origin:  policy.Origin{Kind: "dir"},
		Now:     time.Unix(1_800_000_000, 0),
		Stat:    &policy.StatFacts{},
		Digest:  &policy.DigestFacts{},
		Inspect: &policy.InspectFacts{Formats: map[string]string{"m.onnx": "onnx", "data.bin": policy.DataFormat}, Tensors: 3},
		Library: &policy.LibraryFacts{Files: manifest.Manifest{library("libonnxruntime.so.1", "ort"), library("libonnxruntime_providers_cuda.so", "cuda")}},
		Session: &policy.SessionFacts{Device: "cuda", CPUNodes: []string{"Shape", "Shape:/a", "Gather:/head/Gather"}},
	}
	s.hold(ocr)
	return s
}

// hold lets the model be these files.
func (s *scene) hold(m manifest.Manifest) {
	s.facts.Digest.Manifest = m
	s.facts.Stat.Files = nil
	for _, e := range m {
		s.facts.Stat.Files = append(s.facts.Stat.Files, policy.File{Name: e.Name, Size: e.Size, Kind: policy.Regular, Links: 1})
	}
}

// draft lets the unpinned entry judge, without the companion that it cannot have.
func (s *scene) draft() {
	s.rules, s.facts.Name = "draft", "draft"
	s.policy = strings.Replace(s.policy, "companions: [keys.txt], files", "files", 1)
	s.facts.Stat.LeftOut = []string{"data.bin"}
	s.hold(manifest.Manifest{file("m.onnx", "graph")})
	delete(s.facts.Inspect.Formats, "data.bin")
}

// bart lets the entry that converts judge a model that it converts.
func (s *scene) bart() {
	s.rules, s.facts.Name = "bart", "bart"
	s.hold(bartFiles())
	packs := []formats.Pack{{Name: "weights", Version: 1}}
	s.facts.Inspect = &policy.InspectFacts{
		Formats: map[string]string{"a.bin": "torch", "b.bin": "torch.legacy"},
		Conversions: []policy.Conversion{
			{File: "a.bin", Derived: "a.safetensors", Sandbox: formats.SandboxLandlock, Packs: packs},
			{File: "b.bin", Derived: "b.safetensors", Sandbox: formats.SandboxFull, Packs: packs},
		},
		Derived: bartDerived(),
		Tensors: 2,
	}
}

// bartUnpinned is bart under a lock that has the files alone, and an entry
// that takes what they are converted into as it comes.
func (s *scene) bartUnpinned(t testing.TB) {
	s.bart()
	s.policy = strings.Replace(s.policy, "sandbox: landlock}", "sandbox: landlock, unpinned: true}", 1)
	s.underived(t)
}

func (s *scene) underived(t testing.TB) {
	var err error
	s.lock, err = s.lock.With(policy.Pin{Name: "bart", Files: bartFiles()})
	require.NoError(t, err)
}

func (s *scene) unruly() {
	s.policy, s.lock = unruly, nil
	s.hold(manifest.Manifest{file("m.onnx", "graph")})
	delete(s.facts.Inspect.Formats, "data.bin")
}

func (s *scene) listing(files ...policy.File) { s.facts.Stat.Files = files }

func (s *scene) decide(t testing.TB, p policy.Phase) policy.Decision {
	t.Helper()
	var lock []byte
	if s.lock != nil {
		lock = s.lock.Encode()
	}
	before, err := json.Marshal(s.facts)
	require.NoError(t, err)
	rules := mustParse(t, s.policy, lock).For(s.rules, policy.Origin{Kind: "dir"})
	require.NotNil(t, rules)
	d := rules.Decide(p, &s.facts)
	require.Equal(t, d, rules.Decide(p, &s.facts), "the same answer to the same question")
	after, err := json.Marshal(s.facts)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "the facts are as they were")
	return d
}

func regular(name string) policy.File {
	return policy.File{Name: name, Size: 1, Kind: policy.Regular, Links: 1}
}

func found(code formats.Code, class formats.Class, severity formats.Severity) formats.Finding {
	return formats.Finding{Code: code, Class: class, Severity: severity, File: "m.onnx"}
}

const (
	stat    = policy.PhaseStat
	digest  = policy.PhaseDigest
	inspect = policy.PhaseInspect
	librar  = policy.PhaseLibrary
	session = policy.PhaseSession
)

// golden is what Decide says of every way to spoil the scene: the codes of all
// reasons with their files, in order.
var golden = []struct {
	name    string
	phase   policy.Phase
	spoil   func(t testing.TB, s *scene)
	verdict policy.Verdict
	codes   string
}{
	{"good", stat, nil, policy.Pending, ""},
	{"good", digest, nil, policy.Pending, ""},
	{"good", inspect, nil, policy.Pending, ""},
	{"good", librar, nil, policy.Pending, ""},
	{"good", session, nil, policy.Admitted, ""},
	{"draft", stat, func(t testing.TB, s *scene) { s.draft() }, policy.Pending, ""},
	{"draft", digest, func(t testing.TB, s *scene) { s.draft() }, policy.Pending, ""},
	{"draft", inspect, func(t testing.TB, s *scene) { s.draft() }, policy.Pending, ""},
	{"draft, the library is the last", librar, func(t testing.TB, s *scene) { s.draft() }, policy.Admitted, ""},
	{"no library rule, so nothing is open", inspect, func(t testing.TB, s *scene) { s.unruly() }, policy.Admitted, ""},

	// Facts that are not there.
	{"no stat", stat, func(t testing.TB, s *scene) { s.facts.Stat = nil }, policy.Denied, "policy.phase"},
	{"no digest", digest, func(t testing.TB, s *scene) { s.facts.Digest = nil }, policy.Denied, "policy.phase"},
	{"no inspection", inspect, func(t testing.TB, s *scene) { s.facts.Inspect = nil }, policy.Denied, "policy.phase"},
	{"no library", librar, func(t testing.TB, s *scene) { s.facts.Library = nil }, policy.Denied, "policy.phase"},
	{"no session", session, func(t testing.TB, s *scene) { s.facts.Session = nil }, policy.Denied, "policy.phase"},
	{"a phase left out", session, func(t testing.TB, s *scene) { s.facts.Digest = nil }, policy.Denied, "policy.phase"},
	{"nothing at all", inspect, func(t testing.TB, s *scene) { s.facts = policy.Facts{} }, policy.Denied, "policy.phase"},
	{"no phase", 0, nil, policy.Denied, "policy.phase"},
	{"a phase too many", session + 1, nil, policy.Denied, "policy.phase"},

	// source
	{"another name", stat, func(t testing.TB, s *scene) { s.facts.Name = "bert" }, policy.Denied, "policy.nomatch"},
	{"another kind", stat, func(t testing.TB, s *scene) { s.facts.Origin.Kind = "fs" }, policy.Denied, "source.denied"},
	{"another repository", stat, func(t testing.TB, s *scene) {
		s.draft()
		s.facts.Origin = policy.Origin{Kind: "hub", Repository: "evil/draft", Commit: "main"}
	}, policy.Denied, "source.denied"},
	{"the right repository", stat, func(t testing.TB, s *scene) {
		s.draft()
		s.facts.Origin = policy.Origin{Kind: "hub", Repository: "acme/draft"}
	}, policy.Pending, ""},

	// listing
	{"no files", stat, func(t testing.TB, s *scene) { s.draft(); s.listing() }, policy.Denied, "source.empty"},
	{"climbing, absolute, root, empty", stat, func(t testing.TB, s *scene) {
		s.unruly()
		s.listing(regular(""), regular("."), regular("../a"), regular("/a"))
	}, policy.Denied, "name.invalid, name.invalid ., name.invalid ../a, name.invalid /a"},
	{"twice", stat, func(t testing.TB, s *scene) { s.unruly(); s.listing(regular("a"), regular("a")) }, policy.Denied, "name.invalid a"},
	{"negative size", stat, func(t testing.TB, s *scene) { s.draft(); s.facts.Stat.Files[0].Size = -1 }, policy.Denied, "policy.phase m.onnx"},
	{"listed though left out", stat, func(t testing.TB, s *scene) { s.draft(); s.listing(regular("a.bin")) }, policy.Denied, "policy.phase a.bin"},

	// kinds
	{"irregular", stat, func(t testing.TB, s *scene) { s.facts.Stat.Files[2].Kind = policy.Irregular }, policy.Denied, "file.irregular m.onnx"},
	{"a kind that is none", stat, func(t testing.TB, s *scene) { s.facts.Stat.Files[2].Kind = 9 }, policy.Denied, "file.irregular m.onnx"},

	// names
	{"control characters", stat, func(t testing.TB, s *scene) {
		s.unruly()
		s.listing(regular("a\x1b[2J"), regular("a\x7f"), regular("a\u202eb"), regular("a\u2028"), regular("a\xff"))
	}, policy.Denied, `name.control "a\x1b[2J", name.control "a\x7f", name.control "a\u2028", name.control "a\u202eb", name.control "a\xff"`},
	{"beyond ASCII, refused from low", stat, func(t testing.TB, s *scene) { s.draft(); s.listing(regular("modèle.onnx")) }, policy.Denied, `name.unprintable "mod\u00e8le.onnx"`},
	{"beyond ASCII, refused from critical", stat, func(t testing.TB, s *scene) { s.unruly(); s.listing(regular("modèle.onnx")) }, policy.Pending, ""},
	{"case", stat, func(t testing.TB, s *scene) { s.draft(); s.listing(regular("A.onnx"), regular("a.onnx")) }, policy.Denied, "name.case a.onnx"},
	{"case of a directory", stat, func(t testing.TB, s *scene) { s.draft(); s.listing(regular("D/a.onnx"), regular("d/b.onnx")) }, policy.Denied, "name.case d/b.onnx"},
	{"case of a file and a directory", stat, func(t testing.TB, s *scene) { s.draft(); s.listing(regular("A.txt"), regular("a.txt/b.txt")) }, policy.Denied, "name.case a.txt/b.txt"},
	{"case beyond ASCII", stat, func(t testing.TB, s *scene) { s.draft(); s.listing(regular("k.onnx"), regular("\u212a.onnx")) }, policy.Denied,
		`name.case "\u212a.onnx", name.unprintable "\u212a.onnx"`},
	{"no case", stat, func(t testing.TB, s *scene) {
		s.draft()
		s.listing(regular("d/a.onnx"), regular("d/b.onnx"), regular("e/a.onnx"))
	}, policy.Pending, ""},

	// links
	{"hard link of a draft", stat, func(t testing.TB, s *scene) { s.draft(); s.facts.Stat.Files[0].Links = 2 }, policy.Denied, "file.hardlink m.onnx"},
	{"hard link below the threshold", stat, func(t testing.TB, s *scene) { s.unruly(); s.facts.Stat.Files[0].Links = 2 }, policy.Pending, ""},
	{"hard link of what is pinned", stat, func(t testing.TB, s *scene) { s.facts.Stat.Files[0].Links = 2 }, policy.Pending, ""},

	// pin, by names and sizes
	{"no pin", stat, func(t testing.TB, s *scene) { s.rules, s.facts.Name = "nameless", "nameless" }, policy.Denied, "pin.missing"},
	{"no pin", digest, func(t testing.TB, s *scene) { s.rules, s.facts.Name = "nameless", "nameless" }, policy.Denied, "pin.missing"},
	{"other size", stat, func(t testing.TB, s *scene) { s.facts.Stat.Files[2].Size++ }, policy.Denied, "pin.changed m.onnx"},
	{"missing file", stat, func(t testing.TB, s *scene) { s.hold(ocrFiles()[:2]) }, policy.Denied, "pin.changed m.onnx"},
	{"missing companion", stat, func(t testing.TB, s *scene) { s.hold(slices.Delete(ocrFiles(), 1, 2)) }, policy.Denied, "companion.missing keys.txt"},
	{"extra file", stat, func(t testing.TB, s *scene) { s.hold(append(ocrFiles(), file("z.py", "code"))) }, policy.Denied, "companion.extra z.py"},
	{"renamed file", stat, func(t testing.TB, s *scene) { s.facts.Stat.Files[2].Name = "n.onnx" }, policy.Denied, "pin.changed m.onnx, companion.extra n.onnx"},
	{"no files of a pinned model", stat, func(t testing.TB, s *scene) { s.listing() }, policy.Denied,
		"source.empty, pin.changed data.bin, companion.missing keys.txt, pin.changed m.onnx"},
	{"twice what is pinned once", stat, func(t testing.TB, s *scene) { s.facts.Stat.Files = append(s.facts.Stat.Files, s.facts.Stat.Files[2]) }, policy.Denied,
		"name.invalid m.onnx, pin.changed m.onnx"},
	{"another model", stat, func(t testing.TB, s *scene) { s.hold(manifest.Manifest{file("m.onnx", "another graph")}) }, policy.Denied, "pin.other"},

	// pin, by content
	{"other content", digest, func(t testing.TB, s *scene) { s.facts.Digest.Manifest[2] = file("m.onnx", "GRAPH") }, policy.Denied, "pin.changed m.onnx"},
	{"another model of the same sizes", stat, func(t testing.TB, s *scene) { s.facts.Digest.Manifest[2] = file("m.onnx", "hparg") }, policy.Pending, ""},
	{"another model of the same sizes", digest, func(t testing.TB, s *scene) { s.facts.Digest.Manifest[2] = file("m.onnx", "hparg") }, policy.Denied, "pin.other"},
	{"another model of other sizes", digest, func(t testing.TB, s *scene) { s.hold(manifest.Manifest{file("m.onnx", "another graph")}) }, policy.Denied, "pin.other"},
	{"content of a draft", digest, func(t testing.TB, s *scene) { s.draft(); s.facts.Digest.Manifest[0] = file("m.onnx", "GRAPH") }, policy.Pending, ""},
	{"other SHA-256", digest, func(t testing.TB, s *scene) { s.facts.Digest.Manifest[2].SHA256[0]++ }, policy.Denied, "pin.inconsistent m.onnx"},
	{"SHA-256 that nobody asked for", digest, func(t testing.TB, s *scene) {
		s.policy = strings.Replace(s.policy, "measure: [sha256]", "", 1)
		s.facts.Digest.Manifest[2].SHA256 = manifest.Digest{}
	}, policy.Pending, ""},

	// measured
	{"empty digest", digest, func(t testing.TB, s *scene) { s.facts.Digest.Manifest[2].Verity = manifest.Digest{} }, policy.Denied,
		"policy.phase, policy.phase m.onnx, pin.changed m.onnx"},
	{"empty digest of a draft", digest, func(t testing.TB, s *scene) { s.draft(); s.facts.Digest.Manifest[0].Verity = manifest.Digest{} }, policy.Denied,
		"policy.phase, policy.phase m.onnx"},
	{"nothing hashed", digest, func(t testing.TB, s *scene) { s.draft(); s.facts.Digest.Manifest = nil }, policy.Denied, "policy.phase, policy.phase m.onnx"},
	{"no SHA-256", digest, func(t testing.TB, s *scene) { s.facts.Digest.Manifest[2].SHA256 = manifest.Digest{} }, policy.Denied, "policy.phase m.onnx"},
	{"hashed and not listed", digest, func(t testing.TB, s *scene) { s.facts.Stat.Files = s.facts.Stat.Files[:2] }, policy.Denied, "policy.phase m.onnx"},
	{"hashed with another size", digest, func(t testing.TB, s *scene) { s.draft(); s.facts.Digest.Manifest[0].Size++ }, policy.Denied, "policy.phase m.onnx"},
	{"out of order", digest, func(t testing.TB, s *scene) { slices.Reverse(s.facts.Digest.Manifest) }, policy.Denied, "policy.phase"},

	// companions
	{"companion that nobody has", stat, func(t testing.TB, s *scene) {
		s.policy = strings.Replace(s.policy, "[keys.txt]", `["*.json", keys.txt]`, 1)
	}, policy.Denied,
		"companion.missing *.json"},
	{"companion of a draft", inspect, func(t testing.TB, s *scene) {
		s.draft()
		s.policy = judged
		s.hold(manifest.Manifest{file("keys.txt", "keys"), file("m.onnx", "graph")})
	}, policy.Unverifiable, "format.unknown keys.txt"},

	// formats
	{"format of no list", inspect, func(t testing.TB, s *scene) { s.facts.Inspect.Formats["m.onnx"] = "torch" }, policy.Denied, "format.denied m.onnx"},
	{"sidecar under companions", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Sidecars = map[string]string{"keys.txt": "config"}
	}, policy.Pending, ""},
	{"sidecar under no companions", inspect, func(t testing.TB, s *scene) {
		s.policy = strings.Replace(s.policy, "companions: [keys.txt]", "companions: [keys.json]", 1)
		s.facts.Inspect.Sidecars = map[string]string{"keys.txt": "config"}
	}, policy.Denied, "format.denied keys.txt"},
	{"sidecar that was never listed", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Sidecars = map[string]string{"other.json": "config"}
	}, policy.Denied, "policy.phase other.json"},
	{"companion with a format", inspect, func(t testing.TB, s *scene) { s.facts.Inspect.Formats["keys.txt"] = "pickle" }, policy.Denied, "format.denied keys.txt"},
	{"no format", inspect, func(t testing.TB, s *scene) { delete(s.facts.Inspect.Formats, "data.bin") }, policy.Unverifiable, "format.unknown data.bin"},
	{"no formats at all", inspect, func(t testing.TB, s *scene) { s.facts.Inspect.Formats = nil }, policy.Unverifiable, "format.unknown data.bin, format.unknown m.onnx"},
	{"no format, and why", inspect, func(t testing.TB, s *scene) {
		delete(s.facts.Inspect.Formats, "m.onnx")
		s.facts.Inspect.Findings = []formats.Finding{found("format.ambiguous", formats.Denied, formats.Info)}
	}, policy.Denied, "format.ambiguous m.onnx"},
	{"both classes", inspect, func(t testing.TB, s *scene) {
		delete(s.facts.Inspect.Formats, "data.bin")
		s.facts.Inspect.Formats["m.onnx"] = "torch"
	}, policy.Denied, "format.unknown data.bin, format.denied m.onnx"},
	{"inspected and not listed", inspect, func(t testing.TB, s *scene) { s.facts.Inspect.Formats["z"] = "onnx" }, policy.Denied, "policy.phase z"},

	// conversions
	{"converted", inspect, func(t testing.TB, s *scene) { s.bart() }, policy.Pending, ""},
	{"no convert rule", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Conversions = []policy.Conversion{{File: "m.onnx", Sandbox: formats.SandboxFull}}
	}, policy.Denied, "convert.absent m.onnx"},
	{"converted, and nothing came of it", inspect, func(t testing.TB, s *scene) {
		s.bartUnpinned(t)
		s.facts.Inspect.Conversions[1].Derived, s.facts.Inspect.Derived = "", bartDerived()[:1]
	}, policy.Pending, ""},
	{"converted, though not a file of the model", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions[0].File = "z.bin"
	}, policy.Denied, "policy.phase z.bin"},
	{"converted twice", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions[1].File = "a.bin"
	}, policy.Denied, "policy.phase a.bin"},
	{"a sandbox below the level", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions[0].Sandbox = formats.SandboxSeccomp
	}, policy.Unverifiable, "convert.sandbox a.bin"},
	{"no sandbox, below the default level", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.policy = strings.Replace(s.policy, ", sandbox: landlock", "", 1)
		s.facts.Inspect.Conversions[0].Sandbox = formats.SandboxSeccomp
		s.facts.Inspect.Conversions[1].Sandbox = formats.Unconfined
	}, policy.Unverifiable, "convert.sandbox b.bin"},
	{"a sandbox of no level", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions[0].Sandbox = formats.SandboxFull + 1
	}, policy.Unverifiable, "convert.sandbox a.bin"},
	{"a pack of no list", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions[0].Packs = []formats.Pack{{Name: "weights"}, {Name: "lightning"}, {}}
	}, policy.Denied, "convert.unlisted a.bin, convert.unlisted a.bin"},
	{"the source's format is of no list", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Formats["a.bin"] = "pickle"
	}, policy.Denied, "format.denied a.bin"},
	{"a derived file that claims to be of the model", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Formats["a.safetensors"] = "torch"
	}, policy.Denied, "policy.phase a.safetensors"},

	// derived
	{"a derived file without digest", inspect, func(t testing.TB, s *scene) {
		s.bartUnpinned(t)
		s.facts.Inspect.Derived[0].Verity = manifest.Digest{}
	}, policy.Denied, "policy.phase"},
	{"derived files out of order", inspect, func(t testing.TB, s *scene) {
		s.bartUnpinned(t)
		s.facts.Inspect.Derived = append(s.facts.Inspect.Derived, s.facts.Inspect.Derived[0])
	}, policy.Denied, "policy.phase"},
	{"a derived file that was not measured", inspect, func(t testing.TB, s *scene) {
		s.bartUnpinned(t)
		s.facts.Inspect.Derived = bartDerived()[:1]
	}, policy.Denied, "policy.phase b.safetensors"},
	{"a derived file that nobody made", inspect, func(t testing.TB, s *scene) {
		s.bartUnpinned(t)
		s.facts.Inspect.Conversions = s.facts.Inspect.Conversions[:1]
	}, policy.Denied, "policy.phase b.safetensors"},
	{"no SHA-256 of a derived file", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Derived[1].SHA256 = manifest.Digest{}
	}, policy.Denied, "policy.phase b.safetensors"},
	{"a derived file in the place of another", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.policy, s.lock = loose, nil
		s.hold(manifest.Manifest{file("A.safetensors", ""), file("a.bin", "pickle"), file("b.bin", "pickles")})
		s.facts.Inspect.Formats["A.safetensors"] = policy.DataFormat
	}, policy.Denied, "derived.name a.bin"},
	{"two files converted into one", inspect, func(t testing.TB, s *scene) {
		s.bartUnpinned(t)
		s.facts.Inspect.Conversions[1].Derived = "A.SAFETENSORS"
		s.facts.Inspect.Derived = bartDerived()[:1]
	}, policy.Denied, "derived.name b.bin"},

	// derived pin
	{"unpinned output", inspect, func(t testing.TB, s *scene) { s.bart(); s.underived(t) }, policy.Denied, "derived.unpinned"},
	{"unpinned output that the entry takes", inspect, func(t testing.TB, s *scene) { s.bartUnpinned(t) }, policy.Pending, ""},
	{"unpinned output of an unpinned model", inspect, func(t testing.TB, s *scene) { s.bart(); s.policy, s.lock = loose, nil }, policy.Admitted, ""},
	{"unpinned output of an unpinned model, not taken", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.policy = strings.Replace(s.policy, "legacy]\n    pin: required", "legacy]\n    unpinned: true", 1)
		s.underived(t)
	}, policy.Denied, "derived.unpinned"},
	{"a pin that the entry does not ask for", inspect, func(t testing.TB, s *scene) {
		s.bartUnpinned(t)
		var err error
		s.lock, err = s.lock.With(policy.Pin{Name: "bart", Files: bartFiles(), Derived: bartDerived()})
		require.NoError(t, err)
		s.facts.Inspect.Derived[0] = file("a.safetensors", "TENSORS of a")
	}, policy.Denied, "derived.changed a.safetensors"},
	{"other output", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Derived[0] = file("a.safetensors", "TENSORS of a")
	}, policy.Denied, "derived.changed a.safetensors"},
	{"output of another size", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Derived[0] = file("a.safetensors", "tensors")
	}, policy.Denied, "derived.changed a.safetensors"},
	{"output of another SHA-256", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Derived[0].SHA256[0]++
	}, policy.Denied, "pin.inconsistent a.safetensors"},
	{"less output than is pinned", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions[0].Derived, s.facts.Inspect.Derived = "", bartDerived()[1:]
	}, policy.Denied, "derived.missing a.safetensors"},
	{"nothing converted, and output pinned", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions, s.facts.Inspect.Derived = nil, nil
	}, policy.Denied, "derived.missing a.safetensors, derived.missing b.safetensors"},
	{"more output than is pinned", inspect, func(t testing.TB, s *scene) {
		s.bart()
		var err error
		s.lock, err = s.lock.With(policy.Pin{Name: "bart", Files: bartFiles(), Derived: bartDerived()[:1]})
		require.NoError(t, err)
	}, policy.Denied, "derived.extra b.safetensors"},
	{"output under another name", inspect, func(t testing.TB, s *scene) {
		s.bart()
		s.facts.Inspect.Conversions[1].Derived, s.facts.Inspect.Derived[1].Name = "c.safetensors", "c.safetensors"
	}, policy.Denied, "derived.missing b.safetensors, derived.extra c.safetensors"},

	// findings
	{"below high", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", formats.Denied, formats.Medium)}
	}, policy.Pending, ""},
	{"high", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", formats.Denied, formats.High)}
	}, policy.Denied, "onnx.note m.onnx"},
	{"not rated", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", formats.Denied, 0)}
	}, policy.Denied, "onnx.note m.onnx"},
	{"rated beyond", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", formats.Denied, 77)}
	}, policy.Denied, "onnx.note m.onnx"},
	{"of no class", inspect, func(t testing.TB, s *scene) {
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", 77, formats.High)}
	}, policy.Denied, "onnx.note m.onnx"},
	{"a lower threshold", inspect, func(t testing.TB, s *scene) {
		s.draft()
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", formats.Denied, formats.Low)}
	}, policy.Denied, "onnx.note m.onnx"},
	{"a higher threshold", inspect, func(t testing.TB, s *scene) {
		s.unruly()
		s.facts.Inspect.Findings = []formats.Finding{found("onnx.note", formats.Denied, formats.High)}
	}, policy.Admitted, ""},
	{"what no threshold waives", inspect, func(t testing.TB, s *scene) {
		s.unruly()
		for _, code := range []formats.Code{"format.panic", "file.changed", "library.x", "limits.x", "file"} {
			s.facts.Inspect.Findings = append(s.facts.Inspect.Findings, found(code, formats.Denied, formats.Info))
		}
	}, policy.Denied, "file m.onnx, file.changed m.onnx, format.panic m.onnx, library.x m.onnx, limits.x m.onnx"},
	{"what was not read", inspect, func(t testing.TB, s *scene) {
		s.unruly()
		s.facts.Inspect.Findings = []formats.Finding{found("zip.deep", formats.Unverifiable, formats.Info)}
	}, policy.Unverifiable, "zip.deep m.onnx"},
	{"said twice", inspect, func(t testing.TB, s *scene) {
		f := found("onnx.note", formats.Denied, formats.High)
		s.facts.Inspect.Findings = []formats.Finding{f, f}
	}, policy.Denied, "onnx.note m.onnx"},
	{"findings of the listing", stat, func(t testing.TB, s *scene) {
		s.facts.Stat.Findings = []formats.Finding{found("limits.files", formats.Unverifiable, formats.High)}
	}, policy.Unverifiable, "limits.files m.onnx"},
	{"findings of the copy", digest, func(t testing.TB, s *scene) {
		s.facts.Digest.Findings = []formats.Finding{found("file.changed", formats.Denied, formats.Critical)}
	}, policy.Denied, "file.changed m.onnx"},

	// libraries
	{"no library rule", librar, func(t testing.TB, s *scene) { s.unruly() }, policy.Denied, "library.missing"},
	{"no library named", librar, func(t testing.TB, s *scene) { s.facts.Library.Files = nil }, policy.Denied, "library.missing"},
	{"library without digest", librar, func(t testing.TB, s *scene) { s.facts.Library.Files[0].Verity = manifest.Digest{} }, policy.Denied, "policy.phase"},
	{"library not pinned", librar, func(t testing.TB, s *scene) { s.facts.Library.Files[0] = library("liba.so", "a") }, policy.Denied, "library.unpinned liba.so"},
	{"library under another name", librar, func(t testing.TB, s *scene) { s.facts.Library.Files[0] = library("liba.so", "ort") }, policy.Denied, "library.unpinned liba.so"},
	{"library changed", librar, func(t testing.TB, s *scene) { s.facts.Library.Files[0] = library("libonnxruntime.so.1", "x") }, policy.Denied, "library.changed libonnxruntime.so.1"},
	{"the same library again", librar, func(t testing.TB, s *scene) { s.facts.Library.Opened = s.facts.Library.Files.Identity() }, policy.Pending, ""},
	{"a second library", librar, func(t testing.TB, s *scene) { s.facts.Library.Opened = manifest.Digest{1} }, policy.Denied, "library.other"},

	// session
	{"device", session, func(t testing.TB, s *scene) { s.facts.Session.Device = "tpu" }, policy.Denied, "session.device"},
	{"no device", session, func(t testing.TB, s *scene) { s.facts.Session.Device = "" }, policy.Denied, "session.device"},
	{"no session rule", session, func(t testing.TB, s *scene) { s.draft(); s.facts.Session.CPUNodes = nil }, policy.Denied, "session.device"},
	{"nodes on the CPU", session, func(t testing.TB, s *scene) {
		s.facts.Session.CPUNodes = []string{"MatMul:/a", "Shape:/b", "Gather:/a", "MatMul"}
	}, policy.Denied,
		"session.fallback, session.fallback, session.fallback"},
}

func TestDecide(t *testing.T) {
	for _, c := range golden {
		t.Run(c.phase.String()+"/"+c.name, func(t *testing.T) {
			s := newScene(t)
			if c.spoil != nil {
				c.spoil(t, s)
			}
			d := s.decide(t, c.phase)
			var got []string
			for _, r := range d.Reasons {
				got = append(got, strings.TrimSpace(string(r.Code)+" "+formats.Quote(r.File)))
			}
			require.Equal(t, c.codes, strings.Join(got, ", "))
			require.Equal(t, c.verdict, d.Verdict)
			require.Equal(t, c.phase, d.Phase)
			require.Equal(t, len(d.Reasons) > 0, d.Refused())
		})
	}
}

// Every code has a row above that raises it, and every reason of a rule has a
// detail and what the table says of its code.
func TestCodes(t *testing.T) {
	raised := map[formats.Code]bool{}
	for _, c := range golden {
		s := newScene(t)
		if c.spoil != nil {
			c.spoil(t, s)
		}
		for _, r := range s.decide(t, c.phase).Reasons {
			raised[r.Code] = true
			require.NotEmpty(t, r.Rule)
			if r.Rule == "findings" || r.Rule == "content" { // of whoever found it
				continue
			}
			info := policy.Codes()[slices.IndexFunc(policy.Codes(), func(i formats.CodeInfo) bool { return i.Code == r.Code })]
			require.Equal(t, info, formats.CodeInfo{Code: r.Code, Class: r.Class, Severity: r.Severity, Advice: r.Advice})
			require.NotEmpty(t, r.Detail, r.Code)
		}
	}
	for _, c := range trusted {
		for _, r := range c.decide(t).Reasons {
			raised[r.Code] = true
			require.NotEmpty(t, r.Detail, r.Code)
		}
	}
	seen := map[formats.Code]bool{}
	for _, info := range policy.Codes() {
		require.True(t, raised[info.Code], "%s is never raised", info.Code)
		require.False(t, seen[info.Code], "%s is listed twice", info.Code)
		require.NotEmpty(t, info.Advice, info.Code)
		require.NotZero(t, info.Severity, info.Code)
		seen[info.Code] = true
	}
}

func TestDecideExplains(t *testing.T) {
	for _, c := range []struct {
		phase policy.Phase
		spoil func(s *scene)
		want  []string
	}{
		{stat, func(s *scene) { s.facts.Stat.Files[2].Size = 77 }, []string{"77 bytes", "pinned with 5"}},
		{stat, func(s *scene) { s.hold(manifest.Manifest{file("m.onnx", "another graph")}) }, []string{
			`"bert"`, manifest.Manifest{file("m.onnx", "another graph")}.Identity().String(), `"ocr"`, ocrFiles().Identity().String()}},
		{digest, func(s *scene) { s.facts.Digest.Manifest[2] = file("m.onnx", "GRAPH") }, []string{
			file("", "GRAPH").Verity.String(), file("", "graph").Verity.String()}},
		{digest, func(s *scene) { s.facts.Digest.Manifest[2].SHA256 = sha256.Sum256(nil) }, []string{
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", file("", "graph").SHA256.String()}},
		{inspect, func(s *scene) { s.facts.Inspect.Formats["m.onnx"] = "evil\x1b" }, []string{`"evil\x1b"`, "onnx"}},
		{inspect, func(s *scene) { s.bart(); s.facts.Inspect.Conversions[0].Sandbox = 1 }, []string{"level seccomp", "asks for landlock"}},
		{inspect, func(s *scene) { s.bart(); s.facts.Inspect.Conversions[0].Packs = []formats.Pack{{Name: "evil\x1b"}} }, []string{`"evil\x1b"`, "numpy, weights"}},
		{inspect, func(s *scene) { s.bart(); s.facts.Inspect.Derived[0] = file("a.safetensors", "TENSORS of a") }, []string{
			file("", "TENSORS of a").Verity.String(), file("", "tensors of a").Verity.String()}},
		{inspect, func(s *scene) { s.bart(); s.facts.Inspect.Derived[0] = file("a.safetensors", "tensors") }, []string{"7 bytes", "pinned with 12"}},
		{librar, func(s *scene) { s.facts.Library.Files[0] = library("liba.so", "ort") }, []string{`"libonnxruntime.so.1"`}},
		{session, func(s *scene) { s.facts.Session.CPUNodes = []string{"MatMul:/a"} }, []string{`"MatMul:/a"`, `"cuda"`}},
	} {
		s := newScene(t)
		c.spoil(s)
		d := s.decide(t, c.phase)
		require.Len(t, d.Reasons, 1)
		for _, want := range c.want {
			require.Contains(t, d.Reasons[0].Detail, want)
		}
	}
}

func TestReasonsAreSorted(t *testing.T) {
	s := newScene(t)
	at := func(file string, offset int64, code formats.Code) formats.Finding {
		return formats.Finding{Code: code, Severity: formats.High, File: file, Offset: offset}
	}
	s.facts.Inspect.Formats["m.onnx"] = "torch"
	s.facts.Inspect.Findings = []formats.Finding{at("b", 2, "x.a"), at("b", 1, "x.b"), at("b", 1, "x.a"), at("a", 9, "x.z")}
	var got []string
	for _, r := range s.decide(t, inspect).Reasons {
		got = append(got, r.Rule+" "+r.Finding.String())
	}
	require.Equal(t, []string{`formats format.denied m.onnx: "torch", and the policy takes onnx`,
		"content x.z a@9", "content x.a b@1", "content x.b b@1", "content x.a b@2"}, got)
}

func TestZeroRulesDeny(t *testing.T) {
	facts := newScene(t).facts
	for name, r := range map[string]*policy.Rules{"nil": nil, "zero": {}} {
		for p := range session + 2 {
			for _, f := range []*policy.Facts{nil, {}, &facts} {
				d := r.Decide(p, f)
				require.Equal(t, policy.Denied, d.Verdict, "%s %s", name, p)
				require.Len(t, d.Reasons, 1)
				require.Equal(t, policy.CodeNoMatch, d.Reasons[0].Code)
				require.True(t, d.Refused())
			}
		}
	}
	require.Contains(t, (*policy.Rules)(nil).Decide(stat, &facts).Reasons[0].Detail, `"ocr" from a source of the kind "dir"`)
}

func TestNilFactsDeny(t *testing.T) {
	rules := mustParse(t, unruly, nil).For("ocr", policy.Origin{Kind: "dir"})
	for p := range session + 2 {
		d := rules.Decide(p, nil)
		require.Equal(t, policy.Denied, d.Verdict)
		require.Equal(t, policy.CodePhase, d.Reasons[0].Code)
	}
}

func TestPhaseAndVerdictText(t *testing.T) {
	for p := stat; p <= session; p++ {
		text, err := p.MarshalText()
		require.NoError(t, err)
		var back policy.Phase
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, p, back)
	}
	var p policy.Phase
	require.Error(t, p.UnmarshalText([]byte("phase 0")))
	require.Equal(t, "phase 0", policy.Phase(0).String())
	for v := policy.Denied; v <= policy.Admitted; v++ {
		text, err := v.MarshalText()
		require.NoError(t, err)
		var back policy.Verdict
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, v, back)
	}
	var v policy.Verdict
	require.Error(t, v.UnmarshalText([]byte("clean")))
	require.Equal(t, "denied", policy.Verdict(99).String())
	require.True(t, policy.Decision{}.Refused())
	require.True(t, policy.Decision{Verdict: 99}.Refused())
}
