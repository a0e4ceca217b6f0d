package zipfile_test

import (
	stdzip "archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/inputtest"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// member is a stored file of an archive.
type member struct{ name, data string }

// archive is a plain archive of those members.
func archive(members ...member) []byte {
	var file, directory []byte
	le := binary.LittleEndian
	for _, m := range members {
		fields := le.AppendUint32([]byte("\x14\x00\x00\x08\x00\x00\x00\x00\x00\x00"), crc32.ChecksumIEEE([]byte(m.data)))
		fields = le.AppendUint32(fields, uint32(len(m.data)))
		fields = le.AppendUint32(fields, uint32(len(m.data)))
		fields = le.AppendUint32(fields, uint32(len(m.name))) // and no extra field
		directory = append(directory, "PK\x01\x02\x14\x03"...)
		directory = append(append(directory, fields...), make([]byte, 10)...)
		directory = append(le.AppendUint32(directory, uint32(len(file))), m.name...)
		file = append(append(append(file, localSignature...), fields...), m.name+m.data...)
	}
	end := append([]byte("PK\x05\x06"), make([]byte, 18)...)
	le.PutUint16(end[8:], uint16(len(members)))
	le.PutUint16(end[10:], uint16(len(members)))
	le.PutUint32(end[12:], uint32(len(directory)))
	le.PutUint32(end[16:], uint32(len(file)))
	return append(append(file, directory...), end...)
}

const localSignature = "PK\x03\x04"

func TestRead(t *testing.T) {
	data := fixture(t, "torch.zip")
	a, err := read(data)
	require.NoError(t, err)
	require.Empty(t, a.Findings)
	var names []string
	for _, m := range a.Members {
		names = append(names, m.Name)
		require.False(t, m.IsDir())
		require.Zero(t, m.Offset%64, m.Name)
		place, ok := a.Place(m)
		require.True(t, ok)
		require.Equal(t, formats.Range{File: "dir/m.zip", Offset: m.Offset, Length: m.Size}, place)
		require.Equal(t, m.CRC, crc32.ChecksumIEEE(data[place.Offset:place.End()]))
	}
	require.Equal(t, []string{"archive/data.pkl", "archive/.format_version", "archive/byteorder", "archive/data/0", "archive/data/1", "archive/version"}, names)
}

// What Python writes is read, into a file or into a pipe, with zip64 or without.
func TestReadPython(t *testing.T) {
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	want := map[string]map[string]string{
		"python.zip":       {"stored.txt": text.String(), "deflated.txt": text.String(), "empty": "", "empty-deflated": ""},
		"python-tree.zip":  {"d/": "", "d/é.txt": "in a directory", "no-attributes": ""},
		"python-zip64.zip": {"a": text.String(), "b": text.String()},
	}
	want["python-streamed.zip"], want["python-zip64-streamed.zip"] = want["python.zip"], want["python-zip64.zip"]
	for name, content := range want {
		t.Run(name, func(t *testing.T) {
			a, err := read(fixture(t, name))
			require.NoError(t, err)
			require.Len(t, a.Members, len(content))
			for _, m := range a.Members {
				got, err := io.ReadAll(a.Open(context.Background(), m))
				require.NoError(t, err)
				require.Equal(t, content[m.Name], string(got))
				require.Equal(t, m.Name == "d/", m.IsDir())
				_, placed := a.Place(m)
				require.Equal(t, m.Method == zipfile.Stored, placed)
			}
		})
	}
}

func TestFind(t *testing.T) {
	a, err := read(archive(member{"d/Weights", "w"}, member{"e/", ""}))
	require.NoError(t, err)
	m, ok := a.Find("d/Weights")
	require.True(t, ok)
	require.Equal(t, int64(1), m.Size)
	for _, name := range []string{"", "d", "d/", "d/weights", "D/WEIGHTS", "d/Weights/", "e"} {
		m, ok := a.Find(name)
		require.False(t, ok, name)
		require.Zero(t, m)
	}
}

// Errors say where: at the header, the entry or the gap that is wrong.
func TestReadOffsets(t *testing.T) {
	good := archive(member{"a", "one"}, member{"b", "two"})
	const record = 30 + 1 + 3
	change := func(at int, b byte) []byte {
		data := bytes.Clone(good)
		data[at] ^= b
		return data
	}
	for _, c := range []struct {
		name   string
		data   []byte
		code   formats.Code
		offset int64
	}{
		{"local header", change(record+14, 1), zipfile.CodeMismatch, record},
		{"entry", change(2*record+47+8, 1), zipfile.CodeEncrypted, 2*record + 47},
		{"second name", archive(member{"a", "one"}, member{"a", "two"}), zipfile.CodeDuplicate, 2*record + 47},
		{"gap", slices.Insert(bytes.Clone(good), 2*record+2*47, 0), zipfile.CodeGap, 2*record + 2*47},
		{"prefix", append([]byte("#!"), good...), zipfile.CodePrefix, 0},
		{"trailing", append(bytes.Clone(good), 0), zipfile.CodeTrailing, int64(len(good))},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := read(c.data)
			require.Nil(t, a)
			require.Equal(t, c.offset, requireCode(t, c.code, err).Offset, "%v", err)
		})
	}
}

// sparse is an Input that is zero but for some parts.
type sparse struct {
	parts map[int64][]byte
	size  int64
}

func (sparse) Name() string                         { return "large.pt" }
func (sparse) Sibling(string) (formats.Input, bool) { return nil, false }
func (s sparse) Size() int64                        { return s.size }

func (s sparse) ReadAt(b []byte, offset int64) (int, error) {
	n := int(max(0, min(int64(len(b)), s.size-offset)))
	clear(b[:n])
	for at, part := range s.parts {
		if at < offset+int64(n) && offset < at+int64(len(part)) {
			copy(b[max(0, at-offset):n], part[max(0, offset-at):])
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Beyond 4 GiB PyTorch's writer puts sizes and offsets into fields of zip64 of
// the header too, before it knows the compressed size.
func TestReadBeyond4GiB(t *testing.T) {
	const size = 5 << 30
	le := binary.LittleEndian
	s := sparse{parts: map[int64][]byte{}}
	put := func(b []byte) {
		s.parts[s.size] = b
		s.size += int64(len(b))
	}
	var directory []byte
	record := func(name string, size int64) (begin int64) {
		begin = s.size
		var local, central []byte
		narrow, offset := uint32(size), uint32(begin)
		if size >= 1<<32-1 {
			local = le.AppendUint64(le.AppendUint64(local, uint64(size)), 0)
			central = le.AppendUint64(le.AppendUint64(central, uint64(size)), uint64(size))
			narrow = 1<<32 - 1
		}
		if begin >= 1<<32-1 {
			local, central = le.AppendUint64(local, uint64(begin)), le.AppendUint64(central, uint64(begin))
			offset = 1<<32 - 1
		}
		flags := uint16(0x800)
		if size > 0 {
			flags = 0x808
		}
		fields := func(b []byte, size uint32, extra []byte) []byte {
			b = append(le.AppendUint16(append(b, 0, 0), flags), make([]byte, 10)...)
			b = le.AppendUint32(le.AppendUint32(b, size), size)
			return le.AppendUint16(le.AppendUint16(b, uint16(len(name))), uint16(len(extra)))
		}
		extra := func(b []byte) []byte {
			if b == nil {
				return nil
			}
			return append(le.AppendUint16([]byte{1, 0}, uint16(len(b))), b...)
		}
		local, central = extra(local), extra(central)
		put(append(append(fields([]byte(localSignature), 0, local), name...), local...))
		s.size += size
		if size > 0 {
			d := append([]byte("PK\x07\x08"), 0, 0, 0, 0)
			if local == nil {
				d = le.AppendUint32(le.AppendUint32(d, uint32(size)), uint32(size))
			} else {
				d = le.AppendUint64(le.AppendUint64(d, uint64(size)), uint64(size))
			}
			put(d)
		}
		directory = fields(append(directory, "PK\x01\x02\x00\x00"...), narrow, central)
		directory = le.AppendUint32(append(directory, make([]byte, 10)...), offset)
		directory = append(append(directory, name...), central...)
		return begin
	}
	record("a/small", 3)
	large := record("a/large", size)
	record("a/late", 3)
	last := record("a/empty", 0)
	begin := s.size
	put(directory)
	end := le.AppendUint64([]byte("PK\x06\x06"), 44)
	end = append(end, "\x1e\x03\x2d\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	end = le.AppendUint64(le.AppendUint64(end, 4), 4)
	end = le.AppendUint64(le.AppendUint64(end, uint64(len(directory))), uint64(begin))
	end = append(le.AppendUint64(append(end, "PK\x06\x07\x00\x00\x00\x00"...), uint64(s.size)), 1, 0, 0, 0)
	end = append(end, "PK\x05\x06\x00\x00\x00\x00\x04\x00\x04\x00"...)
	put(append(le.AppendUint32(end, uint32(len(directory))), 0xff, 0xff, 0xff, 0xff, 0, 0))

	a, err := zipfile.Read(context.Background(), s, formats.Limits{})
	require.NoError(t, err)
	require.Len(t, a.Members, 4)
	require.Equal(t, int64(size), a.Members[1].Size)
	require.Equal(t, large+30+7+4+16, a.Members[1].Offset)
	require.Equal(t, last+30+7+4+8, a.Members[3].Offset)

	theirs, err := stdzip.NewReader(s, s.size)
	require.NoError(t, err)
	for i, f := range theirs.File {
		offset, err := f.DataOffset()
		require.NoError(t, err)
		require.Equal(t, offset, a.Members[i].Offset)
		require.Equal(t, f.UncompressedSize64, uint64(a.Members[i].Size))
	}
}

func TestReadLimits(t *testing.T) {
	three := archive(member{"a", ""}, member{"b", ""}, member{"d/", ""})
	deflated := fixture(t, "python-zip64.zip")
	for _, c := range []struct {
		name string
		data []byte
		lim  formats.Limits
		ok   bool
	}{
		{"members fit", three, formats.Limits{MaxFiles: 3}, true},
		{"one member more", three, formats.Limits{MaxFiles: 2}, false},
		{"directory fits", three, formats.Limits{MaxHeader: 3*46 + 4}, true},
		{"directory is one byte longer", three, formats.Limits{MaxHeader: 3*46 + 3}, false},
		{"what inflates fits", deflated, formats.Limits{MaxBytes: 2 * 1690, MaxInflate: 2 * 1690}, true},
		{"one byte more inflates", deflated, formats.Limits{MaxInflate: 2*1690 - 1}, false},
		{"one byte more inflates than a model may have", deflated, formats.Limits{MaxBytes: 2*1690 - 1}, false},
		{"what is stored is not inflated", archive(member{"a", "data"}), formats.Limits{MaxBytes: 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := zipfile.Read(context.Background(), input(c.data), c.lim)
			if c.ok {
				require.NoError(t, err)
				require.NotNil(t, a)
				return
			}
			require.Nil(t, a)
			require.Equal(t, formats.Unverifiable, requireCode(t, zipfile.CodeLimit, err).Class)
		})
	}
}

// bomb is an archive of n members that say they inflate to 1 GiB each, which
// their data is long enough for.
func bomb(t *testing.T, n int) []byte {
	var b bytes.Buffer
	w := stdzip.NewWriter(&b)
	data := make([]byte, 1<<30/1032)
	for i := range n {
		f, err := w.CreateRaw(&stdzip.FileHeader{
			Name: fmt.Sprint(i), Method: stdzip.Deflate, CompressedSize64: uint64(len(data)), UncompressedSize64: 1 << 30,
		})
		require.NoError(t, err)
		_, err = f.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Without a limit of the host's too, a bomb is refused before it is inflated.
func TestInspectInflatesNoBomb(t *testing.T) {
	a, err := read(bomb(t, 16))
	require.NoError(t, err)
	require.Len(t, a.Members, 16)

	data := bomb(t, 17)
	touched := failing{input(data), a.Members[0].Offset, errors.New("the first member is read")}
	found, err := zipfile.Format().Inspect(context.Background(), touched, formats.Limits{})
	require.Equal(t, formats.Unverifiable, requireCode(t, zipfile.CodeLimit, err).Class)
	require.Nil(t, found)
}

func TestReadErrorsAreShort(t *testing.T) {
	long := strings.Repeat("\u202e", 1<<14)
	_, err := read(archive(member{long, ""}))
	require.Less(t, len(requireCode(t, zipfile.CodeName, err).Error()), 1<<10)
	require.NotContains(t, err.Error(), "\u202e")
}

// A failed read is no finding, wherever it fails.
func TestReadFailsWithTheRead(t *testing.T) {
	cause := errors.New("disk")
	for _, name := range []string{"torch.zip", "python-streamed.zip"} {
		whole := fixture(t, name)
		for at := range whole {
			found, err := zipfile.Format().Inspect(context.Background(), failing{input(whole), int64(at), cause}, formats.Limits{})
			require.ErrorIs(t, err, cause, "byte %d", at)
			require.Nil(t, found)
			part := inputtest.Torn{File: input(whole[:at]), Promised: int64(len(whole))}
			found, err = zipfile.Format().Inspect(context.Background(), part, formats.Limits{})
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", at)
			require.Nil(t, found)
		}
	}
}

func TestInspectEndsWithItsContext(t *testing.T) {
	data := fixture(t, "python-streamed.zip")
	asked := 0
	for ; ; asked++ {
		found, err := zipfile.Format().Inspect(inputtest.Countdown(asked), input(data), formats.Limits{})
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, found)
	}
	require.Greater(t, asked, 1+4+4+4, "asked once, for each entry, header and content")
}

// All that a read allocates, live or not, is bounded by the file's length and a
// constant.
func TestInspectMemory(t *testing.T) {
	many := func(n int, data string) []byte {
		var members []member
		for i := range n {
			members = append(members, member{fmt.Sprintf("%x", i), data})
		}
		return archive(members...)
	}
	deflated := func(n int) []byte {
		var b bytes.Buffer
		w := stdzip.NewWriter(&b)
		for i := range n {
			f, err := w.CreateRaw(&stdzip.FileHeader{Name: fmt.Sprint(i), Method: stdzip.Deflate, CompressedSize64: 2})
			require.NoError(t, err)
			_, err = f.Write([]byte{3, 0})
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	claimed := many(1, "x")
	le := binary.LittleEndian
	le.PutUint32(claimed[len(claimed)-10:], 0x7fffffff) // the directory's size
	var zeros bytes.Buffer
	w := stdzip.NewWriter(&zeros)
	f, err := w.Create("zeros")
	require.NoError(t, err)
	_, err = f.Write(make([]byte, 64<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, data := range map[string][]byte{
		"many members":          many(10_000, ""),
		"many deflated members": deflated(10_000),
		"long names":            archive(member{strings.Repeat("a", 60_000), ""}, member{strings.Repeat("b", 60_000), ""}),
		"names to fold":         archive(member{strings.Repeat("ſ", 30_000), ""}, member{strings.Repeat("K", 20_000), ""}),
		"a long member":         archive(member{"a", strings.Repeat("a", 16<<20)}),
		"a directory of 2 GiB":  claimed,
		"a bomb":                zeros.Bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			in := input(data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = zipfile.Format().Inspect(context.Background(), in, formats.Limits{}) // some are refused
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			require.Less(t, allocated, uint64(8*min(len(data), 4<<20)+2<<20), "a file of %d bytes", len(data))
		})
	}
}

// Names that one file system or another takes for one.
func TestReadFoldsNames(t *testing.T) {
	for _, c := range []struct {
		a, b string
		code formats.Code
	}{
		{"a", "a/", zipfile.CodeDuplicate},
		{"straße", "STRAßE", zipfile.CodeCase},
		{"s", "ſ", zipfile.CodeCase},
		{"k", "\u212a", zipfile.CodeCase},
		{"σ", "ς", zipfile.CodeCase},
		{"d/a", "D/a", zipfile.CodeCase},
		{"a", "b", ""},
		{"a.b", "a-b", ""},
	} {
		_, err := read(archive(member{c.a, ""}, member{c.b, ""}))
		if c.code == "" {
			require.NoError(t, err)
			continue
		}
		requireCode(t, c.code, err)
	}
}

func byName(a, b zipfile.Member) int { return cmp.Compare(a.Name, b.Name) }
