package hf

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
	"github.com/weightgate/weightgate/policy/manifest"
)

// tree is one commit, open.
type tree struct {
	repository *repository
	lim        formats.Limits
	cache      *cache
	client     *client
	info       fs.FileInfo // of the cache
	listing    listing

	life context.Context // ends with Close
	end  context.CancelFunc

	measured sync.Map // fs.FileInfo of each blob that was, by the file's name
}

func newTree(r *repository, endpoint *url.URL, lim formats.Limits) (*tree, error) {
	c, err := openCache(r.hub.Cache, r.hub.Offline)
	if r.hub.Offline && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrOffline, err)
	}
	if err != nil {
		return nil, err
	}
	info, err := c.root.Stat(".")
	if err != nil {
		return nil, errors.Join(err, c.root.Close())
	}
	t := &tree{repository: r, lim: lim, cache: c, client: newClient(r.hub, endpoint), info: info}
	t.life, t.end = context.WithCancel(context.Background())
	return t, nil
}

func (t *tree) Root() fs.FileInfo { return t.info }

func (t *tree) Close() error {
	t.end() // and the connections in use with it
	return t.cache.root.Close()
}

func (t *tree) Files(ctx context.Context) iter.Seq2[policy.File, error] {
	return func(yield func(policy.File, error) bool) {
		if err := t.err(ctx); err != nil {
			yield(policy.File{}, err)
			return
		}
		if t.listing.directories() > t.lim.MaxFiles {
			yield(policy.File{}, loader.ErrDirectories)
			return
		}
		for _, e := range t.listing {
			err := t.err(ctx)
			if err == nil && t.tooDeep(e.name) {
				err = loader.ErrDepth
			}
			if err != nil {
				yield(policy.File{Name: e.name}, err)
				return
			}
			if !yield(policy.File{Name: e.name, Size: e.size, Kind: policy.Regular}, nil) {
				return
			}
		}
	}
}

func (t *tree) tooDeep(name string) bool { return strings.Count(name, "/") > t.lim.MaxDepth }

// err is why nothing more is done.
func (t *tree) err(ctx context.Context) error {
	if t.life.Err() != nil {
		return fs.ErrClosed
	}
	return ctx.Err()
}

func (t *tree) Open(ctx context.Context, name string) (fs.File, error) {
	if err := t.err(ctx); err != nil {
		return nil, err
	}
	file, err := t.file(ctx, name)
	if over := t.err(ctx); err != nil && over != nil {
		err = over
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: shown(name), Err: err}
	}
	return file, nil
}

// shown is the beginning of a name, as people may see it.
func shown(name string) string {
	const most = 80
	if len(name) > most {
		return formats.Quote(name[:most]) + "…"
	}
	return formats.Quote(name)
}

// file opens the blob that a name stands for, and fetches it if it has to.
func (t *tree) file(ctx context.Context, name string) (*os.File, error) {
	i, ok := t.listing.search(name)
	switch {
	case !fs.ValidPath(name) || name == ".":
		return nil, fs.ErrInvalid
	case !ok:
		return nil, fs.ErrNotExist
	case t.tooDeep(name):
		return nil, loader.ErrDepth
	}
	e := t.listing[i]
	if e.sha256.IsZero() && fips140.Enforced() {
		return nil, fmt.Errorf("git's SHA-1 of a file that is not in Git LFS: %w where FIPS 140 is enforced", errors.ErrUnsupported)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.life, cancel)()
	file, err := t.kept(ctx, e)
	switch {
	case err == nil:
		return file, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case t.repository.hub.Offline:
		return nil, fmt.Errorf("%w: %w", ErrOffline, err)
	case e.size > t.repository.hub.MaxFile:
		return nil, fmt.Errorf("%w: %d bytes are listed, Hub.MaxFile is %d", ErrTooLarge, e.size, t.repository.hub.MaxFile)
	}
	file, err = t.obtain(ctx, e)
	if errors.Is(err, ErrContent) {
		return nil, t.doubt(ctx, err)
	}
	return file, err
}

// key is the name in the cache of what these words say of the commit.
func (t *tree) key(words ...string) string { return t.repository.key(t.client.endpoint, words...) }

// kept opens what the cache has of a file.
func (t *tree) kept(ctx context.Context, e entry) (*os.File, error) {
	digest := e.sha256
	if digest.IsZero() {
		var err error
		if digest, err = t.cache.place(t.key(e.name)); err != nil {
			return nil, err
		}
	}
	if file := t.reopen(e.name, digest); file != nil {
		return file, nil
	}
	file, info, err := t.cache.blob(ctx, e, digest)
	if err != nil {
		return nil, err
	}
	t.measured.Store(e.name, info)
	return file, nil
}

// reopen opens a blob that was measured for this tree, nil if it changed since:
// whoever reads a file twice holds its bytes against those of the first time.
func (t *tree) reopen(name string, digest manifest.Digest) *os.File {
	seen, ok := t.measured.Load(name)
	if !ok {
		return nil
	}
	file, info, err := t.cache.openRegular(blobs+"/"+digest.String(), os.O_RDONLY)
	if err != nil {
		return nil
	}
	if !sameState(seen.(fs.FileInfo), info) {
		file.Close()
		return nil
	}
	return file
}

// obtain fetches a file that the cache does not have. Whoever wants it too waits.
func (t *tree) obtain(ctx context.Context, e entry) (file *os.File, err error) {
	key := t.key(e.name)
	unlock, err := t.cache.lock(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if file, err := t.kept(ctx, e); err == nil { // by whoever had the lock
		return file, nil
	}
	if err := t.fetch(ctx, key, e); err != nil {
		return nil, err
	}
	return t.kept(ctx, e)
}

// fetch brings a file into the cache, measured on its way: it is not read again
// to be opened. The caller holds the lock of its key.
func (t *tree) fetch(ctx context.Context, key string, e entry) error {
	staged := staging + "/" + key
	digest, info, err := t.download(ctx, staged, e)
	if err != nil {
		return err
	}
	if err := t.cache.publish(ctx, staged, e, digest); err != nil {
		return err
	}
	// Its name is another, which is a change. If the content was there already, as
	// another file, that has to be measured.
	if named, err := t.cache.root.Lstat(blobs + "/" + digest.String()); err == nil && sameContent(info, named) {
		t.measured.Store(e.name, named)
	}
	if !e.sha256.IsZero() {
		return nil
	}
	return t.cache.write(places, key, []byte(digest.String()+"\n"))
}

// list is what the hub lists under the commit, from the cache if it has it.
func (t *tree) list(ctx context.Context) (listing, error) {
	l, err := t.listed(ctx)
	switch {
	case err == nil:
		return l, nil
	case t.repository.hub.Offline:
		return nil, fmt.Errorf("%w: %w", ErrOffline, err)
	}
	if l, err = t.relist(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", t.repository, err)
	}
	if err := t.keep(ctx, l); err != nil {
		return nil, err
	}
	return l, nil
}

// relist asks the hub what it lists under the commit.
func (t *tree) relist(ctx context.Context) (listing, error) {
	text, err := t.metadata(ctx)
	if err != nil {
		return nil, err
	}
	return parseMetadata(ctx, text, t.repository.commit)
}

// keep brings a listing into the cache.
func (t *tree) keep(ctx context.Context, l listing) error {
	unlock, err := t.cache.lock(ctx, t.key())
	if err != nil {
		return err
	}
	return errors.Join(t.cache.write(listings, t.key(), l.encode()), unlock())
}

// doubt asks for the listing again after content that does not fit it. Another
// one replaces the one in the cache; this tree keeps what its Files said.
func (t *tree) doubt(ctx context.Context, wrong error) error {
	l, err := t.relist(ctx)
	if err != nil || slices.Equal(l, t.listing) {
		return wrong
	}
	if err := t.keep(ctx, l); err != nil {
		return errors.Join(wrong, err)
	}
	return fmt.Errorf("%w; the hub lists something else now: open the repository again", wrong)
}

// listed is what the cache has of it.
func (t *tree) listed(ctx context.Context) (listing, error) {
	text, err := t.cache.read(listings+"/"+t.key(), maxListing)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return parseListing(text)
}

// metadata is what the hub says of the commit.
func (t *tree) metadata(ctx context.Context) (text []byte, err error) {
	r := t.repository
	u := t.client.endpoint.JoinPath("api", "models", r.id, "revision", r.commit)
	u.RawQuery = "blobs=true"
	err = t.client.retry(ctx, func() error {
		resp, err := t.client.get(ctx, u, 0)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err = io.ReadAll(io.LimitReader(resp.Body, maxMetadata+1))
		if len(text) > maxMetadata {
			return fmt.Errorf("%w: metadata of more than %d bytes", ErrTooLarge, maxMetadata)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return text, nil
}
