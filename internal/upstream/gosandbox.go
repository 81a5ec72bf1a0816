package upstream

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// sandbox is the folder of a [GoCommand], with folders of it below.
type sandbox struct {
	root string
	// spellings are the names of root, as given and without links.
	spellings []string

	mod      string // GOMODCACHE
	download string // in it, the tree of a module proxy
	vcs      string // in it, the clones
	tmp      string // folders of running commands, and what is to be removed
}

// newSandbox makes the folders and empties the temporary one.
func newSandbox(root string) (sandbox, error) {
	mod := filepath.Join(root, "mod")
	s := sandbox{root: root, spellings: []string{root}, mod: mod, download: filepath.Join(mod, "cache", "download"),
		vcs: filepath.Join(mod, "cache", "vcs"), tmp: filepath.Join(root, "tmp")}
	if err := os.RemoveAll(s.tmp); err != nil {
		return s, err
	}
	for _, dir := range []string{s.mod, s.tmp, s.sub("home"), s.sub("gopath"), s.sub("cache")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return s, err
		}
	}
	if real, err := filepath.EvalSymlinks(root); err == nil && real != root {
		s.spellings = append(s.spellings, real)
	}
	return s, nil
}

func (s *sandbox) sub(name string) string { return filepath.Join(s.root, name) }

// withoutPaths returns err as text that does not tell where the sandbox is, and that is no error of the file system.
func (s *sandbox) withoutPaths(err error) error { return errors.New(s.hide(err.Error())) }

func (s *sandbox) hide(text string) string {
	for _, root := range s.spellings {
		text = strings.ReplaceAll(text, root, "…")
	}
	return text
}

// cached returns the name of a file of a version in the module cache.
func (s *sandbox) cached(m module.Version, extension string) (string, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return "", err
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return "", err
	}
	return filepath.Join(s.download, filepath.FromSlash(path), "@v", version+"."+extension), nil
}

// extracted returns the folder that the zip of a version is extracted into.
func (s *sandbox) extracted(m module.Version) string {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return "" // unreachable: the path was checked
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return "" // unreachable: the version was checked
	}
	return filepath.Join(s.mod, filepath.FromSlash(path)+"@"+version)
}

// read returns a small file of a version, fs.ErrNotExist if the command has not been asked for it yet.
func (s *sandbox) read(m module.Version, kind Kind) ([]byte, error) {
	name, err := s.cached(m, string(kind))
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return readAll(&File{ReadCloser: &body{r: f, from: directName, size: -1, limit: limitOf(kind)}})
}

// tempFile is a file that is removed when it is closed, with its folder.
type tempFile struct {
	*os.File
	dir string
}

func (f *tempFile) Close() error { return errors.Join(f.File.Close(), os.RemoveAll(f.dir)) }

// takeZip moves the zip of a version out of the module cache and opens it.
func (s *sandbox) takeZip(m module.Version) (*tempFile, error) {
	name, err := s.cached(m, "zip")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(s.tmp, "zip-")
	if err != nil {
		return nil, err
	}
	taken := filepath.Join(dir, "zip")
	if err := os.Rename(name, taken); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	f, err := os.Open(taken)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &tempFile{f, dir}, nil
}

// discard removes zip, hash and folder of a version. No command may be at work on it.
func (s *sandbox) discard(m module.Version) error {
	var all error
	for _, extension := range []string{"zip", "ziphash", "partial"} {
		name, err := s.cached(m, extension)
		if err == nil {
			err = os.Remove(name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return errors.Join(all, os.RemoveAll(s.extracted(m)))
}

// clone is a repository in the module cache.
type clone struct {
	dir  string
	size int64
	used time.Time
}

// clones returns all clones, the one not used for the longest time first.
func (s *sandbox) clones() ([]clone, error) {
	infos, err := filepath.Glob(filepath.Join(s.vcs, "*.info")) // the go command writes one beside each
	var list []clone
	for _, name := range infos {
		c := clone{dir: strings.TrimSuffix(name, ".info")}
		if info, err := os.Stat(name); err == nil {
			c.used = info.ModTime()
		}
		c.size = treeSize(c.dir)
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b clone) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.dir, b.dir)) })
	return list, err
}

// touch notes that clones are used.
func (s *sandbox) touch(clones []string, now time.Time) {
	for _, dir := range clones {
		_ = os.Chtimes(dir+".info", now, now) // it may not have come so far, and the worst is to be cloned again
	}
}

// trim moves what is too much into a folder to be removed. No command may run.
func (s *sandbox) trim(ctx context.Context, limit int64) (trash string, freed int64, err error) {
	if trash, err = os.MkdirTemp(s.tmp, "trash-"); err != nil {
		return "", 0, err
	}
	clones, err := s.clones()
	if err != nil {
		return trash, 0, err
	}
	small := treeSize(s.download)
	total := small
	for i := range clones {
		swept := s.sweep(clones[i].dir)
		clones[i].size -= swept
		freed += swept
		total += clones[i].size
	}
	if total > limit && small > 0 { // .info and .mod files are easily made again
		if err := os.Rename(s.download, filepath.Join(trash, "download")); err != nil {
			return trash, freed, err
		}
		total, freed = total-small, freed+small
	}
	for _, c := range clones {
		if total <= limit || ctx.Err() != nil {
			break
		}
		if err := s.drop(c.dir, trash); err != nil {
			return trash, freed, err
		}
		total, freed = total-c.size, freed+c.size
	}
	return trash, freed, ctx.Err()
}

// drop moves a clone into the trash.
func (s *sandbox) drop(dir, trash string) error {
	err := os.Remove(dir + ".info") // first: without it, the go command takes what is left for nothing
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = os.Rename(dir, filepath.Join(trash, filepath.Base(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sweep removes the packs that a git which was killed left unfinished in a clone, and returns their size.
func (s *sandbox) sweep(dir string) (freed int64) {
	names, _ := filepath.Glob(filepath.Join(dir, "objects", "pack", "tmp_*")) // the pattern is valid
	for _, name := range names {
		info, err := os.Stat(name)
		if err == nil && os.Remove(name) == nil {
			freed += info.Size()
		}
	}
	return freed
}

// treeSize returns how many bytes the files in a folder have, as far as can be seen: they may come and go meanwhile.
func treeSize(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
