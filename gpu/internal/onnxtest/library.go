package onnxtest

import (
	"os"
	"testing"
)

// Library is the path of ONNX Runtime's core library.
func Library(t testing.TB) string {
	return given(t, "WEIGHTGATE_ORT", "the path of ONNX Runtime's core library")
}

// Models is a directory with the public models that the tests know.
func Models(t testing.TB) string {
	return given(t, "WEIGHTGATE_MODELS", "a directory with the public models that this test names, as examples/fetch lays it out")
}

// given is a variable of the environment. Without it the test is skipped by a
// person, and fails in CI.
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
