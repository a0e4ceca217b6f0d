package convert

import (
	"path"
	"strings"
)

// rename is the name of the safetensors file that is derived from a file: of
// another extension, and "model" for "pytorch_model" in its last element, as
// Hugging Face's converter names it.
func rename(file string) string {
	dir, base := path.Split(file)
	return dir + strings.ReplaceAll(strings.TrimSuffix(base, extension(base))+".safetensors", "pytorch_model", "model")
}

// extension is that of a base name, as Python's os.path.splitext has it:
// leading points begin none.
func extension(base string) string { return path.Ext(strings.TrimLeft(base, ".")) }
