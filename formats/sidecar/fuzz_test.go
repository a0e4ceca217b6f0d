package sidecar_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/sidecar"
)

// FuzzInspect holds what is claimed and accepted against the text and a second
// reader.
func FuzzInspect(f *testing.F) {
	seeds := own(f)
	for _, v := range seeds {
		text, _ := loaded(f, v)
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text, nil) })
}

// check reads text and reports whether it was accepted.
func check(t require.TestingT, text []byte, beside map[string][]byte) bool {
	in := memory{bytes.NewReader(text), beside}
	var claiming []formats.Format
	for _, f := range sidecar.Formats() {
		ok, err := f.Claims(context.Background(), in)
		require.NoError(t, err)
		if ok {
			claiming = append(claiming, f)
		}
	}
	require.LessOrEqual(t, len(claiming), 1, "%q", text)
	if len(claiming) == 0 {
		return false
	}
	found, err := claiming[0].Inspect(context.Background(), in, formats.Limits{})
	if err != nil {
		require.Nil(t, found)
		return false
	}
	again, err := claiming[0].Inspect(context.Background(), in, formats.Limits{})
	require.NoError(t, err)
	require.Equal(t, found, again)
	requireAgreement(t, text, found)
	requirePlaces(t, text, found)
	return true
}

// requireAgreement requires that encoding/json reads the text too, and sees no
// more in it than a reader of each key's last value: no key is there twice.
func requireAgreement(t require.TestingT, text []byte, found *formats.Inspection) {
	require.True(t, json.Valid(text), "%q", text)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.True(t, unique(t, d), "%q", text)
	var top map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil {
		require.Contains(t, []string{sidecar.Modules, sidecar.JSON}, found.Format)
		return
	}
	raised := func(c formats.Code) bool {
		return slices.ContainsFunc(found.Findings, func(f formats.Finding) bool { return f.Code == c })
	}
	if isTrue(top["trust_remote_code"]) {
		require.True(t, raised(sidecar.CodeTrust), "%q", text)
	}
	var autoMap map[string]any
	if json.Unmarshal(top["auto_map"], &autoMap) == nil && len(autoMap) > 0 {
		require.True(t, raised(sidecar.CodeAutoMap), "%q", text)
	}
	var target string
	if json.Unmarshal(top["_target_"], &target) == nil && target != "" {
		require.True(t, raised(sidecar.CodeTarget), "%q", text)
	}
}

// isTrue is what Python says of a value: nothing that is empty or zero is true.
func isTrue(raw json.RawMessage) bool {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return len(raw) > 0 // a number beyond what a float holds
	}
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

// unique reads one value, and reports whether no object in it has a key twice.
func unique(t require.TestingT, d *json.Decoder) bool {
	token, err := d.Token()
	require.NoError(t, err)
	delim, ok := token.(json.Delim)
	if !ok {
		return true
	}
	keys, once := map[any]bool{}, true
	for d.More() {
		if delim == '{' {
			key, err := d.Token()
			require.NoError(t, err)
			once = once && !keys[key]
			keys[key] = true
		}
		once = unique(t, d) && once
	}
	_, err = d.Token()
	require.NoError(t, err)
	return once
}

// requirePlaces requires that findings are in order, and each points at a key.
func requirePlaces(t require.TestingT, text []byte, found *formats.Inspection) {
	require.Equal(t, []formats.Range{{File: name, Length: int64(len(text))}}, found.Claims)
	last := int64(0)
	for _, f := range found.Findings {
		require.GreaterOrEqual(t, f.Offset, last)
		require.Less(t, f.Offset, int64(len(text)))
		last = f.Offset
		d := json.NewDecoder(bytes.NewReader(text[f.Offset:]))
		key, err := d.Token()
		require.NoError(t, err)
		require.IsType(t, "", key, "%s", f)
		rest := bytes.TrimLeft(text[f.Offset+d.InputOffset():], " \t\r\n")
		require.True(t, len(rest) > 0 && rest[0] == ':', "%s", f)
	}
}

// TestMangled cuts every vector at every byte and flips every bit of it. What is
// cut from an object is none; what is flipped may be accepted, and is then held
// against the same properties.
func TestMangled(t *testing.T) {
	accepted, refused := 0, 0
	count := func(ok bool) {
		if ok {
			accepted++
		} else {
			refused++
		}
	}
	for _, v := range own(t) {
		text, beside := loaded(t, v)
		if len(text) > 4<<10 {
			continue
		}
		data := []byte(text)
		sound := check(t, data, beside)
		for n := range len(bytes.TrimRight(data, " \n")) {
			if check(mangled{t, v.Name, n}, data[:n], beside) && sound {
				require.Fail(t, "a prefix is accepted", "%d bytes of %s", n, v.Name)
			}
		}
		for i := range data {
			for bit := range 8 {
				data[i] ^= 1 << bit
				count(check(mangled{t, v.Name, i}, data, beside))
				data[i] ^= 1 << bit
			}
		}
	}
	require.Greater(t, accepted, 1000)
	require.Greater(t, refused, 1000)
}

// mangled tells which byte a failure came from.
type mangled struct {
	*testing.T
	name string
	at   int
}

func (m mangled) Errorf(format string, args ...any) {
	m.T.Errorf("byte %d of %s: %s", m.at, m.name, fmt.Sprintf(format, args...))
}
