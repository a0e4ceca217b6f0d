package cli

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy/manifest"
)

// sums are SHA-256 digests that are known from elsewhere, by file name. Nil is
// no such file: it asks for nothing.
type sums map[string]manifest.Digest

// readSums reads lines as sha256sum writes them, in text or binary mode. Without
// a path there are none.
func readSums(path string) (sums, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	known := sums{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		digits, name, _ := strings.Cut(lines.Text(), " ")
		digest, err := manifest.ParseDigest(digits)
		if err != nil || len(name) < 2 || name[0] != ' ' && name[0] != '*' {
			return nil, fmt.Errorf("%s:%d: no line of sha256sum: 64 lower-case hexadecimal digits, two spaces, a name", path, n)
		}
		name = strings.TrimPrefix(name[1:], "./")
		if _, twice := known[name]; twice {
			return nil, fmt.Errorf("%s:%d: names %s a second time", path, n, formats.Quote(name))
		}
		known[name] = digest
	}
	return known, lines.Err()
}

// check holds what was measured against s. Each file of the model must be in
// s: what s leaves out is known from nowhere. Each name in s must be in the
// model, or be one that files.only leaves out.
func (s sums) check(measured *loader.Report) error {
	if s == nil {
		return nil
	}
	var wrong []error
	rest := maps.Clone(s)
	for _, f := range measured.Files {
		switch digest, ok := s[f.Name]; {
		case !ok:
			wrong = append(wrong, fmt.Errorf("no digest for %s", formats.Quote(f.Name)))
		case digest != f.SHA256:
			wrong = append(wrong, fmt.Errorf("%s has the SHA-256 %s, not %s", formats.Quote(f.Name), f.SHA256, digest))
		}
		delete(rest, f.Name)
	}
	for _, name := range measured.LeftOut {
		delete(rest, name)
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		wrong = append(wrong, fmt.Errorf("a digest for %s, which the model does not have", formats.Quote(name)))
	}
	return errors.Join(wrong...)
}
