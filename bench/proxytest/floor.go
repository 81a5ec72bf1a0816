//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"
)

// startFloor starts this program as a server that does nothing but send the files of a tree.
func (b *bench) startFloor(ctx context.Context, tree, probe string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "floor-")
	if err != nil {
		return nil, err
	}
	p, err := start("net/http", addrs[0], dir, nil, self, "-serve-floor", addrs[0], "-write", tree)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, "http://"+p.addr+probe); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// floorFile is a file in memory, or, without a body, one that is opened each time.
type floorFile struct {
	body   []byte
	header http.Header
}

// serveFloor serves a tree until ctx ends: small files from memory, with the few headers that they need, zips with
// http.ServeContent. What goreadyd needs more than this is its own.
func serveFloor(ctx context.Context, addr, tree string) error {
	files, err := readFloor(os.DirFS(tree))
	if err != nil {
		return err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		for key, value := range f.header {
			h[key] = value
		}
		if f.body != nil {
			_, _ = w.Write(f.body) // the client may be gone
			return
		}
		file, err := os.Open(filepath.Join(tree, r.URL.Path)) // one of those that were found
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer file.Close()
		http.ServeContent(w, r, "", time.Time{}, file)
	})
	s, _, err := serveHTTP(addr, handler)
	if err != nil {
		return err
	}
	<-ctx.Done()
	return s.Close()
}

// readFloor reads a tree, except for zips, of which it keeps the name.
func readFloor(tree fs.FS) (map[string]floorFile, error) {
	files := map[string]floorFile{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f := floorFile{header: http.Header{"Content-Type": {"application/zip"}}}
		if path.Ext(name) != ".zip" {
			file, err := tree.Open(name)
			if err != nil {
				return err
			}
			defer file.Close()
			if f.body, err = io.ReadAll(file); err != nil {
				return err
			}
			f.header = http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Length": {strconv.Itoa(len(f.body))}}
		}
		files["/"+name] = f
		return nil
	})
	return files, err
}
