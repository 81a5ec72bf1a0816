package editor

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// jsonCase is a document and what jsonc-parser, the npm package, reads from it. The file testdata/jsonc.json is written
// by TestJSONCParser (tag e2e) with -update.
type jsonCase struct {
	In    string          `json:"in"`
	Out   json.RawMessage `json:"out,omitempty"` // absent: nothing
	Valid bool            `json:"valid"`
}

var goldenJSON = filepath.Join("testdata", "jsonc.json")

func TestParseGolden(t *testing.T) {
	data, err := os.ReadFile(goldenJSON)
	if err != nil {
		t.Fatal(err)
	}
	var cases []jsonCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 300 {
		t.Errorf("%d cases, want 300 or more", len(cases))
	}
	compareJSON(t, cases)
}

func compareJSON(t *testing.T, cases []jsonCase) {
	t.Helper()
	for _, c := range cases {
		n, problems := Parse("f", []byte(c.In))
		var want any
		if len(c.Out) > 0 {
			if err := json.Unmarshal(c.Out, &want); err != nil {
				t.Fatal(err)
			}
		} else {
			want = "nothing"
		}
		var got any = "nothing"
		if n != nil {
			got = plain(n)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q) (-jsonc-parser +goready):\n%s", c.In, diff)
		}
		if valid := len(problems) == 0; valid != c.Valid {
			t.Errorf("Parse(%q) is valid: %v, jsonc-parser says %v", c.In, valid, c.Valid)
		}
	}
}

// plain returns what encoding/json makes of the JSON that JavaScript makes of n.
func plain(n *Node) any {
	switch n.Kind {
	case Null:
		return nil
	case Bool:
		return n.Text == "true"
	case Number:
		f, _ := strconv.ParseFloat(n.Text, 64)
		if math.IsInf(f, 0) {
			return nil
		}
		return f + 0 // no negative zero
	case Array:
		list := []any{}
		for _, e := range n.Elems {
			list = append(list, plain(e))
		}
		return list
	case Object:
		m := map[string]any{}
		for _, f := range n.Fields {
			m[f.Key] = plain(f.Value)
		}
		return m
	}
	return n.Text
}

// generateJSON returns n documents, most of them broken, the same ones every time. They have none of the white space
// that VS Code's own copy of the parser knows beyond that of jsonc-parser, and no half surrogates.
func generateJSON(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	var docs []string
	for len(docs) < n {
		var b strings.Builder
		writeRandomJSON(r, &b, 3)
		doc := b.String()
		for range r.IntN(4) {
			doc = mutate(r, doc)
		}
		if utf8.ValidString(doc) && !seen[doc] && len(doc) < 200 {
			seen[doc] = true
			docs = append(docs, doc)
		}
	}
	return docs
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func writeRandomJSON(r *rand.Rand, b *strings.Builder, depth int) {
	b.WriteString(pick(r, "", "", " ", "\n", "// c\n", "/*c*/", "\t"))
	kind := r.IntN(8)
	if depth == 0 {
		kind %= 6
	}
	switch kind {
	case 0, 1:
		b.WriteString(pick(r, `"x"`, `""`, `"a.b"`, `"é😀"`, `"\u00e9\n"`, `"\\ \" \/"`, `"${env:X}"`))
	case 2, 3:
		b.WriteString(pick(r, "0", "-1", "1.5", "2e3", "-0", "10"))
	case 4, 5:
		b.WriteString(pick(r, "true", "false", "null"))
	case 6:
		writeRandomList(r, b, '[', ']', func() { writeRandomJSON(r, b, depth-1) })
	case 7:
		writeRandomList(r, b, '{', '}', func() {
			b.WriteString(pick(r, `"a"`, `"b"`, `"go.x"`, `"a"`, "\n  \"c\" "))
			b.WriteString(pick(r, ":", ": ", " : "))
			writeRandomJSON(r, b, depth-1)
		})
	}
	b.WriteString(pick(r, "", "", " ", "\r\n", "// c\n"))
}

func writeRandomList(r *rand.Rand, b *strings.Builder, open, end byte, elem func()) {
	b.WriteByte(open)
	for i := range r.IntN(4) {
		if i > 0 {
			b.WriteByte(',')
		}
		elem()
	}
	b.WriteString(pick(r, "", "", ",", " "))
	b.WriteByte(end)
}

// mutate breaks a document in one place.
func mutate(r *rand.Rand, doc string) string {
	if doc == "" {
		return pick(r, "{", "[", `"`)
	}
	i := r.IntN(len(doc))
	j := i + r.IntN(len(doc)-i)
	switch r.IntN(5) {
	case 0:
		return doc[:i]
	case 1:
		return doc[:i] + doc[min(i+1, len(doc)):]
	case 2:
		return doc[:i] + doc[j:]
	case 3:
		return doc[:j] + doc[i:]
	}
	return doc[:i] + pick(r, "{", "}", "[", "]", ",", ":", `"`, "'", "/", "\\", "-", ".", "e", "0", "x", "\n", "\r", "/*", "//", "true", "\x01") + doc[i:]
}

func marshalCases(t *testing.T, cases []jsonCase) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("[\n")
	for i, c := range cases {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(c); err != nil {
			t.Fatal(err)
		}
		b.Truncate(b.Len() - 1)
		if i < len(cases)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	return b.Bytes()
}
