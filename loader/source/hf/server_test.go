package hf

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
)

const (
	testID     = "org/name"
	testCommit = "0123456789abcdef0123456789abcdef01234567"
	testToken  = "hf_SecretOfTheTest"
)

// A server speaks the hub's protocol: metadata, small files at the hub itself,
// and those in Git LFS after a redirect to another server.
type server struct {
	hub, cdn *httptest.Server
	lfs      map[string][]byte
	git      map[string][]byte

	// What misbehaves: each answers instead of the server, unless it is nil or
	// false.
	onMetadata, onHub, onCDN hook

	mu    sync.Mutex
	asked []asked
}

// asked is one request, as it arrived.
type asked struct{ host, path, ranges, authorization string }

func newServer(t testing.TB, lfs, git map[string][]byte) *server {
	t.Helper()
	s := &server{lfs: lfs, git: git}
	s.cdn = startTLS(s.note("cdn", s.serveCDN))
	s.hub = startTLS(s.note("hub", s.serveHub))
	s.requests() // what was set until here is seen by whoever answers
	t.Cleanup(func() {
		for _, one := range []*httptest.Server{s.hub, s.cdn} {
			one.CloseClientConnections() // of stalled answers
			one.Close()
		}
	})
	return s
}

func startTLS(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	return s
}

func (s *server) note(host string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, asked{host, r.URL.Path, r.Header.Get("Range"), r.Header.Get("Authorization")})
		s.mu.Unlock()
		next(w, r)
	}
}

// requests are those since the last call.
func (s *server) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.asked
	s.asked = nil
	return all
}

type hook = func(http.ResponseWriter, *http.Request) bool

func (s *server) does(what *hook, w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	f := *what
	s.mu.Unlock()
	return f != nil && f(w, r)
}

// change changes what misbehaves while requests are on their way.
func (s *server) change(what *hook, to hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*what = to
}

func (s *server) serveHub(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/models/"+testID+"/revision/"+testCommit && r.URL.RawQuery == "blobs=true" {
		if !s.does(&s.onMetadata, w, r) {
			w.Write(s.metadata(testCommit))
		}
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/"+testID+"/resolve/"+testCommit+"/")
	if s.does(&s.onHub, w, r) {
		return
	}
	w.Header().Set("X-Repo-Commit", testCommit)
	if content, in := s.lfs[name]; ok && in {
		w.Header().Set("X-Linked-Etag", `"`+hexSHA256(content)+`"`)
		w.Header().Set("X-Linked-Size", strconv.Itoa(len(content)))
		http.Redirect(w, r, s.cdn.URL+"/blob/"+hexSHA256(content)+"?signature=s3cr3t", http.StatusFound)
		return
	}
	content, in := s.git[name]
	if !ok || !in {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"`+gitSHA1(content)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func (s *server) serveCDN(w http.ResponseWriter, r *http.Request) {
	if s.does(&s.onCDN, w, r) {
		return
	}
	for _, content := range s.lfs {
		if r.URL.Path == "/blob/"+hexSHA256(content) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
			return
		}
	}
	http.NotFound(w, r)
}

// metadata is as the hub writes it.
func (s *server) metadata(sha string) []byte {
	siblings := []map[string]any{}
	for name, b := range s.git {
		siblings = append(siblings, map[string]any{"rfilename": name, "size": len(b), "blobId": gitSHA1(b)})
	}
	for name, b := range s.lfs {
		siblings = append(siblings, map[string]any{"rfilename": name, "size": len(b), "blobId": gitSHA1([]byte("pointer")),
			"lfs": map[string]any{"sha256": hexSHA256(b), "size": len(b), "pointerSize": 134}})
	}
	text, err := json.Marshal(map[string]any{
		"_id": "1", "id": testID, "private": false, "tags": []string{"safetensors"}, "gated": false,
		"cardData": map[string]any{"license": "mit"}, "sha": sha, "siblings": siblings,
	})
	if err != nil {
		panic(err)
	}
	return text
}

func hexSHA256(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func gitSHA1(b []byte) string {
	return fmt.Sprintf("%x", sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(b)), b...)))
}

// client is a Hub for the server with a new cache.
func (s *server) client(t testing.TB) Hub {
	return Hub{
		Cache:     filepath.Join(t.TempDir(), "cache"),
		Endpoint:  s.hub.URL,
		Transport: s.hub.Client().Transport,
		MaxWait:   time.Millisecond,
	}
}

func openTree(t testing.TB, h Hub) loader.Tree {
	t.Helper()
	tree, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.NoError(t, err)
	t.Cleanup(func() { tree.Close() })
	return tree
}

// content opens and reads one file.
func content(ctx context.Context, tree loader.Tree, name string) ([]byte, error) {
	f, err := tree.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// requireAll holds every file of the tree against what the server has.
func (s *server) requireAll(t testing.TB, tree loader.Tree) {
	t.Helper()
	all := map[string]int64{}
	for f, err := range tree.Files(t.Context()) {
		require.NoError(t, err)
		all[f.Name] = f.Size
	}
	want := maps.Clone(s.git)
	maps.Copy(want, s.lfs)
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(all)))
	for name, b := range want {
		require.Equal(t, int64(len(b)), all[name])
		got, err := content(t.Context(), tree, name)
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(b, got), name)
	}
}

// kept are the names under a directory of a cache.
func kept(t testing.TB, h Hub, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.Cache, dir))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// requireSound holds each blob of a cache against its name, and wants nothing
// beside the cache's own directories anywhere.
func requireSound(t testing.TB, h Hub) {
	t.Helper()
	err := filepath.WalkDir(filepath.Dir(h.Cache), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(h.Cache, path)
		require.NoError(t, err)
		dir, name := filepath.Split(rel)
		require.Contains(t, []string{"blobs/", "listings/", "places/", "staging/", "locks/"}, filepath.ToSlash(dir))
		if filepath.ToSlash(dir) == "blobs/" {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, name, hexSHA256(b))
		}
		return nil
	})
	require.NoError(t, err)
}

// randomBytes are n bytes that follow from the seed.
func randomBytes(n int, seed string) []byte {
	b := make([]byte, 0, n+sha256.Size)
	for sum := sha256.Sum256([]byte(seed)); len(b) < n; sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b[:n]
}

func smallRepository(t testing.TB) *server {
	return newServer(t,
		map[string][]byte{"model.safetensors": randomBytes(300_000, "lfs"), "onnx/model.onnx": randomBytes(70_000, "onnx"), "empty.bin": {}},
		map[string][]byte{"config.json": []byte(`{"a":1}`), "1_Pooling/config.json": []byte(`{}`), "__init__.txt": {}, "odd %41 &?#é.txt": []byte("odd")})
}

// hijack writes these raw bytes as the answer, and cuts the connection.
func hijack(w http.ResponseWriter, raw string) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, raw)
	conn.Close()
	return true
}
