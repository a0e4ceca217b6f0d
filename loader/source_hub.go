package loader

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/policy"
)

// HubCache is one commit of a repository in a Hugging Face cache, whose
// directory is dir: the files of
//
//	dir/models--organisation--name/snapshots/commit
//
// Each is a regular file or a link into the blobs directory of the same
// repository, spelt as the hub's client spells it; any other link is listed as
// irregular and never followed. The commit is 40 lower-case hexadecimal digits:
// a branch moves. That the cache holds what the hub published under the commit
// is the host's word, and nothing here relies on it.
func HubCache(dir, repository, commit string) Source {
	return hubSource{dir: dir, repository: repository, commit: commit}
}

type hubSource struct{ dir, repository, commit string }

func (h hubSource) Origin() policy.Origin {
	return policy.Origin{Kind: "hub", Repository: h.repository, Commit: h.commit}
}

func (h hubSource) Open(ctx context.Context, lim formats.Limits) (Tree, error) {
	folder, ok := repositoryFolder(h.repository)
	if !ok || !isCommit(h.commit) || h.dir == "" {
		return nil, &fs.PathError{Op: "open", Path: h.repository + "@" + h.commit, Err: fs.ErrInvalid}
	}
	repository, err := openTop(ctx, filepath.Join(h.dir, folder))
	if err != nil {
		return nil, err
	}
	defer repository.Close()
	info, err := repository.Stat(".")
	if err != nil {
		return nil, err
	}
	snapshots, err := enter(repository, "snapshots")
	if err != nil {
		return nil, err
	}
	defer snapshots.Close()
	snapshot, err := enter(snapshots, h.commit)
	if err != nil {
		return nil, err
	}
	t := &rootTree{root: snapshot, info: info, lim: lim.WithDefaults()}
	switch store, err := enter(repository, "blobs"); {
	case err == nil:
		t.blobs = &blobs{root: store}
	case !errors.Is(err, fs.ErrNotExist): // a cache without links needs none
		return nil, errors.Join(err, snapshot.Close())
	}
	return t, nil
}

// blobs is the directory that a snapshot's links lead to.
type blobs struct{ root *os.Root }

// follow gives the blob that a link in root leads to; depth directories lie
// between the snapshot and the link. A link that leads elsewhere, or to nothing,
// keeps its own info, which is not that of a regular file.
func (b *blobs) follow(root *os.Root, name string, depth int, link fs.FileInfo) (string, fs.FileInfo, error) {
	target, err := root.Readlink(name)
	if err != nil {
		return "", nil, err
	}
	up := strings.Repeat("../", depth+2) // out of the commit and out of snapshots
	blob, ok := strings.CutPrefix(filepath.ToSlash(target), up+"blobs/")
	if !ok || !plain(blob) {
		return name, link, nil
	}
	info, err := b.root.Lstat(blob)
	if errors.Is(err, fs.ErrNotExist) {
		return name, link, nil
	}
	return blob, info, err
}

// repositoryFolder is the cache's directory for a repository, which is a name,
// or organisation/name.
func repositoryFolder(repository string) (string, bool) {
	p := strings.Split(repository, "/")
	if len(p) > 2 || strings.Contains(repository, "--") || len(repository) > 96 {
		return "", false
	}
	for _, part := range p {
		if part == "" || strings.Trim(part, repositoryLetters) != "" || strings.Trim(part, ".") == "" {
			return "", false
		}
	}
	return "models--" + strings.Join(p, "--"), true
}

const repositoryLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

func isCommit(s string) bool { return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == "" }
