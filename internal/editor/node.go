package editor

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

// Node is a JSON value and where it is written.
type Node struct {
	Kind Kind
	// Text is the decoded string, or the source text of a number, boolean or null.
	Text string
	Pos  Position
	// Fields are the members of an object, in order; a key that is written twice has the later value, as in VS Code.
	Fields []Field
	Elems  []*Node
}

// Field is a member of an object.
type Field struct {
	Key   string
	Pos   Position // of the key
	Value *Node
}

// Get returns the value of the member key of an object, or nil.
func (n *Node) Get(key string) *Node { return nil }

// Str returns the text of a string, and whether n is one.
func (n *Node) Str() (string, bool) { return "", false }
