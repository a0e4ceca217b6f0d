package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A merging is what Hugging Face's converter does with tensors that share a
// storage: one that is all of it is kept, and those that overlap it are left
// out, each with an entry in the metadata that names the one kept.
//
// Source: safetensors 0.8, safetensors/torch.py, _remove_duplicate_names, with
// no preferred and no discarded names. The reference fails on views that are
// not contiguous, takes conjugated ones for what they are views of, and in that
// version fails on a single part of a storage. All three are written here as
// copies of their own.
type merging struct {
	kept    []*view
	removed map[string]string // the name that is kept for it
	partial []*view           // removed ones that are other views than what is kept
}

// merge merges views; it is false if some overlap and cannot be merged.
func (c *checker) merge(views []view) (m merging, ok bool) {
	m, ok = merging{removed: map[string]string{}}, true
	shared := map[int][]*view{} // by storage
	for i := range views {
		v := &views[i]
		if !v.packed || v.lazy() || v.length == 0 {
			m.kept = append(m.kept, v)
			continue
		}
		shared[v.storage] = append(shared[v.storage], v)
	}
	for _, storage := range slices.Sorted(maps.Keys(shared)) {
		for _, group := range overlapping(shared[storage]) {
			if !m.add(group) {
				c.find(CodeShared, group[0].place.Offset, "%s overlap, and none is all of their storage", list(group))
				ok = false
			}
			if len(c.findings) == maxFindings {
				return m, false
			}
		}
	}
	if len(m.partial) > 0 {
		c.find(CodeMerged, m.partial[0].source().Offset, "%s: views of other tensors, and left out for them", list(m.partial))
	}
	return m, ok
}

// overlapping splits the views of a storage where one begins behind the end of
// the one before it in the order of their places.
func overlapping(views []*view) [][]*view {
	slices.SortFunc(views, func(a, b *view) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.span, b.span), strings.Compare(a.name, b.name))
	})
	var groups [][]*view
	for i, v := range views {
		if i == 0 || v.begin >= views[i-1].begin+views[i-1].span {
			groups = append(groups, nil)
		}
		last := &groups[len(groups)-1]
		*last = append(*last, v)
	}
	return groups
}

// add adds views that overlap; it is false if none is all of their storage.
func (m *merging) add(group []*view) bool {
	if len(group) == 1 {
		m.kept = append(m.kept, group[0])
		return true
	}
	slices.SortFunc(group, func(a, b *view) int { return strings.Compare(a.name, b.name) })
	i := slices.IndexFunc(group, func(v *view) bool { return v.begin == 0 && v.length == v.place.Length })
	if i < 0 {
		return false
	}
	kept := group[i]
	m.kept = append(m.kept, kept)
	for _, v := range group {
		if v == kept {
			continue
		}
		m.removed[v.name] = kept.name
		if v.begin != kept.begin || v.dtype != kept.dtype || !slices.Equal(v.shape, kept.shape) {
			m.partial = append(m.partial, v)
		}
	}
	return true
}

// list names the first few of a group.
func list(group []*view) string {
	const few = 3
	var names []string
	for _, v := range group[:min(few, len(group))] {
		names = append(names, quote(v.name))
	}
	text := strings.Join(names, ", ")
	if more := len(group) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
