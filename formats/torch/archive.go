package torch

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// The members of a checkpoint, in the archive's one directory.
const (
	pickleMember    = "data.pkl"
	storages        = "data/" // the storage of key 0 is data/0
	versionMember   = "version"
	byteOrderMember = "byteorder"
)

// described are members that say what nobody needs to read a checkpoint, each a
// decimal number.
var described = []string{".format_version", ".storage_alignment", ".data/serialization_id"}

// longestNumber is the length of serialization_id: two numbers of 64 bits, with
// zeros before them (caffe2/serialize/inline_container.cc, writeSerializationId).
const longestNumber = 40

// others is how many members there may be beside the storages.
const others = 16

// lastVersion is the last version of the archive that torch reads
// (kMaxSupportedFileFormatVersion).
const lastVersion = 10

// read reads the archive.
func read(ctx context.Context, in formats.Input, lim formats.Limits) (*Container, *zipfile.Archive, error) {
	lim = lim.WithDefaults()
	r := &reader{in: in, lim: lim}
	lim.MaxFiles = min(lim.MaxTensors, 1<<20) + others
	a, err := zipfile.Read(ctx, in, lim)
	if err != nil {
		return nil, nil, err
	}
	r.Findings = a.Findings
	if err := r.members(ctx, a); err != nil {
		return nil, nil, err
	}
	r.Findings = sorted(r.Findings)
	return &r.Container, a, nil
}

// A reader holds what the steps of read share.
type reader struct {
	Container
	in  formats.Input
	lim formats.Limits
}

func (r *reader) fail(c formats.Code, offset int64, detail string, args ...any) error {
	return containerCodes.Syntax(Name, c, r.in.Name(), offset, detail, args...)
}

// members gives each member its meaning.
func (r *reader) members(ctx context.Context, a *zipfile.Archive) error {
	r.Form = grammar.Zip
	r.Storages = map[string]formats.Range{}
	directory, pickled, versioned := "", false, false
	for _, m := range a.Members {
		root, name, inside := strings.Cut(m.Name, "/")
		if directory == "" {
			directory = root
		}
		if !inside || root != directory {
			return r.fail(CodeArchive, m.Offset, "%s lies outside of the directory %s", formats.Quote(m.Name), formats.Quote(directory))
		}
		switch key, isStorage := strings.CutPrefix(name, storages); {
		case isStorage && key != "" && !strings.Contains(key, "/"):
			if len(r.Storages) == r.lim.MaxTensors {
				return r.fail(CodeLimit, m.Offset, "more storages than MaxTensors, %d", r.lim.MaxTensors)
			}
			place, err := r.stored(a, m)
			if err != nil {
				return err
			}
			r.Storages[key] = place
		case name == pickleMember:
			if m.Size > r.lim.MaxHeader {
				return r.fail(CodeLimit, m.Offset, "a pickle of %d bytes; MaxHeader is %d", m.Size, r.lim.MaxHeader)
			}
			place, err := r.stored(a, m)
			if err != nil {
				return err
			}
			r.Pickles, pickled = place, true
		case name == versionMember:
			if err := r.version(ctx, a, m); err != nil {
				return err
			}
			versioned = true
		case name == byteOrderMember:
			if err := r.byteOrder(ctx, a, m); err != nil {
				return err
			}
		case slices.Contains(described, name):
			if err := r.number(ctx, a, m); err != nil {
				return err
			}
		default:
			r.Findings = append(r.Findings, containerCodes.Finding(CodeMember, r.in.Name(), m.Offset, "nothing here reads %s", formats.Quote(m.Name)))
		}
	}
	switch {
	case !pickled:
		return r.fail(CodeArchive, 0, "no %s", pickleMember)
	case !versioned:
		return r.fail(CodeArchive, 0, "no %s", versionMember)
	}
	return nil
}

// stored is the place of a member, which lies in the file as it is.
func (r *reader) stored(a *zipfile.Archive, m zipfile.Member) (formats.Range, error) {
	place, ok := a.Place(m)
	if !ok {
		return formats.Range{}, r.fail(CodeDeflated, m.Offset, "%s is deflated", formats.Quote(m.Name))
	}
	return place, nil
}

// version reads the version of the archive, a decimal number and a newline.
func (r *reader) version(ctx context.Context, a *zipfile.Archive, m zipfile.Member) error {
	text, err := content(ctx, a, m)
	if err != nil {
		return err
	}
	digits, ended := strings.CutSuffix(text, "\n")
	if n, err := strconv.Atoi(digits); err != nil || !ended || strconv.Itoa(n) != digits || n < 1 || n > lastVersion {
		return r.fail(CodeArchive, m.Offset, "version %q, and not one of 1 to %d", text, lastVersion)
	}
	return nil
}

// number checks a member that nobody needs: it is a number, and no place for more.
func (r *reader) number(ctx context.Context, a *zipfile.Archive, m zipfile.Member) error {
	text, err := content(ctx, a, m)
	if err != nil {
		return err
	}
	if text == "" || len(text) > longestNumber || strings.Trim(text, "0123456789") != "" {
		return r.fail(CodeArchive, m.Offset, "%s is not a number of up to %d digits", formats.Quote(m.Name), longestNumber)
	}
	return nil
}

func (r *reader) byteOrder(ctx context.Context, a *zipfile.Archive, m zipfile.Member) error {
	text, err := content(ctx, a, m)
	if err != nil {
		return err
	}
	if text != "little" && text != "big" {
		return r.fail(CodeByteOrder, m.Offset, "byte order %q", text)
	}
	r.BigEndian = text == "big"
	return nil
}

// content is what a small member holds, or the beginning of a larger one, which
// is none of the texts that the member may hold.
func content(ctx context.Context, a *zipfile.Archive, m zipfile.Member) (string, error) {
	const enough = longestNumber + 1
	b, err := io.ReadAll(io.LimitReader(a.Open(ctx, m), enough))
	return string(b), err
}
