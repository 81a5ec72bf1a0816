package goenv

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct{ patterns, module, want string }{ // want: the pattern that matches
		{"example.com", "example.com/m", "example.com"},
		{"example.com/*", "example.com/m/v2", "example.com/*"},
		{"example.com/*", "example.com", ""},
		{"*.com", "example.com/m", "*.com"},
		{"example.co", "example.com/m", ""},
		{"foo, example.com", "example.com/m", ""},
		{"foo,example.com/", "example.com/m", "example.com/"},
		{",,example.com", "example.com/m", "example.com"},
		{"https://example.com", "example.com/m", ""},
		{"none", "example.com/m", ""},
		{"[", "example.com/m", ""},
		{"", "example.com/m", ""},
	} {
		if got, ok := MatchPattern(c.patterns, c.module); got != c.want || ok != (c.want != "") {
			t.Errorf("%q on %s: got %q, %v; want %q", c.patterns, c.module, got, ok, c.want)
		}
	}
}

// TestMatchPatternDifferential compares with the function that Go uses.
func TestMatchPatternDifferential(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	element := func() string {
		return pickOne(r, "example.com", "*.com", "*", "m", "v2", "corp", "[a-m]", "?", "e*", "", " ", "[", "\\", "a.b", "https:")
	}
	generate := func(sep string, n int) string {
		var list []string
		for range n {
			list = append(list, element())
		}
		return strings.Join(list, sep)
	}
	for range walkCases(t, 4000) {
		var patterns []string
		for range r.IntN(4) {
			patterns = append(patterns, generate("/", 1+r.IntN(3)))
		}
		list, target := strings.Join(patterns, pickOne(r, ",", ",", ", ")), generate("/", 1+r.IntN(4))
		comparePattern(t, list, target)
	}
}

// comparePattern checks the verdict, and that the pattern given as the reason matches alone and is the first to do so.
func comparePattern(t *testing.T, list, target string) {
	t.Helper()
	matched, ok := MatchPattern(list, target)
	if want := module.MatchPrefixPatterns(list, target); ok != want {
		t.Errorf("%q on %q: got %v, want %v", list, target, ok, want)
	}
	for p := range strings.SplitSeq(list, ",") {
		if module.MatchPrefixPatterns(p, target) {
			if matched != p {
				t.Errorf("%q on %q: %q matches first, got %q", list, target, p, matched)
			}
			return
		}
	}
}

func FuzzMatchPattern(f *testing.F) {
	f.Add("example.com/*,*.org,[a", "example.com/m/v2")
	f.Add(" a,b/", "b/c")
	f.Add(",/,//", "/")
	f.Fuzz(func(t *testing.T, list, target string) {
		if len(list)+len(target) > 4096 {
			t.Skip("longer than any list")
		}
		comparePattern(t, list, target)
		LintPatterns(list)
	})
}
