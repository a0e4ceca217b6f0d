// Package hf is a loader.Source: a model from the Hugging Face hub, or from a
// server that speaks its protocol, by repository and commit.
//
// It speaks the protocol itself, over net/http, so that it can keep what it
// promises: TLS only, the token to the endpoint's host only, no file path that a
// server chose, no request without a deadline for its next byte, no byte read
// beyond a file's listed size, nothing printed, and nothing kept that was not
// measured.
//
// The hub vouches for nothing here. What it lists is held against what arrives,
// which finds a broken transfer and no lie; whether the bytes are the model that
// you mean is for the policy to say, by a pin or a signature.
package hf

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

var (
	// ErrOffline says that the cache does not have what was asked for, whole and
	// undamaged, and that Hub.Offline forbids to fetch it.
	ErrOffline = errors.New("hf: offline, and not in the cache")

	// ErrInsecure says that an endpoint or a redirect is no https address.
	ErrInsecure = errors.New("hf: not an https address")

	// ErrRedirects says that a server led on and on.
	ErrRedirects = errors.New("hf: too many redirects")

	// ErrUnauthorized says that the server wants a token, or another one. The hub
	// also says so of a repository that does not exist.
	ErrUnauthorized = errors.New("hf: unauthorized: the repository is private or does not exist, or the token is wrong")

	// ErrForbidden says that the token may not read the repository; of a gated
	// one, that its terms were not accepted.
	ErrForbidden = errors.New("hf: forbidden: the repository is gated, or the token does not reach it")

	// ErrNotFound says that the server has no such repository, commit or file.
	ErrNotFound = errors.New("hf: not found")

	// ErrBusy says that the server still refused, by status 429 or 503, when
	// Hub.Tries were used up, or wants a longer pause than Hub.MaxWait.
	ErrBusy = errors.New("hf: the server is busy")

	// ErrStatus says that a server answered in a way that the protocol does not
	// have, or still with status 500, 502 or 504 when Hub.Tries were used up.
	ErrStatus = errors.New("hf: unexpected answer")

	// ErrStalled says that no byte came for as long as Hub.Stall.
	ErrStalled = errors.New("hf: stalled")

	// ErrMetadata says that the hub's description of a commit is of another
	// commit, or not what the protocol has.
	ErrMetadata = errors.New("hf: metadata")

	// ErrContent says that a file's bytes are not those that the hub lists: more
	// or fewer, or of another digest. The hub was asked for the listing again; if
	// that says something else now, the next Source.Open goes by it.
	ErrContent = errors.New("hf: not the content that is listed")

	// ErrCache says that Hub.Cache, a directory in it, or a lock is not the cache's
	// own, as Hub.Cache has it, or that a file changed while it was measured. Any
	// other file that is not its own counts as absent: offline the error is ErrOffline
	// and this. It names what it is about.
	ErrCache = errors.New("hf: not the cache's own: others may write to it, or it is no plain file or directory")

	// ErrTooLarge says that a file is larger than Hub.MaxFile, or that metadata
	// is longer than any honest one.
	ErrTooLarge = errors.New("hf: too large")
)

// PublicHub is the endpoint that a Hub has if it names none.
const PublicHub = "https://huggingface.co"

// A Hub is a server that models come from, and the directory that keeps their
// bytes. Fields may be changed at any time: a Source has the Hub as it was when
// Repository was called.
type Hub struct {
	// Cache is a directory that nothing else writes to; it is created if absent,
	// for its owner alone. On Unix it and all in it are this user's or root's, and
	// nobody else may write to them. A directory that is not so, or is none, fails
	// with ErrCache; so does a lock, which somebody may hold. Any other file that is
	// not so, that has two names, as a hard link gives them, or is no plain file, is
	// as if it were absent, and another comes in its place.
	//
	// Any number of processes of one machine share it, and each may be killed at
	// any moment. Who wants what another one fetches waits for it until his context
	// ends: Stall does not bound that. Whoever can read the directory can read every
	// repository in it. No file in it is trusted when a Tree first opens it: a blob
	// is held against its digest, and fetched again if it is damaged. Nothing in it
	// is ever deleted either but what turned out wrong; remove it when nobody uses
	// it.
	Cache string

	// Endpoint is an https address, without user, query or fragment. Empty: PublicHub.
	Endpoint string

	// Token is sent to the host and port of Endpoint, and to no other: not to
	// Endpoint either once a redirect led away from it. Zero: none.
	Token Token

	// Offline forbids the network. The cache is only read then, and may lie on
	// a read-only disk.
	Offline bool

	// Transport makes the requests; it must not follow redirects. Nil: one of
	// the source's own for each load, of HTTP/1.1, with the system's roots, a
	// connection for each request, and no proxy: what the environment says of
	// proxies is not read. One of the host's prints what it prints: an
	// http.Transport logs what a server sends on an idle connection, and who was
	// sent the token can send it back.
	Transport http.RoundTripper `json:"-"`

	// Stall is how long a server may take for its next byte. Zero: 30 s. The
	// whole of a load has the deadline of its context.
	Stall time.Duration

	// Tries is how many times in a row a request is made that found no connection,
	// was cut, stalled, or answered with status 429, 500, 502, 503 or 504, and
	// brought nothing of its file. Zero: 5.
	Tries int

	// MaxWait is the longest pause between two tries. A server that asks for a
	// longer one is not asked again. Zero: one minute.
	MaxWait time.Duration

	// MaxFile is how many bytes one file may have. Zero: 256 GiB.
	MaxFile int64
}

// Repository is one commit of a model repository: a name, or organisation/name,
// and 40 lower-case hexadecimal digits, since a branch moves. What is wrong with
// them or with h is an error of Open.
//
// Open fetches what the hub lists under the commit, unless the cache has it, and
// a Tree's Open fetches the file: what a policy's files.only leaves out never is.
// A file in Git LFS has to have the SHA-256 that is listed, any other file git's
// SHA-1 of a blob, which tells damage and does not withstand an attacker.
//
// The first time that a Tree opens a file whose blob is in the cache takes one
// pass of its digests over it on one core, beside the loader's own pass. One that
// is fetched is digested as it arrives, after a pass over what an earlier fetch
// left of it. To open it again takes none while the file has the same identity,
// size, time of its last write and, on Unix, time of change.
//
// A listing in the cache is not asked for again, since a commit does not change:
// see Forget. Where FIPS 140 is enforced (GODEBUG=fips140=only), a file that is
// not in Git LFS fails with errors.ErrUnsupported.
func (h Hub) Repository(id, commit string) loader.Source { return h.repository(id, commit) }

// Forget removes what the cache has of the hub's listing of a commit, so that the
// next Source.Open asks for it again. It is for a listing that a pin refuses, or
// that lacks a file which the commit has: the hub may have been wrong, and still
// agree with what it sent. The files' bytes stay, and are fetched again only if
// they are not what is listed then. It is no error if there was none. Offline
// forbids it.
func (h Hub) Forget(id, commit string) error {
	r := h.repository(id, commit)
	endpoint, err := r.check()
	if err != nil {
		return err
	}
	if r.hub.Offline {
		return &fs.PathError{Op: "forget", Path: r.String(), Err: ErrOffline}
	}
	c, err := openCache(r.hub.Cache, false)
	if err != nil {
		return err
	}
	return errors.Join(c.remove(listings+"/"+r.key(endpoint)), c.root.Close())
}

func (h Hub) repository(id, commit string) *repository {
	if absolute, err := filepath.Abs(h.Cache); err == nil && h.Cache != "" { // wherever the process is later
		h.Cache = absolute
	}
	return &repository{hub: h.withDefaults(), id: id, commit: commit}
}

func (h Hub) withDefaults() *Hub {
	if h.Endpoint == "" {
		h.Endpoint = PublicHub
	}
	if h.Stall <= 0 {
		h.Stall = 30 * time.Second
	}
	if h.Tries <= 0 {
		h.Tries = 5
	}
	if h.MaxWait <= 0 {
		h.MaxWait = time.Minute
	}
	if h.MaxFile <= 0 {
		h.MaxFile = 256 << 30
	}
	return &h
}

// repository is the Source. It prints without its Hub.
type repository struct {
	hub        *Hub // with its defaults
	id, commit string
}

func (r *repository) String() string { return r.id + "@" + r.commit }

func (r *repository) Origin() policy.Origin {
	return policy.Origin{Kind: "hub", Repository: r.id, Commit: r.commit}
}

func (r *repository) Open(ctx context.Context, lim formats.Limits) (loader.Tree, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	endpoint, err := r.check()
	if err != nil {
		return nil, err
	}
	t, err := newTree(r, endpoint, lim.WithDefaults())
	if err != nil {
		return nil, err
	}
	if t.listing, err = t.list(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// check is the endpoint, if nothing is wrong with what the host said.
func (r *repository) check() (endpoint *url.URL, err error) {
	if !isRepository(r.id) || !isCommit(r.commit) || r.hub.Cache == "" || !r.hub.Token.valid() {
		return nil, &fs.PathError{Op: "open", Path: shown(r.String()), Err: fs.ErrInvalid}
	}
	return parseEndpoint(r.hub.Endpoint)
}

// key is the name in the cache of what these words say of the commit. Another
// endpoint may list something else under it.
func (r *repository) key(endpoint *url.URL, words ...string) string {
	return key(append([]string{endpoint.String(), r.id, r.commit}, words...)...)
}

// parseEndpoint is the address of a hub, which ends without a slash.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(s, "/"))
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, ErrInsecure // without the text, which may hold a password
	}
	return u, nil
}

// isRepository reports whether s is a repository's name as the hub spells it.
func isRepository(s string) bool {
	if len(s) > 96 || strings.Contains(s, "--") || strings.Contains(s, "..") || strings.Count(s, "/") > 1 {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || strings.Trim(part, "-.") != part || strings.Trim(part, letters) != "" {
			return false
		}
	}
	return true
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

func isCommit(s string) bool { return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == "" }
