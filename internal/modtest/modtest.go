// Package modtest is a module proxy and a checksum database for tests: real ones, on loopback, whose modules are
// written in txtar archives or in the test itself, and which can be made to misbehave.
//
// A [Modules] is what there is to serve, [Proxy] and [SumDB] serve it, a [Fault] is what goes wrong. All bytes are
// the same in every run: zips are built from sorted files, random data and keys come from fixed seeds.
//
// A mistake in the test, such as a module path that no proxy could serve, panics. Only tests import this package.
package modtest

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// Modules is a set of module versions and of the queries that lead to them. It may be added to while it is served.
// The zero value is empty.
type Modules struct {
	mu   sync.Mutex // guards what follows; an entry itself never changes
	mods map[string]*versions
}

// versions are those of one module.
type versions struct {
	byName  map[string]*entry
	queries map[string]string // a branch or revision, and its version
}

type entry struct {
	info, mod, zip []byte
	hasMod         bool // the module has a go.mod file of its own
	unlisted       bool
	time           time.Time
	sums           func() (zip, gomod string)
}

// Version is one version of a module.
type Version struct {
	Path, Version string            // unescaped; the version is canonical
	Time          time.Time         // zero: that of the pseudo-version, else a fixed one
	Files         map[string]string // a module without go.mod is given one outside the zip, as the go command does
	Zip           []byte            // not nil: the bytes of the zip, whatever they are, instead of Files
	Unlisted      bool              // not in @v/list, for it is no tag; so are all pseudo-versions
}

// Add adds a version, or replaces it. It panics if there can be no such version.
func (m *Modules) Add(v Version) {
	if err := m.add(v); err != nil {
		panic("modtest: " + err.Error())
	}
}

func (m *Modules) add(v Version) error {
	e, err := newEntry(v)
	if err != nil {
		return fmt.Errorf("%s@%s: %w", v.Path, v.Version, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.module(v.Path).byName[v.Version] = e
	return nil
}

// AddEmpty makes a module known of which there is no version: its list is empty, it has no latest version.
func (m *Modules) AddEmpty(path string) {
	if err := m.addEmpty(path); err != nil {
		panic("modtest: " + err.Error())
	}
}

func (m *Modules) addEmpty(path string) error {
	if err := module.CheckPath(path); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.module(path)
	return nil
}

// AddBig adds a module whose zip has a little more than size bytes, which do not compress.
func (m *Modules) AddBig(path, version string, size int) {
	v := Version{Path: path, Version: version, Files: map[string]string{"go.mod": "module " + path + "\n", paddingFile: padding(size)}}
	var err error
	if v.Zip, err = storeZip(v); err != nil {
		panic("modtest: " + err.Error())
	}
	m.Add(v)
}

// SetQuery makes a branch, a revision or another name lead to a version, now or when the version is added.
func (m *Modules) SetQuery(path, query, version string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.module(path).queries[query] = version
}

// module returns the module, made if need be. The caller holds mu.
func (m *Modules) module(path string) *versions {
	if m.mods == nil {
		m.mods = map[string]*versions{}
	}
	if m.mods[path] == nil {
		m.mods[path] = &versions{byName: map[string]*entry{}, queries: map[string]string{}}
	}
	return m.mods[path]
}

// Info returns what a proxy answers for the .info of a version or of a query.
func (m *Modules) Info(path, version string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mod := m.mods[path]
	if mod == nil {
		return nil, false
	}
	if v, ok := mod.queries[version]; ok {
		version = v
	}
	if e := mod.byName[version]; e != nil {
		return e.info, true
	}
	return nil, false
}

// Mod returns the go.mod file of a version.
func (m *Modules) Mod(path, version string) ([]byte, bool) {
	if e := m.entry(path, version); e != nil {
		return e.mod, true
	}
	return nil, false
}

// Zip returns the zip of a version.
func (m *Modules) Zip(path, version string) ([]byte, bool) {
	if e := m.entry(path, version); e != nil {
		return e.zip, true
	}
	return nil, false
}

// Sums returns the hashes of a version as in go.sum: that of the zip, "" if it is no zip, and that of go.mod. Both
// are "" for an unknown version.
func (m *Modules) Sums(path, version string) (zip, gomod string) {
	if e := m.entry(path, version); e != nil {
		return e.sums()
	}
	return "", ""
}

// List returns the versions that @v/list has, in semver order. It reports whether the module is known.
func (m *Modules) List(path string) (versions []string, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mod := m.mods[path]
	if mod == nil {
		return nil, false
	}
	for v, e := range mod.byName {
		if !e.unlisted {
			versions = append(versions, v)
		}
	}
	semver.Sort(versions)
	return versions, true
}

// Latest returns the version that @latest answers, "" if there is none: the highest release, else the highest
// pre-release, else the newest pseudo-version. A +incompatible one does not count beside a compatible one that has a
// go.mod file. Retractions are the go command's affair.
func (m *Modules) Latest(path string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	mod := m.mods[path]
	if mod == nil {
		return ""
	}
	var listed, rest []string
	for v, e := range mod.byName {
		if e.unlisted {
			rest = append(rest, v)
		} else {
			listed = append(listed, v)
		}
	}
	slices.SortFunc(rest, func(a, b string) int {
		return cmp.Or(mod.byName[a].time.Compare(mod.byName[b].time), semver.Compare(a, b))
	})
	semver.Sort(listed)
	incompatible := func(v string) bool { return strings.HasSuffix(v, "+incompatible") }
	compatible := slices.DeleteFunc(slices.Clone(listed), incompatible)
	if v := highest(compatible); v != "" && mod.byName[v].hasMod {
		return v
	}
	if v := highest(listed); v != "" {
		return v
	}
	if len(rest) > 0 {
		return rest[len(rest)-1]
	}
	return ""
}

// highest returns the last release of a sorted list, else the last pre-release.
func highest(sorted []string) string {
	for _, v := range slices.Backward(sorted) {
		if semver.Prerelease(v) == "" {
			return v
		}
	}
	if len(sorted) > 0 {
		return sorted[len(sorted)-1]
	}
	return ""
}

// All returns all versions, sorted by path and version.
func (m *Modules) All() []module.Version {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []module.Version
	for path, mod := range m.mods {
		for v := range mod.byName {
			all = append(all, module.Version{Path: path, Version: v})
		}
	}
	module.Sort(all)
	return all
}

func (m *Modules) entry(path, version string) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mod := m.mods[path]; mod != nil {
		return mod.byName[version]
	}
	return nil
}

// WriteTree writes what a proxy serves as files below dir, for GOPROXY=file://dir or a file server.
func (m *Modules) WriteTree(dir string) error {
	m.mu.Lock()
	names := map[string][]string{} // what each module answers an .info for
	for path, mod := range m.mods {
		names[path] = slices.Concat(slices.Collect(maps.Keys(mod.byName)), slices.Collect(maps.Keys(mod.queries)))
	}
	m.mu.Unlock()
	for path, names := range names {
		urls := []string{"@v/list", "@latest"}
		for _, name := range names {
			esc, err := module.EscapeVersion(name)
			if err != nil {
				return err
			}
			urls = append(urls, "@v/"+esc+".info", "@v/"+esc+".mod", "@v/"+esc+".zip")
		}
		esc, err := module.EscapePath(path)
		if err != nil {
			return err
		}
		for _, u := range urls {
			if err := m.writeFile(dir, esc+"/"+u); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFile writes what is answered for a URL path below the proxy, if it is.
func (m *Modules) writeFile(dir, urlPath string) error {
	body, _, err := m.file(urlPath, ascending)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name := filepath.Join(dir, filepath.FromSlash(urlPath))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, body, 0o666)
}

func newEntry(v Version) (*entry, error) {
	if err := module.Check(v.Path, v.Version); err != nil {
		return nil, err
	}
	gomod, hasMod := v.Files["go.mod"]
	if !hasMod {
		gomod = "module " + v.Path + "\n"
	}
	e := &entry{mod: []byte(gomod), zip: v.Zip, hasMod: hasMod, time: v.Time.UTC(), unlisted: v.Unlisted}
	if module.IsPseudoVersion(v.Version) {
		e.unlisted = true
	}
	if v.Time.IsZero() {
		e.time = defaultTime(v.Version)
	}
	if e.zip == nil {
		var err error
		if e.zip, err = makeZip(v); err != nil {
			return nil, err
		}
	}
	var err error
	e.info, err = json.Marshal(struct {
		Version string
		Time    time.Time
	}{v.Version, e.time})
	e.sums = sync.OnceValues(func() (string, string) { return hashZip(e.zip), hashMod(e.mod) })
	return e, err
}

func defaultTime(version string) time.Time {
	if t, err := module.PseudoVersionTime(version); err == nil {
		return t
	}
	return time.Date(2024, time.January, 2, 3, 4, 5, 0, time.UTC)
}

// makeZip sorts the files, for the order is part of the bytes.
func makeZip(v Version) ([]byte, error) {
	var files []modzip.File
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		files = append(files, zipFile{name, v.Files[name]})
	}
	var buf bytes.Buffer
	err := modzip.Create(&buf, module.Version{Path: v.Path, Version: v.Version}, files)
	return buf.Bytes(), err
}

// storeZip does not try to compress the files, which modzip.Create takes a second for with 40 MiB.
func storeZip(v Version) ([]byte, error) {
	var buf bytes.Buffer
	for _, data := range v.Files {
		buf.Grow(len(data) + 1<<10)
	}
	w := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: v.Path + "@" + v.Version + "/" + name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(f, v.Files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buf.Bytes(), err
}

// zipFile is a regular file for modzip.
type zipFile struct{ name, data string }

func (f zipFile) Path() string                 { return f.name }
func (f zipFile) Lstat() (fs.FileInfo, error)  { return f, nil }
func (f zipFile) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(f.data)), nil }
func (f zipFile) Name() string                 { return f.name }
func (f zipFile) Size() int64                  { return int64(len(f.data)) }
func (f zipFile) Mode() fs.FileMode            { return 0o444 }
func (f zipFile) ModTime() time.Time           { return time.Time{} }
func (f zipFile) IsDir() bool                  { return false }
func (f zipFile) Sys() any                     { return nil }

func hashMod(data []byte) string {
	h, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	})
	if err != nil {
		panic("modtest: " + err.Error()) // unreachable: bytes can be read
	}
	return h
}
