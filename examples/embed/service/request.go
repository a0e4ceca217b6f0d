package service

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A request is what POST /v1/embeddings takes. Either texts or ids are set.
type request struct {
	model      string
	texts      []string
	ids        [][]int64
	base64     bool
	dimensions int64 // zero: not said
}

// maxInputs is how many texts OpenAI's API takes at once.
const maxInputs = 2048

func notJSON() *problem {
	return invalid("", "", "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "+
		"your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)")
}

// parse reads a request strictly. JSON that two readers may take for different
// things is refused: keys that come twice, half surrogate pairs, bytes that are
// not UTF-8.
func parse(body []byte) (*request, *problem) {
	if !utf8.Valid(body) || !json.Valid(body) || halfPair(body) {
		return nil, notJSON()
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil, notJSON()
	}
	var r request
	var seen []string
	for d.More() {
		token, err := d.Token()
		key, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return nil, notJSON()
		}
		if slices.Contains(seen, key) {
			return nil, invalid(key, "", "The request argument %s is supplied twice", quote(key))
		}
		seen = append(seen, key)
		if p := r.set(key, value); p != nil {
			return nil, p
		}
	}
	switch {
	case r.model == "":
		return nil, invalid("", "", "you must provide a model parameter")
	case r.texts == nil && r.ids == nil:
		return nil, invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	return &r, nil
}

// quote is a name of the client's in a message.
func quote(name string) string { return strconv.Quote(name[:min(len(name), 64)]) }

func (r *request) set(key string, value []byte) *problem {
	switch key {
	case "model":
		return str(key, value, &r.model)
	case "input":
		return r.input(value)
	case "encoding_format":
		var format string
		if p := str(key, value, &format); p != nil {
			return p
		}
		if format != "float" && format != "base64" {
			return invalid(key, "invalid_value", "Invalid value: %s. Supported values are: 'float' and 'base64'.", quote(format))
		}
		r.base64 = format == "base64"
	case "dimensions":
		if json.Unmarshal(value, &r.dimensions) != nil || r.dimensions <= 0 {
			return invalid(key, "invalid_value", "Invalid value for 'dimensions': expected an integer of at least 1.")
		}
	case "user":
		var user string // is not kept
		return str(key, value, &user)
	default:
		return invalid("", "", "Unrecognized request argument supplied: %s", quote(key))
	}
	return nil
}

func str(key string, value []byte, into *string) *problem {
	if value[0] != '"' || json.Unmarshal(value, into) != nil {
		return invalid(key, "invalid_type", "Invalid type for '%s': expected a string.", key)
	}
	return nil
}

// input is a string, strings, ids, or lists of ids.
func (r *request) input(value []byte) *problem {
	wrong := invalid("input", "invalid_type", "Invalid type for 'input': expected one of a string, array of strings, "+
		"array of integers, or array of integer arrays.")
	var err error
	switch first := firstInside(value); {
	case value[0] == '"':
		r.texts = make([]string, 1)
		err = json.Unmarshal(value, &r.texts[0])
	case value[0] != '[':
		return wrong
	case first == ']':
		return invalid("input", "empty_array", "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	case first == '"':
		var texts []*string
		err = json.Unmarshal(value, &texts)
		for _, text := range texts {
			if text == nil {
				return wrong
			}
			r.texts = append(r.texts, *text)
		}
	case bytes.Contains(value, []byte("null")): // which is 0 to encoding/json
		return wrong
	case first == '[':
		err = json.Unmarshal(value, &r.ids)
	default:
		r.ids = make([][]int64, 1)
		err = json.Unmarshal(value, &r.ids[0])
	}
	if err != nil {
		return wrong
	}
	return r.checkInputs()
}

func (r *request) checkInputs() *problem {
	if n := len(r.texts) + len(r.ids); n > maxInputs {
		return invalid("input", "array_above_max_length", "Invalid 'input': array too long. Expected an array with maximum length %d, "+
			"but got an array with length %d instead.", maxInputs, n)
	}
	empty := slices.Contains(r.texts, "") || slices.ContainsFunc(r.ids, func(ids []int64) bool { return len(ids) == 0 })
	if empty {
		return invalid("input", "empty_string", "Invalid 'input': input cannot be an empty string.")
	}
	return nil
}

// firstInside is the first byte of an array's content, or its end.
func firstInside(value []byte) byte {
	if inside := bytes.TrimLeft(value[1:], " \t\r\n"); len(inside) > 0 {
		return inside[0]
	}
	return 0
}

// halfPair finds an escape of half a surrogate pair in JSON, which has no code
// point. Outside of strings JSON has no backslash.
func halfPair(body []byte) bool {
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++
		if body[i] != 'u' {
			continue
		}
		unit := escaped(body[i-1:])
		i += 4
		if !utf16.IsSurrogate(unit) {
			continue
		}
		if utf16.DecodeRune(unit, escaped(body[i+1:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// escaped is the \uXXXX at the beginning of s, or -1.
func escaped(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(unit)
}
