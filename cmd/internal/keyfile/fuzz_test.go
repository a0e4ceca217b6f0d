package keyfile

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func seeds(f *testing.F) {
	names, err := filepath.Glob("testdata/*.key")
	require.NoError(f, err)
	require.NotEmpty(f, names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		block, _ := pem.Decode(text)
		f.Add(block.Type, block.Bytes, "correct horse ä")
	}
}

// What is parsed is within its bounds, and is written again as it was. A key
// that comes out of it, or out of plain text, goes back in.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, label string, der []byte, passphrase string) {
		text := pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
		key, err := InsecureParsePlain(text)
		if err != nil {
			require.Nil(t, key)
			e, err := Parse(text)
			if err != nil {
				require.Nil(t, e)
				return
			}
			require.True(t, e.iterations > 0 && e.iterations <= maxIterations && len(e.salt) <= maxSalt && len(e.data) < len(text))
			again, err := e.marshal()
			require.NoError(t, err)
			require.Equal(t, der, again)
			if e.iterations > 1000 {
				return
			}
			if key, err = e.Decrypt([]byte(passphrase)); err != nil {
				require.Nil(t, key)
				return
			}
		}
		sealed, err := (&Encrypted{salt: make([]byte, minSalt), iv: make([]byte, 16), iterations: 1}).seal(key, []byte("secret"))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(sealed), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
		e, err := Parse(sealed)
		require.NoError(t, err)
		again, err := e.Decrypt([]byte("secret"))
		require.NoError(t, err)
		require.Equal(t, key, again)
	})
}
