package policy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/policy"
)

func TestBeneath(t *testing.T) {
	dir := t.TempDir()
	info := func(path ...string) fs.FileInfo {
		i, err := os.Stat(filepath.Join(append([]string{dir}, path...)...))
		require.NoError(t, err)
		return i
	}
	path := filepath.Join(dir, "models", "service", "policy.yaml")
	write(t, path, []byte(minimal))
	write(t, filepath.Join(dir, "models", "bert", "m.onnx"), nil)
	p, err := policy.Open(path)
	require.NoError(t, err)
	require.True(t, p.Beneath(info("models", "service")))
	require.True(t, p.Beneath(info("models")))
	require.True(t, p.Beneath(info()))
	require.False(t, p.Beneath(info("models", "bert")))
	require.False(t, p.Beneath(nil))
	require.False(t, mustParse(t, minimal, nil).Beneath(info()), "made in memory")

	t.Chdir(filepath.Join(dir, "models", "service"))
	p, err = policy.Open("policy.yaml")
	require.NoError(t, err)
	require.True(t, p.Beneath(info("models")), "opened by a relative path")
}

func TestBeneathLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bert", "policy.yaml"), []byte(full))
	write(t, filepath.Join(dir, "ocr", "weightgate.lock"), emptyLock())
	require.NoError(t, os.Mkdir(filepath.Join(dir, "service"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join("..", "bert", "policy.yaml"), filepath.Join(dir, "service", "policy.yaml")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "ocr", "weightgate.lock"), filepath.Join(dir, "service", "weightgate.lock")))
	require.NoError(t, os.Symlink("service", filepath.Join(dir, "current")))

	p, err := policy.Open(filepath.Join(dir, "current", "policy.yaml"))
	require.NoError(t, err)
	for _, name := range []string{"service", "bert", "ocr", "."} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, p.Beneath(info), "a link does not hide where the file lies: %s", name)
	}
}

// Whoever writes to a directory that the way to a file leads through picks the
// file, wherever the way begins and ends.
func TestBeneathLinksOnTheWay(t *testing.T) {
	const withLock = "lock: weightgate.lock\n" + minimal
	link := func(t *testing.T, dir, name, target string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	for name, c := range map[string]struct {
		build func(t *testing.T, dir string)
		want  bool // beneath dir/model
	}{
		"a policy through a link in the model": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "evil", "policy.yaml"), []byte(minimal))
			link(t, dir, "model/current", "../evil")
			link(t, dir, "home/policy.yaml", "../model/current/policy.yaml")
		}, true},
		"a lock through a link in the model": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "home", "policy.yaml"), []byte(withLock))
			write(t, filepath.Join(dir, "evil", "weightgate.lock"), emptyLock())
			link(t, dir, "model/current", filepath.Join(dir, "evil"))
			link(t, dir, "home/weightgate.lock", filepath.Join(dir, "model", "current", "weightgate.lock"))
		}, true},
		"a lock that is yet to be written, in the model": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "home", "policy.yaml"), []byte(withLock))
			link(t, dir, "home/weightgate.lock", "../model/weightgate.lock")
		}, true},
		"a link of the model to a link of the model": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "evil", "policy.yaml"), []byte(minimal))
			link(t, dir, "model/a", "../evil/policy.yaml")
			link(t, dir, "other/b", "../model/a")
			link(t, dir, "home/policy.yaml", "../other/b")
		}, true},
		"a directory above the policy": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "evil", "policy.yaml"), []byte(minimal))
			link(t, dir, "model/deep/down", "../../evil")
			link(t, dir, "home", "model/deep/down")
		}, true},
		"through the model and out again": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "evil", "policy.yaml"), []byte(minimal))
			link(t, dir, "home/policy.yaml", "../model/../evil/policy.yaml")
		}, true},
		"relative to a directory in the model": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "evil", "policy.yaml"), []byte(minimal))
			link(t, dir, "model/a/b", "../../evil")
			link(t, dir, "home/policy.yaml", "../model/a/b/./policy.yaml")
		}, true},
		"links beside the model": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "service", "v1", "policy.yaml"), []byte(withLock))
			write(t, filepath.Join(dir, "service", "v1", "weightgate.lock"), emptyLock())
			link(t, dir, "service/current", "v1")
			link(t, dir, "home", "./service/../service/current")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "model"), 0o755))
			c.build(t, dir)
			root, err := os.Stat(filepath.Join(dir, "model"))
			require.NoError(t, err)

			p, err := policy.Open(filepath.Join(dir, "home", "policy.yaml"), policy.WithoutLock())
			require.NoError(t, err)
			require.Equal(t, c.want, p.Beneath(root))

			t.Chdir(filepath.Join(dir, "model"))
			p, err = policy.Open(filepath.Join("..", "home", "policy.yaml"), policy.WithoutLock())
			require.NoError(t, err)
			require.Equal(t, c.want, p.Beneath(root), "to begin in the model and climb out of it is not to pass it")
		})
	}
}

func TestBeneathWhereItBegins(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"policy.yaml", "model/policy.yaml", "model/sub/policy.yaml"} {
		write(t, filepath.Join(dir, name), []byte(minimal))
	}
	root, err := os.Stat(filepath.Join(dir, "model"))
	require.NoError(t, err)
	t.Chdir(filepath.Join(dir, "model", "sub"))
	for path, want := range map[string]bool{
		"../../policy.yaml":          false,
		"policy.yaml":                true,
		"../policy.yaml":             true,
		"../sub/policy.yaml":         true,
		"../sub/../../policy.yaml":   true,
		"../../model/../policy.yaml": true,
	} {
		p, err := policy.Open(path)
		require.NoError(t, err, path)
		require.Equal(t, want, p.Beneath(root), path)
	}
}

func TestLinksThatNeverEnd(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink("b", filepath.Join(dir, "a")))
	require.NoError(t, os.Symlink("a", filepath.Join(dir, "b")))
	p, err := policy.Open(filepath.Join(dir, "a"))
	require.Nil(t, p)
	require.ErrorContains(t, err, "more than 40 links")

	write(t, filepath.Join(dir, "policy.yaml"), []byte(minimal))
	_, err = policy.Open(filepath.Join(dir, "policy.yaml", "..", "nowhere", "policy.yaml"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	if runtime.GOOS != "windows" {
		_, err = policy.Open(filepath.Join(dir, "policy.yaml") + "/../policy.yaml")
		require.Error(t, err, "a file has no parent to climb to")
	}
}
