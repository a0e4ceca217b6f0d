// Command gen writes the vectors, each from the code that describes it:
//
//	go run ./formats/vectors/gen
package main

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/txtar"
)

// A vector is one scenario: a file tree and what must come of it.
type vector struct {
	name   string // of the scenario, in words joined by hyphens
	about  string // one line: what is special here
	expect string // admitted, or the code that it is refused with
	files  []file // the first is the one to inspect, the others lie beside it
}

type file struct {
	name string
	data []byte
}

// generated is every vector by its path beneath formats/vectors.
func generated() map[string][]byte {
	files := map[string][]byte{}
	for format, list := range withSidecars(withForeign(map[string][]vector{
		"onnx":         onnxVectors(),
		"safetensors":  safetensorsVectors(),
		"zip":          zipVectors(),
		"npy":          npyVectors(),
		"npz":          npzVectors(),
		"torch":        torchVectors(),
		"torch.legacy": torchLegacyVectors(),
		"pickle":       pickleVectors(),
	})) {
		for _, v := range list {
			path := format + "/" + v.name + ".txtar"
			if files[path] != nil {
				panic("two vectors at " + path)
			}
			files[path] = v.encode(format)
		}
	}
	return files
}

func (v vector) encode(format string) []byte {
	a := &txtar.Archive{Comment: fmt.Appendf(nil, "about: %s\nformat: %s\nexpect: %s\n\n", v.about, format, v.expect)}
	for _, f := range v.files {
		a.Files = append(a.Files, txtar.File{Name: f.name + ".b64", Data: wrapped(f.data)})
	}
	return txtar.Format(a)
}

// wrapped is data in base64, in lines that a diff can show.
func wrapped(data []byte) []byte {
	text := base64.StdEncoding.AppendEncode(nil, data)
	var lines bytes.Buffer
	for len(text) > 0 {
		n := min(len(text), 76)
		lines.Write(text[:n])
		lines.WriteByte('\n')
		text = text[n:]
	}
	return lines.Bytes()
}

func main() {
	dir := flag.String("dir", filepath.Join("formats", "vectors"), "the directory of package vectors")
	flag.Parse()
	if err := write(*dir); err != nil {
		log.Fatal(err)
	}
}

// write puts the vectors in the place of those that dir holds.
func write(dir string) error {
	stale, err := filepath.Glob(filepath.Join(dir, "*", "*.txtar"))
	if err != nil {
		return err
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for path, data := range generated() {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
