package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/module"
)

// Dir is a folder with the files of a module proxy, as with GOPROXY=file:///folder. It reads nothing outside of the
// folder, wherever links lead. A folder that is not there itself is no answer: it may be a disk that is not mounted.
type Dir struct {
	root, label string
	meter       *meter
}

// NewDir returns the tree in a folder, which need not exist yet.
func NewDir(root string) (*Dir, error) {
	if !filepath.IsAbs(root) {
		return nil, fmt.Errorf("folder of a file:// proxy: %q is not absolute", root)
	}
	label := "file:///" + strings.TrimPrefix(filepath.ToSlash(root), "/") // C:/folder on Windows
	return &Dir{root: root, label: label, meter: &meter{name: label, now: time.Now, always: true}}, nil
}

// Versions returns the list of versions; see [Source].
func (d *Dir) Versions(ctx context.Context, path string) (*Answer, error) {
	return treeVersions(ctx, d, path)
}

// Resolve returns the .info of a query; see [Source].
func (d *Dir) Resolve(ctx context.Context, path, query string) (*Answer, error) {
	return treeResolve(ctx, d, path, query)
}

// Open opens a file of a version; see [Source].
func (d *Dir) Open(ctx context.Context, m module.Version, kind Kind) (*File, error) {
	return treeOpen(ctx, d, m, kind)
}

// Get returns what is at a path below the folder; see [HTTP.Get]. There is no header.
func (d *Dir) Get(ctx context.Context, path string, limit int64) ([]byte, http.Header, error) {
	data, err := readTree(ctx, d, path, limit)
	return data, http.Header{}, err
}

// Health counts what was asked of the folder. It is always up.
func (d *Dir) Health() Health { return d.meter.report() }

func (d *Dir) name() string { return d.label }

func (d *Dir) open(ctx context.Context, path string, limit int64) (*File, error) {
	ticket, err := d.meter.enter()
	if err != nil {
		return nil, err // unreachable: the meter never opens
	}
	f, err := d.openFile(ctx, path, limit)
	ticket.end(err)
	return f, err
}

func (d *Dir) openFile(ctx context.Context, path string, limit int64) (*File, error) {
	if err := ctx.Err(); err != nil {
		return nil, unavailable(d.label, err)
	}
	if !fs.ValidPath(path) {
		return nil, refuse(d.label, fs.ErrNotExist, "invalid path")
	}
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return nil, d.noAnswer(err)
	}
	defer root.Close()
	name := filepath.FromSlash(path)
	// What is no regular file is not opened: opening a pipe would wait for ever.
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, refuse(d.label, fs.ErrNotExist, "not found: no file %s", path)
	case err != nil:
		return nil, d.noAnswer(err)
	case !info.Mode().IsRegular():
		return nil, d.noAnswer(fmt.Errorf("%s is not a regular file", path))
	}
	if err := checkSize(d.label, info.Size(), limit); err != nil {
		return nil, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, d.noAnswer(err)
	}
	return &File{ReadCloser: &body{r: f, from: d.label, size: info.Size(), limit: limit}, Size: info.Size(), From: d.label}, nil
}

// noAnswer returns the error for one of the file system, even one that says that the folder does not exist.
func (d *Dir) noAnswer(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s %s: no such folder", p.Op, p.Path)
	}
	return unavailable(d.label, err)
}
