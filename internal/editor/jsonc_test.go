package editor

import (
	"strings"
	"testing"
	"time"
)

// compact writes a value and its positions' lines away: {"k":v}.
func compact(n *Node) string {
	if n == nil {
		return "nothing"
	}
	return n.JSON(1 << 20)
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		problems       int
	}{
		{"empty_object", `{}`, `{}`, 0},
		{"comments", "// a\n{ /* b */ \"a\": 1, // c\n \"b\": \"//x\" }", `{"a":1,"b":"//x"}`, 0},
		{"trailing_commas", `{"a":[1,2,],}`, `{"a":[1,2]}`, 0},
		{"bom", "\uFEFF{\"a\":1}", `{"a":1}`, 0},
		{"crlf", "{\r\n\"a\":\r\n1}\r\n", `{"a":1}`, 0},
		{"duplicate_last_wins", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`, 0},
		{"escapes", `{"a":"\u00e9\ud83d\ude00\n\/"}`, `{"a":"é😀\n/"}`, 0},
		{"lone_surrogate", `["\ud83d"]`, "[\"\uFFFD\"]", 0},
		{"full_width_blank", "{\u3000\"a\":1}", `{"a":1}`, 0},
		{"literals", `[true,false,null,-1.5e3,0]`, `[true,false,null,-1.5e3,0]`, 0},
		{"nothing", ``, `nothing`, 1},
		{"only_comment", `// x`, `nothing`, 1},
		{"half_string", `{"a":"x`, `{"a":"x"}`, 2},
		{"half_object", `{"a":{"b":1`, `{"a":{"b":1}}`, 2},
		{"half_key", `{"a":1,"b`, `{"a":1}`, 3},
		{"half_colon", `{"a":1,"b":`, `{"a":1}`, 2},
		{"no_comma", "{\"a\":1\n\"b\":2}", `{"a":1,"b":2}`, 1},
		{"no_value", `{"a":,"b":2}`, `{"b":2}`, 1},
		{"no_colon", `{"a" "b","c":1}`, `{"c":1}`, 1},
		{"unquoted_key", `{a:1,"b":2}`, `{"b":2}`, 2},
		{"single_quotes", `{'a':1,"b":2}`, `{"b":2}`, 2},
		{"string_over_line", "{\"a\":\"x\n,\"b\":2}", `{"a":"x","b":2}`, 1},
		{"wrong_bracket", `{"a":[1,2},"b":3}`, `{"a":[1,2,"b"]}`, 6},
		{"after_end", `{"a":1} {"b":2}`, `{"a":1}`, 1},
		{"leading_zero", `[01]`, `[0,1]`, 1},
		{"bad_number", `[1.,2e]`, `[1,2]`, 2},
		{"bad_escape", `["a\qb"]`, `["ab"]`, 1},
		{"bad_unicode", `["a\u12xb"]`, `["axb"]`, 1},
		{"control", "[\"a\tb\"]", `["a\u0009b"]`, 1},
		{"comment_open", `{"a":1} /* x`, `{"a":1}`, 1},
		{"minus", `[-,1]`, `[1]`, 2},
		{"invalid_utf8", "{\"a\":\"x\xff\"}", "{\"a\":\"x\uFFFD\"}", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, problems := Parse("f", []byte(tt.in))
			if got := compact(n); got != tt.want {
				t.Errorf("Parse(%q) = %s, want %s", tt.in, got, tt.want)
			}
			if len(problems) != tt.problems {
				t.Errorf("problems = %v, want %d", problems, tt.problems)
			}
		})
	}
}

func TestPositions(t *testing.T) {
	const in = "\uFEFF{\r\n  \"a\": {\r  /* x\n y */ \"b\": [ 1,\n\"é\", true ] }\n}"
	n, problems := Parse("s.json", []byte(in))
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	b := n.Get("a").field("b")
	for _, tt := range []struct {
		name      string
		pos       Position
		line, col int
	}{
		{"root", n.Pos, 1, 1},
		{"key_a", n.field("a").Pos, 2, 3},
		{"value_a", n.Get("a").Pos, 2, 8},
		{"key_b", b.Pos, 4, 7},
		{"elem_0", b.Value.Elems[0].Pos, 4, 14},
		{"elem_1", b.Value.Elems[1].Pos, 5, 1},
		{"elem_2", b.Value.Elems[2].Pos, 5, 7},
	} {
		if want := (Position{"s.json", tt.line, tt.col}); tt.pos != want {
			t.Errorf("%s at %v, want %v", tt.name, tt.pos, want)
		}
	}
	if got := b.Pos.String(); got != "s.json:4" {
		t.Errorf("String = %q", got)
	}
}

func TestParseProblemPosition(t *testing.T) {
	_, problems := Parse("s.json", []byte("{\n  \"a\": 1\n  \"b\": 2\n}"))
	if len(problems) != 1 || problems[0].Pos != (Position{"s.json", 3, 3}) || problems[0].Text.String() != "comma expected" {
		t.Errorf("problems = %+v", problems)
	}
}

// TestParseBounded feeds what a broken or hostile file may contain. Each must end soon, and without a panic.
func TestParseBounded(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		root     bool
	}{
		{"too_big", strings.Repeat(" ", MaxJSON+1), false},
		{"deep_arrays", strings.Repeat("[", 100_000), false},
		{"deep_objects", strings.Repeat(`{"a":`, 100_000), false},
		{"deep_allowed", strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), true},
		{"many_keys", "{" + manyKeys(200_000) + "}", true},
		{"commas", "[" + strings.Repeat(",", 1<<20), true},
		{"quotes", strings.Repeat(`"`, 1<<20), true},
		{"comments", strings.Repeat("/**/", 1<<18) + "{}", true},
		{"slashes", strings.Repeat("/", 1<<10) + "\n{}", true},
		{"backslashes", `["` + strings.Repeat(`\`, 1<<20), true},
		{"newlines", strings.Repeat("\r\n", 1<<20) + "{", true},
		{"zeros", "{\x00\x00\x00", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			n, problems := Parse("f", []byte(tt.in))
			if (n != nil) != tt.root {
				t.Errorf("root = %v, want one: %v", n != nil, tt.root)
			}
			if n == nil && len(problems) == 0 {
				t.Error("nothing read, and no problem said")
			}
			if len(problems) > maxProblems {
				t.Errorf("%d problems", len(problems))
			}
			if d := time.Since(start); d > time.Minute {
				t.Errorf("took %v", d)
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"go.k`)
		b.WriteString(strings.Repeat("x", i%7))
		b.WriteString(jsNumber(strings.Repeat("9", 1+i%5)))
		b.WriteString(string(rune('a' + i%26)))
		b.WriteString(string(rune('a' + i/26%26)))
		b.WriteString(string(rune('a' + i/676%26)))
		b.WriteString(`":1,`)
	}
	return b.String()
}

func TestJSNumber(t *testing.T) {
	for in, want := range map[string]string{
		"5": "5", "5.0": "5", "1e3": "1000", "-0": "0", "0.1": "0.1", "1e21": "1e+21", "1e-7": "1e-7", "123456789012345680000": "123456789012345680000", "1e999": "Infinity",
	} {
		if got := jsNumber(in); got != want {
			t.Errorf("jsNumber(%s) = %s, want %s", in, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",true,null,{}]}`, "{\"a\" 1", `{"a":"\ud83d`, "/*", "\uFEFF{", "[1.", "{,}", "[-", `{"a":"\u12`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		n, problems := Parse("f", []byte(in))
		if n == nil && len(problems) == 0 {
			t.Error("nothing read, and no problem said")
		}
		lines := strings.Count(in, "\n") + strings.Count(in, "\r") + 1
		for _, p := range problems {
			if p.Pos.Line < 1 || p.Pos.Line > lines || p.Pos.Col < 1 {
				t.Errorf("problem at %+v of %q", p.Pos, in)
			}
		}
		if len(problems) == 0 {
			again, more := Parse("f", []byte(n.JSON(1<<20)))
			if again == nil || len(more) > 0 {
				t.Errorf("%q does not survive: %v", in, more)
			}
		}
	})
}
