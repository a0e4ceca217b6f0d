// Package weightgate holds the house rules, as tests.
package weightgate

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/weightgate/weightgate"

// trees from left to right; a package imports its own tree and those to its left.
var trees = []string{"formats", "policy", "loader", "gpu"}

// besideLoader may import the root of their own tree although they hang beside the flow.
var besideLoader = []string{"loader/loadertest", "loader/source"}

func under(pkg string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return pkg == d || strings.HasPrefix(pkg, d+"/") })
}

// forbidden says why from may not import to; both are relative to the module.
func forbidden(from, to string) string {
	rank := func(pkg string) int {
		tree, _, _ := strings.Cut(pkg, "/")
		if i := slices.Index(trees, tree); i >= 0 {
			return i
		}
		return len(trees)
	}
	root, _, _ := strings.Cut(from, "/")
	switch {
	case rank(to) > rank(from):
		return "imports to its right"
	case from == "formats" && under(to, "formats"):
		return "vocabulary imports none of its children"
	case from == "loader" && under(to, "loader/convert", "loader/source", "loader/loadertest"):
		return "what a host opts into hangs beside the flow"
	case to == root && root != "formats" && under(root, trees...) && from != root && !under(from, besideLoader...):
		return "a part never imports its root"
	case rank(from) < len(trees) && under(from, "formats", "policy", "loader") && from != "formats/all" && !under(from, "loader/loadertest") && to == "formats/all":
		return "only hosts choose the set"
	}
	return ""
}

func TestImportDirections(t *testing.T) {
	fset, seen := token.NewFileSet(), 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ImportsOnly) // all platforms and build tags
		if err != nil {
			return err
		}
		// An external test is a host: it may choose from all trees up to its own.
		external := strings.HasSuffix(file.Name.Name, "_test")
		from := filepath.ToSlash(filepath.Dir(path))
		for _, spec := range file.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			to, ours := strings.CutPrefix(p, module+"/")
			if !ours {
				continue
			}
			seen++
			why := forbidden(from, to)
			if why != "" && !(external && why != "imports to its right") {
				t.Errorf("%s: %s imports %s: %s", fset.Position(spec.Pos()), from, to, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 20 {
		t.Fatalf("saw only %d imports: is the test looking in the right place?", seen)
	}
}

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"loader", "policy/manifest", true},
		{"formats/onnx", "formats", true},
		{"formats", "formats/onnx", false},
		{"policy", "loader", false},
		{"policy/manifest", "policy", false},
		{"loader", "loader/convert", false},
		{"loader", "loader/convert/plan", false},
		{"loader/convert", "loader", false},
		{"loader/internal/sandbox/child", "loader/convert/plan", true},
		{"loader/source/hf", "loader", true},
		{"gpu/internal/ort", "gpu", false},
		{"formats/torch/grammar", "loader/convert/plan", false},
		{"gpu", "cmd/internal/cli", false},
		{"cmd/internal/cli", "gpu", true},
	} {
		if got := forbidden(c.from, c.to) == ""; got != c.ok {
			t.Errorf("%s -> %s: allowed %v, want %v", c.from, c.to, got, c.ok)
		}
	}
}
