package foreign

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// Compressed streams. What they hold is looked into as far as needed to see a
// pickle, an R object or a NeMo archive in it.
const (
	CodeGzip  formats.Code = "foreign.gzip"
	CodeZlib  formats.Code = "foreign.zlib"
	CodeBzip2 formats.Code = "foreign.bzip2"
	CodeXZ    formats.Code = "foreign.xz"
	CodeLZMA  formats.Code = "foreign.lzma"
	CodeLZ4   formats.Code = "foreign.lz4"
	CodeZstd  formats.Code = "foreign.zstd"
)

const decompressIt = "Decompress it and check what it holds: its content was not judged."

// streams are the names of the kinds of compressed streams.
func streams() []string { return []string{"gzip", "zlib", "bzip2", "xz", "lzma", "lz4", "zstd"} }

func compressedKinds() []kind {
	verdict := unread(decompressIt)
	return []kind{
		{name: "gzip", code: CodeGzip, what: "a gzip file", verdict: verdict, fits: isGzip},
		{name: "zlib", code: CodeZlib, what: "a zlib stream", verdict: verdict, fits: isZlib},
		{name: "bzip2", code: CodeBzip2, what: "a bzip2 file", verdict: verdict, fits: isBzip2},
		{name: "xz", code: CodeXZ, what: "an xz file", verdict: verdict, fits: isXZ},
		{name: "lzma", code: CodeLZMA, what: "an LZMA file", verdict: verdict, fits: isLZMA},
		{name: "lz4", code: CodeLZ4, what: "an LZ4 file", verdict: verdict, fits: isLZ4},
		{name: "zstd", code: CodeZstd, what: "a Zstandard file", verdict: verdict, fits: isZstd},
	}
}

// isGzip checks the header of RFC 1952, 2.3: deflate, no reserved flag, and a
// level and a system that writers know.
func isGzip(p *peek.File) bool {
	if !p.Starts("\x1f\x8b\x08") || p.Size < 18 {
		return false
	}
	flags, level, system := p.Field(3, 1)[0], p.Field(8, 1)[0], p.Field(9, 1)[0]
	return flags&0xe0 == 0 && (level == 0 || level == 2 || level == 4) && (system <= 13 || system == 255)
}

// isZlib checks the header of RFC 1950, 2.2, which is two bytes, and for want of
// more inflates: the stream must end well, or go on for long.
func isZlib(p *peek.File) bool {
	head := p.Head(2)
	if len(head) < 2 || head[0]&0x0f != 8 || head[0]>>4 > 7 || binary.BigEndian.Uint16(head)%31 != 0 || head[1]&0x20 != 0 {
		return false
	}
	r, err := zlib.NewReader(bytes.NewReader(p.Head(packedRead)))
	if err != nil {
		return false
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r, unpackedRead))
	return err == nil || errors.Is(err, io.ErrUnexpectedEOF) && n >= 512
}

func isBzip2(p *peek.File) bool {
	block := string(p.Field(4, 6))
	level := p.Field(3, 1)[0]
	return p.Starts("BZh") && level >= '1' && level <= '9' && (block == "1AY&SY" || block == "\x17\x72\x45\x38\x50\x90")
}

// isXZ checks the stream header (The .xz File Format 1.2.1, 2.1.1).
func isXZ(p *peek.File) bool {
	return p.Starts("\xfd7zXZ\x00") && crc32.ChecksumIEEE(p.Field(6, 2)) == binary.LittleEndian.Uint32(p.Field(8, 4))
}

// isLZMA asks for a header and a stream that goes well: the header is one that many
// integers of 64 bits have, and so is the start of a stream.
func isLZMA(p *peek.File) bool {
	start, sound := unpackLZMA(p)
	return sound && len(start) > 0
}

// isLZ4 checks the frame descriptor (LZ4 Frame Format 1.6.4), or the one magic
// that frames of the legacy format have.
func isLZ4(p *peek.File) bool {
	p = pastSkippable(p)
	if p.Starts("\x02\x21\x4c\x18") {
		return true
	}
	flags, block := p.Field(4, 1)[0], p.Field(5, 1)[0]
	return p.Starts("\x04\x22\x4d\x18") && flags>>6 == 1 && flags&0x02 == 0 && block&0x8f == 0 && block>>4 >= 4
}

// isZstd checks the frame header (RFC 8878, 3.1.1).
func isZstd(p *peek.File) bool {
	p = pastSkippable(p)
	return p.Starts("\x28\xb5\x2f\xfd") && p.Field(4, 1)[0]&0x08 == 0
}

// pastSkippable is the file from its first frame with content: Zstandard and LZ4
// share the frames that readers skip (RFC 8878, 3.1.2).
func pastSkippable(p *peek.File) *peek.File {
	var from int64
	for range 16 {
		header := p.At(from, 8)
		if len(header) < 8 || header[0]&0xf0 != 0x50 || string(header[1:4]) != "\x2a\x4d\x18" {
			break
		}
		from += 8 + int64(binary.LittleEndian.Uint32(header[4:]))
	}
	if from == 0 || from > p.Size {
		return p
	}
	rest := p.At(from, packedRead)
	return p.Unpacked(rest, p.Size-from > int64(len(rest)))
}

// How much of a compressed file is read to look into it, and how much of what it
// holds is kept.
const (
	packedRead   = 48 << 10
	unpackedRead = 64 << 10
)

// unpack is a peek into what a compressed file holds. It is false for files that
// are not compressed, and for those whose start cannot be unpacked, as bzip2's
// blocks cannot if they are larger than what is read.
func unpack(p *peek.File) (*peek.File, bool) {
	var start []byte
	switch {
	case isGzip(p):
		if r, err := gzip.NewReader(bytes.NewReader(p.Head(packedRead))); err == nil {
			start = startOf(r)
		}
	case isZlib(p):
		if r, err := zlib.NewReader(bytes.NewReader(p.Head(packedRead))); err == nil {
			start = startOf(r)
		}
	case isBzip2(p):
		start = startOf(bzip2.NewReader(bytes.NewReader(p.Head(packedRead))))
	case isZstd(p):
		start = unpackZstd(pastSkippable(p))
	case isLZ4(p):
		start = unpackLZ4(pastSkippable(p).Head(packedRead))
	case isXZ(p):
		start = unpackXZ(p.Head(packedRead))
	case lzmaFits(p): // a pickle runs before its stream goes wrong
		start, _ = unpackLZMA(p)
	}
	if len(start) == 0 {
		return nil, false
	}
	return p.Unpacked(start, len(start) == unpackedRead || p.Size > packedRead), true
}

// startOf is what r gives before it fails, up to unpackedRead bytes.
func startOf(r io.Reader) []byte {
	start, _ := io.ReadAll(io.LimitReader(r, unpackedRead))
	return start
}

// unpackZstd refuses frames that need a window of more than 8 MiB, which is what
// RFC 8878 asks decoders to support.
func unpackZstd(p *peek.File) []byte {
	r, err := zstd.NewReader(bufio.NewReader(bytes.NewReader(p.Head(packedRead))),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil
	}
	defer r.Close()
	return startOf(r)
}
