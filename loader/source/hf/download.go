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
	tree      *tree
	entry     entry
	file      *os.File
	seen      *measure // of what lies in file
	pieced    bool     // seen did not come in one answer
	restarted bool     // what was there is forgotten already
	rangeless bool     // the server has no ranges: the whole is asked for
}

// download brings a file into staging, and onto the disk. The caller holds the
// lock of its key. What is wrong as a whole is removed; what was cut short
// stays, whatever a server answers. Info is the file's.
func (t *tree) download(ctx context.Context, staged string, e entry) (digest manifest.Digest, info fs.FileInfo, err error) {
	d := &download{tree: t, entry: e, seen: newMeasure(e)}
	if d.file, err = t.cache.stage(staged); err != nil {
		return manifest.Digest{}, nil, err
	}
	err = d.run(ctx)
	if err == nil {
		err = d.file.Sync()
	}
	if err == nil {
		info, err = d.file.Stat()
	}
	err = errors.Join(err, d.file.Close())
	if errors.Is(err, ErrContent) && d.seen.size == e.size {
		err = errors.Join(err, t.cache.remove(staged))
	}
	if err != nil {
		return manifest.Digest{}, nil, err
	}
	return d.seen.digest(), info, nil
}

func (d *download) run(ctx context.Context) error {
	n, err := io.Copy(d.seen, io.LimitReader(untilDone{ctx, d.file}, d.entry.size+1))
	if err != nil {
		return err
	}
	d.pieced = n > 0
	if n > d.entry.size {
		if err := d.restart(); err != nil {
			return err
		}
	}
	return d.tree.client.retry(ctx, func() error { return d.try(ctx) })
}

// restart forgets what was seen.
func (d *download) restart() error {
	d.seen, d.pieced, d.restarted = newMeasure(d.entry), false, true
	if err := d.file.Truncate(0); err != nil {
		return err
	}
	_, err := d.file.Seek(0, io.SeekStart)
	return err
}

// try fetches what is missing, and holds the whole against what is listed.
func (d *download) try(ctx context.Context) error {
	if d.seen.size < d.entry.size {
		before := d.seen.size
		err := d.fetch(ctx)
		if failed, ok := errors.AsType[*transient](err); ok {
			failed.moved = d.seen.size > before
		}
		if err != nil {
			return err
		}
	}
	want := d.entry.sha256
	if want.IsZero() {
		want = d.seen.digest()
	}
	err := d.seen.check(d.entry, want)
	if err == nil || !d.pieced || d.restarted {
		return err
	}
	if undone := d.restart(); undone != nil {
		return undone
	}
	return &transient{error: err} // the beginning may have been what is wrong
}

// fetch appends what is missing. It takes nothing back: an answer that does not
// fit is the server's, and says nothing of what is there.
func (d *download) fetch(ctx context.Context) error {
	r, c := d.tree.repository, d.tree.client
	from := d.seen.size
	if d.rangeless {
		from = 0
	}
	resp, err := c.get(ctx, c.endpoint.JoinPath(r.id, "resolve", r.commit, escaped(d.entry.name)), from)
	if errors.Is(err, errRange) && from > 0 {
		d.rangeless = true
		return &transient{error: err}
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusPartialContent:
		from = 0
	case from == 0:
		return fmt.Errorf("%w: a part of what was asked for", ErrStatus)
	case resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", from, d.entry.size-1, d.entry.size):
		d.rangeless = true
		return &transient{error: fmt.Errorf("%w: another range than was asked for", ErrStatus)}
	}
	length := d.entry.size - from
	if n := resp.ContentLength; n >= 0 && n != length {
		return fmt.Errorf("%w: a body of %d bytes instead of %d", ErrContent, n, length)
	}
	return d.receive(resp.Body, d.seen.size-from)
}

// receive appends a body that begins with so many bytes that are there already.
// It asks for no byte beyond the file's last, and so waits for no end.
func (d *download) receive(body io.Reader, there int64) error {
	_, err := io.CopyN(io.Discard, body, there)
	if err == nil {
		d.pieced = d.pieced || d.seen.size > 0
		_, err = io.CopyN(io.MultiWriter(d.file, d.seen), body, d.entry.size-d.seen.size)
	}
	if err == io.EOF {
		return &transient{error: io.ErrUnexpectedEOF}
	}
	return err // transient if it is the body's, final if it is the disk's
}

// escaped is a file's name as the path of an address.
func escaped(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
