package editor

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

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
