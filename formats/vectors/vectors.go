// Package vectors holds model files, each with what must come of it: one
// scenario per file, a file tree in one txtar archive. A reader that claims a
// format is run over all vectors of that format.
//
// An archive begins with lines of the form "key: value":
//
//	about:  one line on what is special here
//	format: the format that the scenario belongs to
//	expect: admitted, or the code of the finding that it is refused with
//
// The members are the file tree, the first of them the file to inspect. A member
// named *.b64 is a file without that ending, in base64.
package vectors

import (
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// Files are the archives, one directory for each format.
//
//go:embed */*.txtar
var Files embed.FS

// Admitted is what a vector expects that is to be read without an error and
// without a finding of high severity or above.
const Admitted = "admitted"

// A Vector is one scenario.
type Vector struct {
	Name   string // of the archive, such as safetensors/overlap
	About  string
	Format string
	Expect string // Admitted or a code
	File   string // the file to inspect
	FS     fs.FS  // File and those beside it
}

// Load is all vectors, sorted by name.
func Load() ([]Vector, error) {
	names, err := fs.Glob(Files, "*/*.txtar")
	if err != nil {
		return nil, err
	}
	vectors := make([]Vector, 0, len(names))
	for _, name := range names {
		text, err := Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		v, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		v.Name = strings.TrimSuffix(name, ".txtar")
		vectors = append(vectors, v)
	}
	return vectors, nil
}

func parse(text []byte) (Vector, error) {
	var v Vector
	archive := txtar.Parse(text)
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "":
		case "about":
			v.About = value
		case "format":
			v.Format = value
		case "expect":
			v.Expect = value
		default:
			return Vector{}, fmt.Errorf("unknown key %q", key)
		}
	}
	if v.About == "" || v.Format == "" || v.Expect == "" || len(archive.Files) == 0 {
		return Vector{}, errors.New("about, format, expect or the files are missing")
	}
	tree := fstest.MapFS{}
	for _, member := range archive.Files {
		name, data, err := decode(member)
		if err != nil {
			return Vector{}, err
		}
		if tree[name] != nil {
			return Vector{}, fmt.Errorf("%s: twice", name)
		}
		tree[name] = &fstest.MapFile{Data: data, Mode: 0o444}
		if v.File == "" {
			v.File = name
		}
	}
	v.FS = tree
	return v, nil
}

func decode(member txtar.File) (name string, data []byte, err error) {
	name, binary := strings.CutSuffix(member.Name, ".b64")
	if !binary {
		return name, member.Data, nil
	}
	data, err = base64.StdEncoding.DecodeString(string(member.Data))
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", member.Name, err)
	}
	return name, data, nil
}
