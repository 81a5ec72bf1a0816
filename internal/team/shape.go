package team

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/goready/goready/internal/goenv"
)

// shape is what a value must be.
type shape struct {
	kind string // what it is called in messages
	keys []member
	item *shape // of lists, and of tables with any keys
}

type member struct {
	name  string
	shape *shape
}

// The kinds of shapes.
const (
	isText  = "a string"
	isDay   = "a date"
	isList  = "a list"
	isTable = "a table"
	isAny   = "a value"
)

// document is the shape of goready.toml.
func document() *shape {
	text, list := &shape{kind: isText}, &shape{kind: isList, item: &shape{kind: isText}}
	texts := &shape{kind: isTable, item: text}
	known := table(member{"id", text}, member{"object", text}, member{"until", &shape{kind: isDay}}, member{"reason", text})
	return table(
		member{"go", text},
		member{"env", table(member{"user", texts}, member{"session", texts}, member{"service", texts}, member{"machine", texts}, member{"project", texts})},
		member{"tools", texts},
		member{"vscode", table(member{"settings", &shape{kind: isTable, item: &shape{kind: isAny}}})},
		member{"ca", table(member{"files", list})},
		member{"doctor", table(member{"fail-on", text}, member{"severity", text}, member{"skip", list},
			member{"known", &shape{kind: isList, item: known}})})
}

func table(keys ...member) *shape { return &shape{kind: isTable, keys: keys} }

// places are the lines of values, by their path; items of a list by their number.
type places map[string]int

// of returns the line of a value, or of the nearest one that it is in.
func (p places) of(path ...string) int {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if line, ok := p[strings.Join(path, "\x00")]; ok {
			return line
		}
	}
	return 0
}

func (p places) has(path ...string) bool { return p[strings.Join(path, "\x00")] > 0 }

// walker compares a document with its shape, expression by expression.
type walker struct {
	name   string
	parser unstable.Parser
	lines  places
	items  map[string]int // how many [[tables]] there were, by path
}

// walk returns the lines of all values, or the first that must not be there. data is valid TOML.
func walk(name string, data []byte) (places, error) {
	w := &walker{name: name, lines: places{}, items: map[string]int{}}
	w.parser.Reset(data)
	root := document()
	at, path := root, []string(nil)
	for w.parser.NextExpression() {
		var err *Error
		switch e := w.parser.Expression(); e.Kind {
		case unstable.Table:
			at, path, err = w.descend(root, nil, e.Key(), isTable)
		case unstable.ArrayTable:
			at, path, err = w.descend(root, nil, e.Key(), isList)
		case unstable.KeyValue:
			err = w.pair(at, path, e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := w.parser.Error(); err != nil { // unreachable: the same parser has accepted it
		return nil, &Error{File: name, Text: err.Error()}
	}
	return w.lines, nil
}

// pair checks KEY = VALUE in the table s.
func (w *walker) pair(s *shape, path []string, e *unstable.Node) *Error {
	at, path, err := w.descend(s, path, e.Key(), "")
	if err != nil {
		return err
	}
	return w.value(at, path, e.Value(), w.lines.of(path...))
}

// descend follows a dotted key. want is what its last element must be: a table or, for [[KEY]], a list of tables, whose
// new item it then enters; "" leaves that to the caller.
func (w *walker) descend(s *shape, path []string, key unstable.Iterator, want string) (*shape, []string, *Error) {
	path = append([]string{}, path...)
	for key.Next() {
		node := key.Node()
		line := w.parser.Shape(node.Raw).Start.Line
		next, err := w.member(s, path, string(node.Data), line)
		if err != nil {
			return nil, nil, err
		}
		path = append(path, string(node.Data))
		if _, ok := w.lines[strings.Join(path, "\x00")]; !ok {
			w.lines[strings.Join(path, "\x00")] = line
		}
		if key.IsLast() {
			return w.enter(next, path, want, line)
		}
		if s, path, err = w.through(next, path, line); err != nil {
			return nil, nil, err
		}
	}
	return s, path, nil
}

// member returns the shape of a key of the table s.
func (w *walker) member(s *shape, path []string, key string, line int) (*shape, *Error) {
	if s.kind == isAny {
		return s, nil
	}
	names := make([]string, 0, len(s.keys))
	for _, m := range s.keys {
		if m.name == key {
			return m.shape, nil
		}
		names = append(names, m.name)
	}
	if s.item != nil {
		return s.item, nil
	}
	e := &Error{File: w.name, Line: line, Near: goenv.Nearest(key, names)}
	e.Text = fmt.Sprintf("unknown key %q", key)
	if where := dotted(path); where != "" {
		e.Text += " in " + where
	}
	return nil, e
}

// through goes on in a table, or in the last item of a list of tables.
func (w *walker) through(s *shape, path []string, line int) (*shape, []string, *Error) {
	switch {
	case s.kind == isTable || s.kind == isAny:
		return s, path, nil
	case s.kind == isList && s.item.kind == isTable:
		return s.item, append(path, fmt.Sprint(max(0, w.items[strings.Join(path, "\x00")]-1))), nil
	}
	return nil, nil, w.wrong(s, path, isTable, line)
}

// enter ends a key.
func (w *walker) enter(s *shape, path []string, want string, line int) (*shape, []string, *Error) {
	switch {
	case want == "" || s.kind == isAny || want == isTable && s.kind == isTable:
		return s, path, nil
	case want == isList && s.kind == isList && s.item.kind == isTable:
		joined := strings.Join(path, "\x00")
		path = append(path, fmt.Sprint(w.items[joined]))
		w.items[joined]++
		w.lines[strings.Join(path, "\x00")] = line
		return s.item, path, nil
	}
	return nil, nil, w.wrong(s, path, want, line)
}

func (w *walker) wrong(s *shape, path []string, got string, line int) *Error {
	return &Error{File: w.name, Line: line, Text: fmt.Sprintf("%s must be %s, not %s", dotted(path), s.kind, got)}
}

// value checks a value and those in it.
func (w *walker) value(s *shape, path []string, node *unstable.Node, line int) *Error {
	if l := w.parser.Shape(node.Raw).Start.Line; node.Raw.Length > 0 && l > 0 {
		line = l
	}
	if joined := strings.Join(path, "\x00"); !w.lines.has(path...) {
		w.lines[joined] = line
	}
	if s.kind == isAny {
		return nil
	}
	got := kindOf(node)
	if got == isText && s.kind == isDay && validDay(string(node.Data)) {
		got = isDay
	}
	if got != s.kind {
		return w.wrong(s, path, got, line)
	}
	children := node.Children()
	for i := 0; got != isText && got != isDay && children.Next(); i++ {
		child := children.Node()
		if got == isTable {
			if err := w.pair(s, path, child); err != nil {
				return err
			}
			continue
		}
		item := append(append([]string{}, path...), fmt.Sprint(i))
		if err := w.value(s.item, item, child, line); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(node *unstable.Node) string {
	switch node.Kind {
	case unstable.String:
		return isText
	case unstable.LocalDate:
		return isDay
	case unstable.Array:
		return isList
	case unstable.InlineTable:
		return isTable
	case unstable.Bool:
		return "a boolean"
	case unstable.Integer, unstable.Float:
		return "a number"
	}
	return "a time"
}

// dotted writes a path as in TOML, without the numbers of items.
func dotted(path []string) string {
	var out []string
	for _, p := range path {
		if strings.Trim(p, "0123456789") != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ".")
}
