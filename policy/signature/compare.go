package signature

import (
	"cmp"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy/manifest"
)

// Compare holds what is signed against what was measured, and finds nothing
// only if they are the same: each file signed, and each signed file there.
//
// Files are all that may be used of the model, with the SHA-256 of each under
// the method Files; the bundle itself, which cannot sign itself, is not among
// them. Under Shards, shards has the SHA-256 of each piece of v.ShardSize bytes,
// the last one shorter, by the name of the file. A statement over "." is over
// one file, whatever its name.
//
// Paths that the signer ignored are as unsigned as others, and so are files of
// no bytes under Shards. The findings are sorted by file and offset.
func Compare(v *Verified, files manifest.Manifest, shards map[string][]manifest.Digest) []formats.Finding {
	if v == nil {
		v = &Verified{}
	}
	if err := v.check(); err != nil { // Verify makes none such
		e, _ := errors.AsType[*Error](err)
		return []formats.Finding{e.Finding}
	}
	signed := make(map[string][]Resource, len(v.Resources))
	for _, r := range v.Resources {
		signed[r.Name] = append(signed[r.Name], r)
	}
	if pieces, ok := signed[single]; ok && len(files) == 1 {
		signed = map[string][]Resource{files[0].Name: pieces}
	}
	var found []formats.Finding
	for _, f := range files {
		pieces, ok := signed[f.Name]
		if !ok {
			found = append(found, v.unsigned(f))
			continue
		}
		delete(signed, f.Name) // a second file of that name is not signed
		if v.Method == Shards {
			found = append(found, v.compareShards(f, pieces, shards[f.Name])...)
		} else {
			found = append(found, compareFile(f, pieces[0])...)
		}
	}
	for name := range maps.Keys(signed) {
		found = append(found, codes.Finding(CodeFileMissing, name, 0, "signed, and not there"))
	}
	slices.SortStableFunc(found, func(a, b formats.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
	})
	return found
}

// unsigned says why nobody vouches for f.
func (s *Statement) unsigned(f manifest.Entry) formats.Finding {
	switch {
	case s.Method == Shards && f.Size == 0:
		return codes.Finding(CodeFileEmpty, f.Name, 0, "of no bytes, which a signature over shards does not cover")
	case s.ignored(f.Name):
		return codes.Finding(CodeFileIgnored, f.Name, 0, "left unsigned by the signer")
	}
	return codes.Finding(CodeFileExtra, f.Name, 0, "not signed")
}

// ignored reports whether name is an ignored path or beneath one.
func (s *Statement) ignored(name string) bool {
	return slices.ContainsFunc(s.IgnorePaths, func(p string) bool {
		p = path.Clean(p)
		return p == "." || name == p || strings.HasPrefix(name, p+"/")
	})
}

func compareFile(f manifest.Entry, r Resource) []formats.Finding {
	switch {
	case f.SHA256.IsZero():
		return []formats.Finding{codes.Finding(CodeFileUnmeasured, f.Name, 0, "its SHA-256 was not measured")}
	case f.SHA256 != r.SHA256:
		return []formats.Finding{codes.Finding(CodeFileChanged, f.Name, 0, "SHA-256 %s, signed %s", f.SHA256, r.SHA256)}
	}
	return nil
}

// compareShards compares each shard. Those of a statement that was read tile
// their file, in whatever order they are signed.
func (s *Statement) compareShards(f manifest.Entry, pieces []Resource, measured []manifest.Digest) []formats.Finding {
	size := int64(0)
	for _, r := range pieces {
		size = max(size, r.End)
	}
	if f.Size != size {
		return []formats.Finding{codes.Finding(CodeFileChanged, f.Name, 0, "%d bytes, signed %d", f.Size, size)}
	}
	var found []formats.Finding
	for _, r := range pieces {
		switch at := r.Start / s.ShardSize; {
		case at >= int64(len(measured)) || measured[at].IsZero():
			found = append(found, codes.Finding(CodeFileUnmeasured, f.Name, r.Start, "the SHA-256 of its bytes %d to %d was not measured", r.Start, r.End))
		case measured[at] != r.SHA256:
			found = append(found, codes.Finding(CodeFileChanged, f.Name, r.Start, "bytes %d to %d have the SHA-256 %s, signed %s", r.Start, r.End, measured[at], r.SHA256))
		}
	}
	return found
}
