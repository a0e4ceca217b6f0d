package fetch

import "context"

// pack lets npm download one package, as its archive, into an empty directory.
func pack(ctx context.Context, pkg, into string) (archive string, err error) {
	return command{
		args:   []string{"npm", "pack", "--ignore-scripts", "--pack-destination", into, "--", pkg},
		absent: ErrNoNPM,
		failed: ErrNPM,
		try:    "npm view " + pkg,
	}.run(ctx, into)
}
