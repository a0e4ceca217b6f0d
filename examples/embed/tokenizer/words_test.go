package tokenizer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

//go:embed testdata/words.txt
var digests []byte

// Every code point there is, between two letters, in both normalizers.
func TestWordsOfEveryCodePoint(t *testing.T) {
	blocks := 0
	for lines := bufio.NewScanner(bytes.NewReader(digests)); lines.Scan(); blocks++ {
		var block rune
		var uncased, cased string
		_, err := fmt.Sscanf(lines.Text(), "%x %s %s", &block, &uncased, &cased)
		require.NoError(t, err)
		require.Equal(t, uncased, digest(normalizer{uncased: true}, block), "uncased, from U+%04X on", block)
		require.Equal(t, cased, digest(normalizer{}, block), "cased, from U+%04X on", block)
	}
	require.Equal(t, 0x110000/4096, blocks)
}

func digest(n normalizer, block rune) string {
	h := sha256.New()
	for r := block; r < block+4096; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue // surrogates are no code points of a text
		}
		fmt.Fprintf(h, "%s\x00", strings.Join(slices.Collect(n.words("a"+string(r)+"b")), "\n"))
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

func TestWordsStopEarly(t *testing.T) {
	for _, text := range []string{"a b c", "a.b", "a"} {
		for word := range split(text) {
			require.Equal(t, "a", word)
			break
		}
	}
	for word := range split(".b") {
		require.Equal(t, ".", word)
		break
	}
}
