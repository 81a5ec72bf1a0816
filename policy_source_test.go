package goready_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"golang.org/x/mod/modfile"
)

// module is the source of a module: its own files, without those of nested modules.
type module struct {
	fset  *token.FileSet
	files []*source         // in order of their names
	text  map[string][]byte // every file
	names []string          // of text, sorted
	gomod *modfile.File     // nil if there is none
}

// source is a Go file of a module.
type source struct {
	name string // relative to the root, with slashes
	dir  string
	test bool
	*ast.File
}

const modulePath = "github.com/goready/goready"

// loadModule reads all files of a module that could be tracked.
func loadModule(fsys fs.FS) (*module, error) {
	m := &module{fset: token.NewFileSet(), text: map[string][]byte{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return m.enter(fsys, name)
		}
		if !d.Type().IsRegular() || name == ".git" { // a linked work tree's
			return nil
		}
		return m.load(fsys, name)
	})
	return m, err
}

// enter returns fs.SkipDir for folders that hold nothing of the module's source.
func (m *module) enter(fsys fs.FS, dir string) error {
	if slices.Contains([]string{".git", ".cache", "bin", "node_modules"}, path.Base(dir)) {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil && dir != "." {
		return fs.SkipDir
	}
	return nil
}

func (m *module) load(fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	m.text[name] = data
	m.names = append(m.names, name)
	switch {
	case name == "go.mod":
		m.gomod, err = modfile.Parse(name, data, nil)
		return err
	case strings.HasSuffix(name, ".go") && !slices.Contains(strings.Split(name, "/"), "testdata"):
		f, err := parser.ParseFile(m.fset, name, data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		m.files = append(m.files, &source{name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), File: f})
	}
	return nil
}

// at makes a violation at the position of n.
func (m *module) at(n ast.Node, format string, args ...any) string {
	pos := m.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d: ", pos.Filename, pos.Line) + fmt.Sprintf(format, args...)
}

// lines returns the number of lines that n takes.
func (m *module) lines(n ast.Node) int {
	return m.fset.Position(n.End()).Line - m.fset.Position(n.Pos()).Line + 1
}

// production returns the files that are built into a program.
func (m *module) production() []*source {
	var out []*source
	for _, f := range m.files {
		if !f.test && !testPackage(f.dir) {
			out = append(out, f)
		}
	}
	return out
}

// packages returns the files of each folder, tests apart, by folder.
func (m *module) packages() (dirs []string, files map[string][]*source) {
	files = map[string][]*source{}
	for _, f := range m.files {
		if _, ok := files[f.dir]; !ok {
			dirs = append(dirs, f.dir)
			files[f.dir] = nil
		}
		if !f.test {
			files[f.dir] = append(files[f.dir], f)
		}
	}
	slices.Sort(dirs)
	return dirs, files
}

// testPackage reports whether only tests may import the package in dir: testreq, and contracts such as hosttest.
func testPackage(dir string) bool {
	base := path.Base(dir)
	return base == "testreq" || base != "test" && strings.HasSuffix(base, "test")
}

// imported returns the path of an import; that of an own package is its folder.
func imported(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	if p == modulePath {
		return "."
	}
	return strings.TrimPrefix(p, modulePath+"/")
}

func ownPackage(p string) bool {
	return p == "." || strings.HasPrefix(p, "internal/") || strings.HasPrefix(p, "cmd/")
}

// matches reports whether the import path or folder p is one of the patterns.
func matches(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "..." {
			return true
		}
		above, tree := strings.CutSuffix(pattern, "/...")
		return p == above || tree && strings.HasPrefix(p, above+"/")
	})
}

// mapFS is a file system of the files of a case.
func mapFS(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, content := range files {
		m[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return m
}
