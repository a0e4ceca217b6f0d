package hf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

// Another process is this test binary, which finds in its environment the cache
// and the server, and the certificate that the server has.
const (
	fetchEnv = "WEIGHTGATE_TEST_FETCH"
	rootEnv  = "WEIGHTGATE_TEST_ROOT"
)

func TestMain(m *testing.M) {
	if cache, endpoint, ok := strings.Cut(os.Getenv(fetchEnv), "|"); ok {
		if err := fetchAll(cache, endpoint); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fetcher is a process that reads every file of the repository into the cache.
func (s *server) fetcher(h Hub) *exec.Cmd {
	s.requests() // what was set until here is seen by whoever answers
	c := exec.Command(os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), fetchEnv+"="+h.Cache+"|"+h.Endpoint,
		rootEnv+"="+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.hub.Certificate().Raw})))
	return c
}

func fetchAll(cache, endpoint string) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(os.Getenv(rootEnv))) {
		return errors.New("no certificate")
	}
	h := Hub{Cache: cache, Endpoint: endpoint, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	ctx := context.Background()
	tree, err := h.Repository(testID, testCommit).Open(ctx, formats.Limits{})
	if err != nil {
		return err
	}
	defer tree.Close()
	for f, err := range tree.Files(ctx) {
		if err != nil {
			return err
		}
		if _, err := content(ctx, tree, f.Name); err != nil {
			return err
		}
	}
	return nil
}

// counted is a body that says how much of it was sent.
type counted struct {
	http.ResponseWriter
	sent func(n int)
}

func (c counted) Write(p []byte) (int, error) {
	for i := 0; i < len(p); i += 16 << 10 {
		n, err := c.ResponseWriter.Write(p[i:min(i+16<<10, len(p))])
		if c.sent(n); err != nil {
			return i + n, err
		}
	}
	return len(p), nil
}

// A process that is killed at any moment leaves a cache that the next one goes
// on with.
func TestKill(t *testing.T) {
	for round := range 12 {
		const size = 1 << 20
		s := newServer(t, map[string][]byte{big: randomBytes(size, "kill")}, map[string][]byte{"config.json": []byte(`{}`), "empty": {}})
		h := s.client(t)
		random := rand.New(rand.NewPCG(uint64(round), 7))
		after, delay := random.IntN(size+1), time.Duration(random.IntN(3000))*time.Microsecond
		reached := make(chan struct{}, 1)
		sent := 0
		s.onCDN = func(w http.ResponseWriter, r *http.Request) bool {
			http.ServeContent(counted{w, func(n int) {
				if sent += n; sent >= after {
					select {
					case reached <- struct{}{}:
					default:
					}
				}
			}}, r, "", time.Time{}, strings.NewReader(string(s.lfs[big])))
			return true
		}
		c := s.fetcher(h)
		require.NoError(t, c.Start())
		<-reached
		if round%2 == 1 { // else what was sent is on its way
			time.Sleep(delay)
		}
		require.NoError(t, c.Process.Kill())
		c.Wait() // killed, or done just before
		requireSound(t, h)

		s.onCDN = nil
		s.requireAll(t, openTree(t, h))
		requireSound(t, h)
		require.Len(t, kept(t, h, "blobs"), 3)
	}
}

// A process that is killed in the middle of a body left what it had, and nobody
// is locked out.
func TestKillInTheMiddle(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	half := make(chan struct{})
	s.onCDN = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/blob/"+hexSHA256(s.lfs[big]) {
			return false
		}
		w.Header().Set("Content-Length", "300000")
		w.Write(s.lfs[big][:150_000])
		w.(http.Flusher).Flush()
		close(half)
		<-r.Context().Done()
		return true
	}
	c := s.fetcher(h)
	require.NoError(t, c.Start())
	<-half
	staged := func() (n int64) {
		for _, name := range kept(t, h, "staging") {
			if info, err := os.Stat(h.Cache + "/staging/" + name); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	require.Eventually(t, func() bool { return staged() > 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, c.Process.Kill())
	require.Error(t, c.Wait())
	had := staged()
	s.onCDN = nil
	s.requests()
	s.requireAll(t, openTree(t, h))
	require.Contains(t, rangesOf(s.requests(), "cdn"), fmt.Sprintf("bytes=%d-", had))
	require.Empty(t, kept(t, h, "staging"))
}

// Two processes that want the same files fetch each once.
func TestTwoProcesses(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	one, two := s.fetcher(h), s.fetcher(h)
	one.Stderr, two.Stderr = io.Discard, io.Discard
	require.NoError(t, one.Start())
	require.NoError(t, two.Start())
	require.NoError(t, one.Wait())
	require.NoError(t, two.Wait())
	require.Len(t, rangesOf(s.requests(), "cdn"), 2)
	require.Len(t, kept(t, h, "blobs"), 6, "two of the files are empty")
	require.Empty(t, kept(t, h, "staging"))
	requireSound(t, h)
	offline := h
	offline.Offline = true
	s.requireAll(t, openTree(t, offline))
}
