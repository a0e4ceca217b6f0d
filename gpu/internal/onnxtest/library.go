package onnxtest

import (
	"os"
	"path/filepath"
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

// GPU is ONNX Runtime's build for CUDA: its core library and the providers that
// a session on CUDA needs. No device is needed, nor any library of NVIDIA's. make
// cuda-standin fetches it; elsewhere the test is skipped, in CI too.
func GPU(t testing.TB) (core string, providers []string) {
	t.Helper()
	dir := os.Getenv("WEIGHTGATE_ORT_GPU")
	if dir == "" {
		t.Skip("not run: WEIGHTGATE_ORT_GPU is not set; it is a directory with the core, providers_shared and providers_cuda libraries of ONNX Runtime's build for CUDA")
	}
	found, err := filepath.Glob(filepath.Join(dir, "libonnxruntime.so*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("WEIGHTGATE_ORT_GPU: %d core libraries in %s, %v", len(found), dir, err)
	}
	return found[0], []string{
		filepath.Join(dir, "libonnxruntime_providers_shared.so"), filepath.Join(dir, "libonnxruntime_providers_cuda.so"),
	}
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
