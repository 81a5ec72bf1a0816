package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/msg"
)

// skipStmts records the assignments of statements that are not reached, and the files they would read.
func (r *posix) skipStmts(list []*syntax.Stmt, why msg.Text) {
	if r.quiet || r.dry || len(list) == 0 || !r.maybe.IsZero() {
		return
	}
	line := r.f.line
	r.dry = true
	for _, s := range list {
		syntax.Walk(s, func(n syntax.Node) bool { return r.skipNode(n, why) })
		if !r.step() {
			break
		}
	}
	r.dry = false
	r.f.line = line
}

func (r *posix) skipNode(n syntax.Node, why msg.Text) bool {
	switch n := n.(type) {
	case *syntax.FuncDecl, *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst:
		return false
	case *syntax.DeclClause:
		for _, a := range n.Args {
			if a.Name != nil && !a.Naked {
				r.skipAssign(a, why)
			}
		}
		return false
	case *syntax.CallExpr:
		if len(n.Args) > 0 {
			r.skipCall(n, why)
			return false
		}
		for _, a := range n.Assigns {
			r.skipAssign(a, why)
		}
		return false
	}
	return true
}

func (r *posix) skipAssign(a *syntax.Assign, why msg.Text) {
	r.line(a)
	name := decode(a.Name.Value)
	v := r.assigned(name, a)
	if scalar, ok := r.ties[name]; ok {
		name, v = scalar, joined(v)
	}
	r.skip(name, v, why)
}

// skipCall records what a command that is not reached would have assigned or read.
func (r *posix) skipCall(n *syntax.CallExpr, why msg.Text) {
	r.line(n)
	switch n.Args[0].Lit() {
	case "export", "readonly", "local":
		for _, w := range n.Args[1:] {
			f := r.word(w)
			if name, text, has := strings.Cut(f.s, "="); has && isName(name) {
				r.skip(name, value{s: text}, why)
			}
		}
	case ".", "source":
		if len(n.Args) > 1 {
			r.skipFile(r.word(n.Args[1]), why)
		}
	}
}

// skipFile records the assignments of a file that is not read.
func (r *posix) skipFile(name value, why msg.Text) {
	if !name.known() || !strings.HasPrefix(name.s, "/") || r.f.depth >= 4 {
		return
	}
	if info, st := r.stat(name.s); !st.ok() || !info.Mode.IsRegular() {
		return
	}
	r.visit(name.s, Skipped, why)
	s, err := r.e.script(name.s, r.lang)
	if err != nil {
		return
	}
	saved := r.script
	r.push(frame{file: name.s})
	r.script = s
	for _, stmt := range s.stmts {
		syntax.Walk(stmt, func(n syntax.Node) bool { return r.skipNode(n, why) })
	}
	r.script = saved
	r.pop()
}
