package convert

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/pickle"
	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch"
	"github.com/weightgate/weightgate/formats/torch/grammar"
	"github.com/weightgate/weightgate/loader/convert/plan"
)

// hear takes down what a child said of a stream at that place. It is nil if the
// child made no plan.
func (r *run) hear(answer []byte, stream formats.Range) *grammar.Checkpoint {
	checkpoint, err := plan.Read(answer, r.lim.MaxTensors)
	failure, failed := errors.AsType[*machine.Error](err)
	switch {
	case failed:
		last := machine.Finding{Code: failure.Code, Offset: failure.Offset, Detail: failure.Detail}
		r.seen(failure.Uses, append(failure.Findings, last), stream)
		return nil
	case err != nil:
		r.find(CodePlan, 0, "%v", err)
		return nil
	}
	r.seen(checkpoint.Uses, checkpoint.Findings, stream)
	for _, d := range checkpoint.Dropped {
		dropped := formats.Dropped{File: r.file, Path: shown(d.Path), What: shown(d.What)}
		if d.Offset > 0 {
			dropped.Offset = within(stream, d.Offset)
		}
		r.out.Dropped = append(r.out.Dropped, dropped)
	}
	return checkpoint
}

// within is the place in the file of an offset in a stream.
func within(stream formats.Range, offset int64) int64 {
	return stream.Offset + min(offset, stream.Length)
}

// seen takes down uses and findings, up to one that no honest child has.
func (r *run) seen(uses []machine.Use, findings []machine.Finding, stream formats.Range) {
	for _, u := range uses {
		r.out.Uses = append(r.out.Uses, formats.Use{File: r.file, Name: shown(u.Name), Offset: within(stream, u.Offset), Call: u.Call, Known: u.Known})
	}
	rated := ratings()
	for _, f := range findings {
		code := formats.Code(f.Code)
		if !slices.ContainsFunc(rated, func(i formats.CodeInfo) bool { return i.Code == code }) {
			r.find(CodePlan, 0, "a finding of no known code, %s", quote(f.Code))
			return
		}
		r.heard = append(r.heard, rated.Finding(code, r.file, within(stream, f.Offset), "%s", shown(f.Detail)))
	}
}

// ratings are the codes that a child may use.
func ratings() formats.CodeTable {
	own := slices.DeleteFunc(Codes(), func(i formats.CodeInfo) bool { return i.Code != CodeJob && i.Code != CodeLimit })
	return slices.Concat(pickle.Codes(), torch.Codes(), own)
}

// shown is text of a child as people may see it: what hides is escaped, and then
// not at any length, for it grows by that.
func shown(text string) string {
	if strings.ContainsFunc(text, formats.Hides) {
		return quote(text)
	}
	return text
}

// digest names a pack by its text.
func digest(p machine.Pack) formats.Pack {
	sum := sha256.Sum256([]byte(p.Text))
	return formats.Pack{Name: p.Name, Version: p.Version, SHA256: hex.EncodeToString(sum[:])}
}
