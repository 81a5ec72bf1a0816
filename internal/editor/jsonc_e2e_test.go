//go:build e2e

package editor

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goready/goready/internal/testreq"
)

var update = flag.Bool("update", false, "write testdata/jsonc.json from what jsonc-parser says")

// readWithNode prints what jsonc-parser reads from each document of a list.
const readWithNode = `
const {parse} = require('jsonc-parser');
const clean = v => typeof v === 'string' ? v.toWellFormed()
  : Array.isArray(v) ? v.map(clean)
  : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, e]) => [k.toWellFormed(), clean(e)])) : v;
const docs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(docs.map(doc => {
  const errors = [];
  const out = parse(doc, errors, {allowTrailingComma: true});
  return {in: doc, out: clean(out), valid: errors.length === 0};
})));
`

// TestJSONCParser compares Parse with the real parser on documents that are broken in every way the generator knows.
func TestJSONCParser(t *testing.T) {
	node, npm := testreq.Program(t, "node"), testreq.Program(t, "npm")
	dir := t.TempDir()
	install := exec.Command(npm, "install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", "jsonc-parser@3.3.1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	docs, err := json.Marshal(generateJSON(3000))
	if err != nil {
		t.Fatal(err)
	}
	in := filepath.Join(dir, "docs.json")
	if err := os.WriteFile(in, docs, 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	run := exec.Command(node, "-e", readWithNode)
	run.Dir, run.Stdin = dir, stdin
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	var cases []jsonCase
	if err := json.Unmarshal(out, &cases); err != nil {
		t.Fatal(err)
	}
	compareJSON(t, cases)
	if *update && !t.Failed() {
		if err := os.WriteFile(goldenJSON, marshalCases(t, cases[:400]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
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
