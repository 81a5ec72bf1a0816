package sysenv

import (
	"errors"
	"strings"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Limits that no real file comes near: a value longer than maxValue cannot be passed to a program (Linux,
// MAX_ARG_STRLEN is 128 KiB), and each nested ${A:-…} is scanned again by each one around it.
const (
	maxValue = 1 << 20
	maxNest  = 50
)

var errTooMuch = errors.New("expansion is too large")

// expander expands variables as systemd does in environment.d (src/basic/env-util.c, replace_env_n with the flags for
// $X and ${X:-d}). One expander serves all values of a list of files, so that their sum is bounded too.
type expander struct {
	env     *layer.Env
	budget  int      // bytes that may still be produced
	unknown msg.Text // why the value just expanded cannot be told, if it cannot
}

func newExpander(env *layer.Env) *expander { return &expander{env: env, budget: 16 * maxValue} }

// expand returns s with its variables replaced. A variable that cannot be told makes the result a guess and is
// reported in x.unknown.
func (x *expander) expand(s string) (string, error) {
	x.unknown = msg.Text{}
	return x.replace(s, 0)
}

// lookup returns the value of a variable and whether it is set.
func (x *expander) lookup(name string) (string, bool) {
	if name == "" {
		return "", false
	}
	v, ok, unknown := x.env.Lookup(name)
	if !unknown.IsZero() {
		x.unknown = dependsOn(name, unknown)
		return v, true
	}
	return v, ok
}

// dependsOn says that a value is unknown because that of a variable in it is. Of a chain of them it keeps the origin.
func dependsOn(name string, why msg.Text) msg.Text {
	if strings.HasPrefix(why.Format, "it depends on ") {
		return why
	}
	return msg.New("it depends on %s, which is unknown: %s", name, why)
}

type expandState int

const (
	inWord expandState = iota
	afterDollar
	inBraces
	inBareName
	afterColon
	inDefault
	inAlternate
)

// replace is the state machine of replace_env_n. What it leaves alone, and the order in which it takes things, are
// systemd's, including the odd cases: in a default only "{" and "}" are counted, and a failed "${" is literal.
func (x *expander) replace(s string, depth int) (string, error) {
	if depth > maxNest {
		return "", errTooMuch
	}
	r := replacer{expander: x, s: s, depth: depth}
	for i := 0; i < len(s); i++ {
		again, err := r.step(i)
		if err != nil {
			return "", err
		}
		if again {
			i--
		}
	}
	if r.state == inBareName {
		r.put(r.value(s[r.word+1:]))
	} else {
		r.put(s[r.word:])
	}
	x.budget -= r.out.Len()
	if x.budget < 0 || r.out.Len() > maxValue {
		return "", errTooMuch
	}
	return r.out.String(), nil
}

type replacer struct {
	*expander
	s       string
	depth   int
	state   expandState
	word    int // start of what is not written yet
	nameEnd int
	test    int // start of the default or alternate value
	nest    int
	out     strings.Builder
}

// put writes s, but not more than can be used.
func (r *replacer) put(s string) {
	if r.out.Len() <= maxValue {
		r.out.WriteString(s)
	}
}

func (r *replacer) value(name string) string {
	v, _ := r.lookup(name)
	return v
}

// step looks at the character i; again means that it must be looked at once more in the new state.
func (r *replacer) step(i int) (again bool, err error) {
	c := r.s[i]
	switch r.state {
	case inWord:
		if c == '$' {
			r.state = afterDollar
		}
	case afterDollar:
		r.stepDollar(i, c)
	case inBraces:
		r.stepBraces(i, c)
	case inBareName:
		if !isNameByte(c) {
			r.put(r.value(r.s[r.word+1 : i]))
			r.word, r.state = i, inWord
			return true, nil
		}
	case afterColon:
		r.stepColon(i, c)
	case inDefault, inAlternate:
		return false, r.stepTest(i, c)
	}
	return false, nil
}

func (r *replacer) stepDollar(i int, c byte) {
	switch {
	case c == '{':
		r.put(r.s[r.word : i-1])
		r.word, r.state = i-1, inBraces
		r.nest++
	case c == '$':
		r.put(r.s[r.word:i])
		r.word, r.state = i+1, inWord
	case isNameByte(c):
		r.put(r.s[r.word : i-1])
		r.word, r.state = i-1, inBareName
	default:
		r.state = inWord
	}
}

func (r *replacer) stepBraces(i int, c byte) {
	switch c {
	case '}':
		r.put(r.value(r.s[r.word+2 : i]))
		r.word, r.state = i+1, inWord
		r.nest--
	case ':':
		r.nameEnd, r.state = i, afterColon
	}
}

func (r *replacer) stepColon(i int, c byte) {
	switch c {
	case '-':
		r.state = inDefault
	case '+':
		r.state = inAlternate
	default:
		r.state = inWord
		return
	}
	r.test = i + 1
}

func (r *replacer) stepTest(i int, c byte) error {
	if c == '{' {
		r.nest++
	}
	if c != '}' {
		return nil
	}
	r.nest--
	if r.nest != 0 {
		return nil
	}
	v, set := r.lookup(r.s[r.word+2 : r.nameEnd])
	if set == (r.state == inAlternate) {
		var err error
		if v, err = r.replace(r.s[r.test:i], r.depth+1); err != nil {
			return err
		}
	}
	r.put(v)
	r.word, r.state = i+1, inWord
	return nil
}
