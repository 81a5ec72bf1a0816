package modtest

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/mod/sumdb/dirhash"
)

//go:embed testdata/mod/*.txtar
var corpus embed.FS

// paddingFile makes a zip big.
const paddingFile = "padding.bin"

// Corpus returns the modules in testdata/mod, all below mod.example.com, each set its own:
//
//	basic            five versions, v1.0.0 to v1.10.0 and a pre-release of v1.11.0; the branch main, a revision
//	basic/v2         a major version
//	Upper/CaseMod    a path with capitals
//	incompatible     versions with +incompatible, without a go.mod file
//	pseudo           no tags: an empty list, pseudo-versions only; the branch main
//	retract          v1.2.0 retracts v1.1.0
//	fork             its go.mod names mod.example.com/basic
//	deps             requires basic, basic/v2, Upper/CaseMod, pseudo and incompatible
//	empty            known, without any version
//
// and golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64, whose go command is a shell script that prints its arguments.
func Corpus() *Modules {
	sub, err := fs.Sub(corpus, "testdata/mod")
	if err != nil {
		panic("modtest: " + err.Error()) // unreachable: the name is valid
	}
	m, err := Load(sub)
	if err != nil {
		panic("modtest: " + err.Error())
	}
	return m
}

// Load reads the modules of all files *.txtar of a folder. The files of an archive are those of the module, and its
// comment has these lines, the first of which must be there:
//
//	module PATH
//	version V          without it the module is known, but empty
//	time RFC3339
//	tag false          not in @v/list
//	query NAME         a branch or revision that leads to the version; may be repeated
//	zip size N         about so many bytes are added, which do not compress
//	# a remark
func Load(fsys fs.FS) (*Modules, error) {
	names, err := fs.Glob(fsys, "*.txtar")
	if err != nil {
		return nil, err
	}
	m := &Modules{}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		if err := m.load(txtar.Parse(data)); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
	}
	return m, nil
}

func (m *Modules) load(a *txtar.Archive) error {
	v := Version{Files: map[string]string{}}
	for _, f := range a.Files {
		v.Files[f.Name] = string(f.Data)
	}
	var queries []string
	for line := range strings.Lines(string(a.Comment)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "query "); ok {
			queries = append(queries, name)
			continue
		}
		if err := v.set(line); err != nil {
			return err
		}
	}
	switch {
	case v.Path == "":
		return fmt.Errorf("no line %q", "module PATH")
	case v.Version == "" && len(v.Files)+len(queries) > 0:
		return fmt.Errorf("no line %q", "version V")
	case v.Version == "":
		return m.addEmpty(v.Path)
	}
	for _, q := range queries {
		m.SetQuery(v.Path, q, v.Version)
	}
	return m.add(v)
}

// set takes a line of an archive's comment.
func (v *Version) set(line string) (err error) {
	key, value, _ := strings.Cut(line, " ")
	switch key {
	case "module":
		v.Path = value
	case "version":
		v.Version = value
	case "time":
		v.Time, err = time.Parse(time.RFC3339, value)
	case "tag":
		var tag bool
		tag, err = strconv.ParseBool(value)
		v.Unlisted = !tag
	case "zip":
		var size uint64
		size, err = strconv.ParseUint(strings.TrimPrefix(value, "size "), 10, 30)
		v.Files[paddingFile] = padding(int(size))
	default:
		return fmt.Errorf("unknown line %q", line)
	}
	if err != nil {
		return fmt.Errorf("line %q: %w", line, err)
	}
	return nil
}

// padding returns random bytes, always the same.
func padding(size int) string {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(data) // it never returns an error
	return string(data)
}

// hashZip returns the h1 hash of a zip, "" if it is none.
func hashZip(data []byte) string {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return ""
	}
	var names []string
	files := map[string]*zip.File{}
	for _, f := range r.File {
		names = append(names, f.Name)
		files[f.Name] = f
	}
	h, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return files[name].Open() })
	if err != nil {
		return ""
	}
	return h
}
