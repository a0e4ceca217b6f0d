package benchmarks

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// The ways of peers on a model's files.
const (
	pythonSafeOpen      = "safetensors, safe_open"
	pythonLoadFile      = "safetensors, load_file"
	pythonLoadCopies    = "safetensors, load_file and clone"
	pythonTorchLoad     = "torch.load"
	modelSigningFiles   = "model_signing, files"
	modelSigningShards  = "model_signing, shards"
	startOfModelSigning = "start of model_signing"
	sha256sum           = "sha256sum"
	openssl             = "openssl dgst"
	b3sum               = "b3sum"
)

func peerWays() []way {
	return []way{
		{pythonSafeOpen, results.Program, reference{taskSafeOpen}.measure},
		{pythonLoadFile, results.Program, reference{taskLoadFile}.measure},
		{pythonLoadCopies, results.Program, reference{taskLoadCopies}.measure},
		{pythonTorchLoad, results.Program, reference{taskTorchLoad}.measure},
		{modelSigningFiles, results.Program, started(func(j job) []string {
			return []string{j.Tools.ModelSigning, "-m", "model_signing", "verify", "key", "--public_key", j.publicKey(),
				"--signature", j.bundle(filesName), j.dirOf(filesName)}
		}).measure},
		{modelSigningShards, results.Program, started(func(j job) []string {
			return []string{j.Tools.ModelSigning, filepath.Join(j.Tools.Scripts, "model_signing_shards.py"), j.publicKey(),
				j.bundle(shardsName), j.dirOf(shardsName), fmt.Sprint(shardSize)}
		}).measure},
		{startOfModelSigning, results.Program, started(func(j job) []string {
			return []string{j.Tools.ModelSigning, "-m", "model_signing", "--help"}
		}).measure},
		{sha256sum, results.Program, sums(func(t tools) []string { return []string{t.SHA256Sum} }, 0).measure},
		{openssl, results.Program, sums(func(t tools) []string { return []string{t.OpenSSL, "dgst", "-sha256"} }, -1).measure},
		{b3sum, results.Program, sums(func(t tools) []string { return []string{t.B3Sum} }, 0).measure},
	}
}

// sums is a program that prints a line with the digest of each file: its first
// word, or its last.
func sums(line func(tools) []string, word int) program {
	return program{
		line: func(j job, _ string) []string { return append(line(j.Tools), j.paths("")...) },
		read: func(s *sample, left output) error {
			var all []string
			for l := range strings.Lines(string(left.stdout)) {
				words := strings.Fields(l)
				if len(words) < 2 {
					return fmt.Errorf("%w: it says %q", errNotDone, l)
				}
				all = append(all, words[(word+len(words))%len(words)])
			}
			if left.exit != 0 || len(all) != left.files {
				return fmt.Errorf("%w: exit code %d, and digests of %d files", errNotDone, left.exit, len(all))
			}
			if left.check {
				s.Digest = strings.Join(all, " ")
			}
			return nil
		},
	}
}
