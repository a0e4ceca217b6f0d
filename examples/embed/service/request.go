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
	tokens     int // of ids
	base64     bool
	dimensions int64 // zero: not said
}

// maxInputs is how many texts OpenAI's API takes at once.
const maxInputs = 2048

func notJSON() *problem {
	return invalid("", "", "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "+
		"your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)")
}

// parse reads a request strictly, and no further than to its first mistake: one
// input more than there may be, or one id more than most. JSON that two readers
// may take for different things is refused: keys that come twice, half surrogate
// pairs, bytes that are not UTF-8.
func parse(body []byte, most int) (*request, *problem) {
	if !utf8.Valid(body) || !json.Valid(body) || halfPair(body) {
		return nil, notJSON()
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if next(d) != json.Delim('{') {
		return nil, notJSON()
	}
	var r request
	var seen []string
	for d.More() {
		key := next(d).(string) // which a key is, in valid JSON
		if slices.Contains(seen, key) {
			return nil, invalid(key, "", "The request argument %s is supplied twice", quote(key))
		}
		seen = append(seen, key)
		if p := r.set(key, d, most); p != nil {
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

// next is the next token of valid JSON: a string, a json.Number, a json.Delim, a
// bool, or nil for null.
func next(d *json.Decoder) json.Token {
	token, err := d.Token()
	if err != nil {
		return json.Delim(0) // of which nothing is made
	}
	return token
}

// set reads the value of a key. Null is the same as no value where OpenAI's API
// requires none.
func (r *request) set(key string, d *json.Decoder, most int) (p *problem) {
	value := next(d)
	switch key {
	case "model":
		r.model, p = str(key, value)
	case "input":
		p = r.input(value, d, most)
	case "encoding_format":
		if value == nil {
			break
		}
		var format string
		if format, p = str(key, value); p != nil {
			break
		}
		if format != "float" && format != "base64" {
			return invalid(key, "invalid_value", "Invalid value: %s. Supported values are: 'float' and 'base64'.", quote(format))
		}
		r.base64 = format == "base64"
	case "dimensions":
		if value == nil {
			break
		}
		var ok bool
		if r.dimensions, ok = integer(value); !ok || r.dimensions <= 0 {
			return invalid(key, "invalid_value", "Invalid value for 'dimensions': expected an integer of at least 1.")
		}
	case "user":
		if value != nil {
			_, p = str(key, value) // is not kept
		}
	default:
		return invalid("", "", "Unrecognized request argument supplied: %s", quote(key))
	}
	return p
}

func str(key string, value json.Token) (string, *problem) {
	s, ok := value.(string)
	if !ok {
		return "", invalid(key, "invalid_type", "Invalid type for '%s': expected a string.", key)
	}
	return s, nil
}

func integer(value json.Token) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return n, err == nil
}

// input is a string, strings, ids, or lists of ids.
func (r *request) input(value json.Token, d *json.Decoder, most int) *problem {
	if text, ok := value.(string); ok {
		return r.addText(text)
	}
	if value != json.Delim('[') {
		return wrongType()
	}
	if !d.More() {
		return invalid("input", "empty_array", "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.")
	}
	switch value = next(d); value.(type) {
	case string:
		return r.strings(value, d)
	case json.Number:
		return r.addIDs(value, d, most)
	}
	return r.lists(value, d, most)
}

// strings reads an array from its first value on.
func (r *request) strings(value json.Token, d *json.Decoder) *problem {
	for {
		text, ok := value.(string)
		if !ok {
			return wrongType()
		}
		if p := r.addText(text); p != nil {
			return p
		}
		if !d.More() {
			next(d)
			return nil
		}
		value = next(d)
	}
}

// lists reads an array of arrays of at most most ids from its first value on.
func (r *request) lists(value json.Token, d *json.Decoder, most int) *problem {
	for {
		if value != json.Delim('[') {
			return wrongType()
		}
		if !d.More() {
			return emptyInput()
		}
		if p := r.addIDs(next(d), d, most); p != nil {
			return p
		}
		if !d.More() {
			next(d)
			return nil
		}
		value = next(d)
	}
}

func (r *request) addText(text string) *problem {
	if text == "" {
		return emptyInput()
	}
	if len(r.texts) == maxInputs {
		return tooManyInputs()
	}
	r.texts = append(r.texts, text)
	return nil
}

// addIDs reads an array of ids from its first value on.
func (r *request) addIDs(value json.Token, d *json.Decoder, most int) *problem {
	if len(r.ids) == maxInputs {
		return tooManyInputs()
	}
	var ids []int64
	for {
		id, ok := integer(value)
		if !ok {
			return wrongType()
		}
		if r.tokens == most {
			return tooManyTokens(most)
		}
		r.tokens++
		ids = append(ids, id)
		if !d.More() {
			next(d)
			r.ids = append(r.ids, ids)
			return nil
		}
		value = next(d)
	}
}

func wrongType() *problem {
	return invalid("input", "invalid_type", "Invalid type for 'input': expected one of a string, array of strings, "+
		"array of integers, or array of integer arrays.")
}

func emptyInput() *problem {
	return invalid("input", "empty_string", "Invalid 'input': input cannot be an empty string.")
}

func tooManyInputs() *problem {
	return invalid("input", "array_above_max_length", "Invalid 'input': array too long. Expected an array with maximum length %d.", maxInputs)
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
