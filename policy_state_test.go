package goready_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
)

// stateViolations finds what a package does or keeps besides its functions: init, work at start-up, variables that
// change. Tables are fine: a package variable that is given its value where it is declared, and never again.
func stateViolations(m *module) []string {
	var out []string
	dirs, files := m.packages()
	for _, dir := range dirs {
		if testPackage(dir) {
			continue
		}
		p := checkPackage(m, files[dir])
		for _, f := range files[dir] {
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if d.Name.Name == "init" && d.Recv == nil {
						out = append(out, m.at(d, "func init: nothing happens because a package is linked"))
					}
				case *ast.GenDecl:
					if d.Tok == token.VAR {
						out = append(out, p.declared(f, d)...)
					}
				}
			}
			out = append(out, p.changed(f)...)
		}
	}
	return out
}

// checked is a package with its names resolved. Other packages are not loaded, so that types are mostly unknown; who
// means which package variable is known all the same.
type checked struct {
	m    *module
	info types.Info
	pkg  *types.Package
}

func checkPackage(m *module, files []*source) *checked {
	p := &checked{m: m, info: types.Info{Uses: map[*ast.Ident]types.Object{}}}
	conf := types.Config{Importer: emptyImporter{}, Error: func(error) {}, FakeImportC: true}
	var syntax []*ast.File
	for _, f := range files {
		syntax = append(syntax, f.File)
	}
	p.pkg, _ = conf.Check("p", m.fset, syntax, &p.info) // errors: the other packages are empty
	return p
}

type emptyImporter struct{}

func (emptyImporter) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, path.Base(name))
	p.MarkComplete()
	return p, nil
}

// declared checks the declaration of package variables.
func (p *checked) declared(f *source, d *ast.GenDecl) []string {
	var out []string
	for _, s := range d.Specs {
		v := s.(*ast.ValueSpec)
		if len(v.Values) == 0 && !embedded(d, v) {
			out = append(out, p.m.at(v, "package variable %s has no value: it is state", v.Names[0].Name))
		}
		if name := f.selector(v.Type); strings.HasPrefix(name, "sync.") || strings.HasPrefix(name, "sync/atomic.") {
			out = append(out, p.m.at(v, "package variable %s is state", v.Names[0].Name))
		}
		for _, value := range v.Values {
			out = append(out, p.startup(f, v.Names[0].Name, value)...)
		}
	}
	return out
}

func embedded(d *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{d.Doc, v.Doc} {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

// startup finds calls that run before main, each time the program starts. Composite values of package sync are state.
func (p *checked) startup(f *source, name string, value ast.Expr) []string {
	cheap := list("errors.New", "fmt.Errorf", "internal/msg.New", "strings.NewReplacer", "reflect.TypeFor",
		"sync.OnceFunc", "sync.OnceValue", "sync.OnceValues")
	var out []string
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CompositeLit:
			if t := f.selector(n.Type); strings.HasPrefix(t, "sync.") || strings.HasPrefix(t, "sync/atomic.") {
				out = append(out, p.m.at(n, "package variable %s is state", name))
			}
		case *ast.CallExpr:
			if !p.conversion(f, n) && !slices.Contains(cheap, f.selector(n.Fun)) {
				out = append(out, p.m.at(n, "package variable %s is computed each time the program starts: make it a literal, or compute it when needed (sync.OnceValue)", name))
			}
		}
		return true
	})
	return out
}

// conversion reports whether a call is a conversion to a type that can be seen to be one, or costs nothing.
func (p *checked) conversion(f *source, call *ast.CallExpr) bool {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.ArrayType, *ast.MapType, *ast.StarExpr, *ast.InterfaceType, *ast.FuncType, *ast.ChanType:
		return true
	case *ast.Ident:
		switch obj := p.info.Uses[fun].(type) {
		case *types.TypeName:
			return true
		case *types.Builtin:
			return obj.Name() != "make" && obj.Name() != "new"
		}
		return fun.Name == "New" && f.dir == "internal/msg"
	case *ast.SelectorExpr:
		return p.m.declaresType(f.selector(fun))
	}
	return false
}

// declaresType reports whether name, such as internal/layer.ID, is a type of an own package.
func (m *module) declaresType(name string) bool {
	dir, id, ok := strings.Cut(name, ".")
	if !ok {
		return false
	}
	for _, f := range m.files {
		if f.dir != dir {
			continue
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if ok && g.Tok == token.TYPE && slices.ContainsFunc(g.Specs, func(s ast.Spec) bool { return s.(*ast.TypeSpec).Name.Name == id }) {
				return true
			}
		}
	}
	return false
}

// changed finds statements that change a package variable, or hand out a way to.
func (p *checked) changed(f *source) []string {
	var out []string
	check := func(e ast.Expr) {
		if id := root(e); id != nil && p.packageVar(id) {
			out = append(out, p.m.at(e, "package variable %s is changed here: pass it instead", id.Name))
		}
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					check(e)
				}
			}
		case *ast.IncDecStmt:
			check(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				check(n.Key)
				check(n.Value)
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				check(n.X)
			}
		case *ast.CallExpr:
			if len(n.Args) > 0 && p.changesArgument(f, n.Fun) {
				check(n.Args[0])
			}
		}
		return true
	})
	return out
}

func (p *checked) packageVar(id *ast.Ident) bool {
	v, ok := p.info.Uses[id].(*types.Var)
	return ok && v.Parent() == p.pkg.Scope()
}

// changesArgument reports whether a function is known to change what its first argument refers to.
func (p *checked) changesArgument(f *source, fun ast.Expr) bool {
	if id, ok := fun.(*ast.Ident); ok {
		b, ok := p.info.Uses[id].(*types.Builtin)
		return ok && slices.Contains(list("delete", "clear", "copy"), b.Name())
	}
	name := f.selector(fun)
	return strings.HasPrefix(name, "slices.Sort") && !strings.HasPrefix(name, "slices.Sorted") ||
		slices.Contains(list("slices.Reverse", "slices.Delete", "slices.DeleteFunc", "maps.Copy", "maps.DeleteFunc",
			"sort.Strings", "sort.Ints", "sort.Slice", "sort.SliceStable", "sort.Sort"), name)
}
