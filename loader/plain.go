package loader

import (
	"bytes"
	"context"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/weightgate/weightgate/loader/internal/hashing"
)

// textFormat is the format of plain text that no parser claims: a vocabulary, a
// licence, a README. It has no structure to lie about, steers nothing that the
// line knows of, and is a companion like any sidecar.
const textFormat = "text"

// plain names f as text if it is: UTF-8 without control characters, read to its
// end. Source code is a finding, since it is there to be imported.
func (i *inspection) plain(ctx context.Context, f *stagedFile) error {
	text, err := isText(ctx, f)
	if err != nil || !text {
		return err
	}
	i.facts.Sidecars[f.name] = textFormat
	switch strings.ToLower(path.Ext(f.name)) {
	case ".py", ".pyw", ".pyx", ".pyi", ".pth", ".ipynb", ".sh", ".bat", ".ps1", ".js", ".mjs", ".ts", ".lua", ".cu":
		i.find(codes.Finding(CodeScript, f.name, 0, "source code beside the weights"))
	case ".safetensors", ".bin", ".pt", ".ckpt", ".pkl", ".pickle", ".joblib", ".onnx", ".onnx_data", ".gguf", ".h5", ".npy", ".npz", ".msgpack":
		i.find(codes.Finding(CodeNoWeights, f.name, 0, "%d bytes of text under a name of weights", f.size))
	}
	return nil
}

func isText(ctx context.Context, f *stagedFile) (bool, error) {
	buf := make([]byte, min(hashing.Chunk, f.size))
	kept := 0 // bytes of a character that the last piece cut in two
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
		kept = copy(buf, buf[len(piece):kept+n])
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
