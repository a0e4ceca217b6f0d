package tokenizer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"runtime"
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

// Where a text is cut into pieces changes no word.
func TestPieces(t *testing.T) {
	for _, unit := range []string{"naïve Café ", "東京 x", "a\u0301 \u0301\u0327b", "Åkr\u200d ß. ", strings.Repeat("e\u0301\u0316", 300) + " "} {
		text := strings.Repeat(unit, 2*pieceSize/len(unit)+2)
		cut := slices.Collect(pieces(text))
		require.Greater(t, len(cut), 1)
		require.Equal(t, text, strings.Join(cut, ""))
		for _, n := range []normalizer{{}, {uncased: true}} {
			whole := clean(text)
			if n.uncased {
				whole = fold(whole)
			}
			require.Equal(t, slices.Collect(split(whole)), slices.Collect(n.words(text)))
		}
	}
	require.Equal(t, []string{""}, slices.Collect(pieces("")))
	word := strings.Repeat("a", 3*pieceSize)
	require.Equal(t, []string{word}, slices.Collect(pieces(word)))
}

// What nobody asks for is not prepared.
func TestWordsAreLazy(t *testing.T) {
	text := strings.Repeat("Wörter ", 1<<19)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for word := range (normalizer{uncased: true}).words(text) {
		require.Equal(t, "worter", word)
		break
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(text)/4))
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
