package msg

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// formats returns the format of every call of msg.New in the module's source, with a place where it is used.
func formats(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || !isNew(call.Fun) {
				return true
			}
			where := fset.Position(call.Pos()).String()
			format, ok := constant(call.Args[0])
			if !ok {
				t.Errorf("%s: the format of msg.New is not a constant string", where)
				return true
			}
			found[format] = where
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func isNew(fun ast.Expr) bool {
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "msg" && sel.Sel.Name == "New"
}

func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		x, okX := constant(e.X)
		y, okY := constant(e.Y)
		return x + y, okX && okY && e.Op == token.ADD
	}
	return "", false
}

var verb = regexp.MustCompile(`%([0-9]*)(\[(\d+)\])?([a-zA-Z])|%%`)

// verbs returns the arguments that a format uses, as "index verb", sorted.
func verbs(format string) []string {
	var out []string
	next := 1
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[0] == "%%" {
			continue
		}
		if m[3] != "" {
			next, _ = strconv.Atoi(m[3])
		}
		out = append(out, strconv.Itoa(next)+m[1]+m[4])
		next++
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestCatalogue: every sentence has a Chinese form with the same arguments, and no Chinese form is left over.
func TestCatalogue(t *testing.T) {
	used := formats(t)
	if len(used) < 100 {
		t.Fatalf("only %d sentences found: the search does not work", len(used))
	}
	var missing []string
	for format, where := range used {
		translated, ok := chinese()[format]
		switch {
		case onlyVerbs(format):
		case !ok:
			missing = append(missing, where+": "+strconv.Quote(format))
		case !slices.Equal(verbs(format), verbs(translated)):
			t.Errorf("%s: %q and %q use different arguments", where, format, translated)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("%d sentences have no Chinese form:\n%s", len(missing), strings.Join(missing, "\n"))
	}
	for format := range chinese() {
		if _, ok := used[format]; !ok {
			t.Errorf("no code says %q", format)
		}
	}
}

// onlyVerbs reports whether a format has no words to translate.
func onlyVerbs(format string) bool {
	return strings.Trim(verb.ReplaceAllString(format, ""), " .,:;()-") == ""
}

func TestVerbs(t *testing.T) {
	for format, want := range map[string]string{
		"plain":              "",
		"%s at %d":           "1s 2d",
		"%[2]d 处的 %[1]s":     "1s 2d",
		"100%% of %q":        "1q",
		"%[1]s and %[1]s":    "1s",
		"%[2]s then %s last": "2s 3s",
		"U+%04X and %U":      "104X 2U",
	} {
		if got := strings.Join(verbs(format), " "); got != want {
			t.Errorf("verbs(%q) = %q, want %q", format, got, want)
		}
	}
}

// TestTables: no sentence is in the catalogue twice.
func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for _, format := range verbatim {
		if seen[format] {
			t.Errorf("%q is in the catalogue twice", format)
		}
		seen[format] = true
	}
	for _, table := range chineseTables() {
		for _, e := range table {
			if seen[e.english] {
				t.Errorf("%q is in the catalogue twice", e.english)
			}
			seen[e.english] = true
		}
	}
}

// untidy lists what does not belong into a Chinese sentence, by the reason.
var untidy = map[string]*regexp.Regexp{
	"a final stop":  regexp.MustCompile(`[。.；;]$`),
	"a polite form": regexp.MustCompile(`您`),
	"a half-width sign between Chinese words":   regexp.MustCompile(`\p{Han}[,;:!?()]|[,;:!?)]\p{Han}`),
	"no blank between Chinese and other words":  regexp.MustCompile(`\p{Han}[A-Za-z0-9%"'$*~/|+=<>#&@{\[-]|[A-Za-z0-9%"'$*~/|+=<>#&@}\]-]\p{Han}`),
	"a blank beside a full-width sign":          regexp.MustCompile(`[，。：；（）、“”！？] | [，。：；（）、“”！？]`),
	"a blank between Chinese words, or several": regexp.MustCompile(`\p{Han} \p{Han}|  |^ | $`),
}

// TestTypography: the Chinese sentences are all written in one way.
func TestTypography(t *testing.T) {
	for _, table := range chineseTables() {
		for _, e := range table {
			for why, bad := range untidy {
				if at := bad.FindString(e.chinese); at != "" {
					t.Errorf("%q has %s: %q", e.chinese, why, at)
				}
			}
			if e.english == e.chinese {
				t.Errorf("%q is not translated: it belongs in verbatim", e.english)
			}
		}
	}
}

func TestTranslationOfArguments(t *testing.T) {
	outer := New("because %s", New("(not set)"))
	if got := outer.String(); got != "because (not set)" {
		t.Errorf("English = %q", got)
	}
	if got, want := outer.In(Chinese), New("because %s", New("(not set)").In(Chinese)).In(Chinese); got != want || !strings.ContainsAny(got, "未因") {
		t.Errorf("Chinese = %q, want %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	text := New("%s: %d", "a", 1)
	data, err := text.MarshalJSON()
	if err != nil || string(data) != `"a: 1"` {
		t.Fatalf("MarshalJSON = %s, %v", data, err)
	}
	var back Text
	if err := back.UnmarshalJSON(data); err != nil || back.String() != "a: 1" {
		t.Errorf("UnmarshalJSON gives %q, %v", back, err)
	}
	if err := back.UnmarshalJSON([]byte(`""`)); err != nil || !back.IsZero() {
		t.Errorf("the empty sentence comes back as %+v, %v", back, err)
	}
}
