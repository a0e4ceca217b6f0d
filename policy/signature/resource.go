package signature

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

const (
	maxName     = 4096 // bytes
	maxElements = 33   // of a name: a file below as many directories as a source may have
)

// single names the one file of a model that is no directory. It names it not
// at all: what the file is called is not signed.
const single = "."

// A Resource is a file, or a shard of one, with its digest.
type Resource struct {
	Name   string          `json:"name"`            // of the file: slash-separated, beneath the model's root; "." if that is the file itself
	Start  int64           `json:"start,omitempty"` // in bytes, of a shard
	End    int64           `json:"end,omitempty"`   // of a shard: behind its last byte; 0 of a file, which is signed whole
	SHA256 manifest.Digest `json:"sha256"`
}

// FileResources are those of a model that is signed by files.
func FileResources(files manifest.Manifest) []Resource {
	resources := make([]Resource, len(files))
	for i, f := range files {
		resources[i] = Resource{Name: f.Name, SHA256: f.SHA256}
	}
	return resources
}

// ShardResources are those of a model that is signed by shards of size bytes;
// shards has the SHA-256 of each of them, by the name of the file. One that is
// absent is the zero Digest, which Sign refuses. A file of no bytes has no shard
// and so is not signed, which Compare says later.
func ShardResources(files manifest.Manifest, size int64, shards map[string][]manifest.Digest) []Resource {
	if size < MinShard || size > MaxShard {
		return nil
	}
	var resources []Resource
	for _, f := range files {
		measured := shards[f.Name]
		for start := int64(0); start < f.Size; start += size {
			r := Resource{Name: f.Name, Start: start, End: min(start+size, f.Size)}
			if len(measured) > 0 {
				r.SHA256, measured = measured[0], measured[1:]
			}
			resources = append(resources, r)
		}
	}
	return resources
}

// parseResource reads a name as the method spells it: shards are path:start:end,
// and the last two colons count, since paths may have others.
func parseResource(m Method, name, digest string) (Resource, error) {
	d, err := manifest.ParseDigest(digest)
	if err != nil {
		return Resource{}, refuseFor(err, CodeSyntax, "statement: %+.99q", name)
	}
	if m == Files {
		return Resource{Name: name, SHA256: d}, nil
	}
	last := strings.LastIndexByte(name, ':')
	first := strings.LastIndexByte(name[:max(last, 0)], ':')
	if first < 0 {
		return Resource{}, refuse(CodeSyntax, "statement: %+.99q is no shard's name, path:start:end", name)
	}
	r := Resource{Name: name[:first], SHA256: d}
	var start, end bool
	r.Start, start = offset(name[first+1 : last])
	r.End, end = offset(name[last+1:])
	if !start || !end {
		return Resource{}, refuse(CodeSyntax, "statement: %+.99q is no shard's name, path:start:end", name)
	}
	return r, nil
}

// offset reads a number in its one spelling.
func offset(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil && v >= 0 && strconv.FormatInt(v, 10) == s
}

// spell writes the name that parseResource reads.
func (r Resource) spell(m Method) string {
	if m == Shards {
		return fmt.Sprintf("%s:%d:%d", r.Name, r.Start, r.End)
	}
	return r.Name
}

// byComponents is the order in which model-signing lists resources: that of
// Python's PurePosixPath, then of the offsets as numbers. The specification
// has the order of strings, in which deploy.md comes before deploy/x.md.
func byComponents(a, b Resource) int {
	components := func(name string) []string {
		if name == single {
			return nil
		}
		return strings.Split(name, "/")
	}
	return cmp.Or(slices.Compare(components(a.Name), components(b.Name)),
		cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
}

// check says what is wrong with a statement, whoever wrote it.
func (s *Statement) check() error {
	switch {
	case s.Method != Files && s.Method != Shards:
		return refuse(CodeMethod, "statement: %v", s.Method)
	case s.Method == Files && s.ShardSize != 0:
		return refuse(CodeSyntax, "statement: a shard size without shards")
	case s.Method == Shards && (s.ShardSize < MinShard || s.ShardSize > MaxShard):
		return refuse(CodeShardSize, "statement: shards of %d bytes, not of %d to %d", s.ShardSize, MinShard, int64(MaxShard))
	case len(s.Resources) == 0:
		return refuse(CodeEmpty, "statement: no resources")
	case len(s.Resources) > maxResources:
		return refuse(CodeLimits, "statement: more than %d resources", maxResources)
	}
	sorted := slices.SortedFunc(slices.Values(s.Resources), func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Start, b.Start))
	})
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].Name == sorted[0].Name {
			n++
		}
		if err := s.checkFile(sorted[:n], n == len(s.Resources)); err != nil {
			return err
		}
		sorted = sorted[n:]
	}
	return checkCase(s.Resources)
}

// checkFile looks at all resources of one file, in order of their offsets.
func (s *Statement) checkFile(pieces []Resource, alone bool) error {
	name := pieces[0].Name
	if !(isName(name) || name == single && alone) {
		return refuse(CodeName, "statement: %+.99q names no file beneath the model's root", name)
	}
	next := int64(0)
	for i, r := range pieces {
		switch {
		case r.SHA256.IsZero():
			return refuse(CodeSyntax, "statement: %+.99q has no digest", name)
		case i < len(pieces)-1 && r.Start == pieces[i+1].Start:
			return refuse(CodeNameTwice, "statement: %+.99q twice", r.spell(s.Method))
		case s.Method == Files && (r.Start != 0 || r.End != 0):
			return refuse(CodeShardGap, "statement: %+.99q is signed whole and has offsets", name)
		case s.Method == Shards && (r.Start != next || r.End <= r.Start || r.End-r.Start > s.ShardSize),
			i < len(pieces)-1 && r.End-r.Start != s.ShardSize:
			return refuse(CodeShardGap, "statement: %+.99q is not the shard at %d, of %d bytes", r.spell(s.Method), next, s.ShardSize)
		}
		next = r.End
	}
	return nil
}

// isName takes a path in its shortest form that never climbs, on any system,
// and shows what it is.
func isName(name string) bool {
	return fs.ValidPath(name) && name != single && len(name) <= maxName && strings.Count(name, "/") < maxElements &&
		!strings.Contains(name, `\`) && !strings.ContainsFunc(name, formats.Hides)
}

// checkCase refuses names of files or directories that differ by case alone.
func checkCase(resources []Resource) error {
	spelled := make(map[string]string, len(resources)) // by the folded name
	last := ""
	for _, r := range resources {
		if r.Name == last {
			continue // a further shard
		}
		last = r.Name
		for at := range len(r.Name) + 1 {
			if at < len(r.Name) && r.Name[at] != '/' {
				continue
			}
			name := r.Name[:at]
			folded := fold(name)
			if other, taken := spelled[folded]; taken && other != name {
				return refuse(CodeNameCase, "statement: %+.99q differs from %+.99q by case alone", name, other)
			}
			spelled[folded] = name
		}
	}
	return nil
}

// fold maps names that differ by case alone to one.
func fold(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return strings.ToUpper(name)
	}
	return strings.Map(func(r rune) rune {
		switch { // the least of their case, as for all others
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case r < utf8.RuneSelf:
			return r
		}
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}
