package hf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
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

	open context.Context // ends with Close
	end  context.CancelFunc

	seen sync.Map // fs.FileInfo of each blob that was measured, by name
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
	t.open, t.end = context.WithCancel(context.Background())
	return t, nil
}

func (t *tree) Root() fs.FileInfo { return t.info }

func (t *tree) Close() error {
	t.end()
	t.client.close()
	return t.cache.root.Close()
}

func (t *tree) Files(ctx context.Context) iter.Seq2[policy.File, error] {
	return func(yield func(policy.File, error) bool) {
		if err := t.err(ctx); err != nil {
			yield(policy.File{}, err)
			return
		}
		if len(t.listing.directories()) > t.lim.MaxFiles {
			yield(policy.File{}, loader.ErrDirectories)
			return
		}
		for name, e := range t.listing {
			err := t.err(ctx)
			if err == nil && t.tooDeep(name) {
				err = loader.ErrDepth
			}
			if err != nil {
				yield(policy.File{Name: name}, err)
				return
			}
			if !yield(policy.File{Name: name, Size: e.size, Kind: policy.Regular}, nil) {
				return
			}
		}
	}
}

func (t *tree) tooDeep(name string) bool { return strings.Count(name, "/") > t.lim.MaxDepth }

// err is why nothing more is done.
func (t *tree) err(ctx context.Context) error {
	if t.open.Err() != nil {
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
		return nil, &fs.PathError{Op: "open", Path: name, Err: t.repository.hub.Token.hide(err)}
	}
	return file, nil
}

// file opens the blob that a name stands for, and fetches it if it has to.
func (t *tree) file(ctx context.Context, name string) (*os.File, error) {
	e, ok := t.listing[name]
	switch {
	case !fs.ValidPath(name) || name == ".":
		return nil, fs.ErrInvalid
	case !ok:
		return nil, fs.ErrNotExist
	case t.tooDeep(name):
		return nil, loader.ErrDepth
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.open, cancel)()
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
	return t.obtain(ctx, e)
}

// key is the name in the cache of what these words say of the commit. Another
// endpoint may list something else under it.
func (t *tree) key(words ...string) string {
	r := t.repository
	return key(append([]string{t.client.endpoint.String(), r.id, r.commit}, words...)...)
}

// kept opens what the cache has of a file.
func (t *tree) kept(ctx context.Context, e entry) (*os.File, error) {
	digest := e.sha256
	if digest.IsZero() {
		var err error
		if digest, err = t.cache.place(t.key(e.name)); err != nil {
			return nil, err
		}
	}
	if file := t.again(e.name, digest); file != nil {
		return file, nil
	}
	file, err := t.cache.blob(ctx, e, digest)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil {
		t.seen.Store(e.name, info)
	}
	return file, nil
}

// again opens a blob that was measured for this tree, nil if it changed since:
// whoever reads a file twice holds its bytes against those of the first time.
func (t *tree) again(name string, digest manifest.Digest) *os.File {
	seen, ok := t.seen.Load(name)
	if !ok {
		return nil
	}
	file, info, err := t.cache.openRegular(blobs+"/"+digest.String(), os.O_RDONLY)
	if err != nil {
		return nil
	}
	was := seen.(fs.FileInfo)
	if !os.SameFile(was, info) || was.Size() != info.Size() || !was.ModTime().Equal(info.ModTime()) {
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
	digest, err := t.download(ctx, key, e)
	if err != nil {
		return nil, err
	}
	if err := t.cache.publish(ctx, staging+"/"+key, e, digest); err != nil {
		return nil, err
	}
	if e.sha256.IsZero() {
		if err := t.cache.write(places, key, []byte(digest.String()+"\n")); err != nil {
			return nil, err
		}
	}
	return t.kept(ctx, e)
}

// list is what the hub lists under the commit, from the cache if it has it.
func (t *tree) list(ctx context.Context) (listing, error) {
	if l, err := t.listed(); err == nil {
		return l, nil
	} else if t.repository.hub.Offline {
		return nil, fmt.Errorf("%w: %w", ErrOffline, err)
	}
	text, err := t.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.repository, err)
	}
	l, err := parseMetadata(text, t.repository.commit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.repository, err)
	}
	unlock, err := t.cache.lock(ctx, t.key())
	if err != nil {
		return nil, err
	}
	if err := errors.Join(t.cache.write(listings, t.key(), l.encode()), unlock()); err != nil {
		return nil, err
	}
	return l, nil
}

// listed is what the cache has of it.
func (t *tree) listed() (listing, error) {
	text, err := t.cache.read(listings+"/"+t.key(), maxListing)
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
