package revocation_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
)

var day = time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC)

func list() revocation.List {
	return revocation.List{Version: 4, IssuedAt: day, Entries: []revocation.Entry{
		{File: manifest.Digest{1}, Reason: "a backdoor <1>"},
		{Identity: manifest.Digest{2}},
		{Key: manifest.Digest{3}, Reason: "stolen"},
		{Issuer: "CN=Root,O=Größe", Serial: "abc"},
	}}
}

func encoded(t testing.TB, l revocation.List) []byte {
	payload, err := l.Encode()
	require.NoError(t, err)
	return payload
}

func TestList(t *testing.T) {
	payload := encoded(t, list())
	zeros := strings.Repeat("0", 62)
	require.Equal(t, `{"version":4,"issuedAt":"2026-06-01T12:30:00Z","entries":[`+
		`{"file":"01`+zeros+`","reason":"a backdoor <1>"},{"identity":"02`+zeros+`"},{"key":"03`+zeros+`","reason":"stolen"},`+
		`{"issuer":"CN=Root,O=Größe","serial":"abc"}]}`, string(payload))
	l, err := revocation.Parse(payload)
	require.NoError(t, err)
	require.Equal(t, list(), *l)

	none := revocation.List{Version: 1, IssuedAt: day}
	payload = encoded(t, none)
	require.Contains(t, string(payload), `"entries":[]`)
	l, err = revocation.Parse(payload)
	require.NoError(t, err)
	require.Equal(t, none, *l, "a list that revokes nothing yet is one")

	elsewhere := list()
	elsewhere.IssuedAt = day.In(time.FixedZone("", -3600))
	require.Equal(t, encoded(t, list()), encoded(t, elsewhere), "a moment has one spelling")
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

// refusals are changes of a list and what they are refused with.
var refusals = map[string]struct {
	change func(string) string
	code   formats.Code
	detail string
}{
	"nothing":                {func(string) string { return "" }, revocation.CodeSyntax, ""},
	"no object":              {func(s string) string { return "[" + s + "]" }, revocation.CodeSyntax, "not an object"},
	"two lists":              {func(s string) string { return s + s }, revocation.CodeSyntax, ""},
	"too long":               {func(s string) string { return s + strings.Repeat(" ", 32<<20) }, revocation.CodeLimits, "longer"},
	"version 0":              {swap(`"version":4`, `"version":0`), revocation.CodeSyntax, "version"},
	"a negative version":     {swap(`"version":4`, `"version":-4`), revocation.CodeSyntax, "version"},
	"a version of 54 bits":   {swap(`"version":4`, `"version":9007199254740992`), revocation.CodeSyntax, "version"},
	"a float":                {swap(`"version":4`, `"version":4.0`), revocation.CodeSyntax, "version"},
	"no version":             {swap(`"version":4,`, ``), revocation.CodeSyntax, "no version"},
	"version twice":          {swap(`"version":4`, `"version":4,"version":5`), revocation.CodeSyntax, "twice"},
	"no time":                {swap(`"issuedAt":"2026-06-01T12:30:00Z",`, ``), revocation.CodeSyntax, "no issuedAt"},
	"another spelling":       {swap(`00Z`, `00+00:00`), revocation.CodeSyntax, "issuedAt"},
	"no entries":             {swap(`entries`, `entrie`), revocation.CodeSyntax, "entrie"},
	"entries that are none":  {func(s string) string { return s[:strings.Index(s, "[")] + "null}" }, revocation.CodeSyntax, "not an array"},
	"an unknown key":         {swap(`"version"`, `"next":1,"version"`), revocation.CodeSyntax, "no key"},
	"unknown to an entry":    {swap(`{"file"`, `{"name":"x","file"`), revocation.CodeSyntax, "no key"},
	"an empty entry":         {swap(`"entries":[`, `"entries":[{},`), revocation.CodeSyntax, "0 things"},
	"only a reason":          {swap(`"entries":[`, `"entries":[{"reason":"x"},`), revocation.CodeSyntax, "0 things"},
	"two kinds":              {swap(`{"identity"`, `{"file":"`+strings.Repeat("01", 32)+`","identity"`), revocation.CodeSyntax, "2 things"},
	"an issuer and a file":   {swap(`{"file"`, `{"issuer":"x","serial":"1","file"`), revocation.CodeSyntax, "2 things"},
	"a serial and a file":    {swap(`{"file"`, `{"serial":"1","file"`), revocation.CodeSyntax, "issuer and serial"},
	"no serial":              {swap(`,"serial":"abc"`, ``), revocation.CodeSyntax, "issuer and serial"},
	"no issuer":              {swap(`"issuer":"CN=Root,O=Größe",`, ``), revocation.CodeSyntax, "0 things"},
	"an empty issuer":        {swap(`CN=Root,O=Größe`, ``), revocation.CodeSyntax, "issuer and serial"},
	"issuer without all":     {swap(`{"issuer":"CN=Root,O=Größe","serial":"abc"}`, `{"issuer":""}`), revocation.CodeSyntax, "nothing"},
	"a serial in capitals":   {swap(`"abc"`, `"ABC"`), revocation.CodeSyntax, "serial"},
	"a serial from 0":        {swap(`"abc"`, `"0abc"`), revocation.CodeSyntax, "serial"},
	"a serial as number":     {swap(`"abc"`, `123`), revocation.CodeSyntax, "not a string"},
	"a long serial":          {swap(`"abc"`, `"`+strings.Repeat("a", 129)+`"`), revocation.CodeSyntax, "serial"},
	"a zero digest":          {swap(`"01`, `"00`), revocation.CodeSyntax, "zeros"},
	"a digest in capitals":   {swap(`"01`, `"0A`), revocation.CodeSyntax, "digest"},
	"a reason that hides":    {swap(`stolen`, "\u202enelots"), revocation.CodeSyntax, "do not show"},
	"a long reason":          {swap(`stolen`, strings.Repeat("x", 4097)), revocation.CodeLimits, "4096"},
	"an entry twice":         {swap(`"02`, `"02`+strings.Repeat("0", 62)+`","reason":"x"},{"identity":"02`), revocation.CodeSyntax, "another does"},
	"too many entries":       {many(1<<17 + 1), revocation.CodeLimits, "131072"},
	"half a character":       {swap(`stolen`, `\ud800`), revocation.CodeSyntax, "none"},
	"nested in another list": {swap(`"entries":[`, `"entries":[[`+strings.Repeat("[", 40)+strings.Repeat("]", 41)+`,`), revocation.CodeSyntax, "not an object"},
}

// many is a list of n entries.
func many(n uint32) func(string) string {
	return func(string) string {
		l := revocation.List{Version: 1, IssuedAt: day, Entries: make([]revocation.Entry, n)}
		for i := range l.Entries {
			binary.BigEndian.PutUint32(l.Entries[i].File[:], uint32(i)+1)
		}
		text, err := json.Marshal(l)
		if err != nil {
			panic(err)
		}
		return string(text)
	}
}

func TestRefusals(t *testing.T) {
	raised := map[formats.Code]bool{}
	for name, c := range refusals {
		l, err := revocation.Parse([]byte(c.change(string(encoded(t, list())))))
		wrong, ok := errors.AsType[*revocation.Error](err)
		require.True(t, ok, "%s: %v", name, err)
		require.Nil(t, l)
		require.Equal(t, c.code, wrong.Code, "%s: %v", name, err)
		require.Contains(t, wrong.Detail, c.detail, name)
		raised[wrong.Code] = true
	}
	for _, info := range revocation.Codes() {
		require.True(t, raised[info.Code], info.Code)
		require.NotEmpty(t, info.Advice)
	}
	require.Len(t, raised, len(revocation.Codes()))

	l := list()
	l.IssuedAt = day.AddDate(9000, 0, 0)
	_, err := l.Encode()
	require.ErrorContains(t, err, "revocation.syntax: list: cannot be written: ")
	require.Error(t, errors.Unwrap(err))
}

func TestMostEntries(t *testing.T) {
	l, err := revocation.Parse([]byte(many(1 << 17)("")))
	require.NoError(t, err)
	require.Len(t, l.Entries, 1<<17)
	index := l.Index()
	for _, e := range l.Entries {
		found, ok := index.File(e.File)
		require.True(t, ok)
		require.Equal(t, e, found)
	}
}

// What would not be read is not written.
func TestEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*revocation.List){
		"version":    func(l *revocation.List) { l.Version = 0 },
		"time":       func(l *revocation.List) { l.IssuedAt = time.Time{} },
		"a fraction": func(l *revocation.List) { l.IssuedAt = day.Add(time.Millisecond) },
		"a far year": func(l *revocation.List) { l.IssuedAt = day.AddDate(9000, 0, 0) },
		"no thing":   func(l *revocation.List) { l.Entries[0] = revocation.Entry{} },
		"two things": func(l *revocation.List) { l.Entries[0].Key = manifest.Digest{9} },
		"twice":      func(l *revocation.List) { l.Entries[0] = l.Entries[1] },
		"serial":     func(l *revocation.List) { l.Entries[3].Serial = "0x1" },
		"no UTF-8":   func(l *revocation.List) { l.Entries[3].Issuer = "\xff" },
	} {
		l := list()
		change(&l)
		payload, err := l.Encode()
		require.IsType(t, &revocation.Error{}, err, name)
		require.Nil(t, payload)
	}
}
