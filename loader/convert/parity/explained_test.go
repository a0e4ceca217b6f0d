//go:build linux && amd64

package parity_test

import (
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/formats/zipfile"
	"github.com/weightgate/weightgate/loader/convert"
)

// An explanation is a difference between the reference and this converter that
// is meant.
type explanation struct {
	cases string // of cases.py, or the beginning of their names if it ends in *
	error string // what the reference says contains it; empty: it refuses nothing

	// got is what this converter does: write the reference's bytes all the
	// same, or those of instead, or refuse for a code.
	got any

	why  string
	used bool
}

// outcome is what became of a checkpoint that was not refused.
type outcome string

const (
	theSame outcome = "the same"
	instead outcome = "instead"
)

func (e explanation) fits(o Oracle, same, alternative bool, refused []formats.Code) bool {
	prefix, many := strings.CutSuffix(e.cases, "*")
	if o.Case != e.cases && !(many && strings.HasPrefix(o.Case, prefix)) {
		return false
	}
	if (e.error == "") != (o.Error == "") || !strings.Contains(o.Error, e.error) {
		return false
	}
	switch e.got {
	case theSame:
		return same
	case instead:
		return alternative
	}
	return slices.Contains(refused, e.got.(formats.Code))
}

// explanations are all differences that are meant. Each must occur in the wide
// matrix.
var explanations = []explanation{
	// What the reference refuses, and need not.
	{cases: "dtype.*", error: "'torch.storage.UntypedStorage' has no attribute 'dtype'", got: instead,
		why: "torch cannot read untyped storages from the legacy files that it writes"},
	{cases: "kind.storage", error: "has no attribute", got: instead,
		why: "the reference fails on a storage among the tensors, which is left out and listed here"},
	{cases: "dtype.float*", error: "\"equal_cpu\" not implemented", got: theSame,
		why: "the reference holds its output against what it read, and torch cannot compare this type"},
	{cases: "value.nan", error: "reads back as something else", got: theSame,
		why: "the reference holds its output against what it read, and NaN equals nothing"},
	{cases: "expanded.much", error: "bytes were made of", got: theSame,
		why: "the reference refuses output that is 1 % larger than its source; here the budget is eight times the file and 16 MiB"},
	{cases: "many.tied", error: "bytes were made of", got: theSame,
		why: "the reference refuses output that is 1 % larger than its source, which the metadata of many tied names is for a small file"},
	{cases: "bit.*", error: "reads back as something else", got: instead,
		why: "the reference writes the elements without the bit of conjugation or negation, and then refuses that; here the bit is applied"},
	{cases: "*", error: "view size is not compatible", got: instead,
		why: "the reference cannot tell where views end that share a storage and have gaps; they are copied here"},
	{cases: "part.steps", error: "covers its storage", got: instead,
		why: "the reference takes views for overlapping that lie in each other's gaps; they are copied here"},
	{cases: "training.step", error: "'int' object has no attribute", got: instead,
		why: "the reference fails on what is no tensor, which is left out and listed here"},
	{cases: "dict.deep", error: "'dict' object has no attribute", got: instead,
		why: "the reference fails on what is no tensor, which is left out and listed here"},

	{cases: "name.metadata", error: "duplicate field", got: convert.CodeName,
		why: "the reference writes a header with the key __metadata__ twice, and refuses it then"},

	// What the reference does otherwise.
	{cases: "shards", got: instead,
		why: "the reference's index still names tensors that their shard no longer holds, as they are tied to others"},
	{cases: "container.big-endian-untyped", got: instead,
		why: "torch swaps no bytes of untyped storages, and reads other values than were saved"},
	{cases: "tied.step", got: instead, why: stepped},
	{cases: "tied.diagonal", got: instead, why: stepped},
	{cases: "tied.expanded", got: instead, why: stepped},

	// What is refused here.
	{cases: "container.no-crc", got: zipfile.CodeCRC,
		why: "set_crc32_options(False) writes checksums of nothing, and no one can tell such a file from a damaged one"},
	{cases: "dict.empty", got: formats.Code(grammar.CodeRootNone),
		why: "the reference writes a file without tensors"},
	{cases: "dict.default", got: formats.Code(machine.CodeGlobalDenied),
		why: "pickle reads what the reference's own reader refuses too: a class that is in no pack"},
	{cases: "tensor.subclass", got: formats.Code(grammar.CodeSubclass),
		why: "pickle reads what the reference's own reader refuses too: a class of tensors that is in no pack"},
	{cases: "training.bytes", got: formats.Code(machine.CodeGlobalDenied),
		why: "pickle reads what the reference's own reader refuses too: a class that is in no pack"},
	{cases: "training.numpy", got: formats.Code(machine.CodeGlobalDenied),
		why: "pickle reads what the reference's own reader refuses too: arrays of numpy are in the pack numpy"},
	{cases: "training.namespace", got: formats.Code(machine.CodeGlobalDenied),
		why: "pickle reads what the reference's own reader refuses too: argparse.Namespace is in the pack training-args"},
	{cases: "value.bool", got: convert.CodeBool,
		why: "the reference writes truth values that are neither 0 nor 1, which readers understand differently"},
	{cases: "name.hidden-*", got: convert.CodeName, why: "characters that do not show make names look alike"},
	{cases: "name.empty", got: convert.CodeName, why: "nobody can ask for a tensor without a name"},
	{cases: "name.long", got: convert.CodeName, why: "names have 512 bytes at most"},
}

const stepped = "the reference leaves out a view that lies in steps for the tensor that it is of, and its metadata cannot say which elements it had; it is copied here"
