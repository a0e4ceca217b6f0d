package hf

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

const big = "model.safetensors" // of smallRepository, in Git LFS

func always(f func(w http.ResponseWriter, r *http.Request)) hook {
	return func(w http.ResponseWriter, r *http.Request) bool { f(w, r); return true }
}

// answer is a status with these headers, in pairs.
func answer(status int, headers ...string) hook {
	return always(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	})
}

// endless sends zeros for as long as somebody reads.
func endless(w http.ResponseWriter, _ *http.Request) {
	for zeros := make([]byte, 1<<16); ; {
		if _, err := w.Write(zeros); err != nil {
			return
		}
	}
}

// What a server does to a file that it was asked for, and what comes of it. The
// cache keeps nothing, and once the server behaves, the file is there.
func TestHostileContent(t *testing.T) {
	good := randomBytes(300_000, "lfs")
	other := randomBytes(len(good), "other")
	whole := func(b []byte) hook {
		return always(func(w http.ResponseWriter, r *http.Request) { w.Write(b) })
	}
	for name, c := range map[string]struct {
		onHub, onCDN hook
		want         error
		requests     int // 0: any number
	}{
		"wrong bytes":    {nil, whole(other), ErrContent, 3},
		"one byte less":  {nil, whole(good[1:]), io.ErrUnexpectedEOF, 6},
		"nothing":        {nil, whole(nil), ErrContent, 3},
		"a page instead": {nil, whole([]byte("<html>")), ErrContent, 3},
		"endless":        {nil, always(endless), ErrContent, 3},
		"a claim of 2^62 bytes": {nil, func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904\r\n\r\n")
		}, ErrContent, 3},
		"cut without a length": {nil, func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
		}, io.ErrUnexpectedEOF, 6},
		"cut in its head": {nil, func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 200 OK\r\n")
		}, io.ErrUnexpectedEOF, 0},
		"gzip": {nil, always(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(good)
			z.Close()
		}), ErrStatus, 2},
		"a part that nobody asked for": {nil, always(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(good)-1, len(good)))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(good)
		}), ErrStatus, 2},
		"no content":            {answer(204), nil, ErrStatus, 1},
		"teapot":                {answer(418), nil, ErrStatus, 1},
		"unauthorized":          {answer(401), nil, ErrUnauthorized, 1},
		"forbidden":             {answer(403), nil, ErrForbidden, 1},
		"forbidden by the CDN":  {nil, answer(403), ErrForbidden, 2},
		"not found":             {answer(404), nil, ErrNotFound, 1},
		"gone":                  {answer(410), nil, ErrNotFound, 1},
		"too many":              {answer(429, "Retry-After", "0"), nil, ErrBusy, 3},
		"unavailable":           {answer(503), nil, ErrBusy, 3},
		"too many, for an hour": {answer(429, "Retry-After", "3600"), nil, ErrBusy, 1},
		"bad gateway":           {answer(502), nil, ErrStatus, 3},
		"redirect to http":      {answer(302, "Location", "http://127.0.0.1/x"), nil, ErrInsecure, 1},
		"redirect to a file":    {answer(302, "Location", "file:///etc/passwd"), nil, ErrInsecure, 1},
		"redirect to a user":    {answer(302, "Location", "https://a:b@127.0.0.1/x"), nil, ErrInsecure, 1},
		"redirect to no host":   {answer(302, "Location", "https:opaque"), nil, ErrInsecure, 1},
		"redirect that is none": {func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 302 Found\r\nLocation: https://%zz\r\nContent-Length: 0\r\n\r\n")
		}, nil, ErrInsecure, 1},
		"redirect loop": {always(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.EscapedPath(), http.StatusTemporaryRedirect)
		}), nil, ErrRedirects, maxRedirects + 1},
		"redirect without an address": {answer(302), nil, ErrRedirects, maxRedirects + 1},
		"redirect of the CDN to http": {nil, answer(302, "Location", "http://127.0.0.1/x"), ErrInsecure, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := smallRepository(t)
			h := s.client(t)
			h.Tries = 3
			tree := openTree(t, h)
			s.requests()
			s.onHub, s.onCDN = c.onHub, c.onCDN
			f, err := tree.Open(t.Context(), big)
			require.ErrorIs(t, err, c.want)
			require.Nil(t, f)
			require.NotContains(t, err.Error(), "s3cr3t", "a signed address")
			if c.requests > 0 {
				require.Len(t, s.requests(), c.requests)
			}
			require.Empty(t, kept(t, h, "blobs"))
			require.LessOrEqual(t, len(kept(t, h, "staging")), 1)
			requireSound(t, h)

			s.onHub, s.onCDN = nil, nil
			s.requireAll(t, openTree(t, h))
			require.Empty(t, kept(t, h, "staging"))
			requireSound(t, h)
		})
	}
}

// Names that a server spells in its headers lead nowhere.
func TestHostileETag(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	s.onHub = func(w http.ResponseWriter, r *http.Request) bool {
		for _, name := range []string{"ETag", "X-Linked-Etag", "X-Repo-Commit", "Content-Disposition"} {
			w.Header().Set(name, `"../../../x"`)
		}
		name := strings.TrimPrefix(r.URL.Path, "/"+testID+"/resolve/"+testCommit+"/")
		w.Write(append(s.git[name], s.lfs[name]...))
		return true
	}
	s.requireAll(t, openTree(t, h))
	requireSound(t, h)
}

func TestHostileMetadata(t *testing.T) {
	digest, blob := strings.Repeat("ab", 32), strings.Repeat("cd", 20)
	file := func(name string) string { return fmt.Sprintf(`{"rfilename":%q,"size":1,"blobId":"%s"}`, name, blob) }
	of := func(siblings ...string) string {
		return fmt.Sprintf(`{"sha":%q,"siblings":[%s]}`, testCommit, strings.Join(siblings, ","))
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"a file":               {of(file("a")), nil},
		"no file":              {of(), nil},
		"keys in any order":    {fmt.Sprintf(`{"siblings":[%s],"x":{"sha":[]},"sha":%q} `, file("a"), testCommit), nil},
		"nothing":              {"", ErrMetadata},
		"a page":               {"<html>", ErrMetadata},
		"an array":             {"[]", ErrMetadata},
		"cut short":            {of(file("a"))[:60], ErrMetadata},
		"more behind it":       {of(file("a")) + "{}", ErrMetadata},
		"no commit":            {`{"siblings":[]}`, ErrMetadata},
		"another commit":       {strings.Replace(of(file("a")), "0123", "1123", 1), ErrMetadata},
		"a commit that climbs": {`{"sha":"../../x","siblings":[]}`, ErrMetadata},
		"commit is null":       {`{"sha":null,"siblings":[]}`, ErrMetadata},
		"commit is a number":   {`{"sha":1,"siblings":[]}`, ErrMetadata},
		"two commits":          {fmt.Sprintf(`{"sha":%q,"sha":%q,"siblings":[]}`, testCommit, testCommit), ErrMetadata},
		"no list":              {fmt.Sprintf(`{"sha":%q}`, testCommit), ErrMetadata},
		"list is null":         {fmt.Sprintf(`{"sha":%q,"siblings":null}`, testCommit), ErrMetadata},
		"two lists":            {fmt.Sprintf(`{"sha":%q,"siblings":[],"siblings":[]}`, testCommit), ErrMetadata},
		"a name climbs":        {of(file("../a")), ErrMetadata},
		"a name climbs later":  {of(file("a/../../b")), ErrMetadata},
		"an absolute name":     {of(file("/a")), ErrMetadata},
		"no name":              {of(file("")), ErrMetadata},
		"a dot":                {of(file(".")), ErrMetadata},
		"a long name":          {of(file(strings.Repeat("n", maxName+1))), ErrMetadata},
		"a name twice":         {of(file("a"), file("a")), ErrMetadata},
		"a file and a folder":  {of(file("a"), file("a/b/c")), ErrMetadata},
		"no size":              {of(fmt.Sprintf(`{"rfilename":"a","blobId":"%s"}`, blob)), ErrMetadata},
		"a negative size":      {of(fmt.Sprintf(`{"rfilename":"a","size":-1,"blobId":"%s"}`, blob)), ErrMetadata},
		"a size too large":     {of(fmt.Sprintf(`{"rfilename":"a","size":9223372036854775808,"blobId":"%s"}`, blob)), ErrMetadata},
		"no digest":            {of(`{"rfilename":"a","size":1}`), ErrMetadata},
		"no hexadecimal":       {of(fmt.Sprintf(`{"rfilename":"a","size":1,"blobId":"%s"}`, strings.Repeat("x", 40))), ErrMetadata},
		"a long digest":        {of(fmt.Sprintf(`{"rfilename":"a","size":1,"blobId":"%s"}`, blob+"ab")), ErrMetadata},
		"a digest that climbs": {of(`{"rfilename":"a","size":1,"lfs":{"sha256":"../../../x","size":1}}`), ErrMetadata},
		"two sizes":            {of(fmt.Sprintf(`{"rfilename":"a","size":1,"lfs":{"sha256":"%s","size":2}}`, digest)), ErrMetadata},
		"one size of two":      {of(fmt.Sprintf(`{"rfilename":"a","size":1,"lfs":{"sha256":"%s"}}`, digest)), ErrMetadata},
		"no blob's name":       {of(`{"rfilename":"a","size":1,"blobId":null}`), ErrMetadata},
		"no LFS":               {of(fmt.Sprintf(`{"rfilename":"a","size":1,"blobId":"%s","lfs":null}`, blob)), nil},
		"a key twice":          {of(fmt.Sprintf(`{"rfilename":"a","rfilename":"b","size":1,"blobId":"%s"}`, blob)), ErrMetadata},
		"a size twice":         {of(fmt.Sprintf(`{"rfilename":"a","size":1,"size":1,"blobId":"%s"}`, blob)), ErrMetadata},
		"LFS twice":            {of(fmt.Sprintf(`{"rfilename":"a","size":1,"lfs":{"sha256":"%s"},"lfs":{"size":1}}`, digest)), ErrMetadata},
		"a digest twice":       {of(fmt.Sprintf(`{"rfilename":"a","size":1,"lfs":{"sha256":"%s","sha256":"%[1]s","size":1}}`, digest)), ErrMetadata},
		"a key in capitals":    {of(fmt.Sprintf(`{"RFileName":"a","size":1,"blobId":"%s"}`, blob)), ErrMetadata},
		"a key folded":         {of(fmt.Sprintf(`{"rfilename":"a","size":1,"\u017fize":2,"blobId":"%s"}`, blob)), ErrMetadata},
		"the list in capitals": {fmt.Sprintf(`{"sha":%q,"siblings":[],"Siblings":[]}`, testCommit), ErrMetadata},
		"a control character":  {of(file("a\x1b[2Jb")), ErrMetadata},
		"a line break":         {of(file("a\nb")), ErrMetadata},
		"a zero byte":          {of(strings.Replace(file("aXb"), "X", `\u0000`, 1)), ErrMetadata},
		"half a character":     {of(strings.Replace(file("aXb"), "X", `\ud800`, 1)), ErrMetadata},
		"not UTF-8":            {of(strings.Replace(file("aXb"), "X", "\xff", 1)), ErrMetadata},
		"a word for all":       {`"` + `\u001b[2J` + strings.Repeat("W", 1<<20) + `"`, ErrMetadata},
		"a long number":        {of(fmt.Sprintf(`{"rfilename":"a","size":%s}`, strings.Repeat("1", 1<<20))), ErrMetadata},
		"a long word":          {of(fmt.Sprintf(`{"rfilename":"a","size":1,"lfs":{"size":1,"sha256":"%s"}}`, strings.Repeat("W", 1<<20))), ErrMetadata},
		"a word for the list":  {fmt.Sprintf(`{"sha":%q,"siblings":"\u001b[2JWWW"}`, testCommit), ErrMetadata},
		"a wrong name":         {of(file("/WWW")), ErrMetadata},
		"deep":                 {fmt.Sprintf(`{"sha":%q,"siblings":[],"x":%s`, testCommit, strings.Repeat("[", 1<<20)), ErrMetadata},
		"long":                 {strings.Repeat(" ", maxMetadata+1), ErrTooLarge},
	} {
		s := smallRepository(t)
		s.onMetadata = always(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, c.text) })
		h := s.client(t)
		tree, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
		if c.want == nil {
			require.NoError(t, err, name)
			require.NoError(t, tree.Close())
			continue
		}
		require.ErrorIs(t, err, c.want, name)
		require.Nil(t, tree, name)
		require.Less(t, len(err.Error()), 300, name)
		require.NotContains(t, err.Error(), "WWW", "the server's words")
		require.NotContains(t, err.Error(), "\x1b")
		require.Empty(t, kept(t, h, "listings"), name)
		requireSound(t, h)
	}
	s := smallRepository(t)
	s.onMetadata = always(endless)
	_, err := s.client(t).Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, ErrTooLarge)
}

// A claim of many bytes takes none.
func TestSizesAreClaims(t *testing.T) {
	s := smallRepository(t)
	s.onMetadata = always(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"a","size":%d,"lfs":{"sha256":"%s","size":%[2]d}}]}`, testCommit, int64(200)<<30, strings.Repeat("ab", 32))
	})
	s.onHub = func(w http.ResponseWriter, _ *http.Request) bool {
		return hijack(w, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nfew", int64(200)<<30))
	}
	h := s.client(t)
	h.Tries = 2
	tree := openTree(t, h)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := tree.Open(t.Context(), "a")
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
	staged := kept(t, h, "staging")
	require.Len(t, staged, 1)
	info, err := os.Stat(filepath.Join(h.Cache, "staging", staged[0]))
	require.NoError(t, err)
	require.Equal(t, int64(len("few")), info.Size())
}

// A server that says nothing, in its head, in its metadata or in a body, is
// given up.
func TestStall(t *testing.T) {
	silent := always(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	half := always(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "300000")
		w.Write(randomBytes(300_000, "lfs")[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s := smallRepository(t)
	h := s.client(t)
	h.Stall, h.Tries = 50*time.Millisecond, 2
	s.change(&s.onMetadata, silent)
	_, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.ErrorIs(t, err, ErrStalled)
	s.change(&s.onMetadata, nil)
	slow := h
	slow.Stall = time.Minute
	require.NoError(t, openTree(t, slow).Close()) // the listing is in the cache
	for _, body := range []hook{silent, half} {
		s.change(&s.onCDN, body)
		_, err = openTree(t, h).Open(t.Context(), big)
		require.ErrorIs(t, err, ErrStalled)
	}
	s.change(&s.onCDN, nil)
	s.requireAll(t, openTree(t, slow))
}

// Who is not who the certificate says is asked once, and told nothing.
func TestCertificate(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	h.Transport, h.Token = nil, NewToken(testToken)
	_, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	var untrusted *tls.CertificateVerificationError
	require.ErrorAs(t, err, &untrusted)
	require.Empty(t, s.requests())

	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked without TLS") }))
	defer plain.Close()
	h.Endpoint, h.Tries = strings.Replace(plain.URL, "http:", "https:", 1), 1
	_, err = h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
	require.Error(t, err)
}

// cutAfter answers with the first n bytes of what is asked for, and cuts.
func cutAfter(content []byte, n int, ranges bool) hook {
	return func(w http.ResponseWriter, r *http.Request) bool {
		from := 0
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(content))
		if asked := r.Header.Get("Range"); ranges && asked != "" {
			fmt.Sscanf(asked, "bytes=%d-", &from)
			head = fmt.Sprintf("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n",
				from, len(content)-1, len(content), len(content)-from)
		}
		return hijack(w, head+string(content[from:min(from+n, len(content))]))
	}
}

func rangesOf(all []asked, host string) []string {
	var ranges []string
	for _, r := range all {
		if r.host == host {
			ranges = append(ranges, r.ranges)
		}
	}
	return ranges
}

func TestResume(t *testing.T) {
	good := randomBytes(300_000, "lfs")
	for name, c := range map[string]struct {
		onCDN  func() hook
		staged []byte // what an earlier download left
		want   error
		ranges []string
	}{
		"cut twice": {func() hook { return cutAfter(good, 100_000, true) }, nil, nil,
			[]string{"", "bytes=100000-", "bytes=200000-"}},
		"cut twice, without ranges": {func() hook {
			n := 0
			return func(w http.ResponseWriter, r *http.Request) bool {
				n++
				return n <= 2 && cutAfter(good, 100_000*n, false)(w, r) || n > 2 && whole(w, good)
			}
		}, nil, nil, []string{"", "bytes=100000-", "bytes=200000-"}},
		"cut always, without ranges": {func() hook { return cutAfter(good, 150_000, false) }, nil,
			io.ErrUnexpectedEOF, []string{"", "bytes=150000-", "bytes=150000-", "bytes=150000-"}},
		"another range": {func() hook {
			n := 0
			return func(w http.ResponseWriter, r *http.Request) bool {
				n++
				switch n {
				case 1:
					return cutAfter(good, 1000, true)(w, r)
				case 2:
					return hijack(w, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-299999/300000\r\nContent-Length: 300000\r\n\r\n"+string(good))
				}
				return false
			}
		}, nil, nil, []string{"", "bytes=1000-", ""}},
		"range not satisfiable": {func() hook {
			return func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("Range") != "" && answer(416)(w, r)
			}
		}, good[:5], nil, []string{"bytes=5-", ""}},
		"bad gateway keeps what is there": {func() hook {
			n := 0
			return func(w http.ResponseWriter, r *http.Request) bool { n++; return n == 1 && answer(502)(w, r) }
		}, good[:5], nil, []string{"bytes=5-", "bytes=5-"}},
		"a page instead, once": {func() hook {
			n := 0
			return func(w http.ResponseWriter, r *http.Request) bool {
				n++
				return n == 1 && hijack(w, "HTTP/1.1 200 OK\r\n\r\n<html>")
			}
		}, good[:299_999], nil, []string{"bytes=299999-", "bytes=299999-"}},
		"each try brings some": {func() hook { return cutAfter(good, 50_000, true) }, nil, nil,
			[]string{"", "bytes=50000-", "bytes=100000-", "bytes=150000-", "bytes=200000-", "bytes=250000-"}},
		"right, and more": {func() hook {
			return always(func(w http.ResponseWriter, _ *http.Request) { whole(w, append(bytes.Clone(good), 0)) })
		}, nil, nil, []string{""}},
		"right, and endless": {func() hook {
			return always(func(w http.ResponseWriter, r *http.Request) { w.Write(good); endless(w, r) })
		}, nil, nil, []string{""}},
		"right, and held": {func() hook { // for longer than a test takes
			return always(func(w http.ResponseWriter, r *http.Request) {
				w.Write(good)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
		}, nil, nil, []string{""}},
		"pieces that are wrong, again and again": {func() hook {
			return cutAfter(randomBytes(len(good), "junk"), 150_000, true)
		}, nil, ErrContent, []string{"", "bytes=150000-", "", "bytes=150000-"}},
		"after a kill":            {nil, good[:123_456], nil, []string{"bytes=123456-"}},
		"after a kill at the end": {nil, good, nil, nil},
		"a wrong beginning":       {nil, randomBytes(1000, "junk"), nil, []string{"bytes=1000-", ""}},
		"a wrong whole":           {nil, randomBytes(len(good), "junk"), nil, []string{""}},
		"more than the whole":     {nil, append(bytes.Clone(good), 0), nil, []string{""}},
		"a wrong end after the kill": {func() hook {
			return cutAfter(randomBytes(len(good), "junk"), len(good), true)
		}, good[:100], ErrContent, []string{"bytes=100-", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := smallRepository(t)
			h := s.client(t)
			h.Tries = 4
			tree := openTree(t, h)
			if c.onCDN != nil {
				s.onCDN = c.onCDN()
			}
			if c.staged != nil {
				key := key(h.Endpoint, testID, testCommit, big)
				require.NoError(t, os.WriteFile(filepath.Join(h.Cache, "staging", key), c.staged, 0o600))
			}
			got, err := content(t.Context(), tree, big)
			require.ErrorIs(t, err, c.want)
			require.Equal(t, c.ranges, rangesOf(s.requests(), "cdn"))
			requireSound(t, h)
			if c.want != nil {
				require.Empty(t, kept(t, h, "blobs"))
				return
			}
			require.True(t, bytes.Equal(good, got))
			require.Empty(t, kept(t, h, "staging"))
		})
	}
}

// A page in place of a file leaves what is there of it.
func TestPageLeavesPart(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	tree := openTree(t, h)
	part := filepath.Join(h.Cache, "staging", key(h.Endpoint, testID, testCommit, big))
	require.NoError(t, os.WriteFile(part, s.lfs[big][:299_999], 0o600))
	s.onHub = func(w http.ResponseWriter, _ *http.Request) bool { return whole(w, []byte("<html>sign in")) }
	_, err := tree.Open(t.Context(), big)
	require.ErrorIs(t, err, ErrContent)
	left, err := os.ReadFile(part)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.lfs[big][:299_999], left))
}

func whole(w http.ResponseWriter, b []byte) bool {
	_, err := w.Write(b)
	return err == nil
}

// A listing that the bytes do not fit is asked for again: as long as it is the
// same it stays, another one is what the next Tree has.
func TestListingIsDoubted(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	right := s.lfs[big]
	s.lfs[big] = randomBytes(len(right), "wrong")
	listed := s.metadata(testCommit)
	s.lfs[big] = right
	s.onMetadata = always(func(w http.ResponseWriter, _ *http.Request) { w.Write(listed) })
	s.onHub = func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, big) && whole(w, right)
	}
	lied := openTree(t, h)
	_, err := lied.Open(context.Background(), big)
	require.ErrorIs(t, err, ErrContent)
	got, err := content(t.Context(), openTree(t, h), "config.json")
	require.NoError(t, err)
	require.Equal(t, s.git["config.json"], got)
	s.requests()
	s.onMetadata = answer(http.StatusNotFound)
	_, err = lied.Open(context.Background(), big)
	require.ErrorIs(t, err, ErrContent)
	require.Len(t, s.requests(), 2)
	s.onMetadata = nil
	_, err = lied.Open(context.Background(), big)
	require.ErrorIs(t, err, ErrContent, "this tree has what its Files said")
	s.requireAll(t, openTree(t, h))
}

// One wrong answer takes no file from those that are in the cache.
func TestWrongAnswerLeavesOffline(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	tree := openTree(t, h)
	_, err := content(t.Context(), tree, big)
	require.NoError(t, err)
	s.onHub = func(w http.ResponseWriter, _ *http.Request) bool { return whole(w, []byte("sign in")) }
	_, err = content(t.Context(), tree, "config.json")
	require.ErrorIs(t, err, ErrContent)
	h.Offline = true
	got, err := content(t.Context(), openTree(t, h), big)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.lfs[big], got))
}
