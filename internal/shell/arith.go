package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/msg"
)

// arithStatus is the status of ((…)): success if it is not zero.
func (r *posix) arithStatus(x syntax.ArithmExpr) status {
	n, why := r.arith(x)
	if !why.IsZero() {
		return unknownStatus(why)
	}
	return statusOf(n != 0)
}

// arith evaluates an arithmetic expression.
func (r *posix) arith(x syntax.ArithmExpr) (int64, msg.Text) {
	switch x := x.(type) {
	case *syntax.Word:
		v := r.quotedWord(x)
		if !v.known() {
			return 0, v.why
		}
		return r.arithText(v.s, 0)
	case *syntax.ParenArithm:
		return r.arith(x.X)
	case *syntax.UnaryArithm:
		return r.unaryArith(x)
	case *syntax.BinaryArithm:
		return r.binaryArith(x)
	}
	return 0, notFollowed()
}

func notFollowed() msg.Text { return msg.New("goready does not follow this expression") }

// arithText evaluates a number or the name of a variable that holds one.
func (r *posix) arithText(s string, depth int) (int64, msg.Text) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, msg.Text{}
	}
	if n, err := strconv.ParseInt(s, 0, 64); err == nil && !strings.ContainsAny(s, "_obOB") {
		return n, msg.Text{}
	}
	if isName(s) && depth < 20 {
		v := r.lookup(s)
		if !v.known() {
			return 0, v.why
		}
		return r.arithText(v.s, depth+1)
	}
	if base, digits, ok := strings.Cut(s, "#"); ok {
		if b, err := strconv.Atoi(base); err == nil && b >= 2 && b <= 36 {
			if n, err := strconv.ParseInt(digits, b, 64); err == nil {
				return n, msg.Text{}
			}
		}
	}
	if depth < 5 {
		p := syntax.NewParser(syntax.Variant(syntax.LangBash))
		if len(s) < 200 && strings.ContainsAny(s, "+-*/%<>=&|!~^?:") {
			if x, err := p.Arithmetic(strings.NewReader(s)); err == nil {
				return r.nested(x)
			}
		}
	}
	return 0, notFollowed()
}

// nested evaluates an expression that came from the value of a variable.
func (r *posix) nested(x syntax.ArithmExpr) (int64, msg.Text) {
	if *r.steps += 10; *r.steps > maxSteps {
		return 0, notFollowed()
	}
	return r.arith(x)
}

func (r *posix) unaryArith(x *syntax.UnaryArithm) (int64, msg.Text) {
	n, why := r.arith(x.X)
	if !why.IsZero() {
		if x.Op == syntax.Inc || x.Op == syntax.Dec {
			r.setArith(x.X, 0, why)
		}
		return 0, why
	}
	switch x.Op {
	case syntax.Not:
		return boolInt(n == 0), why
	case syntax.BitNegation:
		return ^n, why
	case syntax.Plus:
		return n, why
	case syntax.Minus:
		return -n, why
	}
	next := n + 1
	if x.Op == syntax.Dec {
		next = n - 1
	}
	r.setArith(x.X, next, why)
	if x.Post {
		return n, why
	}
	return next, why
}

// setArith assigns to the variable that an expression names.
func (r *posix) setArith(x syntax.ArithmExpr, n int64, why msg.Text) {
	w, ok := x.(*syntax.Word)
	if !ok {
		return
	}
	name := w.Lit()
	if !isName(name) {
		return
	}
	v := known(itoa(n))
	if !why.IsZero() {
		v = unknown("", why)
	}
	r.assign(name, v)
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (r *posix) binaryArith(x *syntax.BinaryArithm) (int64, msg.Text) {
	switch x.Op {
	case syntax.Assgn, syntax.AddAssgn, syntax.SubAssgn, syntax.MulAssgn, syntax.QuoAssgn, syntax.RemAssgn,
		syntax.AndAssgn, syntax.OrAssgn, syntax.XorAssgn, syntax.ShlAssgn, syntax.ShrAssgn:
		return r.arithAssign(x)
	case syntax.TernQuest:
		c, why := r.arith(x.X)
		alt, ok := x.Y.(*syntax.BinaryArithm)
		if !why.IsZero() || !ok {
			return 0, why
		}
		if c != 0 {
			return r.arith(alt.X)
		}
		return r.arith(alt.Y)
	}
	a, why := r.arith(x.X)
	if why.IsZero() && (x.Op == syntax.AndArit && a == 0 || x.Op == syntax.OrArit && a != 0) {
		return boolInt(a != 0), why
	}
	b, why2 := r.arith(x.Y)
	if why.IsZero() {
		why = why2
	}
	if !why.IsZero() {
		return 0, why
	}
	return compute(x.Op.String(), a, b)
}

func (r *posix) arithAssign(x *syntax.BinaryArithm) (int64, msg.Text) {
	n, why := r.arith(x.Y)
	if x.Op != syntax.Assgn && why.IsZero() {
		var old int64
		old, why = r.arith(x.X)
		if why.IsZero() {
			n, why = compute(strings.TrimSuffix(x.Op.String(), "="), old, n)
		}
	}
	r.setArith(x.X, n, why)
	return n, why
}

// compute applies an operator, written as in the source, to two numbers.
func compute(op string, a, b int64) (int64, msg.Text) {
	switch op {
	case "+":
		return a + b, msg.Text{}
	case "-":
		return a - b, msg.Text{}
	case "*":
		return a * b, msg.Text{}
	case "/", "%":
		if b == 0 || b == -1 {
			return 0, notFollowed()
		}
		if op == "/" {
			return a / b, msg.Text{}
		}
		return a % b, msg.Text{}
	case "&":
		return a & b, msg.Text{}
	case "|":
		return a | b, msg.Text{}
	case "^":
		return a ^ b, msg.Text{}
	case "<<":
		return a << uint(b&63), msg.Text{}
	case ">>":
		return a >> uint(b&63), msg.Text{}
	case ",":
		return b, msg.Text{}
	}
	return compareArith(op, a, b)
}

func compareArith(op string, a, b int64) (int64, msg.Text) {
	switch op {
	case "==":
		return boolInt(a == b), msg.Text{}
	case "!=":
		return boolInt(a != b), msg.Text{}
	case ">":
		return boolInt(a > b), msg.Text{}
	case "<":
		return boolInt(a < b), msg.Text{}
	case ">=":
		return boolInt(a >= b), msg.Text{}
	case "<=":
		return boolInt(a <= b), msg.Text{}
	case "&&":
		return boolInt(a != 0 && b != 0), msg.Text{}
	case "||":
		return boolInt(a != 0 || b != 0), msg.Text{}
	}
	return 0, notFollowed()
}
