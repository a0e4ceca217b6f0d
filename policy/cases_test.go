package policy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// The golden cases: the command weightgate policy test is held against the same.
func TestGoldenCases(t *testing.T) {
	for _, name := range []string{"enforce", "audit", "revoked"} {
		p, err := policy.Open(filepath.Join("testdata/cases", name+".yaml"))
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join("testdata/cases", name+".cases.yaml"))
		require.NoError(t, err)
		cases, err := policy.ParseCases(text)
		require.NoError(t, err)
		require.NotEmpty(t, cases)
		for _, c := range cases {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				d, wrong := c.Try(p)
				require.Empty(t, wrong, "%+v", d.Reasons)

				spelled, err := json.Marshal(c.Facts)
				require.NoError(t, err)
				var again policy.Facts
				require.NoError(t, json.Unmarshal(spelled, &again))
				require.Equal(t, c.Facts, again)
			})
		}
	}
}

// A case that expects something else fails, whatever it is.
func TestCaseFails(t *testing.T) {
	p := mustParse(t, minimal, nil)
	good := policy.Case{Name: "a", Phase: policy.PhaseStat, Facts: policy.Facts{Name: "ocr", Origin: policy.Origin{Kind: "dir"}}, Codes: []formats.Code{policy.CodePhase}}
	_, wrong := good.Try(p)
	require.Empty(t, wrong)
	for want, change := range map[string]func(c *policy.Case){
		"expected admitted": func(c *policy.Case) { c.Verdict = policy.Admitted },
		"audit":             func(c *policy.Case) { c.Audit = true },
		"reasons":           func(c *policy.Case) { c.Codes = nil },
		"waived":            func(c *policy.Case) { c.Waived = []formats.Code{policy.CodePhase} },
	} {
		c := good
		change(&c)
		_, wrong := c.Try(p)
		require.Contains(t, wrong, want)
	}
}

func TestCasesSyntax(t *testing.T) {
	const one = `- name: a
  phase: stat
  verdict: denied
  facts: {name: ocr, origin: {kind: dir}}
`
	cases, err := policy.ParseCases([]byte(one))
	require.NoError(t, err)
	require.Len(t, cases, 1)
	in := func(old, replacement string) string { return strings.Replace(one, old, replacement, 1) }
	for name, c := range map[string][2]string{
		"empty":            {"", "empty"},
		"no list":          {"name: a\n", "not a mapping"},
		"empty list":       {"[]\n", "not a list"},
		"no name":          {in("name: a\n  ", ""), "a case has name"},
		"no phase":         {in("  phase: stat\n", ""), "a case has name"},
		"no verdict":       {in("  verdict: denied\n", ""), "a case has name"},
		"no facts":         {in("  facts: {name: ocr, origin: {kind: dir}}\n", ""), "a case has name"},
		"phase":            {in("stat", "later"), "is not stat"},
		"verdict":          {in("denied", "fine"), "is not denied"},
		"unknown key":      {one + "  code: [a]\n", `no key "code"`},
		"unknown fact":     {in("{kind: dir}", "{kin: dir}"), "unknown field"},
		"fact twice":       {in("{kind: dir}", "{kind: dir, kind: fs}"), "occurs once"},
		"fact of no type":  {in("name: ocr", "name: 1"), "cannot unmarshal"},
		"null":             {in("name: ocr", "name: null"), "leave the key out"},
		"merge":            {in("{kind: dir}", "{<<: {kind: dir}}"), "occurs once"},
		"twice":            {one + one, "occurs twice"},
		"kind of a file":   {in("origin:", "stat: {files: [{name: a, size: 1, kind: link}]}, origin:"), "regular or irregular"},
		"digest too short": {in("origin:", "digest: {manifest: [{name: a, size: 1, verity: ab}]}, origin:"), "digest"},
	} {
		t.Run(name, func(t *testing.T) {
			cases, err := policy.ParseCases([]byte(c[0]))
			require.Nil(t, cases)
			var malformed *policy.ParseError
			require.ErrorAs(t, err, &malformed)
			require.Equal(t, "cases", malformed.File)
			require.Contains(t, malformed.Msg, c[1])
		})
	}
}

// FuzzCases: the facts of cases that are accepted are what their JSON says, and
// Decide answers them.
func FuzzCases(f *testing.F) {
	seeds, err := filepath.Glob("testdata/cases/*.cases.yaml")
	require.NoError(f, err)
	require.NotEmpty(f, seeds)
	for _, seed := range seeds {
		text, err := os.ReadFile(seed)
		require.NoError(f, err)
		f.Add(string(text))
	}
	p := mustParse(f, minimal, nil)
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := policy.ParseCases([]byte(text))
		if err != nil {
			require.Nil(t, cases)
			return
		}
		for _, c := range cases {
			spelled, err := json.Marshal(c.Facts)
			if err != nil {
				continue // a time that JSON cannot spell
			}
			var again policy.Facts
			require.NoError(t, json.Unmarshal(spelled, &again))
			d, _ := c.Try(p)
			require.Equal(t, c.Phase, d.Phase)
			c.Facts = again
			answer, _ := c.Try(p)
			require.Equal(t, d, answer, "the same facts")
		}
	})
}
