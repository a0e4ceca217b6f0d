package foreign

import (
	"bytes"
	"encoding/binary"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// Programs. None has a place beside weights.
const (
	CodeELF    formats.Code = "foreign.elf"
	CodePE     formats.Code = "foreign.pe"
	CodeDOS    formats.Code = "foreign.dos"
	CodeMachO  formats.Code = "foreign.macho"
	CodeWasm   formats.Code = "foreign.wasm"
	CodeJava   formats.Code = "foreign.java"
	CodePyc    formats.Code = "foreign.pyc"
	CodeScript formats.Code = "foreign.script"
)

func executableKinds() []kind {
	verdict := misplaced("Remove it: a model needs no program beside it. If something loads it, do not use the model.")
	return []kind{
		{name: "elf", code: CodeELF, what: "an ELF program or library", verdict: verdict, fits: isELF},
		{name: "pe", code: CodePE, what: "a Windows program or library", verdict: verdict, fits: isPE},
		{name: "dos", code: CodeDOS, what: "a DOS program", verdict: verdict, fits: isDOS},
		{name: "macho", code: CodeMachO, what: "a macOS program or library", verdict: verdict, fits: isMachO},
		{name: "wasm", code: CodeWasm, what: "a WebAssembly program", verdict: verdict, fits: isWasm},
		{name: "java", code: CodeJava, what: "a Java class", verdict: verdict, fits: isJava},
		{name: "pyc", code: CodePyc, what: "compiled Python", verdict: verdict, fits: isPyc},
		{name: "script", code: CodeScript, what: "a script", verdict: verdict, fits: isScript},
	}
}

// isELF checks class, byte order and version (System V ABI, ELF header).
func isELF(p *peek.File) bool {
	id := p.Field(4, 3)
	return p.Starts("\x7fELF") && (id[0] == 1 || id[0] == 2) && (id[1] == 1 || id[1] == 2) && id[2] == 1
}

// isPE follows the DOS header to the signature of the other.
func isPE(p *peek.File) bool {
	return p.Starts("MZ") && string(p.At(int64(binary.LittleEndian.Uint32(p.Field(0x3c, 4))), 4)) == "PE\x00\x00"
}

// isDOS checks that a header whose magic is two letters describes a program that
// is there: its pages, and within them the header, the relocations and where the
// program starts. A Windows program has such a header as well, and one of its own.
func isDOS(p *peek.File) bool {
	const page, paragraph = 512, 16
	u16 := func(at int) int64 { return int64(binary.LittleEndian.Uint16(p.Field(at, 2))) }
	last, pages, header := u16(2), u16(4), u16(8)*paragraph
	if !p.Starts("MZ") || isPE(p) || last >= page || pages == 0 {
		return false
	}
	size := pages * page
	if last > 0 {
		size += last - page
	}
	relocations := u16(24) + 4*u16(6)
	start := header + int64(int16(u16(22)))*paragraph + u16(20)
	return size <= p.Size && header >= 0x1c && relocations <= header && u16(10) <= u16(12) &&
		start >= header && start < size
}

// isMachO knows both widths in both byte orders, and the fat files that hold
// several; a Java class has their magic and a version where they have a count.
func isMachO(p *peek.File) bool {
	if p.Starts("\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe") {
		return p.Size >= 28
	}
	count := binary.BigEndian.Uint32(p.Field(4, 4))
	return p.Starts("\xca\xfe\xba\xbe", "\xca\xfe\xba\xbf") && count > 0 && count < javaOldest
}

// javaOldest is the version of the class files of JDK 1.1.
const javaOldest = 45

func isJava(p *peek.File) bool {
	version := binary.BigEndian.Uint16(p.Field(6, 2))
	return p.Starts("\xca\xfe\xba\xbe") && version >= javaOldest && version < 256
}

// isWasm knows modules and components (WebAssembly 2.0, 5.5.16).
func isWasm(p *peek.File) bool {
	return p.Starts("\x00asm\x01\x00\x00\x00", "\x00asm\x0d\x00\x01\x00")
}

// isPyc checks the header of PEP 552 and that a code object follows, in the form
// of Python 3.7 and later or, without the flags, of those before down to 2.7.
func isPyc(p *peek.File) bool {
	magic := binary.LittleEndian.Uint16(p.Field(0, 2))
	if string(p.Field(2, 2)) != "\r\n" || magic != 62211 && (magic < 3000 || magic >= 4000) {
		return false
	}
	return codeObject(p.Field(16, 1)[0]) && binary.LittleEndian.Uint32(p.Field(4, 4)) <= 3 ||
		codeObject(p.Field(12, 1)[0]) || codeObject(p.Field(8, 1)[0])
}

// codeObject reports whether marshal wrote a code object under that type.
func codeObject(b byte) bool { return b&0x7f == 'c' }

// isScript looks for the line that names an interpreter by its path.
func isScript(p *peek.File) bool {
	line, _, _ := bytes.Cut(p.Head(256), []byte("\n"))
	path, ok := bytes.CutPrefix(line, []byte("#!"))
	path = bytes.TrimLeft(path, " \t")
	return ok && bytes.HasPrefix(path, []byte("/")) && bytes.IndexByte(path, 0) < 0
}
