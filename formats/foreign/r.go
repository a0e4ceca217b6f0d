package foreign

import (
	"encoding/binary"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// CodeR is raised for objects of R, which may hold promises: code that runs when
// a value is looked at (CVE-2024-27322).
const CodeR formats.Code = "foreign.r"

func rKinds() []kind {
	return []kind{{
		name: "r", code: CodeR, what: "an object of R, which may hold code",
		verdict: program("Do not load it. Export the model to ONNX or PMML from the tool that trained it."),
		refines: streams(), fits: isR,
	}}
}

// isR looks for serialize()'s header (R Internals, 1.8), with the line that save()
// puts before it or without, plain or compressed. What is in text must be an object
// as well: few words make a header.
func isR(p *peek.File) bool {
	if inner, ok := unpack(p); ok {
		p = inner
	}
	head := string(p.Head(rText))
	for _, image := range []string{"RDX2\n", "RDX3\n", "RDA2\n", "RDA3\n", "RDB2\n", "RDB3\n"} {
		if rest, ok := strings.CutPrefix(head, image); ok {
			head = rest
			break
		}
	}
	form, rest, _ := strings.Cut(strings.TrimPrefix(head, "\n"), "\n") // R skips one newline
	switch form {
	case "X":
		return len(rest) >= 12 && rVersion(binary.BigEndian.Uint32([]byte(rest)))
	case "B":
		return len(rest) >= 12 && rVersion(binary.LittleEndian.Uint32([]byte(rest)))
	case "A":
		w := rWords{text: rest, cut: p.Cut || p.Size > rText}
		return w.header() && w.object()
	}
	return false
}

func rVersion(v uint32) bool { return v == 2 || v == 3 }
