// Package mutants makes the texts that a strict reader of JSON has to tell from
// the one that it was given. It is for tests.
package mutants

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Of are the mutants of a JSON text: each byte flipped by each of the flips,
// and what Edits makes of it. It panics if text is no JSON.
func Of(text []byte, flips ...byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range text {
			for _, flip := range flips {
				mutant := slices.Clone(text)
				mutant[i] ^= flip
				if !yield(mutant) {
					return
				}
			}
		}
		for _, mutant := range Edits(text) {
			if !yield([]byte(mutant)) {
				return
			}
		}
	}
}

// Edits are the texts that come of dropping, doubling and re-typing each member
// and element of a JSON text: sorted, and none of them what text says, spelled
// as encoding/json spells it. It panics if text is no JSON.
func Edits(text []byte) []string {
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		panic(err)
	}
	texts := map[string]bool{}
	edit(whole, func(s string) { texts[s] = true })
	delete(texts, write(whole))
	return slices.Sorted(maps.Keys(texts))
}

// others are values of other types, and of none.
var others = []string{
	`null`, `true`, `false`, `0`, `-1`, `1.5`, `1e999`, `""`, `"x"`, `"AAAA"`, `[]`, `[[]]`, `[null]`, `{}`, `{"x":0}`, `[`, `}`, ``,
}

// edit hands on v with one thing changed in it, for each thing.
func edit(v any, emit func(string)) {
	for _, other := range others {
		emit(other)
	}
	emit("[" + write(v) + "]")
	emit(write(v) + write(v))
	switch v := v.(type) {
	case map[string]any:
		editObject(v, emit)
	case []any:
		editArray(v, emit)
	case string:
		for _, s := range []string{v + "x", "../" + v, v + "/", "./" + v, strings.ToUpper(v), v[:len(v)/2], v + "\u202e", v + "\ufffd"} {
			emit(write(s))
		}
	case float64:
		for _, f := range []float64{v + 1, v / 2, -v, v * 1e300} {
			emit(fmt.Sprint(f))
		}
	}
}

func editObject(v map[string]any, emit func(string)) {
	keys := slices.Sorted(maps.Keys(v))
	for _, key := range keys {
		around := func(member string) {
			var members []string
			for _, k := range keys {
				if k != key {
					members = append(members, write(k)+":"+write(v[k]))
				} else if member != "" {
					members = append(members, member)
				}
			}
			emit("{" + strings.Join(members, ",") + "}")
		}
		own := write(key) + ":" + write(v[key])
		around("")
		around(own + "," + own)
		around(own + "," + write(key) + ":null")
		around(write(key) + `:"x",` + own)
		around(own + "," + write(strings.ToUpper(key)) + ":" + write(v[key]))
		around(write(key+"x") + ":" + write(v[key]))
		edit(v[key], func(s string) { around(write(key) + ":" + s) })
	}
}

func editArray(v []any, emit func(string)) {
	for i := range v {
		around := func(elements ...string) {
			var all []string
			for j := range v {
				if j != i {
					all = append(all, write(v[j]))
				} else {
					all = append(all, elements...)
				}
			}
			emit("[" + strings.Join(all, ",") + "]")
		}
		around()
		around(write(v[i]), write(v[i]))
		edit(v[i], func(s string) { around(s) })
	}
	reversed := slices.Clone(v)
	slices.Reverse(reversed)
	emit(write(reversed))
}

func write(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
