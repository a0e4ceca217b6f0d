// Package fetchtest finds what examples/fetch brought, for tests. Where the
// environment does not say where it lies, the test is skipped by a person, and
// fails in CI:
//
//	eval "$(go run ./examples/fetch -env)"
package fetchtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Library is the path of ONNX Runtime's core library for this machine.
func Library(t testing.TB) string {
	t.Helper()
	return given(t, "WEIGHTGATE_ORT", "the path of ONNX Runtime's core library")
}

// Models is the directory of the public models, each in one of its own.
func Models(t testing.TB) string {
	t.Helper()
	return given(t, "WEIGHTGATE_MODELS", "a directory with the public models, as examples/fetch lays it out")
}

// MiniLM is the directory of MiniLM's files.
func MiniLM(t testing.TB) string {
	t.Helper()
	return filepath.Join(Models(t), "minilm")
}

func given(t testing.TB, variable, meaning string) string {
	t.Helper()
	v := os.Getenv(variable)
	switch {
	case v != "":
	case os.Getenv("CI") == "true":
		t.Fatalf("CI runs this test: set %s to %s", variable, meaning)
	default:
		t.Skipf("not run: %s is not set; it is %s", variable, meaning)
	}
	return v
}
