package foreign

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// What stands in a model's place when a download went wrong.
const (
	CodeHTML         formats.Code = "foreign.html"
	CodeStorageError formats.Code = "foreign.storage.error"
	CodeLFS          formats.Code = "foreign.lfs"
	CodeXET          formats.Code = "foreign.xet"
)

func downloadKinds() []kind {
	return []kind{
		{
			name: "html", code: CodeHTML, what: "a web page, as a failed download leaves it",
			verdict: misplaced("Fetch the real file: the server answered with a page, perhaps to log in or to accept terms."), fits: isHTML,
		},
		{
			name: "storage.error", code: CodeStorageError, what: "an object store's error message, as a failed download leaves it",
			verdict: misplaced("Fetch the real file: the store answered with an error, which the file spells out."), fits: isStorageError,
		},
		{
			name: "lfs", code: CodeLFS, what: "a Git LFS pointer in the place of a file",
			verdict: misplaced("Fetch the real file: git lfs pull, or download it from the hub."), fits: isLFS,
		},
		{
			name: "xet", code: CodeXET, what: "a Xet pointer in the place of a file",
			verdict: misplaced("Fetch the real file: git xet checkout, or download it from the hub."), fits: isXET,
		},
	}
}

// isHTML looks for a document's begin behind what may stand before it: comments,
// and in XHTML declarations. A README begins with other elements.
func isHTML(p *peek.File) bool {
	text := pastProlog(unmarked(p.Head(4 << 10)))
	lower := strings.ToLower(text[:min(len(text), 64)])
	for _, begin := range []string{"<!doctype html", "<html", "<head"} {
		if rest, ok := strings.CutPrefix(lower, begin); ok {
			return rest != "" && strings.ContainsAny(rest[:1], " \t\r\n>")
		}
	}
	return false
}

// pastProlog is text behind its blanks, comments and processing instructions: empty
// if one of them does not end.
func pastProlog(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		end := ""
		switch {
		case strings.HasPrefix(text, "<!--"):
			end = "-->"
		case strings.HasPrefix(text, "<?"):
			end = "?>"
		default:
			return text
		}
		_, text, _ = strings.Cut(text, end)
	}
}

// unmarked is a text in UTF-8 without the mark of its byte order. One of UTF-16 is
// known by that mark.
func unmarked(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		return fromUTF16(text[2:], binary.LittleEndian)
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		return fromUTF16(text[2:], binary.BigEndian)
	}
	return strings.TrimPrefix(string(text), "\xef\xbb\xbf")
}

func fromUTF16(text []byte, order binary.ByteOrder) string {
	var units []uint16
	for pair := range slices.Chunk(text[:len(text)/2*2], 2) {
		units = append(units, order.Uint16(pair))
	}
	return string(utf16.Decode(units))
}

// isStorageError knows what object stores answer (Amazon S3, "Error responses";
// others do alike): an error that begins with its code.
func isStorageError(p *peek.File) bool {
	return slices.Equal(elements(p, 2), []string{"Error", "Code"})
}

// pointerSize is the size in bytes that pointers stay below.
const pointerSize = 1024

// isLFS checks a pointer's lines (git-lfs, docs/spec.md): the version comes
// first, the others are sorted, and oid and size are among them.
func isLFS(p *peek.File) bool {
	if p.Size >= pointerSize {
		return false
	}
	lines := strings.Split(unmarked(p.Head(pointerSize)), "\n")
	if !strings.HasPrefix(lines[0], "version https://git-lfs.github.com/spec/") && !strings.HasPrefix(lines[0], "version https://hawser.github.com/spec/") {
		return false
	}
	oid, size := false, false
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
		switch key {
		case "oid":
			hash, ok := strings.CutPrefix(value, "sha256:")
			oid = ok && len(hash) == 64 && digitsHex(hash)
		case "size":
			size = digits(value)
		}
	}
	return oid && size
}

// isXET checks a pointer's lines (xet-core, pointer_file.rs): TOML with a hash
// and the file's size under a comment with the version.
func isXET(p *peek.File) bool {
	if p.Size >= pointerSize {
		return false
	}
	lines := strings.Split(unmarked(p.Head(pointerSize)), "\n")
	if !strings.HasPrefix(lines[0], "# xet version ") {
		return false
	}
	hash, size := false, false
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "hash":
			hash = digitsHex(strings.Trim(value, `"'`))
		case "filesize":
			size = digits(value)
		}
	}
	return hash && size
}

func digitsHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
