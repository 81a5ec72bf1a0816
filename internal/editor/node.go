package editor

import (
	"math"
	"strconv"
	"strings"
)

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String returns the name that JavaScript people use for the kind.
func (k Kind) String() string {
	switch k {
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case Object:
		return "object"
	}
	return "null"
}

// Node is a JSON value and where it is written. Nodes are never changed after they were built.
type Node struct {
	Kind Kind
	// Text is the decoded string, or the source text of a number, boolean or null.
	Text string
	Pos  Position
	// Fields are the members of an object, in order; a key that is written twice has the later value, as in VS Code.
	Fields []Field
	Elems  []*Node

	index map[string]int // of Fields, for objects with many of them
}

// Field is a member of an object.
type Field struct {
	Key   string
	Pos   Position // of the key
	Value *Node
}

// manyFields is the number of fields from which on an object has an index.
const manyFields = 16

// Get returns the value of the member key of an object, or nil.
func (n *Node) Get(key string) *Node {
	if f := n.field(key); f != nil {
		return f.Value
	}
	return nil
}

func (n *Node) field(key string) *Field {
	if n == nil || n.Kind != Object {
		return nil
	}
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return &n.Fields[i]
		}
		return nil
	}
	for i := range n.Fields {
		if n.Fields[i].Key == key {
			return &n.Fields[i]
		}
	}
	return nil
}

// put adds or replaces a member. Only for nodes that are being built.
func (n *Node) put(f Field) {
	if old := n.field(f.Key); old != nil {
		*old = f
		return
	}
	n.Fields = append(n.Fields, f)
	switch {
	case n.index != nil:
		n.index[f.Key] = len(n.Fields) - 1
	case len(n.Fields) == manyFields:
		n.index = make(map[string]int, 2*manyFields)
		for i := range n.Fields {
			n.index[n.Fields[i].Key] = i
		}
	}
}

// copyObject returns a copy of an object whose members can be changed.
func (n *Node) copyObject() *Node {
	c := &Node{Kind: Object, Pos: n.Pos}
	for _, f := range n.Fields {
		c.put(f)
	}
	return c
}

// Str returns the text of a string, and whether n is one.
func (n *Node) Str() (string, bool) {
	if n == nil || n.Kind != String {
		return "", false
	}
	return n.Text, true
}

// True reports whether n is the boolean true, False whether it is the boolean false. A nil n is neither.
func (n *Node) True() bool { return n != nil && n.Kind == Bool && n.Text == "true" }

// False: see True.
func (n *Node) False() bool { return n != nil && n.Kind == Bool && n.Text == "false" }

// Strings returns the strings of an array of strings, or of a single string; other elements are left out.
func (n *Node) Strings() []string {
	if s, ok := n.Str(); ok {
		return []string{s}
	}
	if n == nil {
		return nil
	}
	var list []string
	for _, e := range n.Elems {
		if s, ok := e.Str(); ok {
			list = append(list, s)
		}
	}
	return list
}

// Env returns the text that a child process gets if JavaScript code puts n into its environment: strings as they are,
// everything else as String(n) makes it.
func (n *Node) Env() string {
	if n == nil {
		return ""
	}
	switch n.Kind {
	case Null:
		return "null"
	case Number:
		return jsNumber(n.Text)
	case Array:
		parts := make([]string, len(n.Elems))
		for i, e := range n.Elems {
			if e.Kind != Null {
				parts[i] = e.Env()
			}
		}
		return strings.Join(parts, ",")
	case Object:
		return "[object Object]"
	}
	return n.Text
}

// JSON returns n as compact JSON, for display, cut after about limit bytes.
func (n *Node) JSON(limit int) string {
	var b strings.Builder
	n.writeJSON(&b, limit)
	if b.Len() > limit {
		return b.String()[:limit] + "…"
	}
	return b.String()
}

func (n *Node) writeJSON(b *strings.Builder, limit int) {
	if n == nil || b.Len() > limit {
		return
	}
	switch n.Kind {
	case String:
		quoteJSON(b, n.Text)
	case Array:
		b.WriteByte('[')
		for i, e := range n.Elems {
			if i > 0 {
				b.WriteByte(',')
			}
			e.writeJSON(b, limit)
		}
		b.WriteByte(']')
	case Object:
		b.WriteByte('{')
		for i, f := range n.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			quoteJSON(b, f.Key)
			b.WriteByte(':')
			f.Value.writeJSON(b, limit)
		}
		b.WriteByte('}')
	default:
		b.WriteString(n.Text)
	}
}

func quoteJSON(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x20:
			b.WriteString(`\u00` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// jsNumber returns the text that JavaScript's String() makes of the number written as text.
func jsNumber(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case err != nil:
		return text
	case v == 0:
		return "0"
	}
	if a := math.Abs(v); a >= 1e21 || a < 1e-6 {
		s := strconv.FormatFloat(v, 'e', -1, 64)
		mant, exp, _ := strings.Cut(s, "e")
		return mant + "e" + exp[:1] + strings.TrimLeft(exp[1:], "0")
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
