package npy

import (
	"context"
	"io"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// ArchiveName is the name of the format of archives.
const ArchiveName = "npz"

// extension is what the names of an archive's members end in.
const extension = ".npy"

// Archive is the npz format: a zip archive whose members are arrays, each a
// tensor with the member's name without .npy, which is not the name of another
// member. Arrays that are stored have their place in the file. Those that are
// deflated have none: they are inflated once, to check them, and reported as
// inline.
//
// Beside its own codes it raises those of npy and of package zipfile, which
// stand in their tables.
func Archive() formats.Format { return archive{} }

type archive struct{}

var _ formats.Characterized = archive{}

func (archive) Name() string             { return ArchiveName }
func (archive) Codes() formats.CodeTable { return archiveCodes }
func (archive) Traits() formats.Traits   { return formats.Traits{Refines: []string{zipfile.Name}} }

// Claims looks at the name of the first member.
func (archive) Claims(ctx context.Context, in formats.Input) (bool, error) {
	first, ok, err := zipfile.Peek(ctx, in)
	return ok && strings.HasSuffix(first, extension), err
}

// Inspect reads all members, of which it keeps the headers alone.
func (archive) Inspect(ctx context.Context, in formats.Input, lim formats.Limits) (*formats.Inspection, error) {
	lim = lim.WithDefaults()
	a, err := zipfile.Read(ctx, in, lim)
	if err != nil {
		return nil, err
	}
	if len(a.Members) > lim.MaxTensors {
		return nil, codes.Syntax(ArchiveName, CodeLimit, in.Name(), 0, "%d members; MaxTensors is %d", len(a.Members), lim.MaxTensors)
	}
	found := &formats.Inspection{
		Format:   ArchiveName,
		Findings: a.Findings,
		Claims:   []formats.Range{{File: in.Name(), Length: in.Size()}},
	}
	head := make([]byte, prefix2+maxHeader)
	deflated := 0
	err = a.Each(ctx, func(m zipfile.Member, r io.Reader) error {
		t, err := tensor(in.Name(), m, r, head, lim)
		if err != nil {
			return err
		}
		if _, taken := a.Find(t.ID.Name); taken { // NumPy prefers the whole name of a member
			return archiveCodes.Syntax(ArchiveName, CodeDuplicate, in.Name(), m.Offset, "%s: its array has the name of another member", quote(m.Name))
		}
		if t.Inline {
			deflated++
		}
		found.Tensors = append(found.Tensors, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if deflated > 0 {
		found.Findings = append(found.Findings, archiveCodes.Finding(CodeDeflated, in.Name(), 0, "%d of %d arrays are deflated", deflated, len(a.Members)))
	}
	return found, nil
}

// tensor reads the header of member m, whose content r is.
func tensor(file string, m zipfile.Member, r io.Reader, head []byte, lim formats.Limits) (formats.Tensor, error) {
	name, ok := strings.CutSuffix(m.Name, extension)
	if !ok || name == "" {
		return formats.Tensor{}, archiveCodes.Syntax(ArchiveName, CodeMember, file, m.Offset, "%s is no array", quote(m.Name))
	}
	head = head[:min(int64(len(head)), m.Size)]
	if _, err := io.ReadFull(r, head); err != nil {
		return formats.Tensor{}, err
	}
	packed := m.Method != zipfile.Stored
	a, err := parse(head, m.Size, lim, place{file: file, member: m.Name, offset: m.Offset, packed: packed})
	if err != nil {
		return formats.Tensor{}, err
	}
	id := formats.TensorID{File: file, Name: name}
	if packed {
		return formats.Tensor{ID: id, DType: a.DType, Shape: a.Shape, Inline: true}, nil
	}
	return a.tensor(id, m.Offset), nil
}
