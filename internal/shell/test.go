package shell

import (
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/msg"
)

// test evaluates the expression of [[ … ]].
func (r *posix) test(x syntax.TestExpr) status {
	switch x := x.(type) {
	case *syntax.Word:
		return nonEmpty(r.word(x))
	case *syntax.ParenTest:
		return r.test(x.X)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			return r.test(x.X).not()
		}
		w, ok := x.X.(*syntax.Word)
		if !ok {
			return unknownStatus(notFollowed())
		}
		return r.unaryTest(x.Op.String(), r.word(w))
	case *syntax.BinaryTest:
		return r.binaryTest(x)
	}
	return unknownStatus(notFollowed())
}

func nonEmpty(v value) status {
	if empty, ok := v.empty(); ok {
		return statusOf(!empty)
	}
	return unknownStatus(v.why)
}

func (r *posix) binaryTest(x *syntax.BinaryTest) status {
	switch x.Op {
	case syntax.AndTest, syntax.OrTest:
		left := r.test(x.X)
		if left.known() && left.ok() == (x.Op == syntax.OrTest) {
			return left
		}
		right := r.test(x.Y)
		if x.Op == syntax.AndTest {
			return left.and(right)
		}
		return left.or(right)
	}
	a, ok1 := x.X.(*syntax.Word)
	b, ok2 := x.Y.(*syntax.Word)
	if !ok1 || !ok2 {
		return unknownStatus(notFollowed())
	}
	left := r.word(a)
	switch x.Op {
	case syntax.TsMatch, syntax.TsMatchShort:
		return r.match(left, r.pattern(b))
	case syntax.TsNoMatch:
		return r.match(left, r.pattern(b)).not()
	case syntax.TsReMatch:
		return r.regexpMatch(left, r.pattern(b))
	case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
		return compareNumbers(x.Op.String(), r.arithWord(a), r.arithWord(b))
	}
	return r.compare(x.Op.String(), left, r.word(b))
}

// arithWord evaluates an operand of -eq in [[ … ]], which is an arithmetic expression.
func (r *posix) arithWord(w *syntax.Word) value {
	n, why := r.arith(w)
	if !why.IsZero() {
		return unknown("", why)
	}
	return known(itoa(n))
}

// regexpMatch evaluates =~. What was quoted in the expression matches itself.
func (r *posix) regexpMatch(v value, expr field) status {
	if !v.known() {
		return unknownStatus(v.why)
	}
	if !expr.known() {
		return unknownStatus(expr.why)
	}
	if len(expr.s) > 1000 || strings.ContainsAny(expr.s, "\\\n") {
		return unknownStatus(notFollowed())
	}
	text := expr.s
	if strings.Contains(expr.pat, `\`) { // quoted parts
		text = unquotedRegexp(expr.pat)
	}
	re, err := regexp.Compile("(?s)" + text)
	if err != nil {
		return unknownStatus(notFollowed())
	}
	m := re.FindStringSubmatch(v.s)
	name := "BASH_REMATCH"
	if r.kind == Zsh {
		name = "match"
		if m != nil {
			r.assign("MATCH", known(m[0]))
			m = m[1:]
		}
	}
	if m != nil {
		r.assign(name, value{s: strings.Join(m[:min(1, len(m))], ""), list: m})
	}
	return statusOf(m != nil || re.MatchString(v.s))
}

// unquotedRegexp returns a regular expression from a pattern whose quoted characters are escaped.
func unquotedRegexp(pat string) string {
	var b strings.Builder
	for i := 0; i < len(pat); i++ {
		if pat[i] == '\\' && i+1 < len(pat) {
			i++
			b.WriteString(regexp.QuoteMeta(pat[i : i+1]))
			continue
		}
		b.WriteByte(pat[i])
	}
	return b.String()
}

// unaryTest evaluates a test of one operand, such as -f.
func (r *posix) unaryTest(op string, v value) status {
	switch op {
	case "-n":
		return nonEmpty(v)
	case "-z":
		return nonEmpty(v).not()
	}
	if !v.known() {
		return unknownStatus(v.why)
	}
	switch op {
	case "-v":
		name, index, _ := strings.Cut(v.s, "[")
		x := r.lookup(name)
		if !x.known() && !x.soft || index != "" {
			return unknownStatus(notFollowed())
		}
		return statusOf(x.set)
	case "-o":
		return r.optionTest(v.s)
	case "-t":
		return r.terminal()
	}
	if v.s == "" {
		return failure
	}
	return r.fileTest(op, abs(r.dir(), v.s))
}

// optionTest evaluates [[ -o interactive ]] and the like.
func (r *posix) optionTest(name string) status {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "")
	switch name {
	case "interactive":
		r.asking |= askedInteractive
		return statusOf(r.s.Interactive)
	case "login":
		r.asking |= askedLogin
		return statusOf(r.s.Login)
	case "posix":
		return statusOf(r.strict)
	case "errexit", "allexport", "noglob", "nullglob", "shwordsplit":
		return statusOf(r.option(name))
	}
	return unknownStatus(msg.New("the shell option %s is not followed", name))
}

// terminal says whether the shell has a terminal.
func (t *trace) terminal() status {
	switch t.s.TTY {
	case Yes:
		return success
	case No:
		return failure
	}
	return unknownStatus(msg.New("it depends on whether there is a terminal"))
}

func (t *trace) fileTest(op, name string) status {
	switch op {
	case "-L", "-h":
		return t.e.isLink(name)
	case "-r":
		return t.access(name, 4)
	case "-w":
		return t.access(name, 2)
	case "-x":
		return t.access(name, 1)
	}
	info, st := t.stat(name)
	if !st.ok() {
		return st
	}
	switch op {
	case "-e", "-a":
		return success
	case "-f":
		return statusOf(info.Mode.IsRegular())
	case "-d":
		return statusOf(info.Mode.IsDir())
	case "-s":
		return statusOf(info.Size > 0)
	case "-p":
		return statusOf(info.Mode&fs.ModeNamedPipe != 0)
	case "-S":
		return statusOf(info.Mode&fs.ModeSocket != 0)
	case "-b", "-c":
		return statusOf(info.Mode&fs.ModeDevice != 0 && (op == "-c") == (info.Mode&fs.ModeCharDevice != 0))
	case "-O":
		if uid, ok := t.e.uid(); ok {
			return statusOf(info.UID == uid)
		}
	}
	return unknownStatus(msg.New("the test %s is not followed", op))
}

func (r *posix) compare(op string, a, b value) status { return r.compareIn(r.dir(), op, a, b) }

// compareIn evaluates a test of two strings or files.
func (t *trace) compareIn(dir, op string, a, b value) status {
	switch op {
	case "=", "==":
		return equal(a, b)
	case "!=":
		return equal(a, b).not()
	case "-eq", "-ne", "-lt", "-le", "-gt", "-ge":
		return compareNumbers(op, a, b)
	}
	switch {
	case !a.known():
		return unknownStatus(a.why)
	case !b.known():
		return unknownStatus(b.why)
	}
	switch op {
	case "<":
		return statusOf(a.s < b.s)
	case ">":
		return statusOf(a.s > b.s)
	case "-ef":
		return statusOf(t.e.resolve(abs(dir, a.s)) == t.e.resolve(abs(dir, b.s)))
	}
	return unknownStatus(msg.New("the test %s is not followed", op))
}

// compareNumbers compares integers; what is no integer is an error, which counts as false.
func compareNumbers(op string, a, b value) status {
	switch {
	case !a.known():
		return unknownStatus(a.why)
	case !b.known():
		return unknownStatus(b.why)
	}
	x, err1 := strconv.ParseInt(strings.TrimSpace(a.s), 10, 64)
	y, err2 := strconv.ParseInt(strings.TrimSpace(b.s), 10, 64)
	if err1 != nil || err2 != nil {
		return status{code: 2}
	}
	switch op {
	case "-eq":
		return statusOf(x == y)
	case "-ne":
		return statusOf(x != y)
	case "-lt":
		return statusOf(x < y)
	case "-le":
		return statusOf(x <= y)
	case "-gt":
		return statusOf(x > y)
	}
	return statusOf(x >= y)
}

// testBuiltin evaluates the arguments of [ and test.
func testBuiltin(ops testOps, args []field) status {
	t := tester{ops: ops, args: args}
	switch len(args) {
	case 0:
		return failure
	case 1:
		return nonEmpty(args[0].value)
	case 3:
		if isBinaryTest(args[1].s) {
			return ops.compare(args[1].s, args[0].value, args[2].value)
		}
	}
	st := t.or()
	if t.bad || t.i != len(args) {
		return status{code: 2}
	}
	return st
}

// testOps evaluates single tests.
type testOps interface {
	unaryTest(op string, v value) status
	compare(op string, a, b value) status
}

// tester parses the arguments of [.
type tester struct {
	ops  testOps
	args []field
	i    int
	bad  bool
}

func (t *tester) peek(n int) string {
	if t.i+n < len(t.args) {
		return t.args[t.i+n].s
	}
	return ""
}

func (t *tester) or() status {
	st := t.and()
	for t.i < len(t.args) && t.peek(0) == "-o" {
		t.i++
		st = st.or(t.and())
	}
	return st
}

func (t *tester) and() status {
	st := t.not()
	for t.i < len(t.args) && t.peek(0) == "-a" {
		t.i++
		st = st.and(t.not())
	}
	return st
}

func (t *tester) not() status {
	negate := false
	for t.i+1 < len(t.args) && t.peek(0) == "!" && !isBinaryTest(t.peek(1)) {
		negate = !negate
		t.i++
	}
	st := t.primary()
	if negate {
		return st.not()
	}
	return st
}

func (t *tester) primary() status {
	left := len(t.args) - t.i
	switch {
	case left <= 0:
		t.bad = true
		return failure
	case left >= 3 && isBinaryTest(t.peek(1)):
		a, op, b := t.args[t.i], t.peek(1), t.args[t.i+2]
		t.i += 3
		return t.ops.compare(op, a.value, b.value)
	case t.peek(0) == "(" && left >= 3:
		t.i++
		st := t.or()
		if t.peek(0) != ")" {
			t.bad = true
		}
		t.i++
		return st
	case left >= 2 && isUnaryTest(t.peek(0)):
		op, v := t.peek(0), t.args[t.i+1]
		t.i += 2
		return t.ops.unaryTest(op, v.value)
	}
	t.i++
	return nonEmpty(t.args[t.i-1].value)
}

func isUnaryTest(op string) bool {
	return len(op) == 2 && op[0] == '-' && strings.IndexByte("abcdefghknoprstuvwxzGLNOS", op[1]) >= 0
}

func isBinaryTest(op string) bool {
	switch op {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef":
		return true
	}
	return false
}
