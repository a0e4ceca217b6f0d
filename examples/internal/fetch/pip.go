package fetch

import (
	"context"
	"strings"
)

// wheel lets pip download the wheel of one package into an empty directory.
// Which wheel does not depend on this machine, whose Python may be any: the
// digests are those of CPython 3.11 on linux x86-64, or of a package for all.
// Only wheels are asked for: they are unpacked, where anything else is run.
func wheel(ctx context.Context, pkg, into string) (archive string, err error) {
	name, _, _ := strings.Cut(pkg, "==")
	return command{
		args: []string{
			"python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
			"--no-deps", "--only-binary=:all:",
			"--implementation", "cp", "--python-version", "3.11", "--abi", "cp311",
			"--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_27_x86_64", "--platform", "manylinux2014_x86_64",
			"--dest", into, "--", pkg,
		},
		absent:  ErrNoPip,
		absence: "No module named pip",
		failed:  ErrPip,
		try:     "python3 -m pip index versions " + name,
	}.run(ctx, into)
}
