package hf

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

func TestRepository(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	h.Token = NewToken(testToken)
	src := h.Repository(testID, testCommit)
	require.Equal(t, policy.Origin{Kind: "hub", Repository: testID, Commit: testCommit}, src.Origin())
	tree := openTree(t, h)

	info, err := os.Stat(h.Cache)
	require.NoError(t, err)
	require.True(t, os.SameFile(info, tree.Root()))
	require.Zero(t, info.Mode().Perm()&0o077)
	require.Len(t, s.requests(), 1, "a listing fetches no file")

	f, err := tree.Open(t.Context(), "config.json")
	require.NoError(t, err)
	require.IsType(t, (*os.File)(nil), f)
	require.NoError(t, f.Close())
	require.Equal(t, []asked{{"hub", "/org/name/resolve/" + testCommit + "/config.json", "", "Bearer " + testToken}}, s.requests())

	s.requireAll(t, tree)
	for _, r := range s.requests() {
		require.Equal(t, r.host == "hub", r.authorization != "", "the token goes to the endpoint and nowhere else: %v", r)
	}
	s.requireAll(t, openTree(t, h))
	require.Empty(t, s.requests(), "a commit does not change")
	require.Empty(t, kept(t, h, "staging"))
	requireSound(t, h)

	_, err = tree.Open(t.Context(), "absent")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, name := range []string{"", ".", "..", "/config.json", "./config.json", "onnx/../config.json", "onnx/"} {
		_, err := tree.Open(t.Context(), name)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
}

func TestRepositoryArguments(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	for _, c := range [][2]string{
		{"", testCommit}, {"/", testCommit}, {"org/", testCommit}, {"/name", testCommit}, {"a/b/c", testCommit},
		{"..", testCommit}, {"../name", testCommit}, {"org/..", testCommit}, {"org--name", testCommit}, {"org/na me", testCommit},
		{"org/.name", testCommit}, {"org/name.", testCommit}, {"-org/name", testCommit}, {"org/n..e", testCommit}, {"org/n?e", testCommit},
		{`org\name`, testCommit}, {strings.Repeat("n", 97), testCommit}, {"org/näme", testCommit},
		{testID, ""}, {testID, "main"}, {testID, testCommit[1:]}, {testID, testCommit + "0"},
		{testID, strings.ToUpper(testCommit)}, {testID, "../" + testCommit[3:]},
	} {
		tree, err := h.Repository(c[0], c[1]).Open(t.Context(), formats.Limits{})
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", c)
		require.Nil(t, tree)
	}
	require.True(t, isRepository("gpt2"))
	require.True(t, isRepository("a.b_c-D/9"))

	without := h
	without.Cache = ""
	_, err := without.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	for _, token := range []string{"a b", "a\nb", "a\x00", "tökn"} {
		bad := h
		bad.Token = NewToken(token)
		_, err := bad.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.NotContains(t, err.Error(), token)
	}
	for _, endpoint := range []string{
		"http://127.0.0.1", "ftp://127.0.0.1", "127.0.0.1", "https://", "https:///x", "https://user:password@127.0.0.1",
		"https://127.0.0.1?x=1", "https://127.0.0.1?", "https://127.0.0.1#x", "://", "https://127.0.0.1:port",
	} {
		bad := h
		bad.Endpoint = endpoint
		_, err := bad.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
		require.ErrorIs(t, err, ErrInsecure, endpoint)
		require.NotContains(t, err.Error(), "password")
	}
	require.Empty(t, s.requests())
	require.NoDirExists(t, h.Cache)
}

func TestHubDefaults(t *testing.T) {
	d := Hub{Cache: "c"}.withDefaults()
	require.Equal(t, PublicHub, d.Endpoint)
	require.Positive(t, d.Stall)
	require.Positive(t, d.Tries)
	require.Positive(t, d.MaxWait)
	require.Positive(t, d.MaxFile)
	u, err := parseEndpoint("https://mirror.example/hub/")
	require.NoError(t, err)
	require.Equal(t, "https://mirror.example/hub", u.String())
	own := newClient(d, u).transport.(*http.Transport)
	require.Nil(t, own.Proxy, "the environment is not read")
	require.Positive(t, own.MaxResponseHeaderBytes)
}

func TestLimits(t *testing.T) {
	s := newServer(t, nil, map[string][]byte{"a/b/c/d.txt": []byte("d"), "a/b/c/f.txt": []byte("f"), "a/b/d.txt": []byte("g"), "e.txt": []byte("e")})
	h := s.client(t)
	for _, c := range []struct {
		lim  formats.Limits
		want error
	}{
		{formats.Limits{MaxDepth: 3}, nil},
		{formats.Limits{MaxDepth: 2}, loader.ErrDepth},
		{formats.Limits{MaxFiles: 3}, nil},
		{formats.Limits{MaxFiles: 2}, loader.ErrDirectories},
	} {
		tree, err := h.Repository(testID, testCommit).Open(t.Context(), c.lim)
		require.NoError(t, err)
		err = nil
		for _, e := range tree.Files(t.Context()) {
			err = e
		}
		require.ErrorIs(t, err, c.want)
		if c.want == loader.ErrDepth {
			_, err := tree.Open(t.Context(), "a/b/c/d.txt")
			require.ErrorIs(t, err, c.want)
		}
		require.NoError(t, tree.Close())
	}
	h.MaxFile = 1
	_, err := content(t.Context(), openTree(t, h), "e.txt")
	require.NoError(t, err)
	s.git["e.txt"] = []byte("ee")
	h.Cache = filepath.Join(t.TempDir(), "other")
	_, err = content(t.Context(), openTree(t, h), "e.txt")
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestClosedAndCanceled(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	src := h.Repository(testID, testCommit)
	_, err := src.Open(done, formats.Limits{})
	require.ErrorIs(t, err, context.Canceled)

	tree := openTree(t, h)
	_, err = tree.Open(done, "config.json")
	require.ErrorIs(t, err, context.Canceled)
	for _, err := range tree.Files(done) {
		require.ErrorIs(t, err, context.Canceled)
	}

	// What a caller waits for ends with the tree, and with the caller's context.
	waiting := make(chan struct{}, 2)
	s.onHub = func(w http.ResponseWriter, r *http.Request) bool {
		waiting <- struct{}{}
		<-r.Context().Done()
		return true
	}
	answers := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, err := tree.Open(ctx, "config.json"); answers <- err }()
	<-waiting
	cancel()
	require.ErrorIs(t, <-answers, context.Canceled)
	go func() { _, err := tree.Open(t.Context(), "config.json"); answers <- err }()
	<-waiting
	require.NoError(t, tree.Close())
	require.ErrorIs(t, <-answers, fs.ErrClosed)

	_, err = tree.Open(t.Context(), "config.json")
	require.ErrorIs(t, err, fs.ErrClosed)
	for _, err := range tree.Files(t.Context()) {
		require.ErrorIs(t, err, fs.ErrClosed)
	}
}
