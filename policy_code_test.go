package goready_test

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// commentViolations finds packages and exported names without a comment.
func commentViolations(m *module) []string {
	var out []string
	dirs, files := m.packages()
	for _, dir := range dirs {
		if !hasPackageComment(m, dir) {
			out = append(out, dir+": the package has no comment (what it is for, its one invariant, what it does not do)")
		}
		for _, f := range files[dir] {
			if f.Name.Name != "main" {
				out = append(out, undocumented(m, f)...)
			}
		}
	}
	return out
}

// hasPackageComment accepts a comment in a test file only where there is nothing but tests.
func hasPackageComment(m *module, dir string) bool {
	_, files := m.packages()
	for _, f := range m.files {
		if f.dir != dir || f.test && len(files[dir]) > 0 || f.Doc == nil {
			continue
		}
		if text := f.Doc.Text(); f.Name.Name == "main" && text != "" || strings.HasPrefix(text, "Package "+f.Name.Name+" ") {
			return true
		}
	}
	return false
}

func undocumented(m *module, f *source) []string {
	var out []string
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && d.Name.IsExported() && !wellKnownMethod(d) && receiverExported(d) {
				out = append(out, m.at(d, "%s is exported and has no comment", d.Name.Name))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				for _, name := range undocumentedNames(d, s) {
					out = append(out, m.at(name, "%s is exported and has no comment", name.Name))
				}
			}
		}
	}
	return out
}

// wellKnownMethod reports methods whose contract the standard library states.
func wellKnownMethod(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains(list("Error", "String", "Unwrap", "Is"), d.Name.Name)
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	id := root(d.Recv.List[0].Type)
	return id == nil || id.IsExported()
}

func undocumentedNames(d *ast.GenDecl, s ast.Spec) []*ast.Ident {
	var names []*ast.Ident
	switch s := s.(type) {
	case *ast.TypeSpec:
		if d.Doc == nil && s.Doc == nil && s.Comment == nil {
			names = append(names, s.Name)
		}
	case *ast.ValueSpec:
		if d.Doc == nil && s.Doc == nil && s.Comment == nil {
			names = append(names, s.Names...)
		}
	}
	return slices.DeleteFunc(names, func(id *ast.Ident) bool { return !id.IsExported() })
}

// root returns the identifier that an expression starts with: x of x, *x, x.f, x[i], x[P] and (x).
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// selector returns "pkg.Name" if e is a name of an imported package, by the path's last element or its local name.
func (f *source) selector(e ast.Expr) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, spec := range f.Imports {
		p := imported(spec)
		if spec.Name != nil && spec.Name.Name == id.Name || spec.Name == nil && path.Base(p) == id.Name {
			return p + "." + sel.Sel.Name
		}
	}
	return ""
}

// machineViolations finds code that reaches around host.Host, and what only some packages may do with it.
func machineViolations(m *module) []string {
	var out []string
	for _, f := range m.production() {
		ast.Inspect(f.File, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if why := forbiddenUse(f, f.selector(sel)); why != "" {
				out = append(out, m.at(sel, "%s.%s: %s", root(sel), sel.Sel.Name, why))
			}
			return true
		})
	}
	return out
}

// forbiddenUse says why the file must not use the name, or "".
func forbiddenUse(f *source, name string) string {
	isMain := strings.HasPrefix(f.dir, "cmd/")
	switch name {
	case "os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "os.Setenv", "os.Unsetenv", "syscall.Getenv":
		if !slices.Contains(list("internal/host/local", "internal/serve"), f.dir) {
			return "the environment is read in host/local and serve only"
		}
	case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "runtime.Goexit":
		if !isMain {
			return "only main ends the program"
		}
	case "internal/host.Mutable":
		if !slices.Contains(list("internal/plan", "internal/host", "internal/host/local"), f.dir) {
			return "only plan accepts a machine it can change"
		}
	case "internal/host.Host", "internal/host.Stat", "internal/host.EvalSymlinks", "internal/host.LookPath":
		if f.dir == "internal/explain" || f.dir == "internal/check" {
			return "facts in, values out: ask the machine in facts"
		}
	}
	return ""
}

// shapeViolations finds mains that do more than wiring, functions too long to be left without a word, and contexts
// that are kept.
func shapeViolations(m *module) []string {
	var out []string
	for _, f := range m.production() {
		if path.Base(f.name) == "main.go" && strings.HasPrefix(f.dir, "cmd/") {
			if n := strings.Count(string(m.text[f.name]), "\n"); n > 40 {
				out = append(out, m.at(f.File, "main.go has %d lines, at most 40 are wanted: it is wiring", n))
			}
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if l := m.lines(n); l > 80 && !strings.Contains(n.Doc.Text(), "one story") {
					out = append(out, m.at(n, "%s has %d lines: split it, or say in its comment why it is one story", n.Name.Name, l))
				}
			case *ast.StructType:
				for _, field := range n.Fields.List {
					if f.selector(field.Type) == "context.Context" {
						out = append(out, m.at(field, "a context is passed, never stored"))
					}
				}
			}
			return true
		})
	}
	return out
}

// testViolations finds tests that sleep, and names of subtests that cannot be given to -run as they are.
func testViolations(m *module) []string {
	var out []string
	for _, f := range m.files {
		if !f.test && !testPackage(f.dir) {
			continue
		}
		named := runsNames(f)
		ast.Inspect(f.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if f.selector(n) == "time.Sleep" {
					out = append(out, m.at(n, "tests do not sleep: wait for what is awaited"))
				}
			case *ast.CallExpr:
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Run" && len(n.Args) == 2 {
					out = append(out, badTestName(m, n.Args[0])...)
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && named[key.Name] {
					out = append(out, badTestName(m, n.Value)...)
				}
			}
			return true
		})
	}
	for _, name := range m.names {
		if strings.HasSuffix(name, ".txtar") && strings.ContainsAny(path.Base(name), " ()'\"") {
			out = append(out, name+": cases are named like files, with underscores")
		}
	}
	return out
}

// runsNames returns the fields that name subtests: name, where the file has t.Run(tt.name, …).
func runsNames(f *source) map[string]bool {
	fields := map[string]bool{}
	ast.Inspect(f.File, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		fun, ok1 := call.Fun.(*ast.SelectorExpr)
		arg, ok2 := call.Args[0].(*ast.SelectorExpr)
		if ok1 && ok2 && fun.Sel.Name == "Run" {
			fields[arg.Sel.Name] = true
		}
		return true
	})
	return fields
}

func badTestName(m *module, e ast.Expr) []string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return nil
	}
	if name, err := strconv.Unquote(lit.Value); err == nil && strings.ContainsAny(name, " \t\n'\"`()[]{}*?$&|;<>\\") {
		return []string{m.at(lit, "test name %q: name it like a file, with underscores", name)}
	}
	return nil
}
