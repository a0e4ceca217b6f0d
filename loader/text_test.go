package loader

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/attestation"
	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/revocation"
	"github.com/weightgate/weightgate/policy/signature"
)

// refusal is a report that is denied for these reasons.
func refusal(reasons ...formats.Finding) *Report {
	r := &Report{Event: EventVerify, Name: "ocr", Origin: policy.Origin{Kind: "dir"}, Findings: reasons}
	d := policy.Decision{Phase: policy.PhaseDigest, Verdict: policy.Denied}
	for _, f := range reasons {
		d.Reasons = append(d.Reasons, policy.Reason{Finding: f})
	}
	r.Verdict, r.Decisions = d.Verdict, []policy.Decision{d}
	return r
}

func TestTextOfARefusal(t *testing.T) {
	digest := strings.Repeat("30ff5c5b", 8)
	r := refusal(
		policy.Codes().Finding(policy.CodePinChanged, "keys.txt", 0, "fs-verity digest %s, and pinned is %s", digest, digest),
		policy.Codes().Finding(policy.CodeFormatUnknown, "a", 0, "no format claims it"),
		policy.Codes().Finding(policy.CodeFormatUnknown, "b  c", 7, "no format claims it"),
	)
	r.Findings = append(r.Findings,
		formats.Finding{Code: "x.low", Severity: formats.Low, File: "l"},
		formats.Finding{Code: "x.medium", Severity: formats.Medium, File: "m", Detail: "seen"})
	r.Error = "disk on fire"
	r.Files = []FileReport{
		{Entry: manifest.Entry{Name: "keys.txt", Size: 2048}},
		{Entry: manifest.Entry{Name: "m\x1b.onnx", Size: 7}, Format: "onnx"},
	}
	r.Inventory = []TensorReport{{TensorID: formats.TensorID{File: "m", Name: "w"}, DType: formats.F32, Bytes: 4}}
	r.LeftOut = []string{"z"}
	r.Phases = []PhaseTime{{"list", 12345 * time.Nanosecond}, {"copy and hash", time.Second}}
	require.Equal(t, `DENIED  ocr (dir), 3 reasons
  denied    pin.changed keys.txt: fs-verity digest
            `+digest+`, and pinned is
            `+digest+`
            → Find out who changed the file. If it was meant, review it and run weightgate pin
              --update.
  unread    format.unknown a: no format claims it
  unread    format.unknown b  c@7: no format claims it
            → Find out what it is. If the model needs it, name it under companions in the policy
              and pin it; else leave it out with files.only.
  cause     disk on fire
  medium    x.medium m: seen
  low       x.low l
  files     2 files, 2.0 KiB
            000000000000…  2.0 KiB  not parsed  keys.txt
            000000000000…      7 B  onnx        "m\x1b.onnx"
  tensors   1 tensor, 4 B
  left out  1 file that files.only does not name
  time      list 10µs, copy and hash 1s
`, r.String())
}

func TestTextOfALook(t *testing.T) {
	r := &Report{Event: EventInspect, Name: "m", Origin: policy.Origin{Kind: "dir"}, Verdict: policy.Pending}
	r.facts.Inspect = &policy.InspectFacts{}
	r.Files = []FileReport{{Entry: manifest.Entry{Name: "notes", Size: 1}}}
	r.Inventory = []TensorReport{
		{TensorID: formats.TensorID{File: "a", Name: strings.Repeat("begin.", 9) + "end"}, DType: formats.BF16, Shape: []int64{2, 3}, Bytes: 12},
		{TensorID: formats.TensorID{File: "b", Name: "\n"}, DType: formats.F32, Bytes: 4},
	}
	require.Equal(t, `INSPECTED  m (dir), 0 findings
  files     1 file, 1 B
            000000000000…  1 B  no format  notes
  tensors   2 tensors, 16 B in 2 files
            name                                        dtype  shape   bytes
            a:
            begin.begin.begin.beg…egin.begin.begin.end  BF16   [2, 3]   12 B
            b:
            "\n"                                        F32    []        4 B
`, r.String())

	r.Verdict = policy.Unverifiable // it ended early
	require.True(t, strings.HasPrefix(r.String(), "UNVERIFIABLE  m (dir), 0 findings\n"), r.String())
}

// Who said what, the verified alone.
func TestTextOfEvidence(t *testing.T) {
	until := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	problem := signature.Codes().Finding(signature.CodeInvalid, "b.sig", 0, "no")
	facts := policy.Facts{Evidence: &policy.EvidenceFacts{
		Signatures: []policy.SignatureFact{
			{Vouched: policy.Vouched{By: "release", Signer: signature.Signer{Key: manifest.Digest{0x1a, 0x2b}}},
				Statement: signature.Statement{Subject: "bert\n", Method: signature.Shards, ShardSize: 1 << 30, Resources: []signature.Resource{
					{Name: "w", End: 1 << 30}, {Name: "w", Start: 1 << 30, End: 1 << 31}, {Name: "v", End: 1}}}},
			{Vouched: policy.Vouched{Document: "b.sig", Problem: &problem}},
		},
		Approvals: []policy.ApprovalFact{
			{Vouched: policy.Vouched{By: "alice"}, Approval: attestation.Approval{Role: "security", Environment: "production", Release: 7, Expires: until}},
			{Vouched: policy.Vouched{By: "bob"}, Approval: attestation.Approval{Role: "legal"}},
		},
		Attestations: []policy.AttestationFact{
			{Attestation: attestation.Provenance{PredicateType: attestation.ConversionType, Builder: "weightgate 1.0",
				Materials: []attestation.Resource{{Name: "model.bin", SHA256: manifest.Digest{0xab}}, {Identity: manifest.Digest{0xcd}}}}},
			{Attestation: attestation.Provenance{PredicateType: attestation.SLSAType, Builder: "https://ci.example/b", Materials: make([]attestation.Resource, 8)}},
		},
		Revocation: &policy.RevocationFact{Vouched: policy.Vouched{By: "security"},
			List: revocation.List{Version: 7, IssuedAt: until, Entries: make([]revocation.Entry, 1)}},
	}}
	r := &Report{Event: EventVerify, Name: "m", Origin: policy.Origin{Kind: "dir"}, Verdict: policy.Admitted, Vouched: true}
	r.Decisions = []policy.Decision{{Verdict: policy.Admitted, Waived: []policy.Waived{
		{Reason: policy.Reason{Finding: formats.Finding{Code: "onnx.domain", File: "m.onnx"}}, Owner: "alice@example.com", Expires: "2027-01-31"}}}}
	r.fill(&facts)
	require.Equal(t, `ADMITTED  m (dir)
  critical  signature.invalid b.sig: no
            → Do not load it: the signature is not over this statement, or not by this key.
              Fetch the bundle again from its publisher.
  waived    onnx.domain m.onnx by alice@example.com until 2027-01-31
  signed    by release (key 1a2b00000000…) as "bert\n", 2 files in shards of 1.0 GiB
  approved  by alice as security for production, release 7, until 2027-01-31
  approved  by bob as legal
  converted by weightgate 1.0
            of model.bin (SHA-256 ab0000000000…)
            of something without a name (identity cd0000000000…)
  built     by https://ci.example/b
`+strings.Repeat("            of something without a name\n", 6)+`            and of 2 more
  revoked   list 7 of 2027-01-31, 1 entry, by security
`, r.String())

	short := string(r.JSON())
	require.NotContains(t, short, `"w"`)
	require.Contains(t, short, `"waived":[{"code":"onnx.domain"`)
	require.Len(t, facts.Evidence.Signatures[0].Statement.Resources, 3)
	require.Len(t, facts.Evidence.Revocation.List.Entries, 1)
}

// However much a report holds, its text stays on a screen.
func TestTextIsShort(t *testing.T) {
	var many []formats.Finding
	for i := range 1000 {
		many = append(many, formats.Finding{Code: formats.Code(fmt.Sprintf("x.%d", i%3)), Detail: "a" + strings.Repeat(" word", 30), Advice: fmt.Sprint(i)})
	}
	r := refusal(many...)
	r.Event = EventInspect
	for i := range 1000 {
		r.Files = append(r.Files, FileReport{Entry: manifest.Entry{Name: fmt.Sprint(i)}, Format: "onnx"})
		r.Inventory = append(r.Inventory, TensorReport{TensorID: formats.TensorID{File: fmt.Sprint(i / 2), Name: strings.Repeat("n", i)},
			Shape: make([]int64, i), DType: formats.F8E4M3FNUZ, Bytes: 1 << 61})
	}
	text := r.String()
	require.Contains(t, text, "            and 990 more: 330 x.0, 330 x.1, 330 x.2\n")
	require.Contains(t, text, "            and 988 more: 988 onnx\n")
	require.Regexp(t, `and 9\d\d more\n`, text)
	require.Less(t, strings.Count(text, "\n"), 80)
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), columns+1, line)
		require.Equal(t, strings.TrimRight(line, " \n")+"\n", line)
	}
}

// Whatever names and details hold, nothing but text reaches a terminal.
func TestTextIsEscaped(t *testing.T) {
	for _, hostile := range []string{"\x1b[2J", "a\nDENIED", "\u202egpj", "\u200b", "\u2028", "\ufeff", "\x80", "\x7f", "\u0085", "\t"} {
		r := refusal(formats.Finding{Code: "x.y", File: hostile, Detail: hostile}, formats.Finding{Code: "x.z", Detail: hostile})
		r.Event = EventInspect
		r.Name, r.Error = hostile, "cause: "+hostile
		r.Origin = policy.Origin{Kind: "hub", Repository: hostile, Commit: hostile}
		r.Findings = append(r.Findings, formats.Finding{Code: "x.seen", File: hostile, Detail: hostile, Severity: formats.Low})
		r.Files = []FileReport{{Entry: manifest.Entry{Name: hostile}}}
		r.Inventory = []TensorReport{{TensorID: formats.TensorID{File: hostile, Name: hostile}}, {TensorID: formats.TensorID{Name: hostile}}}
		r.Library = manifest.Manifest{{Name: hostile}}
		lines := strings.Split(r.String(), "\n")
		require.Len(t, lines, 15, "%q", lines)
		for _, line := range lines {
			for _, c := range line {
				require.True(t, unicode.IsPrint(c), "%q", line)
			}
		}
	}
}

// Who wrote the first line and no more hears of it.
func TestTextKeepsTheFirstError(t *testing.T) {
	full := errors.New("disk full")
	w := &fullWriter{room: 2, err: full}
	require.ErrorIs(t, refusal(formats.Finding{Code: "x.a"}, formats.Finding{Code: "x.b"}).WriteText(w), full)
	require.Equal(t, 3, w.writes)
}

// fullWriter takes a number of writes, and no more.
type fullWriter struct {
	room, writes int
	err          error
}

func (w *fullWriter) Write(b []byte) (int, error) {
	if w.writes++; w.writes > w.room {
		return 0, w.err
	}
	return len(b), nil
}

func TestClip(t *testing.T) {
	require.Equal(t, "12345", clip("12345", 5))
	require.Equal(t, "12…56", clip("123456", 5))
	require.Equal(t, "123…78", clip("12345678", 6))
	require.Equal(t, 42, utf8.RuneCountInString(clip(strings.Repeat("n", 1000), 42)))
}
