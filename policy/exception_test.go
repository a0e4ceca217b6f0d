package policy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// waived is a policy with an exception for a code.
func waived(code string) string {
	return minimal + "    exceptions: [{codes: [" + code + "], files: [\"*.onnx\"], owner: alice, expires: 2027-01-31, reason: ticket}]\n"
}

func TestExceptionSyntax(t *testing.T) {
	for _, code := range []string{"onnx.domain", "pin.missing", "signature.missing", "companion.extra", "approval.missing", "approval.expired"} {
		_, err := policy.Parse([]byte(waived(code)), nil)
		require.NoError(t, err, code)
	}
	for _, code := range []string{"pin.changed", "pin.other", "signature.invalid", "signature.few", "signature.unbound", "revocation.file",
		"revocation.signer", "release.older", "provenance.missing", "format.denied", "policy.phase", "companion.missing"} {
		_, err := policy.Parse([]byte(waived(code)), nil)
		require.ErrorContains(t, err, "can be waived by no exception", code)
	}
	for _, without := range []string{"owner: alice, ", "expires: 2027-01-31, ", ", reason: ticket"} {
		_, err := policy.Parse([]byte(strings.Replace(waived("onnx.domain"), without, "", 1)), nil)
		require.ErrorContains(t, err, "codes, owner, expires and reason")
	}
	for _, day := range []string{"2027-02-30", "31.1.2027", "2027-1-31", "never"} {
		_, err := policy.Parse([]byte(strings.Replace(waived("onnx.domain"), "2027-01-31", day, 1)), nil)
		require.ErrorContains(t, err, "is no day", day)
	}
}

func TestException(t *testing.T) {
	end := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		what   string
		now    time.Time
		code   formats.Code
		file   string
		level  formats.Severity
		class  formats.Class
		waived bool
	}{
		{"before", end.Add(-time.Second), "onnx.domain", "m.onnx", formats.High, formats.Denied, true},
		{"at its end", end, "onnx.domain", "m.onnx", formats.High, formats.Denied, false},
		{"after", end.Add(time.Hour), "onnx.domain", "m.onnx", formats.High, formats.Denied, false},
		{"no time", time.Time{}, "onnx.domain", "m.onnx", formats.High, formats.Denied, false},
		{"another code", end.Add(-time.Second), "onnx.path", "m.onnx", formats.High, formats.Denied, false},
		{"another file", end.Add(-time.Second), "onnx.domain", "m.bin", formats.High, formats.Denied, false},
		{"critical", end.Add(-time.Second), "onnx.domain", "m.onnx", formats.Critical, formats.Denied, false},
		{"not read", end.Add(-time.Second), "onnx.domain", "m.onnx", formats.High, formats.Unverifiable, false},
	} {
		s := newScene(t)
		s.policy, s.facts.Now = waived("onnx.domain"), c.now
		s.facts.Inspect.Formats = map[string]string{"m.onnx": "onnx", "m.bin": "onnx"}
		s.hold(ocrFiles()[2:])
		s.facts.Stat.Files = append(s.facts.Stat.Files, regular("m.bin"))
		s.facts.Inspect.Findings = []formats.Finding{{Code: c.code, Class: c.class, Severity: c.level, File: c.file}}
		d := mustParse(t, s.policy, nil).For("ocr", policy.Origin{Kind: "dir"}).Decide(inspect, &s.facts)
		require.Equal(t, !c.waived, d.Refused(), c.what)
		if !c.waived {
			require.Len(t, d.Reasons, 1, c.what)
			require.Empty(t, d.Waived, c.what)
			continue
		}
		require.Empty(t, d.Reasons)
		require.Len(t, d.Waived, 1)
		require.Equal(t, "alice", d.Waived[0].Owner)
		require.Equal(t, "2027-01-31", d.Waived[0].Expires)
		require.Equal(t, c.code, d.Waived[0].Code)
	}
}

// The mode audit downgrades its closed list, the verdict stays denied, and one
// other reason is enough to refuse.
func TestAuditOfTrust(t *testing.T) {
	downgraded := map[formats.Code]bool{
		policy.CodeSignatureMissing: true, policy.CodeApprovalMissing: true, policy.CodeApprovalRole: true, policy.CodeApprovalOther: true,
		policy.CodeApprovalName: true, policy.CodeApprovalEnvironment: true, policy.CodeApprovalEarly: true, policy.CodeApprovalExpired: true,
	}
	for _, c := range trusted {
		enforced := c.decide(t)
		c.w.policy += "mode: audit\n"
		d := c.decide(t)
		all := len(d.Reasons) > 0
		for _, r := range d.Reasons {
			all = all && downgraded[r.Code]
		}
		require.Equal(t, enforced.Verdict, d.Verdict, c.what)
		require.Equal(t, enforced.Reasons, d.Reasons, c.what)
		require.Equal(t, all, d.Audit, c.what)
		require.False(t, enforced.Audit, c.what)
		require.Equal(t, len(d.Reasons) > 0 && !all, d.Refused(), c.what)
	}
}

func TestAuditOfFindings(t *testing.T) {
	for _, c := range []struct {
		code  formats.Code
		class formats.Class
		level formats.Severity
		audit bool
	}{
		{"onnx.domain", formats.Denied, formats.High, true},
		{"onnx.domain", formats.Denied, formats.Critical, false},
		{"onnx.domain", formats.Unverifiable, formats.High, false},
		{"pickle.global", formats.Denied, formats.High, false},
		{"convert.child", formats.Denied, formats.High, false},
		{"format.ambiguous", formats.Denied, formats.High, false},
		{"file.changed", formats.Denied, formats.High, false},
		{"limits.depth", formats.Denied, formats.High, false},
	} {
		s := newScene(t)
		delete(s.facts.Inspect.Formats, "data.bin")
		s.hold(ocrFiles()[2:])
		s.facts.Inspect.Findings = []formats.Finding{{Code: c.code, Class: c.class, Severity: c.level, File: "m.onnx"}}
		d := mustParse(t, minimal+"mode: audit\n", nil).For("ocr", policy.Origin{Kind: "dir"}).Decide(inspect, &s.facts)
		require.Len(t, d.Reasons, 1)
		require.Equal(t, c.audit, d.Audit, c.code)
		require.Equal(t, !c.audit, d.Refused(), c.code)
	}
	missing := doc(policy.UseSignature, "a.sig", nil)
	broken := missing
	broken.Name, broken.Err = "b.sig", errors.New("EIO")
	w := witness{policy: anyRule + "mode: audit\n", docs: []policy.Document{missing, broken}}
	require.True(t, trustCase{w: w}.decide(t).Refused())
}
