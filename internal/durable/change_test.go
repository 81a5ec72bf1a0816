package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

var errStop = errors.New("stop")

func ok() error { return nil }

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// want demands the contents of a file ("" if it must not exist) and nothing else in its folder but also.
func want(t *testing.T, name, text string, also ...string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if text == "" && !errors.Is(err, fs.ErrNotExist) || text != "" && string(data) != text {
		t.Errorf("%s has %q, %v, want %q", filepath.Base(name), data, err, text)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(name) && !slices.Contains(also, e.Name()) {
			t.Errorf("%s was left", e.Name())
		}
	}
}

func TestSwap(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	for _, text := range []string{"one", "two"} {
		if err := Swap(name, []byte(text), 0o600, ok); err != nil {
			t.Fatal(err)
		}
		want(t, name, text)
	}
	if err := Swap(name, []byte("three"), 0o600, func() error { return errStop }); !errors.Is(err, errStop) {
		t.Errorf("error is %v", err)
	}
	want(t, name, "two")
	if err := Remove(name, func() error { return errStop }); !errors.Is(err, errStop) {
		t.Errorf("error is %v", err)
	}
	want(t, name, "two")
	if err := Remove(name, ok); err != nil {
		t.Error(err)
	}
	want(t, name, "")
	if err := Remove(name, ok); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removing nothing: %v", err)
	}
}

// TestSwapKeepsWhatCameMeanwhile has another program write the file between the check and the rename.
func TestSwapKeepsWhatCameMeanwhile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	err := Swap(name, []byte("mine"), 0o600, func() error { return os.WriteFile(name, []byte("theirs"), 0o600) })
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("error is %v", err)
	}
	want(t, name, "theirs")
}

func TestSwapKeepsModeOwnerAndLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	dir := t.TempDir()
	real := filepath.Join(dir, "dot", "rc")
	put(t, real, "old")
	chmod(t, real, 0o4751)
	for link, to := range map[string]string{"a": "b", "b": "dir/../dot/rc", "dir": "other/deep", "new": "dot/fresh"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "other/dot/rc"), "old") // what dir/.. really is
	put(t, filepath.Join(dir, "other/deep/x"), "")
	if err := Swap(filepath.Join(dir, "a"), []byte("new"), 0o600, ok); err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Join(dir, "other/dot/rc"), "new")
	want(t, real, "old")
	if target, err := os.Readlink(filepath.Join(dir, "b")); target != "dir/../dot/rc" || err != nil {
		t.Errorf("the link is now %q, %v", target, err)
	}
	if err := Swap(real, []byte("new"), 0o600, ok); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(real); err != nil || fi.Mode() != fs.ModeSetuid|0o751 {
		t.Errorf("mode is %v, %v", fi.Mode(), err)
	}
	if err := Swap(filepath.Join(dir, "new"), []byte("x"), 0o600, ok); err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Join(dir, "dot/fresh"), "x", "rc")
	if err := Remove(filepath.Join(dir, "new"), ok); err != nil {
		t.Error(err)
	}
	want(t, filepath.Join(dir, "dot/fresh"), "", "rc")
	if _, err := os.Readlink(filepath.Join(dir, "new")); err != nil {
		t.Errorf("the link itself was removed: %v", err)
	}
	testOwner(t, real)
}

// testOwner runs where this user may give files away.
func testOwner(t *testing.T, name string) {
	t.Helper()
	if os.Chown(name, 4711, 4712) != nil {
		return
	}
	if err := Swap(name, []byte("newer"), 0o600, ok); err != nil {
		t.Fatal(err)
	}
	if uid, gid := ownerOf(t, name); uid != 4711 || gid != 4712 {
		t.Errorf("owner is now %d, %d", uid, gid)
	}
}

func chmod(t *testing.T, name string, mode uint32) {
	t.Helper()
	m := fs.FileMode(mode & 0o777)
	if mode&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if err := os.Chmod(name, m); err != nil {
		t.Fatal(err)
	}
}

func TestSwapRefuses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows answers otherwise")
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "linked"), "x")
	if err := os.Link(filepath.Join(dir, "linked"), filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for name, wanted := range map[string]error{"linked": ErrLinked, ".": errNotRegular, "loop": errNotRegular, "linked/x": nil, "none/x": fs.ErrNotExist} {
		err := Swap(dir+"/"+name, []byte("y"), 0o600, ok)
		if err == nil || wanted != nil && !errors.Is(err, wanted) {
			t.Errorf("%s: error is %v, want %v", name, err, wanted)
		}
	}
	want(t, filepath.Join(dir, "linked"), "x", "other", "loop")
	put(t, filepath.Join(dir, "readonly"), "x")
	chmod(t, filepath.Join(dir, "readonly"), 0o444)
	if err := Swap(filepath.Join(dir, "readonly"), []byte("y"), 0o600, ok); os.Geteuid() != 0 && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a read-only file: %v", err)
	}
}

func TestMove(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	put(t, a, "x")
	if err := Move(a, b); err != nil {
		t.Fatal(err)
	}
	want(t, b, "x")
	put(t, a, "y")
	if err := Move(a, b); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a file: %v", err)
	}
	want(t, b, "x", "a")
	put(t, filepath.Join(dir, "tree/f"), "z")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Move(filepath.Join(dir, "tree"), filepath.Join(dir, "empty")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto an empty directory: %v", err)
	}
	if err := Move(filepath.Join(dir, "tree"), filepath.Join(dir, "tree2")); err != nil {
		t.Error(err)
	}
	want(t, filepath.Join(dir, "tree2/f"), "z")
	if err := Move(filepath.Join(dir, "none"), filepath.Join(dir, "c")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

func TestWriteTree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tree")
	files := map[string][]byte{"a": []byte("1"), "sub/b": []byte("2"), "sub/deep/c": []byte("3")}
	if err := WriteTree(dir, files); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if data, err := os.ReadFile(filepath.Join(dir, name)); string(data) != string(text) || err != nil {
			t.Errorf("%s has %q, %v", name, data, err)
		}
	}
	want(t, dir+"-none", "", "tree") // no temporary folder is left
	if err := WriteTree(dir, files); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a tree: %v", err)
	}
	for _, name := range []string{"", ".", "../x", "/x", "a//b", "a/../b"} {
		if err := WriteTree(dir+"2", map[string][]byte{name: nil, "ok": nil}); err == nil {
			t.Errorf("a file %q was written", name)
		}
	}
	if err := WriteTree(dir+"2", map[string][]byte{"a": nil, "a/b": nil}); err == nil {
		t.Error("a file is a directory too")
	}
	if err := WriteTree(filepath.Join(dir, "none", "x"), files); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below nothing: %v", err)
	}
	want(t, dir+"-none", "", "tree")
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := MkdirAll(filepath.Join(dir, "a/b/c"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "file"), "x")
	if err := MkdirAll(filepath.Join(dir, "file/b"), 0o755); err == nil {
		t.Error("a file became a directory")
	}
}

// TestRenameWithoutKernel has the steps taken where the kernel or file system cannot rename exclusively.
func TestRenameWithoutKernel(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("f"), "f")
	put(t, at("g"), "g")
	put(t, at("d/x"), "x")
	if err := renameInSteps(at("f"), at("g")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("file onto file: %v", err)
	}
	if err := renameInSteps(at("d"), at("g")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("directory onto file: %v", err)
	}
	if err := errors.Join(renameInSteps(at("f"), at("h")), renameInSteps(at("d"), at("e"))); err != nil {
		t.Error(err)
	}
	want(t, at("h"), "f", "g", "e")
}

// TestKilled kills a program that replaces a file all the time: the file always has one of the contents, whole.
func TestKilled(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content(0), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 20 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "GOREADY_DURABLE_FILE="+name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			testreq.Missing(t, "cannot start the test again: "+err.Error())
		}
		io.ReadFull(out, make([]byte, 1+round)) // so many replacements
		cmd.Process.Kill()
		cmd.Wait()
		data, err := os.ReadFile(name)
		if err != nil || !slices.ContainsFunc([]int{0, 1}, func(i int) bool { return string(data) == string(content(i)) }) {
			t.Fatalf("after %d rounds the file has %d bytes, %v", round, len(data), err)
		}
	}
}

func content(i int) []byte { return []byte(strings.Repeat(fmt.Sprintf("%d\n", i), 200_000+i)) }

func TestMain(m *testing.M) {
	name := os.Getenv("GOREADY_DURABLE_FILE")
	if name == "" {
		os.Exit(m.Run())
	}
	for i := 0; ; i++ {
		if err := Swap(name, content(i%2), 0o600, ok); err != nil {
			panic("durable: " + err.Error())
		}
		os.Stdout.WriteString(".")
	}
}
