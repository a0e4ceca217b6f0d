package hf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/policy/manifest"
)

const maxMetadata = 16 << 20 // bytes of what the hub says of a commit: 10,000 files take 2 MiB

// errJSON takes the place of what the decoder says, which quotes the server.
var errJSON = errors.New("no JSON, or not what the protocol has there")

// parseMetadata reads the hub's answer to /api/models/{id}/revision/{commit}?blobs=true.
// Time and memory are in proportion to the text. No error has a word of it.
func parseMetadata(ctx context.Context, text []byte, commit string) (listing, error) {
	d := json.NewDecoder(untilDone{ctx, bytes.NewReader(text)})
	l, err := readMetadata(d, commit)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil && len(bytes.TrimSpace(text[d.InputOffset():])) > 0:
		err = errors.New("it goes on after its end")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w, near byte %d", ErrMetadata, err, d.InputOffset())
	}
	return l, nil
}

func readMetadata(d *json.Decoder, commit string) (listing, error) {
	var sha string
	var files []entry
	listed := false
	err := object(d,
		member{key: "sha", read: func() error { return decode(d, &sha) }},
		member{key: "siblings", read: func() (err error) { listed = true; files, err = readSiblings(d); return err }})
	switch {
	case err != nil:
		return nil, err
	case sha != commit:
		return nil, errors.New("it is not of this commit")
	case !listed:
		return nil, errors.New("it lists no files")
	}
	return newListing(files)
}

func readSiblings(d *json.Decoder) ([]entry, error) {
	if err := delimiter(d, '['); err != nil {
		return nil, err
	}
	var files []entry
	for d.More() {
		e, err := readSibling(d)
		if err != nil {
			return nil, fmt.Errorf("file %d of the list: %w", len(files)+1, err)
		}
		files = append(files, e)
	}
	return files, delimiter(d, ']')
}

func readSibling(d *json.Decoder) (e entry, err error) {
	var blob string
	var size, sizeLFS *int64
	var lfs json.RawMessage
	err = object(d,
		member{key: "rfilename", read: func() error { return decode(d, &e.name) }},
		member{key: "size", read: func() error { return decode(d, &size) }},
		member{key: "blobId", read: func() error { return decode(d, &blob) }},
		member{key: "lfs", read: func() error { return decode(d, &lfs) }})
	if err != nil {
		return entry{}, err
	}
	if size == nil {
		return entry{}, errors.New("no size")
	}
	e.size = *size
	if lfs == nil || string(lfs) == "null" {
		if e.sha1, err = parseSHA1(blob); err != nil {
			return entry{}, errJSON
		}
		return e, e.check()
	}
	var sum string
	in := json.NewDecoder(bytes.NewReader(lfs))
	err = object(in,
		member{key: "sha256", read: func() error { return decode(in, &sum) }},
		member{key: "size", read: func() error { return decode(in, &sizeLFS) }})
	if err != nil {
		return entry{}, err
	}
	if sizeLFS == nil || *sizeLFS != *size {
		return entry{}, errors.New("two sizes")
	}
	if e.sha256, err = manifest.ParseDigest(sum); err != nil {
		return entry{}, errJSON
	}
	return e, e.check()
}

// A member of an object is read where its key is.
type member struct {
	key  string
	read func() error
	seen bool
}

// object reads an object. A member's key is there once, in no other case: of
// two, another reader may take the other. Other keys are skipped.
func object(d *json.Decoder, members ...member) error {
	if err := delimiter(d, '{'); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return errJSON
		}
		i := slices.IndexFunc(members, func(m member) bool { return strings.EqualFold(m.key, key) })
		switch {
		case i < 0:
			err = decode(d, new(json.RawMessage))
		case members[i].seen || members[i].key != key:
			err = fmt.Errorf("%s is there twice, or in another case", members[i].key)
		default:
			members[i].seen = true
			err = members[i].read()
		}
		if err != nil {
			return err
		}
	}
	return delimiter(d, '}')
}

func delimiter(d *json.Decoder, want json.Delim) error {
	if t, err := d.Token(); err != nil || t != want {
		return errJSON
	}
	return nil
}

func decode(d *json.Decoder, to any) error {
	if d.Decode(to) != nil {
		return errJSON
	}
	return nil
}
