package store_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/store/storetest"
)

// TestTempIsReadWhileItIsWritten follows the writer with readers that open the file before, during and after.
func TestTempIsReadWhileItIsWritten(t *testing.T) {
	d := openDir(t, store.Config{Root: t.TempDir()})
	f, err := d.Temp()
	if err != nil {
		t.Fatal(err)
	}
	var readers []*os.File
	open := func() {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	var want strings.Builder
	open()
	for i := range 100 {
		line := fmt.Sprintf("line %d\n", i)
		if n, err := io.WriteString(f, line); err != nil || n != len(line) {
			t.Fatal(n, err)
		}
		want.WriteString(line)
		if f.Size() != int64(want.Len()) {
			t.Fatalf("%d bytes after %d written", f.Size(), want.Len())
		}
		got := make([]byte, len(line))
		if _, err := readers[0].Read(got); err != nil || string(got) != line {
			t.Fatalf("the follower reads %q, %v; want %q", got, err, line)
		}
	}
	open()
	if err := d.Put(t.Context(), "example.com/m/@v/v1.0.0.zip", f); err != nil {
		t.Fatal(err)
	}
	open() // who comes late finds it too
	part := make([]byte, 6)
	if _, err := f.ReadAt(part, 7); err != nil || string(part) != "line 1" {
		t.Errorf("at 7: %q, %v", part, err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range readers {
		wanted := want.String()
		if i == 0 {
			wanted = "" // it has read all
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != wanted {
			t.Errorf("reader %d has %d bytes more, %v; want %d", i, len(got), err, len(wanted))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Open(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("open after Close: %v", err)
	}
}

// TestTempCannotChangeWhatIsStored writes to the file after it was stored, or tried to be.
func TestTempCannotChangeWhatIsStored(t *testing.T) {
	d := openDir(t, store.Config{Root: t.TempDir(), Fast: true})
	const key = "example.com/m/@v/v1.0.0.zip"
	f := storetest.NewTemp(t, d, "x")
	if err := d.Put(t.Context(), key, f); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte("y")); n != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after Put: %d, %v", n, err)
	}
	if got, err := storetest.ReadString(t, d, key); err != nil || got != "x" {
		t.Errorf("stored is %q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), key+"2", f); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("put after Close: %v", err)
	}
	if _, err := f.Write(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after Close: %v", err)
	}
}

func TestTempLeavesNothing(t *testing.T) {
	for _, name := range []string{"dir", "elsewhere"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			newTemp := func() (*store.Temp, error) { return store.NewTemp(folder) }
			if name == "dir" {
				newTemp = openDir(t, store.Config{Root: folder}).Temp
			}
			f, err := newTemp()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(f.Name()); err != nil {
				t.Error(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(f.Name()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("after Close there is %s: %v", f.Name(), err)
			}
		})
	}
	if _, err := store.NewTemp("/nowhere/at/all"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that does not exist: %v", err)
	}
}

// TestMakeTemp makes temporary files where each store wants them.
func TestMakeTemp(t *testing.T) {
	root := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	d := openDir(t, store.Config{Root: root})
	for _, tt := range []struct {
		s    store.Store
		dir  string
		name string
	}{{d, root, "dir"}, {new(store.Memory), os.TempDir(), "memory"}} {
		if f := storetest.NewTemp(t, tt.s, ""); !strings.HasPrefix(f.Name(), tt.dir+string(os.PathSeparator)) {
			t.Errorf("%s has its temporary file at %s, want below %s", tt.name, f.Name(), tt.dir)
		}
	}
}
