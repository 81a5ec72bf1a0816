package local_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/goready/goready/internal/durable"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/hosttest"
	"github.com/goready/goready/internal/host/local"
)

func fileIs(t *testing.T, name string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(name)
	if want == nil && !errors.Is(err, fs.ErrNotExist) || want != nil && (err != nil || string(got) != string(want)) {
		t.Errorf("%s has %q, %v, want %q", filepath.Base(name), got, err, want)
	}
}

func TestReplace(t *testing.T) {
	m := local.New()
	name := filepath.Join(t.TempDir(), "new", "dir", "file")
	one, two, empty := []byte("one"), []byte("two"), []byte{}
	steps := []struct {
		old, new []byte
		err      error
		is       []byte
	}{
		{one, two, host.ErrChanged, nil},
		{nil, nil, nil, nil},
		{nil, one, nil, one},
		{nil, two, host.ErrChanged, one},
		{two, one, host.ErrChanged, one},
		{empty, two, host.ErrChanged, one},
		{one, two, nil, two},
		{one, nil, host.ErrChanged, two},
		{nil, nil, host.ErrChanged, two},
		{two, empty, nil, empty},
		{nil, one, host.ErrChanged, empty},
		{empty, nil, nil, nil},
		{empty, nil, host.ErrChanged, nil},
	}
	for i, s := range steps {
		err := m.Replace(name, s.old, s.new)
		if s.err == nil && err != nil || s.err != nil && !errors.Is(err, s.err) {
			t.Errorf("step %d: error is %v, want %v", i, err, s.err)
		}
		fileIs(t, name, s.is)
	}
	if err := m.Replace("relative", nil, one); err == nil {
		t.Error("a relative name was written")
	}
	if err := m.Replace(filepath.Dir(name), one, two); err == nil || errors.Is(err, host.ErrChanged) {
		t.Errorf("a directory: %v", err)
	}
}

func TestReplaceThroughLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	m := local.New()
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(real, []byte("a"), 0o640), os.Chmod(real, 0o640), os.Symlink("real", link)); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][2][]byte{{[]byte("a"), []byte("b")}, {[]byte("b"), nil}, {nil, []byte("c")}} {
		if err := m.Replace(link, step[0], step[1]); err != nil {
			t.Fatal(err)
		}
		fileIs(t, real, step[1])
		if to, err := os.Readlink(link); to != "real" || err != nil {
			t.Errorf("the link is now %q, %v", to, err)
		}
	}
	if fi, err := os.Stat(real); err != nil || fi.Mode() != 0o600 {
		t.Errorf("a new file has mode %v, %v", fi.Mode(), err)
	}
	if err := os.Link(real, filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	if err := m.Replace(real, []byte("c"), []byte("d")); !errors.Is(err, durable.ErrLinked) {
		t.Errorf("a file with two names: %v", err)
	}
}

func TestReplaceReadOnly(t *testing.T) {
	hosttest.AsOrdinaryUser(t, func(t *testing.T) {
		dir := t.TempDir()
		name := filepath.Join(dir, "file")
		if err := os.WriteFile(name, []byte("a"), 0o444); err != nil {
			t.Fatal(err)
		}
		if err := local.New().Replace(name, []byte("a"), []byte("b")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a read-only file: %v", err)
		}
		fileIs(t, name, []byte("a"))
		if err := local.New().Replace("/etc/goready-test", nil, []byte("b")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("in a directory of root: %v", err)
		}
	})
}

func TestMoveAndWriteTree(t *testing.T) {
	m := local.New()
	dir := t.TempDir()
	tree := filepath.Join(dir, "made", "tree")
	files := map[string][]byte{"a": []byte("1"), "sub/b": []byte("2")}
	if err := m.WriteTree(tree, files); err != nil {
		t.Fatal(err)
	}
	fileIs(t, filepath.Join(tree, "sub", "b"), []byte("2"))
	if err := m.WriteTree(tree, files); !errors.Is(err, host.ErrChanged) {
		t.Errorf("WriteTree onto a tree: %v", err)
	}
	if err := m.Move(tree, filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	fileIs(t, filepath.Join(dir, "moved", "a"), []byte("1"))
	if err := m.Move(filepath.Join(dir, "made"), filepath.Join(dir, "moved")); !errors.Is(err, host.ErrChanged) {
		t.Errorf("Move onto a tree: %v", err)
	}
	if err := m.Move(tree, filepath.Join(dir, "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Move of nothing: %v", err)
	}
	if err := m.WriteTree(filepath.Join(dir, "bad"), map[string][]byte{"../x": nil}); err == nil {
		t.Error("a file outside of the tree was written")
	}
	fileIs(t, filepath.Join(dir, "x"), nil)
}

func TestSetUserEnv(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this would change the user's environment")
	}
	if err := local.New().SetUserEnv("X", nil, nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error is %v", err)
	}
}
