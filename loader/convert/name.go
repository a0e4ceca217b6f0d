package convert

import (
	"path"
	"strings"
)

// rename is the name of the safetensors file that is derived from a file: of
// another extension, and "model" where its last element begins with
// "pytorch_model", as Hugging Face's converter names it.
func rename(file string) string {
	dir, base := path.Split(file)
	stem := strings.TrimSuffix(base, extension(base))
	if rest, ok := strings.CutPrefix(stem, "pytorch_model"); ok {
		stem = "model" + rest
	}
	return dir + stem + ".safetensors"
}

// extension is that of a base name, as Python's os.path.splitext has it:
// leading points begin none.
func extension(base string) string { return path.Ext(strings.TrimLeft(base, ".")) }
