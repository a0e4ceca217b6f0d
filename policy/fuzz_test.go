package policy_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// FuzzPolicy: a policy that is accepted is its canonical JSON, and says what
// the library's own decoder reads; one that is refused has an error with a
// line of the text.
func FuzzPolicy(f *testing.F) {
	seeds := []string{
		minimal, full, judged, unruly, loose, fullJSON, "", "---\n" + minimal + "...\n",
		strings.Replace(minimal, "ocr", "&a ocr", 1), strings.Replace(minimal, "ocr", "*a", 1),
		strings.Replace(minimal, "ocr", "!!str ocr", 1), strings.Replace(minimal, "ocr", "! ocr", 1),
		strings.Replace(minimal, "ocr", "yes", 1), strings.Replace(minimal, "ocr", "1_000", 1),
		strings.Replace(minimal, "ocr", "|-\n      ocr", 1), strings.Replace(minimal, "ocr", `"o\x63r"`, 1),
		minimal + "    convert: {packs: [weights, numpy], unknown: deny, root: model, sandbox: seccomp, unpinned: true}\n",
		minimal + "    convert: {packs: [weights], unknown: extract, sandbox: full}\nlock: weightgate.lock\n",
		boundRule, releaseRule, revokedRule, lineageRule, "mode: audit\n" + waived("onnx.domain"),
		minimal + "---\n" + minimal, minimal + "<<: {}\n", "{a: [b", "? a\n: b\n", "%YAML 1.1\n---\n",
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lock := emptyLock()
		p, err := policy.Parse([]byte(text), lock)
		if parse, ok := errors.AsType[*policy.ParseError](err); ok && parse.Line == 0 && len(text) <= 1<<20 {
			lock = nil // the policy names none
			p, err = policy.Parse([]byte(text), nil)
		}
		if err != nil {
			require.Nil(t, p)
			parse, ok := errors.AsType[*policy.ParseError](err)
			require.True(t, ok, "%T", err)
			require.LessOrEqual(t, parse.Line, 2+strings.Count(text, "\n"))
			return
		}
		again, err := policy.Parse(p.JSON(), lock)
		require.NoError(t, err)
		require.Equal(t, string(p.JSON()), string(again.JSON()))
		require.Equal(t, p.Digest(), again.Digest())

		var read any
		require.NoError(t, yaml.Unmarshal([]byte(text), &read))
		asJSON, err := json.Marshal(read)
		require.NoError(t, err)
		require.Equal(t, string(p.JSON()), string(normalized(t, asJSON)))
	})
}

// normalized is a policy's JSON with what equals a default left out, and sets sorted.
func normalized(t *testing.T, text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc map[string]any
	require.NoError(t, d.Decode(&doc))
	if doc["mode"] == "enforce" {
		delete(doc, "mode")
	}
	for _, model := range doc["models"].([]any) {
		m := model.(map[string]any)
		if findings, ok := m["findings"].(map[string]any); ok && findings["refuse"] == "high" {
			delete(m, "findings")
		}
		if convert, ok := m["convert"].(map[string]any); ok {
			maps.DeleteFunc(convert, func(_ string, v any) bool { return v == "deny" || v == "seccomp" })
		}
	}
	plain(doc)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(doc))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// plain sorts sets, spells time spans in hours and days without an hour, and
// leaves out that one is needed. Models, roles, exceptions and keys have an order.
func plain(m map[string]any) {
	for name, v := range m {
		switch v := v.(type) {
		case json.Number:
			if name == "need" && v == "1" {
				delete(m, name)
			}
		case string:
			if days, ok := strings.CutSuffix(v, "d"); ok && name == "max_age" {
				n, _ := strconv.Atoi(days)
				m[name] = strconv.Itoa(24*n) + "h"
			} else if name == "expires" {
				m[name], _, _ = strings.Cut(v, "T")
			}
		case map[string]any:
			plain(v)
		case []any:
			for _, item := range v {
				if inner, ok := item.(map[string]any); ok {
					plain(inner)
				}
			}
			slices.SortStableFunc(v, func(a, b any) int {
				x, named := a.(map[string]any)
				y, _ := b.(map[string]any)
				switch {
				case name == "keys" || name == "roots" || named && name != "signers":
					return 0
				case named:
					return cmp.Compare(x["name"].(string), y["name"].(string))
				}
				return cmp.Compare(a.(string), b.(string))
			})
		}
	}
}

// FuzzLock: a lock that is accepted is written as it was read, pin by pin as
// well as in one piece.
func FuzzLock(f *testing.F) {
	sample := string(sampleLock(f).Encode())
	seeds := []string{sample, string(emptyLock()), string(newScene(f).lock.Encode()), "", sample[:len(sample)-1],
		strings.Replace(sample, " 3 ", " 03 ", 1), strings.Replace(sample, "\n", "\r\n", -1), strings.Replace(sample, "ocr", "a", 1),
		strings.Replace(sample, "derived ", "model ", 1), strings.Replace(sample, "derived ", "derived 0", 1)}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := policy.ParseLock([]byte(text))
		if err != nil {
			require.Nil(t, l)
			parse, ok := errors.AsType[*policy.ParseError](err)
			require.True(t, ok, "%T", err)
			require.LessOrEqual(t, parse.Line, 1+strings.Count(text, "\n"))
			return
		}
		require.Equal(t, text, string(l.Encode()))
		built, err := (&policy.Lock{}).WithLibrary(l.Libraries()...)
		require.NoError(t, err)
		for _, name := range l.Names() {
			p, ok := l.Pin(name)
			require.True(t, ok)
			require.Contains(t, text, "model "+name+" "+p.Files.Identity().String()+"\n")
			if len(p.Derived) > 0 {
				require.Contains(t, text, "\nderived "+p.Derived.Identity().String()+"\n")
			}
			built, err = built.With(p)
			require.NoError(t, err)
		}
		require.Equal(t, text, string(built.Encode()))
	})
}

// draw takes choices from fuzzed bytes.
type draw []byte

func (d *draw) next(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}

func pick[T any](d *draw, from ...T) T { return from[d.next(len(from))] }

// facts are the scene's, with a few things changed.
func (d *draw) facts(s *scene) *policy.Facts {
	f := &s.facts
	names := []string{"m.onnx", "keys.txt", "data.bin", "M.onnx", "x/../y", "", "a\x1b", "ü", "\xff"}
	for range d.next(6) {
		switch d.next(15) {
		case 0:
			f.Name = pick(d, "ocr", "twin", "", "draft")
		case 1:
			f.Origin = policy.Origin{Kind: pick(d, "dir", "hub", ""), Repository: pick(d, "", "acme/draft")}
		case 2:
			if f.Stat != nil {
				f.Stat.Files = append(f.Stat.Files, policy.File{Name: pick(d, names...), Size: int64(d.next(9)) - 1, Kind: policy.Kind(d.next(3)), Links: d.next(3)})
			}
		case 3:
			if f.Digest != nil {
				f.Digest.Manifest = append(f.Digest.Manifest, file(pick(d, names...), pick(d, "graph", "hparg", "")))
				f.Digest.Manifest.Sort()
			}
		case 4:
			if f.Digest != nil && len(f.Digest.Manifest) > 0 {
				e := &f.Digest.Manifest[d.next(len(f.Digest.Manifest))]
				*e = pick(d, file(e.Name, "graph"), file(e.Name, "hparg"), manifest.Entry{Name: e.Name}, manifest.Entry{Name: e.Name, Size: e.Size, Verity: e.Verity})
			}
		case 5:
			if f.Inspect != nil && f.Inspect.Formats != nil {
				f.Inspect.Formats[pick(d, names...)] = pick(d, "onnx", "data", "", "torch")
			}
		case 6:
			finding := formats.Finding{Code: pick[formats.Code](d, "x.y", "file.x", "", "format.z"), Class: formats.Class(d.next(3)), Severity: formats.Severity(d.next(7)), File: pick(d, names...)}
			if f.Stat != nil {
				f.Stat.Findings = append(f.Stat.Findings, finding)
			}
			if f.Inspect != nil {
				f.Inspect.Findings = append(f.Inspect.Findings, finding)
			}
		case 7:
			f.Stat = pick(d, f.Stat, nil, &policy.StatFacts{})
		case 8:
			f.Digest = pick(d, f.Digest, nil, &policy.DigestFacts{})
		case 9:
			f.Inspect = pick(d, f.Inspect, nil, &policy.InspectFacts{})
		case 10:
			f.Library = pick(d, f.Library, nil, &policy.LibraryFacts{}, &policy.LibraryFacts{Files: manifest.Manifest{library("libonnxruntime.so.1", pick(d, "ort", "x"))}, Opened: manifest.Digest{byte(d.next(2))}})
		case 11:
			f.Session = pick(d, f.Session, nil, &policy.SessionFacts{}, &policy.SessionFacts{Device: "cpu", CPUNodes: []string{pick(d, "", ":", "Shape")}})
		case 12:
			if f.Stat != nil && f.Digest != nil {
				s.bart()
			}
		case 13:
			if f.Inspect != nil {
				made := append(f.Inspect.Derived, file(pick(d, "a.safetensors", "b.safetensors", "m.onnx", ""), pick(d, "tensors of a", "tensors", "")))
				made = made[d.next(1+len(made)):]
				made.Sort()
				f.Inspect.Derived = made
			}
		case 14:
			if f.Inspect != nil {
				left := f.Inspect.Conversions[d.next(1+len(f.Inspect.Conversions)):]
				f.Inspect.Conversions = append(left, policy.Conversion{
					File: pick(d, "a.bin", "b.bin", "m.onnx"), Derived: pick(d, "a.safetensors", "b.safetensors", "M.onnx", ""),
					Sandbox: formats.SandboxLevel(d.next(5)), Packs: []formats.Pack{{Name: pick(d, "weights", "numpy", "")}},
				})
			}
		}
	}
	return f
}

// derivedFollow: what was let through was converted as the rule says, and is
// what the lock of rules says.
func derivedFollow(t *testing.T, rules *policy.Rules, facts *policy.Facts) {
	rule, converts := rules.Convert()
	require.True(t, converts || len(facts.Inspect.Conversions)+len(facts.Inspect.Derived) == 0)
	var made []string
	for _, c := range facts.Inspect.Conversions {
		require.True(t, c.Sandbox >= rule.Sandbox && c.Sandbox <= formats.SandboxFull)
		for _, pack := range c.Packs {
			require.Contains(t, rule.Packs, pack.Name)
		}
		if c.Derived != "" {
			made = append(made, c.Derived)
		}
	}
	require.Len(t, made, len(facts.Inspect.Derived))
	for _, e := range facts.Inspect.Derived {
		require.Contains(t, made, e.Name)
		require.False(t, e.Verity.IsZero())
	}
	if converts && rules.Vouched() {
		require.Equal(t, bartDerived().Identity(), facts.Inspect.Derived.Identity())
	}
}

// FuzzDecide: whatever the facts, there is an answer; it follows from its
// reasons, and one that lets the line go on is what the pin says.
func FuzzDecide(f *testing.F) {
	seeds := []string{"", "\x01\x04\x02\x01", "\x02\x03\x00\x01\x02\x00\x05", "\x01\x06\x01\x01\x01", "\x05\x07\x01\x08\x01\x09\x02\x0a\x02\x0b\x02",
		"\x01\x0c\x00\x03", "\x01\x0c\x01\x03", "\x03\x0c\x0d\x00\x00\x01\x0e\x01\x00\x00\x02\x00\x00\x03",
		"\x02\x0c\x0e\x01\x00\x03\x04\x02\x01\x03", "\x03\x0d\x00\x00\x00\x0e\x00\x02\x03\x03\x00\x00\x00"}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		for p := range policy.PhaseSession + 2 {
			f.Add(uint8(p), []byte(s))
		}
	}
	taken := newScene(f)
	taken.bartUnpinned(f)
	policies := []*policy.Policy{nil, mustParse(f, judged, newScene(f).lock.Encode()), mustParse(f, taken.policy, taken.lock.Encode()), mustParse(f, unruly, nil)}
	f.Fuzz(func(t *testing.T, phase uint8, choices []byte) {
		d := draw(choices)
		facts := d.facts(newScene(t))
		rules := pick(&d, policies[1], policies[2], policies[3], policies[0]).For(pick(&d, "ocr", "draft", "nobody", "bart"), policy.Origin{Kind: "dir"})
		p := policy.Phase(phase)
		got := rules.Decide(p, facts)
		require.Equal(t, p, got.Phase)

		want := policy.Admitted
		if len(rules.Opens(p)) > 0 {
			want = policy.Pending
		}
		for _, r := range got.Reasons {
			if r.Class != formats.Unverifiable {
				want = policy.Denied
			} else if want != policy.Denied {
				want = policy.Unverifiable
			}
		}
		require.Equal(t, want, got.Verdict)
		if got.Refused() {
			return
		}
		require.NotNil(t, rules)
		switch p {
		case policy.PhaseStat:
			for _, file := range facts.Stat.Files {
				require.Equal(t, policy.Regular, file.Kind)
				require.True(t, rules.Keep(file.Name))
				if rules.Vouched() {
					e, pinned := rules.Pin().Find(file.Name)
					require.True(t, pinned && e.Size == file.Size)
				}
			}
		case policy.PhaseDigest:
			for _, file := range facts.Stat.Files {
				e, hashed := facts.Digest.Manifest.Find(file.Name)
				require.True(t, hashed && e.Size == file.Size && !e.Verity.IsZero())
			}
			if rules.Vouched() {
				require.Equal(t, rules.Pin().Identity(), facts.Digest.Manifest.Identity())
			}
		case policy.PhaseInspect:
			for _, file := range facts.Stat.Files {
				format := facts.Inspect.Formats[file.Name]
				_, pinned := rules.Pin().Find(file.Name)
				_, converts := rules.Convert()
				require.True(t, format == "onnx" || format == "data" || format == "" && file.Name == "keys.txt" && pinned || format == "torch" && converts || format == "torch.legacy" && converts)
			}
			derivedFollow(t, rules, facts)
		case policy.PhaseLibrary:
			for _, l := range facts.Library.Files {
				pinned, ok := policies[1].Lock().Libraries().Find(l.Name)
				require.True(t, ok && pinned.Verity == l.Verity)
			}
		case policy.PhaseSession:
			require.Contains(t, []string{"cpu", "cuda"}, facts.Session.Device)
		default:
			t.Fatalf("%s was let through", p)
		}
	})
}
