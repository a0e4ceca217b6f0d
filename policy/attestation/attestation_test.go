package attestation_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
)

func TestApproval(t *testing.T) {
	payload, err := approval().Encode()
	require.NoError(t, err)
	require.Equal(t, `{"_type":"https://in-toto.io/Statement/v1",`+
		`"subject":[{"name":"team/bert@2","digest":{"weightgate-manifest-v1":"0100000000000000000000000000000000000000000000000000000000000000"}}],`+
		`"predicateType":"https://github.com/weightgate/weightgate/approval/v1",`+
		`"predicate":{"role":"security","environment":"production","release":7,"issuedAt":"2026-06-01T12:30:00Z","expires":"2026-12-01T12:30:00Z"}}`,
		string(payload))
	a, err := attestation.ParseApproval(payload)
	require.NoError(t, err)
	require.Equal(t, approval(), *a)

	least := attestation.Approval{Name: "m", Identity: manifest.Digest{1}, Role: "r", IssuedAt: day}
	payload, err = least.Encode()
	require.NoError(t, err)
	require.NotContains(t, string(payload), "expires")
	a, err = attestation.ParseApproval(payload)
	require.NoError(t, err)
	require.Equal(t, least, *a)

	elsewhere := approval()
	elsewhere.IssuedAt = day.In(time.FixedZone("", 3600))
	payload, err = elsewhere.Encode()
	require.NoError(t, err)
	a, err = attestation.ParseApproval(payload)
	require.NoError(t, err)
	require.Equal(t, approval(), *a, "a moment has one spelling")
}

func TestPolicyVersion(t *testing.T) {
	payload, err := version().Encode()
	require.NoError(t, err)
	require.Equal(t, `{"_type":"https://in-toto.io/Statement/v1",`+
		`"subject":[{"digest":{"weightgate-policy-v1":"0200000000000000000000000000000000000000000000000000000000000000"}}],`+
		`"predicateType":"https://github.com/weightgate/weightgate/policy/v1","predicate":{"version":3}}`, string(payload))
	v, err := attestation.ParsePolicyVersion(payload)
	require.NoError(t, err)
	require.Equal(t, version(), *v)
}

func TestProvenance(t *testing.T) {
	payload, err := conversion().Encode()
	require.NoError(t, err)
	p, err := attestation.ParseProvenance(payload)
	require.NoError(t, err)
	require.Equal(t, conversion(), *p)

	p, err = attestation.ParseProvenance([]byte(slsa))
	require.NoError(t, err)
	require.Equal(t, built(), p)
}

// swap is a change that has to find what it replaces.
func swap(old, with string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, old) {
			return "there is no " + old
		}
		return strings.Replace(s, old, with, 1)
	}
}

const statementType = `"_type":"https://in-toto.io/Statement/v1"`

// refusals are changes of the seeds, by kind, and what they are refused with.
var refusals = map[string]map[string]struct {
	change func(string) string
	code   formats.Code
	detail string
}{
	"approval": {
		"nothing":               {func(string) string { return "" }, attestation.CodeSyntax, ""},
		"two statements":        {func(s string) string { return s + s }, attestation.CodeSyntax, ""},
		"not UTF-8":             {swap("security", "secur\xffity"), attestation.CodeSyntax, "UTF-8"},
		"too long":              {func(s string) string { return s + strings.Repeat(" ", 32<<20) }, attestation.CodeLimits, "longer"},
		"too deep":              {swap(`"security"`, strings.Repeat("[", 40)+strings.Repeat("]", 40)), attestation.CodeLimits, "nested"},
		"another statement":     {swap("Statement/v1", "Statement/v0.1"), attestation.CodeType, "_type"},
		"another predicate":     {swap("approval/v1", "approval/v2"), attestation.CodeType, "predicateType"},
		"a policy's":            {swap("approval/v1", "policy/v1"), attestation.CodeType, "predicateType"},
		"no statement type":     {swap(statementType+",", ""), attestation.CodeSyntax, "no _type"},
		"an unknown key":        {swap("{", `{"x":1,`), attestation.CodeSyntax, "no key"},
		"unknown to predicate":  {swap(`"role"`, `"x":1,"role"`), attestation.CodeSyntax, "no key"},
		"unknown to subject":    {swap(`"digest"`, `"uri":"x","digest"`), attestation.CodeSyntax, "no key"},
		"another digest":        {swap(`"weightgate-manifest-v1"`, `"sha256":"x","weightgate-manifest-v1"`), attestation.CodeSyntax, "no key"},
		"a role twice":          {swap(`"role"`, `"role":"security","role"`), attestation.CodeSyntax, "twice"},
		"no subject":            {func(s string) string { return cut(s, `[{"name"`, `}}]`, "[]") }, attestation.CodeSyntax, "empty"},
		"two subjects":          {swap(`"subject":[`, `"subject":[{"name":"n","digest":{"weightgate-manifest-v1":"`+strings.Repeat("01", 32)+`"}},`), attestation.CodeLimits, "more than 1"},
		"no name":               {swap(`"name":"team/bert@2",`, ""), attestation.CodeSyntax, "no name"},
		"an empty name":         {swap(`team/bert@2`, ""), attestation.CodeSyntax, "name"},
		"a name that climbs":    {swap(`team/`, "../"), attestation.CodeSyntax, "name"},
		"a name that hides":     {swap(`team/`, "te\u202eam/"), attestation.CodeSyntax, "name"},
		"a name with a line":    {swap(`bert@2`, `bert@2\n`), attestation.CodeSyntax, "name"},
		"a long name":           {swap(`team`, strings.Repeat("x", 256)), attestation.CodeSyntax, "256"},
		"a digest in capitals":  {swap(`"0100`, `"0A00`), attestation.CodeSyntax, "digest"},
		"a digest of zeros":     {swap(`"0100`, `"0000`), attestation.CodeSyntax, "zeros"},
		"a short digest":        {swap(`"0100`, `"01`), attestation.CodeSyntax, "digest"},
		"no role":               {swap(`"role":"security",`, ""), attestation.CodeSyntax, "no role"},
		"a role in capitals":    {swap(`security`, "Security"), attestation.CodeSyntax, "role"},
		"a long role":           {swap(`security`, strings.Repeat("x", 65)), attestation.CodeSyntax, "64"},
		"an empty environment":  {swap(`production`, ""), attestation.CodeSyntax, "environment"},
		"release 0":             {swap(`"release":7`, `"release":0`), attestation.CodeSyntax, "release"},
		"a fraction as release": {swap(`"release":7`, `"release":7.0`), attestation.CodeSyntax, "release"},
		"an exponent":           {swap(`"release":7`, `"release":7e0`), attestation.CodeSyntax, "release"},
		"a text as release":     {swap(`"release":7`, `"release":"7"`), attestation.CodeSyntax, "not a number"},
		"54 bits":               {swap(`"release":7`, `"release":9007199254740992`), attestation.CodeSyntax, "release"},
		"70 bits":               {swap(`"release":7`, `"release":999999999999999999999`), attestation.CodeSyntax, "release"},
		"no time":               {swap(`"issuedAt":"2026-06-01T12:30:00Z",`, ""), attestation.CodeSyntax, "no issuedAt"},
		"a fraction of a time":  {swap(`12:30:00Z`, "12:30:00.0Z"), attestation.CodeSyntax, "issuedAt"},
		"another zone":          {swap(`12:30:00Z`, "12:30:00+00:00"), attestation.CodeSyntax, "issuedAt"},
		"no such day":           {swap(`06-01`, "06-31"), attestation.CodeSyntax, "issuedAt"},
		"the zero time":         {swap(`2026-12-01T12:30:00Z`, "0001-01-01T00:00:00Z"), attestation.CodeSyntax, "expires"},
		"expires when issued":   {swap(`2026-12-01`, "2026-06-01"), attestation.CodeSyntax, "not after"},
		"expires before":        {swap(`2026-12-01`, "2025-12-01"), attestation.CodeSyntax, "not after"},
	},
	"policy": {
		"a name":            {swap(`"digest"`, `"name":"x","digest"`), attestation.CodeSyntax, "no key"},
		"a model's digest":  {swap(`weightgate-policy-v1`, "weightgate-manifest-v1"), attestation.CodeSyntax, "no key"},
		"version 0":         {swap(`"version":3`, `"version":0`), attestation.CodeSyntax, "version"},
		"no version":        {swap(`"version":3`, ``), attestation.CodeSyntax, "no version"},
		"an unknown key":    {swap(`"version":3`, `"version":3,"mode":"audit"`), attestation.CodeSyntax, "no key"},
		"another predicate": {swap("policy/v1", "approval/v1"), attestation.CodeType, "predicateType"},
	},
	"conversion": {
		"another predicate":  {swap("conversion/v1", "approval/v1"), attestation.CodeType, "predicateType"},
		"no converter":       {swap("weightgate 1.2", ""), attestation.CodeSyntax, "converter"},
		"no sources":         {func(s string) string { return cut(s, `[{"name":"pytorch`, `}}]`, "[]") }, attestation.CodeSyntax, "sources"},
		"no subjects":        {func(s string) string { return cut(s, `[{"name":"model`, `}}]`, "[]") }, attestation.CodeSyntax, "empty"},
		"no digest":          {func(s string) string { return cut(s, `{"sha256"`, `}`, "{}") }, attestation.CodeSyntax, "no digest"},
		"another digest":     {swap(`"sha256"`, `"sha512":"","sha256"`), attestation.CodeSyntax, "no key"},
		"an unknown key":     {swap(`"converter"`, `"x":1,"converter"`), attestation.CodeSyntax, "no key"},
		"a name that hides":  {swap("pytorch_model", "py\u202emodel"), attestation.CodeSyntax, "do not show"},
		"a long name":        {swap("pytorch_model", strings.Repeat("x", 5000)), attestation.CodeLimits, "4096"},
		"a digest by a null": {swap(`{"sha256":"03`+strings.Repeat("0", 62)+`"}`, "null"), attestation.CodeSyntax, "not an object"},
	},
	"slsa": {
		"a digest in capitals": {swap(`"sha256":"03`, `"sha256":"0A`), attestation.CodeSyntax, "digest"},
		"an ignored key twice": {swap(`"lr":0.1`, `"lr":0.1,"lr":0.2`), attestation.CodeSyntax, "twice"},
		"a digest twice":       {swap(`"sha256":"03`, `"sha256":"","sha256":"03`), attestation.CodeSyntax, "sha256"},
		"no builder":           {swap(`"id"`, `"ID"`), attestation.CodeSyntax, "no id"},
		"an empty builder":     {swap("https://ci.example/builder@v1", ""), attestation.CodeSyntax, "empty"},
		"no build type":        {swap(`"buildType"`, `"type"`), attestation.CodeSyntax, "no buildType"},
		"an empty build type":  {swap("https://ci.example/train@v1", ""), attestation.CodeSyntax, "empty"},
		"no run":               {swap(`"runDetails"`, `"run"`), attestation.CodeSyntax, "no runDetails"},
		"no subject":           {func(s string) string { return cut(s, `[{"name":"model`, "}}]", "[]") }, attestation.CodeSyntax, "empty"},
		"an older version":     {swap("provenance/v1", "provenance/v0.2"), attestation.CodeType, "neither"},
		"too many dependencies": {
			swap(`"resolvedDependencies":[`, `"resolvedDependencies":[`+strings.Repeat("{},", 1<<17)), attestation.CodeLimits, "131072",
		},
	},
}

// cut replaces s from the first from up to the end of the next to.
func cut(s, from, to, with string) string {
	i := strings.Index(s, from)
	j := i + strings.Index(s[i:], to) + len(to)
	return s[:i] + with + s[j:]
}

func TestRefusals(t *testing.T) {
	raised := map[formats.Code]bool{}
	for _, k := range kinds(t) {
		require.NotEmpty(t, refusals[k.name])
		for name, c := range refusals[k.name] {
			v, err := k.parse([]byte(c.change(string(k.payload))))
			wrong, ok := errors.AsType[*attestation.Error](err)
			require.True(t, ok, "%s, %s: %v", k.name, name, err)
			require.Nil(t, v)
			require.Equal(t, c.code, wrong.Code, "%s, %s: %v", k.name, name, err)
			require.Contains(t, wrong.Detail, c.detail, "%s, %s", k.name, name)
			raised[wrong.Code] = true
		}
	}
	for _, info := range attestation.Codes() {
		require.True(t, raised[info.Code], info.Code)
		require.NotEmpty(t, info.Advice)
	}
	require.Len(t, raised, len(attestation.Codes()))
}

// Each parser takes its own predicates only.
func TestOtherKinds(t *testing.T) {
	for _, k := range kinds(t) {
		for _, other := range kinds(t) {
			v, err := k.parse(other.payload)
			if reflect.TypeOf(mustParse(t, k)) == reflect.TypeOf(mustParse(t, other)) {
				require.NoError(t, err)
				continue
			}
			require.Nil(t, v)
			require.Equal(t, attestation.CodeType, err.(*attestation.Error).Code, "%s as %s", other.name, k.name)
		}
	}
}

func mustParse(t *testing.T, k kind) any {
	v, err := k.parse(k.payload)
	require.NoError(t, err)
	return v
}

// What would not be read is not written.
func TestEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*attestation.Approval){
		"name":        func(a *attestation.Approval) { a.Name = "-" },
		"identity":    func(a *attestation.Approval) { a.Identity = manifest.Digest{} },
		"role":        func(a *attestation.Approval) { a.Role = "" },
		"environment": func(a *attestation.Approval) { a.Environment = "x\xff" },
		"release":     func(a *attestation.Approval) { a.Release = 1 << 53 },
		"issued":      func(a *attestation.Approval) { a.IssuedAt = time.Time{} },
		"a fraction":  func(a *attestation.Approval) { a.IssuedAt = day.Add(1) },
		"a far year":  func(a *attestation.Approval) { a.Expires = day.AddDate(9000, 0, 0) },
		"expires":     func(a *attestation.Approval) { a.Expires = day },
	} {
		a := approval()
		change(&a)
		payload, err := a.Encode()
		require.IsType(t, &attestation.Error{}, err, name)
		require.Nil(t, payload)
	}
	for name, change := range map[string]func(*attestation.Provenance){
		"type":       func(p *attestation.Provenance) { p.PredicateType = attestation.SLSAType },
		"build type": func(p *attestation.Provenance) { p.BuildType = "x" },
		"builder":    func(p *attestation.Provenance) { p.Builder = "" },
		"subjects":   func(p *attestation.Provenance) { p.Subjects = nil },
		"materials":  func(p *attestation.Provenance) { p.Materials = nil },
		"digest":     func(p *attestation.Provenance) { p.Materials[0].SHA256 = manifest.Digest{} },
		"name":       func(p *attestation.Provenance) { p.Subjects[0].Name = "a\x00" },
	} {
		p := conversion()
		change(&p)
		payload, err := p.Encode()
		require.IsType(t, &attestation.Error{}, err, name)
		require.Nil(t, payload)
	}
	for _, v := range []attestation.PolicyVersion{{}, {Digest: manifest.Digest{1}}, {Version: 1}, {Digest: manifest.Digest{1}, Version: 1 << 53}} {
		payload, err := v.Encode()
		require.IsType(t, &attestation.Error{}, err)
		require.Nil(t, payload)
	}
}

// The members of a statement have no order, nor has what tells its type.
func TestOrder(t *testing.T) {
	for _, k := range kinds(t) {
		text := write(tree(t, k.payload)) // sorted: the predicate before its type
		require.Less(t, strings.Index(text, `"predicate"`), strings.Index(text, `"predicateType"`))
		v, err := k.parse([]byte(text))
		require.NoError(t, err)
		require.Equal(t, mustParse(t, k), v)

		unknown := bytes.Replace([]byte(text), []byte(`"predicateType":"https`), []byte(`"predicateType":"http`), 1)
		_, err = k.parse(unknown)
		require.Equal(t, attestation.CodeType, err.(*attestation.Error).Code)
	}
}

func TestErrorText(t *testing.T) {
	_, err := attestation.ParseApproval([]byte("{"))
	require.ErrorContains(t, err, "attestation.syntax: statement: ")
	a := approval()
	a.Expires = day.AddDate(9000, 0, 0)
	_, err = a.Encode()
	require.ErrorContains(t, err, "attestation.syntax: statement: cannot be written: ")
	require.Error(t, errors.Unwrap(err))
}
