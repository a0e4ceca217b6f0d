package loader

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader/internal/hashing"
)

// textFormat is the format of plain text that no parser claims: a vocabulary, a
// licence, a README. It has no structure to lie about, what may steer a load in
// it is a finding, and it is a companion like any sidecar.
const textFormat = "text"

// plain names f as text if it is: UTF-8 without control characters, read to its
// end. Source code is a finding, since it is there to be imported, and so is
// YAML that makes its reader call something.
func (i *inspection) plain(ctx context.Context, f *stagedFile) error {
	var yaml yamlLines
	text, err := isText(ctx, f, yaml.look)
	if err != nil || !text {
		return err
	}
	i.facts.Sidecars[f.name] = textFormat
	for _, finding := range yaml.findings(f.name) {
		i.find(finding)
	}
	switch strings.ToLower(path.Ext(f.name)) {
	case ".py", ".pyw", ".pyx", ".pyi", ".pth", ".ipynb", ".sh", ".bat", ".ps1", ".js", ".mjs", ".ts", ".lua", ".cu":
		i.find(codes.Finding(CodeScript, f.name, 0, "source code beside the weights"))
	case ".safetensors", ".bin", ".pt", ".ckpt", ".pkl", ".pickle", ".joblib", ".onnx", ".onnx_data", ".gguf", ".h5", ".npy", ".npz", ".msgpack":
		i.find(codes.Finding(CodeNoWeights, f.name, 0, "%d bytes of text under a name of weights", f.size))
	}
	return nil
}

// overlap is how many bytes of a piece are seen again with the next one.
const overlap = 1 << 10

// isText reads f to its end, as long as it is text, and shows it to see in
// pieces, with the offset of each.
func isText(ctx context.Context, f *stagedFile, see func(piece []byte, at int64)) (bool, error) {
	buf := make([]byte, min(hashing.Chunk, f.size))
	kept := 0 // bytes of the last piece, and of a character that it cut in two
	for at := int64(0); at < f.size; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n := int(min(int64(len(buf)-kept), f.size-at))
		if got, err := f.ReadAt(buf[kept:kept+n], at); got < n {
			return false, err
		}
		at += int64(n)
		piece := buf[:kept+n]
		if at < f.size {
			piece = piece[:len(piece)-cut(piece)]
		}
		if !utf8.Valid(piece) || bytes.ContainsFunc(piece, isControl) {
			return false, nil
		}
		see(piece, at-int64(kept+n))
		again := max(0, len(piece)-overlap)
		for again < len(piece) && !utf8.RuneStart(piece[again]) {
			again++
		}
		kept = copy(buf, buf[again:kept+n])
	}
	return true, nil
}

// cut is how many bytes at the end of b begin a character that goes on.
func cut(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if utf8.FullRune(b[len(b)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

func isControl(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' && r != '\f' || r == 0x7f
}

// What YAML among plain text can raise.
const (
	CodeTarget formats.Code = "text.target"
	CodeTag    formats.Code = "text.tag"
)

var textCodes = formats.CodeTable{
	{Code: CodeTarget, Severity: formats.High,
		Advice: "Build the object in your service instead of letting the file name a callable, or leave the file out with files.only."},
	{Code: CodeTag, Severity: formats.High,
		Advice: "Write the file again with yaml.safe_dump, or leave it out with files.only: an unsafe loader builds what the tag names."},
}

// yamlLines looks for what makes readers of YAML call something. It parses
// nothing, so it looks into any text, and keeps the first line of each sort:
//
//   - _target_, the key that Hydra's instantiate calls, as NeMo's configurations
//     have it: as a word of its own, in quotes or not, before a colon, a comment
//     or the end of its line.
//   - a tag of PyYAML for Python's objects, !!python/ or in full, and a %TAG
//     directive, which gives tags other names.
//
// Letters of ASCII may be escaped, as \x, \u, \U or, in tags, with a percent sign.
// What it does not see: a key that is broken over two lines or has more than 1 KiB
// of blanks behind it, an anchor on the key within a flow, and keys that single
// programs take for a callable, such as Lightning's class_path.
type yamlLines struct {
	target, tag *yamlLine // the first of each; nil: none
}

type yamlLine struct {
	offset int64
	text   string
}

// look looks at a piece of the text that lies at an offset. The first line of a
// piece goes on from the one before, of which it has the end.
func (y *yamlLines) look(piece []byte, at int64) {
	if !maySteer(piece) {
		return // almost always
	}
	goesOn := at > 0
	for line := range bytes.Lines(piece) {
		if maySteer(line) {
			y.line(line, at, goesOn)
		}
		at, goesOn = at+int64(len(line)), false
	}
}

// line looks at one line, or at the rest of one.
func (y *yamlLines) line(line []byte, at int64, goesOn bool) {
	seen := unescaped(line)
	if goesOn {
		seen = slices.Concat([]byte("_"), seen) // it begins neither a line nor a word
	}
	if y.target == nil && targetKey.Match(seen) {
		y.target = newYAMLLine(line, at)
	}
	if y.tag == nil && pythonTag.Match(seen) {
		y.tag = newYAMLLine(line, at)
	}
}

// maySteer reports whether text can have anything to find in it.
func maySteer(text []byte) bool {
	return slices.ContainsFunc(signs, func(sign []byte) bool { return bytes.Contains(text, sign) })
}

var (
	// Each line to be found has one of these: a key's letters are in the columns 5 to 7 of ASCII.
	signs = [][]byte{
		[]byte("_target_"), []byte("python/"), []byte(`%`),
		[]byte(`\x`), []byte(`\u005`), []byte(`\u006`), []byte(`\u007`), []byte(`\U000000`),
	}

	targetKey   = regexp.MustCompile(`(^|[^0-9A-Za-z_])_target_["' \t]*[:#\r\n]`)
	pythonTag   = regexp.MustCompile(`^(\x{FEFF})?%TAG[ \t]|!!python/|tag:yaml\.org,2002:python/`)
	asciiEscape = regexp.MustCompile(`(\\x|\\u00|\\U000000|%)[2-7][0-9A-Fa-f]`)
)

// unescaped is line with the characters that its escapes stand for.
func unescaped(line []byte) []byte {
	return asciiEscape.ReplaceAllFunc(line, func(b []byte) []byte {
		c, _ := strconv.ParseUint(string(b[len(b)-2:]), 16, 8) // two digits
		return []byte{byte(c)}
	})
}

func newYAMLLine(line []byte, at int64) *yamlLine {
	const enough = 80
	line = bytes.TrimSpace(line)
	return &yamlLine{at, formats.Quote(string(line[:min(len(line), enough)]))}
}

func (y *yamlLines) findings(file string) []formats.Finding {
	var found []formats.Finding
	if y.target != nil {
		found = append(found, textCodes.Finding(CodeTarget, file, y.target.offset, "a key that names a callable: %s", y.target.text))
	}
	if y.tag != nil {
		found = append(found, textCodes.Finding(CodeTag, file, y.tag.offset, "a tag that names what to build: %s", y.tag.text))
	}
	return found
}
