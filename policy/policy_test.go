package policy_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// minimal is the shortest policy; tests replace parts of it.
const minimal = `version: 1
models:
  - name: ocr
    source: [dir]
    formats: [onnx]
    unpinned: true
`

// full says everything that can be said.
const full = `# a comment
version: 1
mode: enforce
lock: weightgate.lock
libraries: pinned
models:
  - name: ocr
    source: [hub, dir]
    repository: acme/ocr
    commit: "0123456789012345678901234567890123456789"
    formats: [safetensors, onnx]
    pin: required
    files: {only: ["*.onnx", dict/*.txt]}
    companions: ["*.txt"]
    findings: {refuse: medium}
    measure: [sha256]
    session: {device: [cuda, cpu], cpu_nodes: [Shape, /head/Gather]}
    limits: {bytes: 1, depth: 2, files: 3, fold: 4, header: 5, inflate: 9, nesting: 6, nodes: 7, tensors: 8}
  - name: draft-*
    source: [fs, file]
    formats: [onnx]
    unpinned: true
    findings: {refuse: high}
`

const fullJSON = `{"libraries":"pinned","lock":"weightgate.lock","models":[` +
	`{"commit":"0123456789012345678901234567890123456789","companions":["*.txt"],"files":{"only":["*.onnx","dict/*.txt"]},` +
	`"findings":{"refuse":"medium"},"formats":["onnx","safetensors"],` +
	`"limits":{"bytes":1,"depth":2,"files":3,"fold":4,"header":5,"inflate":9,"nesting":6,"nodes":7,"tensors":8},` +
	`"measure":["sha256"],"name":"ocr","pin":"required","repository":"acme/ocr",` +
	`"session":{"cpu_nodes":["/head/Gather","Shape"],"device":["cpu","cuda"]},"source":["dir","hub"]},` +
	`{"formats":["onnx"],"name":"draft-*","source":["file","fs"],"unpinned":true}],"version":1}`

func emptyLock() []byte { return (&policy.Lock{}).Encode() }

func mustParse(t testing.TB, text string, lock []byte) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text), lock)
	require.NoError(t, err)
	return p
}

func TestCanonicalJSON(t *testing.T) {
	p := mustParse(t, full, emptyLock())
	require.Equal(t, fullJSON, string(p.JSON()))
	require.Equal(t, []string{"ocr", "draft-*"}, p.Names())
	require.Equal(t, []string{"onnx", "safetensors"}, p.Formats())

	again := mustParse(t, string(p.JSON()), emptyLock())
	require.Equal(t, p.JSON(), again.JSON())
	require.Equal(t, p.Digest(), again.Digest())

	var generic any
	require.NoError(t, json.Unmarshal(p.JSON(), &generic))
	sorted, err := json.Marshal(generic)
	require.NoError(t, err)
	require.Equal(t, string(sorted), string(p.JSON()), "keys are sorted")
}

func TestConvertKey(t *testing.T) {
	entry := func(convert string) string {
		return strings.Replace(minimal, "models:", "lock: weightgate.lock\nmodels:", 1) + "    convert: " + convert + "\n"
	}
	for _, c := range []struct {
		text, json string
		want       policy.Convert
	}{
		{"{packs: [weights]}", `{"packs":["weights"]}`,
			policy.Convert{Packs: []string{"weights"}, Sandbox: formats.SandboxSeccomp}},
		{"{packs: [weights], unknown: deny, sandbox: seccomp}", `{"packs":["weights"]}`,
			policy.Convert{Packs: []string{"weights"}, Sandbox: formats.SandboxSeccomp}},
		{"{packs: [weights, numpy], unknown: extract, root: model.state_dict, sandbox: full, unpinned: true}",
			`{"packs":["numpy","weights"],"root":"model.state_dict","sandbox":"full","unknown":"extract","unpinned":true}`,
			policy.Convert{Packs: []string{"numpy", "weights"}, Extract: true, Root: "model.state_dict", Sandbox: formats.SandboxFull}},
		{"{packs: [training-args], sandbox: landlock}", `{"packs":["training-args"],"sandbox":"landlock"}`,
			policy.Convert{Packs: []string{"training-args"}, Sandbox: formats.SandboxLandlock}},
	} {
		p := mustParse(t, entry(c.text), emptyLock())
		require.Contains(t, string(p.JSON()), `{"convert":`+c.json+`,"formats"`)
		require.Equal(t, p.Digest(), mustParse(t, string(p.JSON()), emptyLock()).Digest())
		require.True(t, p.Converts())
		require.Equal(t, c.want.Packs, p.Packs())

		rules := p.For("ocr", policy.Origin{Kind: "dir"})
		got, ok := rules.Convert()
		require.True(t, ok)
		require.Equal(t, c.want, got)
		got.Packs[0] = "other"
		got, _ = rules.Convert()
		require.Equal(t, c.want, got, "the caller's copy")
	}

	p := mustParse(t, entry("{packs: [weights, numpy]}")+`  - {name: bert, source: [dir], formats: [torch], unpinned: true, convert: {packs: [weights, lightning]}}
  - {name: onnx, source: [dir], formats: [onnx], unpinned: true}
`, emptyLock())
	require.Equal(t, []string{"lightning", "numpy", "weights"}, p.Packs())
	_, ok := p.For("onnx", policy.Origin{Kind: "dir"}).Convert()
	require.False(t, ok, "each entry has its own word")

	p = mustParse(t, minimal, nil)
	require.False(t, p.Converts())
	require.Empty(t, p.Packs())
	p = mustParse(t, minimal+"    convert: {packs: [weights], unpinned: true}\n", nil)
	require.True(t, p.Converts(), "what is not pinned needs no lock")
}

// Keys that are added within a version change no digest of what does not say them.
func TestPolicyDigestStays(t *testing.T) {
	require.Equal(t, "059818304886eae1431257cf10106e50ddd4484ea3f5ead315419f3ff274267d", mustParse(t, minimal, nil).Digest().String())
	require.Equal(t, "14f15cc1d9f2269c19edf6f994449db00d5b3be9a91ec72ff0ef1938cc0521a4", mustParse(t, full, emptyLock()).Digest().String())
}

func TestPolicyDigest(t *testing.T) {
	p := mustParse(t, minimal, nil)
	b := binary.LittleEndian.AppendUint64([]byte("weightgate.policy.v1\x00"), uint64(len(p.JSON())))
	b = append(b, p.JSON()...)
	lock := sha256.Sum256([]byte("weightgate.lock v1\n"))
	require.Equal(t, manifest.Digest(sha256.Sum256(append(b, lock[:]...))), p.Digest())

	spelled := strings.ReplaceAll(minimal, "\n", "\r\n") + "# the same in other words\r\nmode: enforce\r\n"
	require.Equal(t, p.Digest(), mustParse(t, spelled, nil).Digest())

	a := mustParse(t, full, emptyLock())
	b1, err := a.Lock().WithLibrary(manifest.Entry{Name: "libonnxruntime.so.1", Verity: manifest.Digest{1}})
	require.NoError(t, err)
	require.NotEqual(t, a.Digest(), mustParse(t, full, b1.Encode()).Digest(), "another lock, another digest")
}

func TestPolicySyntax(t *testing.T) {
	in := func(old, replacement string) string { return strings.Replace(minimal, old, replacement, 1) }
	for _, c := range []struct {
		name, text   string
		line, column int
		msg          string
	}{
		{"empty", "", 1, 0, "empty"},
		{"comments alone", "# nothing\n", 1, 0, "empty"},
		{"null document", "---\n", 2, 1, "not null"},
		{"no keys", "{}", 1, 1, "empty"},
		{"a list", "- a\n", 1, 1, "not a list"},
		{"not YAML", minimal + "x: [\n", 7, 0, ""},
		{"not YAML on the first line", "\"version", 1, 0, ""},
		{"tabs", "version: 1\nmodels:\n\t- name: a\n", 3, 0, "cannot start any token"},

		{"unknown key", minimal + "modells: []\n", 7, 1, `no key "modells"`},
		{"unknown key of a model", in("unpinned", "unpined"), 6, 5, `no key "unpined"`},
		{"signatures without keys", minimal + "    signatures: {}\n", 7, 17, "signatures is empty"},
		{"duplicate key", minimal + "version: 1\n", 7, 1, "occurs twice"},
		{"duplicate key in quotes", minimal + "\"version\": 1\n", 7, 1, "occurs twice"},
		{"complex key", in("name: ocr", "? [name]\n    : ocr"), 3, 7, "a key is a string"},
		{"merge", in("name: ocr", "<<: {name: ocr}"), 3, 5, "merges"},
		{"anchor", in("ocr", "&a ocr"), 3, 11, "anchors"},
		{"anchor of a mapping", in("- name", "- &a\n    name"), 3, 5, "anchors"},
		{"alias", in("ocr", "&a ocr") + "lock: *a\n", 3, 11, "anchors"},
		{"alias of nothing", in("ocr", "*all"), 3, 0, "in quotes"},
		{"glob without quotes", in("ocr", "*.onnx"), 3, 0, "in quotes"},
		{"alias bomb", "a: &a [x, x]\nb: &b [*a, *a]\nversion: [*b, *b]\n", 1, 4, "anchors"},
		{"tag", in("ocr", "!!str ocr"), 3, 11, "tags"},
		{"own tag", in("ocr", "!mine ocr"), 3, 11, "tags"},
		{"lone tag", in("ocr", "! ocr"), 3, 11, "tags"},
		{"tag of a key", in("name", "! name"), 3, 5, "tags"},
		{"lone tag behind wide letters", in("[onnx]", "[\"ééé\", ! b]"), 5, 22, "tags"},
		{"tag of a list", in("[dir]", "!!seq [dir]"), 4, 13, "tags"},
		{"lone tag of a list", in("[dir]", "! [dir]"), 4, 13, "tags"},
		{"directive", "%YAML 1.2\n---\n" + minimal, 1, 1, "directives"},
		{"second document", minimal + "---\n" + minimal, 7, 1, "further document"},
		{"second empty document", minimal + "---\n", 7, 1, "further document"},
		{"nested too deep", "version: " + strings.Repeat("[", 20) + strings.Repeat("]", 20), 1, 26, "nested deeper"},
		{"nested far too deep", strings.Repeat("[", 20000), 1, 0, "depth"},
		{"too long", minimal + strings.Repeat("#\n", 1<<19), 0, 0, "longer than"},

		{"null", in("ocr", "null"), 3, 11, "not null"},
		{"tilde", in("ocr", "~"), 3, 11, "not null"},
		{"no value", in(" ocr", ""), 3, 10, "not null"},
		{"yes", in("true", "yes"), 6, 15, "expected true"},
		{"yes as a string", in("ocr", "yes"), 3, 11, "put it in quotes"},
		{"On", in("ocr", "On"), 3, 11, "put it in quotes"},
		{"n", in("ocr", "n"), 3, 11, "put it in quotes"},
		{"True", in("true", "True"), 6, 15, "expected true"},
		{"true in quotes", in("true", `"true"`), 6, 15, "expected true"},
		{"false", in("true", "false"), 6, 15, "expected true"},
		{"boolean as a string", in("ocr", "true"), 3, 11, "put it in quotes"},
		{"underscores", in("version: 1", "version: 1_0"), 1, 10, "whole number"},
		{"plus", in("version: 1", "version: +1"), 1, 10, "whole number"},
		{"hexadecimal", in("version: 1", "version: 0x1"), 1, 10, "whole number"},
		{"octal", in("version: 1", "version: 01"), 1, 10, "whole number"},
		{"fraction", in("version: 1", "version: 1.0"), 1, 10, "whole number"},
		{"exponent", in("version: 1", "version: 1e0"), 1, 10, "whole number"},
		{"number in quotes", in("version: 1", `version: "1"`), 1, 10, "whole number"},
		{"zero", in("unpinned: true", "unpinned: true\n    limits: {files: 0}"), 7, 21, "whole number"},
		{"negative", in("unpinned: true", "unpinned: true\n    limits: {files: -1}"), 7, 21, "whole number"},
		{"beyond int64", in("unpinned: true", "unpinned: true\n    limits: {bytes: 9223372036854775808}"), 7, 21, "too large"},
		{"number as a string", in("ocr", "12"), 3, 11, "put it in quotes"},
		{"hexadecimal as a string", in("ocr", "0x10"), 3, 11, "put it in quotes"},
		{"underscores as a string", in("ocr", "1_000"), 3, 11, "put it in quotes"},
		{"infinity", in("ocr", ".inf"), 3, 11, "put it in quotes"},
		{"date", in("ocr", "2026-01-02"), 3, 11, "put it in quotes"},
		{"base 60", in("ocr", "1:30"), 3, 11, "put it in quotes"},
		{"version-like", in("ocr", "1.2.3"), 3, 11, "put it in quotes"},
		{"default key", in("ocr", "="), 3, 11, "put it in quotes"},
		{"not UTF-8", in("ocr", "o\xffr"), 3, 12, "UTF-8"},
		{"UTF-16", "\xff\xfev\x00", 1, 1, "UTF-8"},
		{"byte order mark", "\uFEFF" + minimal, 1, 1, "U+FEFF"},
		{"text that runs backwards", in("unpinned: true", "unpinned: true # \u202Eeurt"), 6, 22, "U+202E"},
		{"zero byte", in("ocr", "o\x00r"), 3, 12, "U+0000"},
		{"lone carriage return", in("ocr\n", "ocr\r"), 3, 14, "U+000D"},
		{"line break of YAML alone", in("ocr", "o\u2028r"), 3, 12, "U+2028"},
		{"escaped control character", in("[onnx]", `["\u0007"]`), 5, 15, "not printable"},

		{"wrong type: list for a string", in("ocr", "[ocr]"), 3, 11, "not a list"},
		{"wrong type: mapping for a string", in("ocr", "{a: b}"), 3, 11, "not a mapping"},
		{"wrong type: string for a list", in("[dir]", "dir"), 4, 13, "expected a list"},
		{"wrong type: string for a mapping", minimal + "    session: cpu\n", 7, 14, "session is a mapping"},
		{"wrong type: models", "version: 1\nmodels: all\n", 2, 9, "models is a list"},
		{"wrong type: model", "version: 1\nmodels: [all]\n", 2, 10, "a model is a mapping"},
		{"wrong type: item", in("[dir]", "[[dir]]"), 4, 14, "not a list"},

		{"no version", strings.TrimPrefix(minimal, "version: 1\n"), 1, 1, "version"},
		{"later version", in("version: 1", "version: 2"), 1, 1, "version"},
		{"unknown mode", minimal + "mode: log\n", 7, 7, "is not enforce, audit"},
		{"no rules", "version: 1\n", 1, 1, "no models"},
		{"no models", "version: 1\nmodels: []\n", 1, 1, "no models"},
		{"no name", in("name: ocr\n    ", ""), 3, 5, "without name"},
		{"empty name", in("ocr", `""`), 3, 11, "empty"},
		{"two stars", in("ocr", "o*c*"), 3, 11, "no model name"},
		{"name with a space", in("ocr", "my model"), 3, 11, "no model name"},
		{"no source", in("    source: [dir]\n", ""), 3, 5, "names no source"},
		{"empty source", in("[dir]", "[]"), 4, 13, "the list is empty"},
		{"unknown source", in("[dir]", "[s3]"), 4, 14, "is not dir, file, fs, hub"},
		{"source twice", in("[dir]", "[dir, dir]"), 4, 19, "occurs twice"},
		{"source twice, and not beside itself", in("[dir]", "[hub, dir, fs,\n      hub, dir]"), 5, 7, `"hub" occurs twice`},
		{"no formats", in("    formats: [onnx]\n", ""), 3, 5, "names no formats"},
		{"empty formats", in("[onnx]", "[]"), 5, 14, "the list is empty"},
		{"format in capitals", in("[onnx]", "[ONNX]"), 5, 15, "no name of a format"},
		{"data as a format", in("[onnx]", "[data]"), 5, 15, "belongs to a graph"},
		{"neither pinned nor unpinned", in("    unpinned: true\n", ""), 3, 5, "neither"},
		{"pinned and unpinned", minimal + "    pin: required\n", 3, 5, "both"},
		{"optional pin", in("unpinned: true", "pin: optional"), 6, 10, "is not required"},
		{"pin without lock", in("unpinned: true", "pin: required"), 3, 5, "names none"},
		{"libraries without lock", minimal + "libraries: pinned\n", 1, 1, "names none"},
		{"libraries of any kind", minimal + "libraries: any\n", 7, 12, "is not pinned"},
		{"lock elsewhere", minimal + "lock: ../weightgate.lock\n", 7, 7, "plain file name"},
		{"lock in a stream of Windows", minimal + "lock: \"a:b\"\n", 7, 7, "plain file name"},
		{"commit of a directory", minimal + "    commit: " + strings.Repeat("ab", 20) + "\n", 3, 5, "no hub"},
		{"branch for a commit", minimal + "    commit: main\n", 7, 13, "no commit"},
		{"repository that climbs", minimal + "    repository: ../a\n", 7, 17, "shortest form"},
		{"glob", minimal + "    files: {only: [\"[\"]}\n", 7, 20, "no pattern"},
		{"files without only", minimal + "    files: {}\n", 7, 12, "files is empty"},
		{"severity", minimal + "    findings: {refuse: none}\n", 7, 24, "is not info"},
		{"measure", minimal + "    measure: [md5]\n", 7, 15, "is not sha256"},
		{"session without libraries", minimal + "    session: {device: [cpu]}\n", 3, 5, "say libraries: pinned"},
		{"device", minimal + "    session: {device: [tpu]}\n", 7, 24, "is not cpu, cuda"},
		{"session without device", minimal + "    session: {cpu_nodes: [Shape]}\n", 7, 14, "names no device"},
		{"convert without keys", minimal + "    convert: {}\n", 7, 14, "convert is empty"},
		{"convert without packs", minimal + "    convert: {unknown: extract, unpinned: true}\n", 7, 14, "names no packs"},
		{"convert by no pack", minimal + "    convert: {packs: []}\n", 7, 22, "the list is empty"},
		{"convert by one pack", minimal + "    convert: {packs: weights}\n", 7, 22, "expected a list"},
		{"pack in capitals", minimal + "    convert: {packs: [Weights]}\n", 7, 23, "no name of a pack"},
		{"pack in a directory", minimal + "    convert: {packs: [a/b]}\n", 7, 23, "no name of a pack"},
		{"pack twice", minimal + "    convert: {packs: [weights, numpy, weights]}\n", 7, 39, "occurs twice"},
		{"unknown globals", minimal + "    convert: {packs: [weights], unknown: allow}\n", 7, 42, "is not deny, extract"},
		{"no sandbox", minimal + "    convert: {packs: [weights], sandbox: none}\n", 7, 42, "is not seccomp, landlock, full"},
		{"empty root", minimal + "    convert: {packs: [weights], root: ''}\n", 7, 39, "empty"},
		{"output pinned twice over", minimal + "    convert: {packs: [weights], pin: required}\n", 7, 33, `no key "pin"`},
		{"output that may be pinned", minimal + "    convert: {packs: [weights], unpinned: false}\n", 7, 43, "expected true"},
		{"unknown key of convert", minimal + "    convert: {packs: [weights], pack: a}\n", 7, 33, `no key "pack"`},
		{"converted without lock", minimal + "    convert: {packs: [weights]}\n", 3, 5, "names none"},
		{"unknown limit", minimal + "    limits: {time: 1}\n", 7, 14, `no key "time"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := policy.Parse([]byte(c.text), nil)
			require.Nil(t, p)
			var parse *policy.ParseError
			require.ErrorAs(t, err, &parse)
			require.Equal(t, "policy", parse.File)
			require.Equal(t, c.line, parse.Line, parse)
			require.Equal(t, c.column, parse.Column, parse)
			require.Contains(t, parse.Msg, c.msg)
			require.Less(t, len(parse.Error()), 600)
		})
	}
}

func TestPolicySpellings(t *testing.T) {
	want := mustParse(t, minimal, nil).Digest()
	for name, text := range map[string]string{
		"a document's borders": "---\n" + minimal + "...\n",
		"quotes":               strings.Replace(minimal, "name: ocr", `"name": 'ocr'`, 1),
		"JSON":                 `{"version": 1, "models": [{"name": "ocr", "source": ["dir"], "formats": ["onnx"], "unpinned": true}]}`,
		"block list":           strings.Replace(minimal, "[dir]", "\n      - dir", 1),
	} {
		require.Equal(t, want, mustParse(t, text, nil).Digest(), name)
	}
}

func TestParseErrorText(t *testing.T) {
	e := &policy.ParseError{File: "policy.yaml", Msg: "no"}
	require.EqualError(t, e, "policy.yaml: no")
	e.Line = 3
	require.EqualError(t, e, "policy.yaml:3: no")
	e.Column = 7
	require.EqualError(t, e, "policy.yaml:3:7: no")
}

func TestLockOfPolicy(t *testing.T) {
	_, err := policy.Parse([]byte(full), nil)
	parse, ok := errors.AsType[*policy.ParseError](err)
	require.True(t, ok, "the policy names a lock")
	require.Equal(t, "lock", parse.File)
	require.Equal(t, 1, parse.Line)

	_, err = policy.Parse([]byte(minimal), emptyLock())
	parse, ok = errors.AsType[*policy.ParseError](err)
	require.True(t, ok, "the policy names no lock")
	require.Equal(t, "policy", parse.File)
}

func TestZeroPolicy(t *testing.T) {
	for name, p := range map[string]*policy.Policy{"nil": nil, "zero": {}} {
		require.Nil(t, p.For("ocr", policy.Origin{Kind: "dir"}), name)
		require.True(t, p.Digest().IsZero(), name)
		require.NotNil(t, p.Lock(), name)
		require.Empty(t, p.Lock().Names(), name)
		require.Empty(t, p.LockPath(), name)
		require.Empty(t, p.JSON(), name)
		require.Empty(t, p.Names(), name)
		require.Empty(t, p.Formats(), name)
		require.Empty(t, p.Packs(), name)
		require.False(t, p.Converts(), name)
		require.False(t, p.Beneath(nil), name)
	}
}

func TestFor(t *testing.T) {
	commit := strings.Repeat("ab", 20)
	p := mustParse(t, `version: 1
models:
  - {name: ocr, source: [dir], formats: [onnx], unpinned: true, limits: {files: 1}}
  - {name: ocr, source: [dir, file], formats: [onnx], unpinned: true, limits: {files: 2}}
  - {name: bert-*, source: [hub, fs], repository: acme/bert, commit: `+commit+`, formats: [onnx], unpinned: true, limits: {files: 3}}
  - {name: "*", source: [hub], formats: [onnx], unpinned: true, limits: {files: 4}}
`, nil)
	hub := func(repository, commit string) policy.Origin {
		return policy.Origin{Kind: "hub", Repository: repository, Commit: commit}
	}
	for _, c := range []struct {
		name   string
		origin policy.Origin
		want   int // its limits.files, 0: no match
	}{
		{"ocr", policy.Origin{Kind: "dir"}, 1},
		{"ocr", policy.Origin{Kind: "file"}, 2},
		{"ocr", policy.Origin{Kind: "fs"}, 0},
		{"ocr", policy.Origin{}, 0},
		{"ocr2", policy.Origin{Kind: "dir"}, 0},
		{"OCR", policy.Origin{Kind: "dir"}, 0},
		{"", policy.Origin{Kind: "dir"}, 0},
		{"bert-", policy.Origin{Kind: "fs"}, 3},
		{"bert-base", policy.Origin{Kind: "fs"}, 3},
		{"bert-*", policy.Origin{Kind: "fs"}, 0},
		{"bert", policy.Origin{Kind: "fs"}, 0},
		{"bert-base", hub("acme/bert", commit), 3},
		{"bert-base", hub("acme/bert", "main"), 4},
		{"bert-base", hub("evil/bert", commit), 4},
		{"any/thing@v1", hub("", ""), 4},
		{"../climbs", hub("", ""), 0},
		{"a name", hub("", ""), 0},
		{"a\nname", hub("", ""), 0},
		{strings.Repeat("a", 257), hub("", ""), 0},
	} {
		r := p.For(c.name, c.origin)
		require.Equal(t, c.want != 0, r != nil, "%q from %v", c.name, c.origin)
		require.Equal(t, c.want, r.Limits().MaxFiles, "%q from %v", c.name, c.origin)
	}
}

func TestRules(t *testing.T) {
	files := manifest.Manifest{{Name: "m.onnx", Size: 1, Verity: manifest.Digest{1}, SHA256: manifest.Digest{2}}}
	lock, err := (&policy.Lock{}).With(policy.Pin{Name: "ocr", Files: files})
	require.NoError(t, err)
	p := mustParse(t, full, lock.Encode())

	r := p.For("ocr", policy.Origin{Kind: "dir"})
	require.Equal(t, formats.Limits{MaxBytes: 1, MaxDepth: 2, MaxFiles: 3, MaxFold: 4, MaxHeader: 5, MaxInflate: 9, MaxNesting: 6, MaxNodes: 7, MaxTensors: 8}, r.Limits())
	require.True(t, r.SHA256())
	require.True(t, r.Vouched())
	require.Equal(t, files, r.Pin())
	r.Pin()[0].Size = 99
	require.Equal(t, files, r.Pin(), "the caller's copy")
	require.Equal(t, []policy.Phase{policy.PhaseStat, policy.PhaseDigest, policy.PhaseInspect, policy.PhaseLibrary, policy.PhaseSession}, r.Opens(0))
	require.Equal(t, []policy.Phase{policy.PhaseLibrary, policy.PhaseSession}, r.Opens(policy.PhaseInspect))
	require.Equal(t, []policy.Phase{policy.PhaseSession}, r.Opens(policy.PhaseLibrary))
	require.Empty(t, r.Opens(policy.PhaseSession))
	require.Empty(t, r.Opens(255))
	for name, want := range map[string]bool{
		"m.onnx": true, "sub/m.onnx": true, "dict/a.txt": true,
		"a.txt": false, "x/dict/a.txt": false, "dict/a/b.txt": false, "m.onnx.bak": false, "": false,
	} {
		require.Equal(t, want, r.Keep(name), name)
	}

	r = p.For("draft-1", policy.Origin{Kind: "fs"})
	require.Zero(t, r.Limits())
	require.False(t, r.SHA256())
	require.False(t, r.Vouched())
	require.Nil(t, r.Pin())
	require.True(t, r.Keep("anything"))
	require.Equal(t, []policy.Phase{policy.PhaseLibrary}, r.Opens(policy.PhaseInspect), "libraries are pinned for all, sessions are not named")

	for name, r := range map[string]*policy.Rules{"nil": nil, "zero": {}} {
		require.Zero(t, r.Limits(), name)
		require.False(t, r.Keep("m.onnx"), name)
		require.False(t, r.SHA256(), name)
		require.False(t, r.Pinned(), name)
		require.False(t, r.Vouched(), name)
		_, converts := r.Convert()
		require.False(t, converts, name)
		require.Nil(t, r.Pin(), name)
		require.Empty(t, r.Opens(0), name)
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, text, 0o644))
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "service", "policy.yaml")
	write(t, path, []byte(full))

	p, err := policy.Open(path)
	require.ErrorIs(t, err, fs.ErrNotExist, "the lock is not there yet")
	require.Nil(t, p)
	p, err = policy.Open(path, policy.WithoutLock())
	require.NoError(t, err)
	require.Empty(t, p.Lock().Names())

	write(t, filepath.Join(dir, "service", "weightgate.lock"), emptyLock())
	p, err = policy.Open(path)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "service", "weightgate.lock"), p.LockPath())
	require.Equal(t, mustParse(t, full, emptyLock()).Digest(), p.Digest())

	write(t, p.LockPath(), []byte("weightgate.lock v2\n"))
	p, err = policy.Open(path, policy.WithoutLock())
	require.Nil(t, p)
	parse, ok := errors.AsType[*policy.ParseError](err)
	require.True(t, ok)
	require.Equal(t, filepath.Join(dir, "service", "weightgate.lock"), parse.File)

	write(t, path, []byte("version: 2\n"))
	_, err = policy.Open(path)
	parse, ok = errors.AsType[*policy.ParseError](err)
	require.True(t, ok)
	require.Equal(t, path, parse.File)

	write(t, path, bytes.Repeat([]byte("#"), 1<<20+1))
	_, err = policy.Open(path)
	require.ErrorContains(t, err, "longer than")

	_, err = policy.Open(filepath.Join(dir, "service"))
	require.ErrorContains(t, err, "not a regular file")
	_, err = policy.Open(filepath.Join(dir, "nowhere"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
