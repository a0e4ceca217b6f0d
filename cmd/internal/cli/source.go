package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/loader/source/hf"
)

// sourceFlags say where a model comes from besides its path.
type sourceFlags struct{ repository, commit, hub, tokenFile string }

func (s *sourceFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&s.repository, "repository", "", "take DIR as a Hugging Face cache, and this repository from it: `ORGANISATION/NAME`")
	c.Flags().StringVar(&s.commit, "commit", "", "the `COMMIT` of --repository, 40 lower-case hexadecimal digits")
	c.Flags().StringVar(&s.hub, "hub", "", "take DIR as a cache of hf.Hub, and fetch what it does not have from the hub, or from its mirror at an https `URL` (--hub=URL)")
	c.Flags().StringVar(&s.tokenFile, "token-file", "", "a `FILE` with the token for --hub")
	c.Flags().Lookup("hub").NoOptDefVal = hf.PublicHub
	c.MarkFlagsRequiredTogether("repository", "commit") // a branch moves, and what moves cannot be pinned
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		for _, flag := range []string{"repository", "commit", "hub", "token-file"} {
			if c.Flags().Changed(flag) && c.Flag(flag).Value.String() == "" {
				return fmt.Errorf("--%s is empty", flag)
			}
		}
		switch {
		case s.hub != "" && s.repository == "":
			return errors.New("--hub is about a repository: --repository and --commit name it")
		case s.tokenFile != "" && s.hub == "":
			return errors.New("--token-file is for --hub")
		}
		return nil
	}
}

// source is the model at path: a directory, a single file, or a repository in
// a hub's cache.
func (s *sourceFlags) source(ctx context.Context, path string) (loader.Source, error) {
	if s.hub != "" {
		token, err := s.token(ctx)
		if err != nil {
			return nil, err
		}
		hub := hf.Hub{Cache: path, Endpoint: s.hub, Token: token}
		return hub.Repository(s.repository, s.commit), nil
	}
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

const maxToken = 1024 // bytes

// token is the one line of the file; none without a file.
func (s *sourceFlags) token(ctx context.Context) (hf.Token, error) {
	if s.tokenFile == "" {
		return hf.Token{}, nil
	}
	text, err := await(ctx, func() ([]byte, error) { // a pipe may have no writer
		f, err := os.Open(s.tokenFile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, maxToken+int64(len("\r\n"))+1))
	})
	if err != nil {
		return hf.Token{}, err
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" || len(secret) > maxToken || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return hf.Token{}, fmt.Errorf("%s holds no token, which is one line of at most %d printable characters", s.tokenFile, maxToken)
	}
	return hf.NewToken(secret), nil
}

// kinds says how a source becomes one of another kind.
func (s *sourceFlags) kinds() string {
	if s.repository != "" {
		return ""
	}
	return ": with --repository and --commit it would be hub"
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
