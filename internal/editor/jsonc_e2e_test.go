//go:build e2e

package editor

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
