package serve

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/goready/goready/internal/goenv"
)

// maxConfig is the size of the largest configuration file.
const maxConfig = 1 << 20

// place is a place in a file.
type place struct {
	file         string
	line, column int
}

func (p place) before(q place) int {
	return cmp.Or(cmp.Compare(p.line, q.line), cmp.Compare(p.column, q.column))
}

// configError is an error in a configuration file.
type configError struct {
	place
	text string
	near string // what was probably meant, or ""
}

func (e *configError) Error() string {
	if e.line == 0 {
		return fmt.Sprintf("%s: %s", e.file, e.text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.file, e.line, e.column, e.text)
}

// readFile puts what a configuration file says into c. Its errors are for users.
func (c *config) readFile(name string) error {
	data, err := readLimited(name, maxConfig)
	if err != nil {
		return usagef("", "configuration: %w", err)
	}
	if err := c.decode(name, data); err != nil {
		return usagef(hintNear(err), "%w", err)
	}
	c.file = name
	return nil
}

// hintNear returns the hint for an error about a word that is similar to another one.
func hintNear(err error) string {
	if e, ok := errors.AsType[*configError](err); ok && e.near != "" {
		return "did you mean " + e.near
	}
	if e, ok := errors.AsType[*nearError](err); ok && e.near != "" {
		return "did you mean " + e.near
	}
	return ""
}

// readLimited reads a file that has no more than max bytes.
func readLimited(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(data)) > max {
		err = fmt.Errorf("%s is larger than %s", name, sizeText(max))
	}
	return data, err
}

// decode puts what the configuration file of this name says into c. Every error is a [*configError].
func (c *config) decode(name string, data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	var document map[string]any
	if err := toml.Unmarshal(data, &document); err != nil {
		e := &configError{place: place{file: name}, text: strings.TrimPrefix(err.Error(), "toml: ")}
		if d, ok := errors.AsType[*toml.DecodeError](err); ok {
			e.line, e.column = d.Position()
		}
		return e
	}
	d := decoder{name: name, config: c, options: c.options(), places: placesOf(name, data)}
	return d.table("", document)
}

// decoder puts a document into a configuration.
type decoder struct {
	name    string
	config  *config
	options []option
	places  map[string]place
}

// table takes the keys of the table prefix, which is "" or ends in a dot, in the order of the file.
func (d *decoder) table(prefix string, table map[string]any) error {
	keys := slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		return cmp.Or(d.places[prefix+a].before(d.places[prefix+b]), cmp.Compare(a, b))
	})
	for _, key := range keys {
		if err := d.entry(prefix, key, table[key]); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) entry(prefix, key string, v any) error {
	name := prefix + key
	at := slices.IndexFunc(d.options, func(o option) bool { return o.name == name })
	inner, isTable := v.(map[string]any)
	switch known := d.known(prefix); {
	case !slices.Contains(known, key):
		text := fmt.Sprintf("unknown key %q", key)
		if isTable {
			text = fmt.Sprintf("unknown table %q", key)
		}
		if prefix != "" {
			text += " in [" + strings.TrimSuffix(prefix, ".") + "]"
		}
		return d.error(name, text, d.nearest(prefix, key, known))
	case at < 0 && !isTable:
		return d.error(name, fmt.Sprintf("%s must be a table, not %s", name, kindOf(v)), "")
	case at < 0:
		return d.table(name+".", inner)
	}
	o := d.options[at]
	text, want := scalar(o, v)
	if want != "" {
		return d.error(name, fmt.Sprintf("%s must be %s, not %s", name, want, kindOf(v)), "")
	}
	if err := o.value.UnmarshalText([]byte(text)); err != nil {
		e := d.error(name, fmt.Sprintf("%s: %s", name, err), "")
		if near, ok := errors.AsType[*nearError](err); ok {
			e.near = near.near
		}
		return e
	}
	d.config.given[name] = true
	d.config.places[name] = d.places[name]
	return nil
}

// known returns the keys that the table prefix may have.
func (d *decoder) known(prefix string) []string {
	var keys []string
	for _, o := range d.options {
		if rest, ok := strings.CutPrefix(o.name, prefix); ok {
			key, _, _ := strings.Cut(rest, ".")
			keys = append(keys, key)
		}
	}
	return slices.Compact(keys)
}

// nearest returns what an unknown key was probably meant to be: a key of the same table, or the same key of another.
func (d *decoder) nearest(prefix, key string, known []string) string {
	if near := goenv.Nearest(key, known); near != "" {
		return near
	}
	for _, o := range d.options {
		if table, last, ok := strings.Cut(o.name, "."); ok && last == key {
			return fmt.Sprintf("%s in [%s]", key, table)
		} else if o.name == key && prefix != "" {
			return key + " before the first table"
		}
	}
	return ""
}

func (d *decoder) error(name, text, near string) *configError {
	at, ok := d.places[name]
	for !ok && strings.Contains(name, ".") { // the nearest that is known
		name = name[:strings.LastIndexByte(name, '.')]
		at, ok = d.places[name]
	}
	at.file = d.name
	return &configError{at, text, near}
}

// scalar returns the text of a value of the file for an option, or what the option wants instead of such a value.
func scalar(o option, v any) (text, want string) {
	if _, number := o.value.(*count); number {
		if n, ok := v.(int64); ok {
			return fmt.Sprint(n), ""
		}
		return "", "a whole number"
	}
	if s, ok := v.(string); ok {
		return s, ""
	}
	return "", "a string"
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "a number"
	case float64:
		return "a fraction"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a time"
}

// placesOf returns where the keys of a document are, by their names with tables. data is valid TOML.
func placesOf(file string, data []byte) map[string]place {
	places := map[string]place{}
	var p unstable.Parser
	p.Reset(data)
	note := func(prefix string, key unstable.Iterator) string {
		for key.Next() {
			node := key.Node()
			prefix += string(node.Data)
			if _, ok := places[prefix]; !ok {
				at := p.Shape(node.Raw).Start
				places[prefix] = place{file, at.Line, at.Column}
			}
			prefix += "."
		}
		return prefix
	}
	var pair func(prefix string, e *unstable.Node)
	pair = func(prefix string, e *unstable.Node) {
		name := note(prefix, e.Key())
		if e.Value().Kind != unstable.InlineTable {
			return
		}
		for children := e.Value().Children(); children.Next(); {
			pair(name, children.Node())
		}
	}
	table := ""
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = note("", e.Key())
		case unstable.KeyValue:
			pair(table, e)
		}
	}
	return places
}
