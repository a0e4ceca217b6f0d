package machine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// A pickle in any kind of string is found, and judged as if it stood there.
func TestNested(t *testing.T) {
	payload := PROTO + u8(2) + system + STOP
	latin1 := strings.ReplaceAll(payload, "\x80", "\u0080")
	for name, stream := range map[string]string{
		"bytes":               bin(payload),
		"of protocol 5":       bin(PROTO + u8(5) + FRAME + u64(len(system)+1) + system + STOP),
		"short bytes":         SHORT_BINBYTES + u8(len(payload)) + payload,
		"str of Python 2":     native(payload),
		"str as Latin-1":      str(latin1),
		"text":                UNICODE + `\u0080\u0002` + strings.ReplaceAll(strings.ReplaceAll(system, "\n", `\u000a`), "'", `\u0027`) + ".\n",
		"quoted":              STRING + `'` + strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(payload, "'", `\'`), "\n", `\n`), "\x80", `\x80`) + "'\n",
		"bytearray":           BYTEARRAY8 + u64(len(payload)) + payload,
		"protocol 0":          bin(system + STOP),
		"protocol 0 in text":  str(system + STOP),
		"protocol 0 and more": bin(system + STOP + "more"),
		"named at the end":    bin(GLOBAL + "os\nsystem\n" + STOP),
		"without PROTO":       bin(SHORT_BINUNICODE + u8(2) + "os" + SHORT_BINUNICODE + u8(6) + "system" + STACK_GLOBAL + STOP),
		"and junk":            bin(payload + "\xff\xff"),
		"broken at the end":   bin(PROTO + u8(2) + system + "\xff"),
		"in a pickle":         bin(PROTO + u8(2) + bin(payload) + STOP),
	} {
		got := read(t, NONE+POP+stream)
		require.Contains(t, codes(got.Findings), machine.CodeNested, name)
		require.Contains(t, codes(got.Findings), machine.CodeGlobalDangerous, name)
		for _, f := range got.Findings {
			require.EqualValues(t, 2, f.Offset, name)
		}
		require.Equal(t, "os.system", got.Uses[0].Name, name)
		require.EqualValues(t, 2, got.Uses[0].Offset, name)
	}
}

// What only looks like a pickle is a string.
func TestNotNested(t *testing.T) {
	for _, s := range []string{
		"", ".", "N.", "K\x01.", "conv1.weight", "(no\nsuch.", "cat\nis\nblack.", "It is.\nIt was.", "\x80\x02", "\x80\x02x\n.", "\x80\x02.", "\x80\x07N.",
		"cas\nsert\nx.", "model.layers.0", "(dp0\n.", "\u0080\u0002.", "\u0080é€.",
	} {
		var text []rune
		for i := range len(s) {
			text = append(text, rune(s[i]))
		}
		require.Empty(t, read(t, str(string(text))).Findings, "%q", s)
		require.Empty(t, read(t, bin(s)).Findings, "%q", s)
	}
}

// What a nested stream spends is spent.
func TestNestedLimits(t *testing.T) {
	inner := PROTO + u8(2) + strings.Repeat(NONE+POP, 50) + NONE + STOP
	_, err := machine.Run(asm(bin(inner), STOP), machine.Options{Limits: machine.Limits{Ops: 50}})
	fault(t, err, machine.CodeLimits)

	onion := func(skins int) []byte {
		s := PROTO + u8(2) + NONE + STOP
		for range skins {
			s = PROTO + u8(2) + bin(s) + STOP
		}
		return []byte(s)
	}
	got, err := machine.Run(onion(4), machine.Options{})
	require.NoError(t, err)
	require.Equal(t, machine.CodeNested, got.Findings[0].Code)
	_, err = machine.Run(onion(5), machine.Options{})
	require.Contains(t, fault(t, err, machine.CodeLimits).Detail, "4 pickles in each other")
	_, err = machine.Run(onion(500), machine.Options{})
	fault(t, err, machine.CodeLimits)
}
