package grammar

import (
	"bytes"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// What torch writes before the object (torch/serialization.py, _legacy_save).
const protocolVersion = 1001

// magic is the number 0x1950a86a20f9469cfc6c.
var magic = []byte{0x19, 0x50, 0xa8, 0x6a, 0x20, 0xf9, 0x46, 0x9c, 0xfc, 0x6c}

// legacy reads the five pickles of a legacy file: the magic number, the version
// of the protocol, what wrote the file, the object, and the keys of the storages.
// Each must be the value itself, and not something that a loader would compute.
func (r *reader) legacy(stream []byte) error {
	var values [5]machine.Value
	for i := range values {
		result, err := r.pickle(stream)
		if err != nil {
			return err
		}
		values[i] = result.Value
		if why := header(i, result.Value); why != "" {
			r.find(refusal{CodeLegacy, 0, why})
			return nil
		}
		if i == 3 {
			r.Protocol = result.Protocol
			r.convert(result.Value)
		}
		r.base += result.End
	}
	info := values[2].(*machine.Dict)
	little, _ := get(info, "little_endian")
	r.BigEndian = little == false
	r.End = r.base
	r.order(values[4].(*machine.List))
	return nil
}

// header is what is wrong with the i-th pickle, "" if nothing is.
func header(i int, v machine.Value) string {
	switch i {
	case 0:
		if n, ok := v.(*machine.Long); !ok || n.Negative || !bytes.Equal(n.Magnitude, magic) {
			return "the first pickle is not the magic number"
		}
	case 1:
		if v != int64(protocolVersion) {
			return "the second pickle is not the protocol's version"
		}
	case 2:
		if info, ok := v.(*machine.Dict); ok {
			version, _ := get(info, "protocol_version")
			little, _ := get(info, "little_endian")
			if _, ok := little.(bool); ok && version == int64(protocolVersion) {
				return ""
			}
		}
		return "the third pickle does not say what wrote the file"
	case 4:
		if _, ok := v.(*machine.List); !ok {
			return "the fifth pickle is not the list of the storages"
		}
	}
	return ""
}

// order reads the keys of the storages, of which the file has each once and the
// object mentions all.
func (r *reader) order(list *machine.List) {
	listed := make(map[string]bool, len(list.Items))
	for _, item := range list.Items {
		key, ok := machine.Text(item)
		_, mentioned := r.keys[key]
		switch {
		case !ok:
			r.find(refusal{CodeLegacy, 0, "a storage whose key is no string"})
			return
		case listed[key]:
			r.find(refusal{CodeLegacy, 0, "storage " + quote(key) + " is listed twice"})
			return
		case !mentioned:
			r.find(refusal{CodeLegacy, 0, "storage " + quote(key) + " is listed, and nothing mentions it"})
			return
		}
		listed[key] = true
		r.Keys = append(r.Keys, key)
	}
	for _, s := range r.Storages {
		if !listed[s.Key] {
			r.find(refusal{CodeLegacy, 0, "storage " + quote(s.Key) + " is not listed"})
			return
		}
	}
}
