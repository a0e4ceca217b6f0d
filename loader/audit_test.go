package loader

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

func audited(yaml string) string {
	return strings.Replace(yaml, "version: 1\n", "version: 1\nmode: audit\n", 1)
}

func allowAudit(c *Config) { c.InsecureAllowAudit = true }

func TestAuditNeedsTheHost(t *testing.T) {
	p, err := policy.Parse([]byte(audited(entry("pin: required"))), (&policy.Lock{}).Encode())
	require.NoError(t, err)
	_, err = New(Config{Policy: p, Formats: testFormats})
	require.ErrorIs(t, err, ErrConfig)
	g, err := New(Config{Policy: p, Formats: testFormats, InsecureAllowAudit: true})
	require.NoError(t, err)
	require.NoError(t, g.Close())
}

// What audit lets pass can be used, and says everywhere that it is denied.
func TestAudit(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	var log bytes.Buffer
	var recorded []byte
	gate := newGate(t, audited(entry("pin: required")), (&policy.Lock{}).Encode(), allowAudit, func(c *Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		c.Recorder = RecorderFunc(func(_ context.Context, r *Report) error {
			recorded = r.JSON()
			return nil
		})
	})
	m, err := gate.Load(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, policy.Denied, m.Verdict())
	require.False(t, m.Vouched())
	require.True(t, m.Report().Audit)
	require.NoError(t, m.View(tensorW, func(b []byte) error { return nil }))
	_, err = fs.ReadFile(m.FS(), "model.safetensors")
	require.NoError(t, err)

	require.Equal(t, string(recorded), string(m.Report().JSON()))
	var report struct {
		Audit   bool   `json:"audit"`
		Verdict string `json:"verdict"`
		Vouched bool   `json:"vouched"`
	}
	require.NoError(t, json.Unmarshal(recorded, &report))
	require.True(t, report.Audit)
	require.Equal(t, "denied", report.Verdict)
	require.False(t, report.Vouched)
	require.True(t, strings.HasPrefix(m.Report().String(), "AUDIT, DENIED  m (dir), 1 reason for which enforce would refuse it\n  denied    pin.missing"), m.Report().String())

	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	var line struct {
		Level, Mode, Verdict, Reason string
		Reasons                      int
	}
	require.NoError(t, json.Unmarshal(log.Bytes(), &line))
	require.Equal(t, "WARN", line.Level)
	require.Equal(t, "audit", line.Mode)
	require.Equal(t, "denied", line.Verdict)
	require.Equal(t, 1, line.Reasons)
	require.True(t, strings.HasPrefix(line.Reason, "pin.missing"), line.Reason)

	verified, err := gate.Verify(context.Background(), "m", Dir(dir))
	require.NoError(t, err)
	require.True(t, verified.Audit)
	require.Equal(t, policy.Denied, verified.Verdict)
}

// What audit does not downgrade ends the load, and is named first.
func TestAuditRefuses(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	lock := pins(t, map[string]Source{"m": Dir(dir)})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), weights(t, 100, 2), 0o644))
	_, err := newGate(t, audited(entry("pin: required")), lock, allowAudit).Load(context.Background(), "m", Dir(dir))
	require.ErrorIs(t, err, ErrDenied)
	require.Equal(t, []formats.Code{policy.CodePinChanged}, codesOf(t, err))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "other.bin"), []byte("what is this"), 0o644))
	_, err = newGate(t, audited(entry("pin: required")), (&policy.Lock{}).Encode(), allowAudit).Load(context.Background(), "m", Dir(dir))
	require.ErrorIs(t, err, ErrDenied)
	require.Equal(t, policy.CodeFormatDenied, codesOf(t, err)[0])
	require.Contains(t, codesOf(t, err), policy.CodePinMissing)
	var r *Rejection
	require.ErrorAs(t, err, &r)
	require.False(t, r.Report.Audit)
	require.True(t, strings.HasPrefix(r.Report.String(), "DENIED  m"))
	require.NotContains(t, string(r.Report.JSON()), `"audit":true,"vouched"`)
}

// No record, no model: also of what audit let pass.
func TestAuditIsRecorded(t *testing.T) {
	dir := write(t, map[string][]byte{"model.safetensors": weights(t, 100, 1)})
	full := errors.New("the disk is full")
	gate := newGate(t, audited(entry("pin: required")), (&policy.Lock{}).Encode(), allowAudit, func(c *Config) {
		c.Recorder = RecorderFunc(func(context.Context, *Report) error { return full })
	})
	_, err := gate.Load(context.Background(), "m", Dir(dir))
	require.ErrorIs(t, err, full)
	require.ErrorIs(t, err, ErrDenied)
	require.Equal(t, []formats.Code{CodeRecord, policy.CodePinMissing}, codesOf(t, err))
}

// A later phase that is admitted makes nothing good.
func TestAuditLasts(t *testing.T) {
	r := &Report{Vouched: true}
	denied := policy.Decision{Phase: policy.PhaseDigest, Verdict: policy.Denied, Audit: true}
	for _, c := range []struct {
		next    policy.Decision
		audit   bool
		verdict policy.Verdict
	}{
		{policy.Decision{Verdict: policy.Pending}, false, policy.Pending},
		{denied, true, policy.Denied},
		{policy.Decision{Verdict: policy.Pending}, true, policy.Denied},
		{policy.Decision{Verdict: policy.Unverifiable, Audit: true}, true, policy.Denied},
		{policy.Decision{Verdict: policy.Admitted}, true, policy.Denied},
		{policy.Decision{Verdict: policy.Unverifiable}, false, policy.Denied},
	} {
		r.take(c.next)
		require.Equal(t, c.audit, r.Audit)
		require.Equal(t, c.verdict, r.Verdict)
	}
	require.False(t, r.Vouched)
}
