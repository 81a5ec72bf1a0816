package upstream

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/goready/goready/internal/modtest"
)

// corpusDir returns the corpus as a file tree.
func corpusDir(t *testing.T) (string, *Dir) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "tree")
	if err := modtest.Corpus().WriteTree(root); err != nil {
		t.Fatal(err)
	}
	d, err := NewDir(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, d
}

func TestDirAnswers(t *testing.T) {
	root, d := corpusDir(t)
	ctx := t.Context()
	a, err := d.Versions(ctx, "mod.example.com/basic")
	if err != nil || string(a.Body) != "v1.0.0\nv1.1.0\nv1.2.0\nv1.10.0\nv1.11.0-rc.1\n" || a.From != d.label {
		t.Errorf("%+v, %v", a, err)
	}
	latest := func() {
		t.Helper()
		if a, err := d.Resolve(ctx, "mod.example.com/basic", "latest"); err != nil || a.Version != "v1.10.0" {
			t.Errorf("%+v, %v", a, err)
		}
	}
	latest()
	if err := os.Remove(filepath.Join(root, "mod.example.com", "basic", "@latest")); err != nil {
		t.Fatal(err)
	}
	latest() // from the list
	if a, err := d.Resolve(ctx, "mod.example.com/basic", "main"); err != nil || !module.IsPseudoVersion(a.Version) {
		t.Errorf("%+v, %v", a, err)
	}
	corpus := modtest.Corpus()
	for _, m := range corpus.All() {
		want, _ := corpus.Zip(m.Path, m.Version)
		f, err := d.Open(ctx, m, Zip)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(f)
		if err != nil || !bytes.Equal(got, want) || f.Size != int64(len(want)) {
			t.Errorf("%s: %d bytes of %d: %v", m, len(got), len(want), err)
		}
	}
	if h := d.Health(); !h.Up || h.Requests == 0 || h.Errors != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestDirErrors(t *testing.T) {
	root, d := corpusDir(t)
	parent := filepath.Dir(root)
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	list := func(path string) error {
		_, err := d.Versions(t.Context(), path)
		return err
	}
	wantKind(t, list("mod.example.com/none"), "not_exist")
	wantKind(t, list("other.example.com/none"), "not_exist")
	write(filepath.Join(root, "file.example.com"), "no folder")
	wantKind(t, list("file.example.com/m"), "not_exist")
	if err := os.MkdirAll(filepath.Join(root, "folder.example.com", "m", "@v", "list"), 0o777); err != nil {
		t.Fatal(err)
	}
	wantKind(t, list("folder.example.com/m"), "unavailable")
	write(filepath.Join(root, "big.example.com", "m", "@v", "v1.0.0.info"), strings.Repeat(" ", MaxInfo+1))
	_, err := d.Resolve(t.Context(), "big.example.com/m", "v1.0.0")
	wantKind(t, err, "too_large")

	gone, err := NewDir(filepath.Join(parent, "not", "mounted"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = gone.Versions(t.Context(), "mod.example.com/basic")
	wantKind(t, err, "unavailable")
	if h := gone.Health(); h.Errors != 1 {
		t.Errorf("health %+v", h)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.Versions(ctx, "mod.example.com/basic")
	wantKind(t, err, "unavailable+canceled")
	if _, err := NewDir("relative"); err == nil {
		t.Error("a relative folder is accepted")
	}
	for _, path := range []string{"../secret", "/etc/passwd", "a/../../secret", ""} {
		write(filepath.Join(parent, "secret"), "v1.0.0\n")
		_, _, err := d.Get(t.Context(), path, 100)
		wantKind(t, err, "not_exist")
	}
}

func TestDirLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights")
	}
	root, d := corpusDir(t)
	parent := filepath.Dir(root)
	outside := filepath.Join(parent, "outside", "@v")
	if err := errors.Join(os.MkdirAll(outside, 0o777), os.WriteFile(filepath.Join(outside, "list"), []byte("v1.0.0\n"), 0o666)); err != nil {
		t.Fatal(err)
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(root, "mod.example.com", name)); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Dir(outside), "absolute")
	link("../../outside", "relative")
	link("basic", "inside")
	link("nowhere", "dangling")
	for path, want := range map[string]string{"absolute": "unavailable", "relative": "unavailable", "inside": "ok", "dangling": "not_exist"} {
		a, err := d.Versions(t.Context(), "mod.example.com/"+path)
		if got := kindText(err); got != want {
			t.Errorf("%s: %s, want %s: %+v, %v", path, got, want, a, err)
		}
	}
}

func TestDirFileShrinks(t *testing.T) {
	root, d := corpusDir(t)
	m := module.Version{Path: "mod.example.com/basic", Version: "v1.0.0"}
	f, err := d.Open(t.Context(), m, Zip)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(root, "mod.example.com", "basic", "@v", "v1.0.0.zip"), 10); err != nil {
		t.Fatal(err)
	}
	_, err = readAll(f)
	wantKind(t, err, "unavailable")
}
