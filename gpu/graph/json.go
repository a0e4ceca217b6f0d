package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unicode/utf8"
)

// Bounds of the JSON files that steer a graph. The largest in use list some
// ten thousand labels.
const (
	maxJSON  = 1 << 20
	maxDepth = 16
)

// readJSON reads a file as one JSON value (RFC 8259) of objects, which are
// map[string]any, arrays, strings, json.Numbers, bools and nil. An object with a
// key twice is refused.
func readJSON(ctx context.Context, files fs.FS, name string) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := readSmall(files, name)
	if err != nil {
		return nil, err
	}
	value, err := parseJSON(data)
	if err != nil {
		return nil, &Error{File: name, Kind: ErrConfig, Detail: err.Error()}
	}
	return value, nil
}

func readSmall(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{File: name, Kind: ErrConfig, Detail: "the model has no such file"}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxJSON+1))
	if err == nil && len(data) > maxJSON {
		err = &Error{File: name, Kind: ErrConfig, Detail: fmt.Sprintf("it is longer than %d bytes", maxJSON)}
	}
	return data, err
}

func parseJSON(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	value, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON value")
	}
	return value, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	switch {
	case depth > maxDepth:
		return nil, fmt.Errorf("values nest deeper than %d", maxDepth)
	case token == json.Delim('{'):
		return parseObject(d, depth)
	case token == json.Delim('['):
		return parseArray(d, depth)
	}
	return token, nil
}

func parseObject(d *json.Decoder, depth int) (map[string]any, error) {
	members := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, notJSON(err)
		}
		key := token.(string) // the decoder has no other keys
		if _, twice := members[key]; twice {
			return nil, fmt.Errorf("the key %s is there twice", quote(key))
		}
		if members[key], err = parseValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	return members, nil
}

func parseArray(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		value, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(err)
	}
	return list, nil
}

func notJSON(err error) error { return fmt.Errorf("it is not JSON: %w", err) }
