//go:build systemd

package systemdtest

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
)

// File is a file, a folder or a link to make in a container.
type File struct {
	Name    string // absolute; ending in a slash for a folder
	Content string
	Link    string // not "": a symbolic link to this
	Mode    os.FileMode
	UID     int
}

// WriteFiles makes many files at once. Folders that are missing are made for root; what exists is replaced.
func (c *Container) WriteFiles(t testing.TB, files []File) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: strings.TrimPrefix(f.Name, "/"), Mode: int64(f.Mode.Perm()), Uid: f.UID, Gid: f.UID, Size: int64(len(f.Content)), Typeflag: tar.TypeReg}
		switch {
		case f.Link != "":
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.Link, 0
		case strings.HasSuffix(f.Name, "/"):
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		if h.Mode == 0 {
			h.Mode = 0o644
			if h.Typeflag == tar.TypeDir {
				h.Mode = 0o755
			}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(f.Content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := c.command(context.Background(), nil, "tar", "-x", "-p", "--no-overwrite-dir", "--same-owner", "-C", "/", "-f", "-")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, tail(out))
	}
}

// ReadDir returns the contents of the regular files of a folder of the container by their names.
func (c *Container) ReadDir(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	r := tar.NewReader(bytes.NewReader(c.Run(t, nil, "tar", "-c", "-C", dir, "-f", "-", ".")))
	for {
		h, err := r.Next()
		if err != nil {
			return files // the end: tar itself was checked
		}
		if h.Typeflag == tar.TypeReg {
			var b bytes.Buffer
			if _, err := b.ReadFrom(r); err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(h.Name, "./")] = b.Bytes()
		}
	}
}

// Try is Run without failing: it returns all that the command prints, and its error.
func (c *Container) Try(env []string, args ...string) (string, error) {
	out, err := c.command(context.Background(), env, args...).CombinedOutput()
	return string(out), err
}

// MakePipe makes a named pipe that anybody may write to; see ReadLines.
func (c *Container) MakePipe(t testing.TB, name string) {
	t.Helper()
	c.Run(t, nil, "mkfifo", "-m", "666", name)
	c.Run(t, nil, "chmod", "666", name)
}

// ReadLines waits until n lines were written to a named pipe, but at most the two minutes that cron needs to see a new
// crontab and run it, and returns what was written by then.
func (c *Container) ReadLines(t testing.TB, pipe string, n int) string {
	t.Helper()
	// Opened for writing too, the pipe does not end when one of the writers does.
	out, err := c.Try(nil, "timeout", "130", "sh", "-c", `exec head -n "$1" <> "$2"`, "sh", strconv.Itoa(n), pipe)
	if err != nil {
		t.Logf("%d lines from %s: %v", n, pipe, err)
	}
	return out
}
