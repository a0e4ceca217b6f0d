package hf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/weightgate/weightgate/policy/manifest"
)

// A download is one file on its way into staging. What an earlier one left there
// is its beginning, until the digest of the whole says that it is not.
type download struct {
	tree    *tree
	entry   entry
	file    *os.File
	seen    *measure // of what lies in file
	resumed bool     // seen did not come in one answer
}

// download brings a file into staging, and onto the disk. The caller holds the
// lock of its key. What is wrong is removed; what was cut short stays.
func (t *tree) download(ctx context.Context, key string, e entry) (digest manifest.Digest, err error) {
	staged := staging + "/" + key
	d := &download{tree: t, entry: e}
	if d.file, err = t.cache.stage(staged); err != nil {
		return manifest.Digest{}, err
	}
	err = d.run(ctx)
	if err == nil {
		err = d.file.Sync()
	}
	err = errors.Join(err, d.file.Close())
	if errors.Is(err, ErrContent) {
		// What is listed may be what is wrong: the next Open asks for it again.
		err = errors.Join(err, t.cache.remove(staged), t.cache.remove(listings+"/"+t.key()))
	}
	if err != nil {
		return manifest.Digest{}, err
	}
	return d.seen.digest(), nil
}

// stage opens a file in staging, which may be what an earlier download left.
func (c *cache) stage(name string) (*os.File, error) {
	file, err := c.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		file, _, err = c.openRegular(name, os.O_RDWR)
	}
	return file, err
}

func (c *cache) remove(name string) error {
	if err := c.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *download) run(ctx context.Context) error {
	d.seen = newMeasure(d.entry)
	n, err := io.Copy(d.seen, io.LimitReader(untilDone{ctx, d.file}, d.entry.size+1))
	if err != nil {
		return err
	}
	d.resumed = n > 0
	if n > d.entry.size {
		if err := d.restart(); err != nil {
			return err
		}
	}
	return d.tree.client.retry(ctx, func() error { return d.try(ctx) })
}

// restart forgets what was seen.
func (d *download) restart() error {
	d.seen, d.resumed = newMeasure(d.entry), false
	if err := d.file.Truncate(0); err != nil {
		return err
	}
	_, err := d.file.Seek(0, io.SeekStart)
	return err
}

// try fetches what is missing, and holds the whole against what is listed.
func (d *download) try(ctx context.Context) error {
	if d.seen.size < d.entry.size {
		if err := d.fetch(ctx); err != nil {
			return err
		}
	}
	want := d.entry.sha256
	if want.IsZero() {
		want = d.seen.digest()
	}
	err := d.seen.is(d.entry, want)
	if err == nil || !d.resumed {
		return err
	}
	return again(err, d.restart()) // the beginning may have been what is wrong
}

func (d *download) fetch(ctx context.Context) error {
	r, c := d.tree.repository, d.tree.client
	from := d.seen.size
	resp, err := c.get(ctx, c.endpoint.JoinPath(r.id, "resolve", r.commit, escaped(d.entry.name)), from)
	if err != nil {
		if errors.Is(err, errRange) {
			return again(err, d.restart())
		}
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusPartialContent && from == 0:
		return fmt.Errorf("%w: a part of what was asked for", ErrStatus)
	case resp.StatusCode == http.StatusPartialContent:
		if resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", from, d.entry.size-1, d.entry.size) {
			return again(fmt.Errorf("%w: another range than was asked for", ErrStatus), d.restart())
		}
		d.resumed = true
	case from > 0:
		if err := d.restart(); err != nil {
			return err
		}
	}
	missing := d.entry.size - d.seen.size
	if n := resp.ContentLength; n >= 0 && n != missing {
		return fmt.Errorf("%w: a body of %d bytes, and %d are missing of %d", ErrContent, n, missing, d.entry.size)
	}
	return d.receive(resp.Body, missing)
}

// escaped is a file's name as the path of an address.
func escaped(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// receive writes so many bytes, and not one more.
func (d *download) receive(body io.Reader, missing int64) error {
	n, err := io.Copy(io.MultiWriter(d.file, d.seen), io.LimitReader(body, missing))
	if err != nil {
		return err // transient if it is the body's, final if it is the disk's
	}
	if n < missing {
		return &transient{io.ErrUnexpectedEOF, 0}
	}
	var more [1]byte
	if n, _ := body.Read(more[:]); n > 0 {
		return fmt.Errorf("%w: more than the %d bytes that are listed", ErrContent, d.entry.size)
	}
	return nil
}

// again is the error of a try that was undone, if that succeeded.
func again(err, undone error) error {
	if undone != nil {
		return undone
	}
	return &transient{err, 0}
}
