// Package sariftest holds what the command prints against schemas: SARIF against
// the official one, and policies against our own. It is a module of its own for
// what brings the schema and its validator.
package sariftest

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gosarif "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/cmd/internal/cli"
	"github.com/weightgate/weightgate/cmd/internal/explain"
	"github.com/weightgate/weightgate/cmd/internal/sarif"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

// official is the schema of SARIF 2.1.0, which go-sarif holds as an unexported
// constant: its own validation sees only what its structs can hold.
func official(t *testing.T) *jsonschema.Schema {
	var where struct{ Dir string }
	out, err := exec.Command("go", "list", "-json=Dir", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &where))
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(where.Dir, "schema.go"), nil, 0)
	require.NoError(t, err)
	value := file.Scope.Lookup("schema").Decl.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value
	text, err := strconv.Unquote(value)
	require.NoError(t, err)

	const name = "sarif-schema-2.1.0.json"
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	c.AssertFormat()
	require.NoError(t, c.AddResource(name, document))
	schema, err := c.Compile(name)
	require.NoError(t, err)
	return schema
}

// inspect is what the command prints for paths.
func inspect(t *testing.T, exitCode int, paths ...string) []byte {
	var out, errs bytes.Buffer
	require.Equal(t, exitCode, cli.Main(append([]string{"inspect", "--sarif"}, paths...), &out, &errs))
	require.Empty(t, errs.String())
	return out.Bytes()
}

func TestSchema(t *testing.T) {
	schema := official(t)
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(data), 0o644))
		return path
	}
	const (
		good    = "\x02\x00\x00\x00\x00\x00\x00\x00{}"
		trailer = good + "behind"
		noise   = "\x01\x02\x03\xff\x00" // of no format
	)

	for _, c := range []struct {
		name     string
		exitCode int
		paths    []string
		results  int // at least
	}{
		{"nothing", 0, []string{write("good/m", good)}, 0},
		{"unknown", 2, []string{write("bad/no such format", noise)}, 1},
		{"escaped", 2, []string{filepath.Dir(write("names/a%20b:c?#é", noise))}, 2},
		{"missing", 2, []string{filepath.Join(dir, "nowhere"), "nowhere", "no:where"}, 3},
		{"offset", 1, []string{write("trailing/m", trailer), dir}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			printed := inspect(t, c.exitCode, c.paths...)
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(printed))
			require.NoError(t, err)
			require.NoError(t, schema.Validate(document))

			log, err := gosarif.FromBytes(printed)
			require.NoError(t, err)
			require.Len(t, log.Runs, 1)
			run := log.Runs[0]
			require.GreaterOrEqual(t, len(run.Results), c.results)
			require.Equal(t, c.exitCode, *run.Invocations[0].ExitCode)
			for _, result := range run.Results {
				require.Equal(t, *result.RuleID, *run.Tool.Driver.Rules[result.RuleIndex].ID)
			}
		})
	}
}

// A finding of every code makes a valid log.
func TestEveryCode(t *testing.T) {
	report := &loader.Report{Name: "model"}
	for _, c := range explain.Codes() {
		f := formats.CodeTable{c.CodeInfo}.Finding(c.Code, "a/b", 1<<40, "detail")
		report.Findings = append(report.Findings, f)
	}
	report.Findings = append(report.Findings, formats.Finding{Code: "code.of.nobody"})
	var printed bytes.Buffer
	require.NoError(t, sarif.Write(&printed, []*loader.Report{report}, 1))
	document, err := jsonschema.UnmarshalJSON(&printed)
	require.NoError(t, err)
	require.NoError(t, official(t).Validate(document))
}

// The schema is one that refuses.
func TestSchemaRefuses(t *testing.T) {
	schema := official(t)
	path := filepath.Join(t.TempDir(), "m")
	require.NoError(t, os.WriteFile(path, []byte("\x01\x02\x03\xff\x00"), 0o644))
	printed := string(inspect(t, 2, path))
	for _, change := range [][2]string{
		{`"version":"2.1.0"`, `"version":"2.1.1"`},
		{`"ruleId":`, `"rule":`},
		{`"level":"error"`, `"level":"fatal"`},
		{`"message":{"text":`, `"message":{"txt":`},
		{`"executionSuccessful":false,`, ``},
	} {
		changed := strings.Replace(printed, change[0], change[1], 1)
		require.NotEqual(t, printed, changed)
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(changed))
		require.NoError(t, err)
		require.Error(t, schema.Validate(document), change[1])
	}
}
