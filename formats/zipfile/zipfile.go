// Package zipfile reads zip archives as PKWARE's APPNOTE.TXT 6.3.10 describes
// them, and of those only the ones that every reader understands in the same way.
//
// A zip file says everything twice, in the headers before its members and in
// the central directory behind them, and readers differ in which of the two
// they believe, in where they look for the directory, and in what they take for
// its end. Here both must agree in every field, names must be unique whatever
// their case, and the records must lie one behind the other from the first byte
// of the file to the last. Members are stored or deflated.
//
// What PyTorch and NumPy write is read: records of zip64 in small files, data
// descriptors, and padding that aligns what is stored.
package zipfile

import (
	"context"
	"errors"
	"io"

	"github.com/weightgate/weightgate/formats"
)

// Name is the name of the format.
const Name = "zip"

// Format is the zip format: an archive that nothing more is known of. It has no
// tensors; a format that keeps them in such a file refines this one.
func Format() formats.Format { return format{} }

type format struct{}

func (format) Name() string             { return Name }
func (format) Codes() formats.CodeTable { return codes }

// Claims looks for a local header at the beginning or an end record at the end.
func (format) Claims(ctx context.Context, in formats.Input) (bool, error) {
	_, ok, err := Peek(ctx, in)
	return ok, err
}

// Inspect reads the archive and all of its members.
func (format) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	a, err := Read(ctx, in, lim)
	if err != nil {
		return nil, err
	}
	if err := a.Verify(ctx); err != nil {
		return nil, err
	}
	return &formats.Inspection{
		Format:   Name,
		Findings: append(a.unread(in.Name()), a.Findings...),
		Claims:   []formats.Range{{File: in.Name(), Length: in.Size()}},
	}, nil
}

// unread is the finding of an archive whose members have no reader: whole and
// unharmed is not the same as looked at.
func (a *Archive) unread(file string) []formats.Finding {
	for _, m := range a.Members {
		if !m.IsDir() {
			return []formats.Finding{codes.Finding(CodeUnread, file, m.Offset, "nothing here reads its members, %s the first of them", formats.Quote(m.Name))}
		}
	}
	return nil
}

// Peek reports whether in is built like a zip file, whatever else is wrong with
// it, and the name that stands in the header at its beginning: formats that
// refine this one tell by it whether the file is theirs. The name is as it
// stands in the file, and empty if the file does not begin with a header. An
// error is a failed read.
func Peek(ctx context.Context, in formats.Input) (first string, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	first, ok, err = peekHead(in)
	if ok || err != nil {
		return first, ok, err
	}
	ok, err = peekTail(in)
	return "", ok, err
}

// peekHead tells a local header from other data that begins with its signature:
// of a safetensors file, that is one with a header of 67,324,752 bytes.
func peekHead(in formats.Input) (name string, ok bool, err error) {
	b, err := peek(in, make([]byte, localSize+64), 0)
	if err != nil || len(b) < localSize || string(b[:4]) != localSignature {
		return "", false, err
	}
	h := parseLocal(b)
	if h.version&0xff > lastVersion || !registered(h.method) || h.nameLen == 0 {
		return "", false, nil
	}
	length := localSize + int(h.nameLen)
	if int64(length+int(h.extraLen)) > in.Size() {
		return "", false, nil
	}
	if length > len(b) {
		if b, err = peek(in, make([]byte, length), 0); err != nil || len(b) < length {
			return "", false, err
		}
	}
	return string(b[localSize:length]), true, nil
}

// registered reports whether APPNOTE 4.4.5 gives the method a name.
func registered(m Method) bool { return m <= 20 || 93 <= m && m <= 99 }

// peekTail tells an end record by the directory that lies before it.
func peekTail(in formats.Input) (bool, error) {
	tail, err := readTail(in)
	if err != nil {
		return false, err
	}
	at := lastEnd(tail)
	if at < 0 {
		return false, nil
	}
	begin := in.Size() - int64(len(tail))
	end, size := begin+int64(at), int64(le32(tail[at+12:]))
	if at >= locatorSize && string(tail[at-locatorSize:][:4]) == locatorSignature {
		return true, nil
	}
	if size < centralSize || size > end {
		return size == 0 && end == 0, nil
	}
	b, err := peek(in, make([]byte, 4), end-size)
	return string(b) == centralSignature, err
}

// peek reads into b what the file has of it.
func peek(in formats.Input, b []byte, offset int64) ([]byte, error) {
	n, err := in.ReadAt(b, offset)
	if errors.Is(err, io.EOF) || n == len(b) {
		err = nil
	}
	return b[:n], err
}
