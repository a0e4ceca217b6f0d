package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/loader"
)

// sourceFlags say where a model comes from besides its path.
type sourceFlags struct{ repository, commit string }

func (s *sourceFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&s.repository, "repository", "", "take DIR as a Hugging Face cache, and this repository from it: `ORGANISATION/NAME`")
	c.Flags().StringVar(&s.commit, "commit", "", "the `COMMIT` of --repository, 40 lower-case hexadecimal digits")
	c.MarkFlagsRequiredTogether("repository", "commit") // a branch moves, and what moves cannot be pinned
}

// source is the model at path: a directory, a single file, or a repository in
// a hub's cache.
func (s *sourceFlags) source(path string) (loader.Source, error) {
	if s.repository != "" {
		return loader.HubCache(path, s.repository, s.commit), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return loader.Dir(path), nil
	}
	return loader.File(path), nil
}

// at is whatever is at path: a file, a directory, or a commit in a hub's cache,
// whose files are links. What is not there at all shows when it is opened.
func at(path string) loader.Source {
	snapshots, commit := filepath.Split(filepath.Clean(path))
	repository, last := filepath.Split(filepath.Clean(snapshots))
	folder := filepath.Base(repository)
	name, cached := strings.CutPrefix(folder, "models--")
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return loader.File(path)
	}
	if cached && last == "snapshots" {
		return loader.HubCache(filepath.Dir(filepath.Clean(repository)), strings.ReplaceAll(name, "--", "/"), commit)
	}
	return loader.Dir(path)
}
