package goenv

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
)

// caseGoEnv is the go.env of the SDKs of cases that do not bring their own.
const caseGoEnv = "# defaults\nGOPROXY=https://proxy.example.com,direct\nGOSUMDB=sum.golang.org\nGOTOOLCHAIN=auto\n"

// TestCases runs testdata/cases: situations of go commands on described machines, and the answers. A case is a txtar:
//
//	-- query --
//	platform linux/amd64          the machine
//	go /usr/local/go/bin/go       the go command that is started
//	dir /home/u/w                 its working directory
//	env NAME=value                a variable; a value in quotes is a Go string
//	sdk ROOT VERSION [ARCH]       there is a Go SDK; without any, one in /usr/local/go with version go1.26.8
//	nogoenv ROOT                  that SDK has no go.env; otherwise it has caseGoEnv, unless the case brings one
//	link NAME TARGET              a symbolic link
//	mkdir NAME
//	-- want --
//	NAME "value" LAYER [FROM]     the result, the layer that won and where from
//	NAME unset | unknown          nobody sets it, or it cannot be told
//	NAME prints "value"           what "go env NAME" prints
//	NAME fails "text"             what the go command says; "" if it does not fail
//	NAME notes "text"             a note has this in it
//	NAME via OTHER
//	NAME why LAYER "text"         the reason of a layer
//	toolchain NAME [download]     the selection
//	toolchain fails|module-fails|unknown "text"
//	problem FILE:LINE "text"      of go.mod or go.work
//	lint LINE KEY "text" ["what works"]
//
// Everything else is a file. In one whose name has the prefix "quoted " each line is the inside of a Go string.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(files) < 150 {
		t.Fatalf("%d cases found: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := caseRead(t, a)
			for _, want := range c.want {
				if err := c.check(want); err != nil {
					t.Errorf("%s: %v", want, err)
				}
			}
		})
	}
}

// caseRun is a case that is set up.
type caseRun struct {
	platform   host.Platform
	gocmd, dir string
	env        []string
	files      map[string]string
	links      map[string]string
	dirs       []string
	want       []string

	q        *Query
	problems []ModuleProblem
}

func caseRead(t *testing.T, a *txtar.Archive) *caseRun {
	c := &caseRun{platform: host.Platform{OS: "linux", Arch: "amd64"}, dir: "/home/u/w", files: map[string]string{}, links: map[string]string{}}
	var query []string
	for _, f := range a.Files {
		name, quoted := strings.CutPrefix(f.Name, "quoted ")
		switch {
		case name == "query":
			query = caseLines(f.Data)
		case name == "want":
			c.want = caseLines(f.Data)
		case quoted:
			c.files[name] = caseUnquote(t, string(f.Data))
		default:
			c.files[name] = string(f.Data)
		}
	}
	if len(c.want) == 0 {
		t.Fatal("nothing is wanted")
	}
	for _, line := range query {
		if err := c.directive(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	if c.gocmd == "" {
		c.gocmd = "/usr/local/go/bin/go"
		c.sdk("/usr/local/go", "go1.26.8", c.platform.Arch)
	}
	c.setUp(t)
	return c
}

func caseLines(data []byte) []string {
	var lines []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

func caseUnquote(t *testing.T, s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		line, nl := strings.CutSuffix(line, "\n")
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		b.WriteString(text)
		if nl {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (c *caseRun) directive(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	f := strings.Fields(arg)
	switch verb {
	case "platform":
		c.platform.OS, c.platform.Arch, _ = strings.Cut(arg, "/")
	case "go":
		c.gocmd = arg
	case "dir":
		c.dir = arg
	case "env":
		name, value, _ := strings.Cut(arg, "=")
		if s, err := strconv.Unquote(value); err == nil {
			value = s
		}
		c.env = append(c.env, name+"="+value)
	case "sdk":
		f = append(f, c.platform.Arch)
		c.sdk(f[0], f[1], f[2])
	case "nogoenv":
		delete(c.files, c.platform.Join(arg, "go.env"))
	case "link":
		c.links[f[0]] = f[1]
	case "mkdir":
		c.dirs = append(c.dirs, arg)
	default:
		return fmt.Errorf("unknown directive")
	}
	return nil
}

func (c *caseRun) sdk(root, version, arch string) {
	p := c.platform
	exe := ""
	if p.Windows() {
		exe = ".exe"
	}
	for name, text := range map[string]string{
		p.Join(root, "bin", "go"+exe): "#!go", p.Join(root, "VERSION"): version + "\ntime 2026-01-01T00:00:00Z\n",
		p.Join(root, "pkg", "tool", p.OS+"_"+arch, "compile"+exe): "#!compile", p.Join(root, "go.env"): caseGoEnv,
	} {
		if _, ok := c.files[name]; !ok {
			c.files[name] = text
		}
	}
}

func (c *caseRun) setUp(t *testing.T) {
	h := host.FromFiles(c.platform, c.env, c.files)
	for name, target := range c.links {
		h.Add(name, host.File{Link: &target})
	}
	for _, name := range append(c.dirs, c.dir) {
		if _, err := h.Lstat(name); err != nil {
			h.Add(name, host.File{Info: &host.Info{Mode: fs.ModeDir | 0o755}})
		}
	}
	var err error
	c.q, c.problems, err = testQuery(h, c.env, c.dir, c.gocmd)
	if err != nil {
		t.Fatal(err)
	}
}

// check compares one line of what is wanted.
func (c *caseRun) check(want string) error {
	f, err := caseFields(want)
	if err != nil {
		return err
	}
	switch f[0] {
	case "toolchain":
		return c.checkToolchain(f[1:])
	case "problem":
		for _, p := range c.problems {
			if layer.Place(p.File, p.Line) == f[1] && strings.Contains(p.Text.String(), f[2]) {
				return nil
			}
		}
		return fmt.Errorf("got %v", c.problems)
	case "lint":
		return c.checkLint(f[1:])
	}
	return caseCheckResult(Resolve(c.q, f[0]), f[1:], strings.HasPrefix(strings.TrimPrefix(want, f[0]+" "), `"`))
}

// caseFields splits at blanks; a quoted field is a Go string.
func caseFields(s string) ([]string, error) {
	var fields []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] != '"' {
			field, rest, _ := strings.Cut(s, " ")
			fields, s = append(fields, field), rest
			continue
		}
		q, err := strconv.QuotedPrefix(s)
		if err != nil {
			return nil, err
		}
		field, err := strconv.Unquote(q)
		if err != nil {
			return nil, err
		}
		fields, s = append(fields, field), s[len(q):]
	}
	return fields, nil
}

func caseCheckResult(r Result, f []string, value bool) error {
	var o oracleOutcome
	if r.Unknown.IsZero() {
		oracleCheckTrail(&o, "", r)
	}
	if len(o.wrong) > 0 {
		return fmt.Errorf("%s", o.wrong)
	}
	if value {
		return caseCheckValue(r, f)
	}
	switch f[0] {
	case "unset":
		if r.Set {
			return fmt.Errorf("got %q", r.Value)
		}
	case "unknown":
		if r.Unknown.IsZero() {
			return fmt.Errorf("got %q", r.Value)
		}
	case "prints":
		if r.Printed != f[1] {
			return fmt.Errorf("got %q", r.Printed)
		}
	case "fails":
		return caseHas(r.Err.String(), f[1])
	case "notes":
		return caseHas(fmt.Sprint(r.Notes), f[1])
	case "via":
		return caseHas(r.Via, f[1])
	case "why":
		for _, t := range r.Trail {
			if string(t.Layer) == f[1] && strings.Contains(t.Why.String(), f[2]) {
				return nil
			}
		}
		return fmt.Errorf("got %v", r.Trail)
	default:
		return fmt.Errorf("cannot check %q", f)
	}
	return nil
}

// caseHas reports whether got has want in it; if nothing is wanted there must be nothing.
func caseHas(got, want string) error {
	if want == "" && got != "" || !strings.Contains(got, want) {
		return fmt.Errorf("got %q", got)
	}
	return nil
}

func caseCheckValue(r Result, f []string) error {
	if !r.Unknown.IsZero() {
		return fmt.Errorf("unknown: %s", r.Unknown)
	}
	if !r.Set || r.Value != f[0] {
		return fmt.Errorf("got %q, set %v", r.Value, r.Set)
	}
	var won layer.Reason
	for _, t := range r.Trail {
		if t.Won {
			won = t
		}
	}
	if len(f) > 1 && string(won.Layer) != f[1] || len(f) > 2 && won.From != f[2] {
		return fmt.Errorf("won by %s %s: %s", won.Layer, won.From, won.Why)
	}
	return nil
}

func (c *caseRun) checkToolchain(f []string) error {
	s := SelectToolchain(c.q)
	switch f[0] {
	case "fails":
		return caseHas(s.Err.String(), f[1])
	case "module-fails":
		return caseHas(s.ModuleErr.String(), f[1])
	case "unknown":
		return caseHas(s.Unknown.String(), f[1])
	}
	download := len(f) > 1 && f[1] == "download"
	if s.Toolchain != f[0] || s.Download != download || !s.Unknown.IsZero() {
		return fmt.Errorf("got %s (download %v) %s", s.Toolchain, s.Download, s.Unknown)
	}
	return nil
}

func (c *caseRun) checkLint(f []string) error {
	problems := c.q.User.Lint()
	if f[0] == "nothing" {
		if len(problems) > 0 {
			return fmt.Errorf("got %v", problems)
		}
		return nil
	}
	for _, p := range problems {
		if strconv.Itoa(p.Line) == f[0] && p.Key == f[1] && strings.Contains(p.Text.String(), f[2]) &&
			(len(f) < 4 || strings.Contains(p.Instead.String(), f[3])) {
			return nil
		}
	}
	return fmt.Errorf("got %v", problems)
}
