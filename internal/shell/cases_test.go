package shell

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/testreq"
)

// A case is a txtar file: the start-up files (relative names are below the home directory /home/u), and for each
// session a section "want SESSION" such as "want bash -i -l". Other sections: "env" (the environment, one variable a
// line), "os" (GOOS of the machine; linux), "mode NAME" (a file's octal mode), "link NAME" (a symbolic link).
// A line of want is one of
//
//	NAME=value            the value is known
//	NAME unset
//	NAME unknown: text    the reason contains text
//	NAME skipped FROM: text   the trail has a skipped entry from there whose reason contains text
//	NAME from FROM        the deciding entry of the trail is from there
//	file STATE NAME       in this order
//	end: text             start-up ends; "may end: text" if that is uncertain
//	note: text
//
// In all of them ~ stands for /home/u, and \r for a carriage return.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			c := readCase(t, file)
			for _, w := range c.wants {
				h := c.host("/home/u")
				e := New(c.options(h, "/home/u"))
				res := e.Start(w.session, layer.FromList(c.environ("/home/u"), layer.OSEnv, "test", false))
				for _, problem := range w.check(res) {
					t.Errorf("%s: %s", w.name, problem)
				}
			}
		})
	}
}

// TestCasesAgainstShells runs the cases that need no files of the system with the real shells.
func TestCasesAgainstShells(t *testing.T) {
	files, _ := filepath.Glob("testdata/cases/*.txtar")
	for _, file := range files {
		c := readCase(t, file)
		if c.system {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			for _, w := range c.wants {
				c.runReal(t, w)
			}
		})
	}
}

type testCase struct {
	system bool // it has files outside of the home directory or is about another system
	os     string
	env    []string
	files  map[string]string
	modes  map[string]string
	links  map[string]string
	wants  []want
}

type want struct {
	name    string
	session Session
	lines   []string
}

func readCase(t testing.TB, file string) *testCase {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &testCase{os: "linux", files: map[string]string{}, modes: map[string]string{}, links: map[string]string{}}
	for _, f := range ar.Files {
		kind, rest, _ := strings.Cut(f.Name, " ")
		data := string(f.Data)
		if kind != "want" {
			data = strings.ReplaceAll(data, `\r`+"\n", "\r\n")
		}
		switch kind {
		case "want":
			w := want{name: f.Name, session: parseSession(rest)}
			for line := range strings.Lines(data) {
				if line = strings.TrimSpace(line); line != "" {
					w.lines = append(w.lines, strings.ReplaceAll(line, `\r`, "\r"))
				}
			}
			c.wants = append(c.wants, w)
		case "env":
			c.env = strings.Split(strings.TrimSpace(data), "\n")
		case "os":
			c.os, c.system = strings.TrimSpace(data), true
		case "mode":
			c.modes[rest] = strings.TrimSpace(data)
		case "link":
			c.links[rest] = strings.TrimSpace(data)
			c.system = c.system || strings.HasPrefix(rest, "/")
		default:
			c.files[f.Name] = data
			c.system = c.system || strings.HasPrefix(f.Name, "/")
		}
	}
	return c
}

func parseSession(s string) Session {
	var out Session
	for i, word := range strings.Fields(s) {
		switch {
		case i == 0:
			out.Kind = Kind(word)
		case word == "-i":
			out.Interactive = true
		case word == "-l":
			out.Login = true
		case word == "-f":
			out.NoRC = true
		case word == "--posix":
			out.Posix = true
		case word == "ssh":
			out.SSHCommand = true
		case word == "tty":
			out.TTY = Yes
		case word == "notty":
			out.TTY = No
		}
	}
	out.Path = "/bin/" + string(out.Kind)
	return out
}

func (c *testCase) environ(home string) []string {
	env := []string{"HOME=" + home, "PATH=/usr/bin:/bin", "LC_ALL=C"}
	for _, kv := range c.env {
		env = append(env, strings.ReplaceAll(kv, "~", home))
	}
	return env
}

func (c *testCase) options(h host.Host, home string) Options {
	uid := 1000
	return Options{Host: h, Home: home, User: "u", UID: &uid, Hostname: "box", GoEnv: func(env *layer.Env, key string) (string, bool) {
		v, ok, _ := env.Lookup(key)
		if !ok {
			v = "default-" + key
		}
		return v, true
	}}
}

// host makes the machine of a case, with the usual programs.
func (c *testCase) host(home string) host.Host {
	files := map[string]string{home + "/.keep": ""}
	for name, text := range c.files {
		files[abs(home, name)] = text
	}
	h := host.FromFiles(host.Platform{OS: c.os, Arch: "amd64"}, nil, files)
	for _, p := range []string{"bash", "dash", "zsh", "fish", "ls", "cat", "grep", "uname", "id", "dirname", "basename", "date", "xargs", "tput", "dircolors"} {
		h.Add("/usr/bin/"+p, host.File{Info: &host.Info{Mode: 0o755}, Content: &host.Content{}})
	}
	for name, mode := range c.modes {
		addMode(h, abs(home, name), mode)
	}
	for name, target := range c.links {
		h.Add(abs(home, name), host.File{Info: &host.Info{Mode: fs.ModeSymlink | 0o777}, Link: &target})
	}
	return h
}

// addMode gives a file or directory a mode: an octal number, or "unreadable" or "unrecorded".
func addMode(h *host.Fixture, name, mode string) {
	f := host.File{Info: &host.Info{Mode: 0o600, UID: 1000}}
	if old := h.Files[name]; old != nil {
		f.Content = old.Content
	}
	switch mode {
	case "unreadable":
		f.Content, f.ContentErr = nil, &host.Failure{Kind: host.Denied}
	case "unrecorded":
		f = host.File{ContentErr: &host.Failure{Kind: "unknown"}}
	default:
		n, err := strconv.ParseUint(mode, 8, 32)
		if err != nil {
			panic(err)
		}
		f.Info.Mode = fs.FileMode(n)
	}
	h.Add(name, f)
}

// check compares a result with the lines of a want section.
func (w want) check(res Result) []string {
	var problems []string
	fail := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	visits := res.Files
	ended := false
	for _, line := range w.lines {
		line = strings.ReplaceAll(line, "~", "/home/u")
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "end:" || word == "may":
			ended = true
			_, text, _ := strings.Cut(line, ": ")
			if res.End.Why.IsZero() || res.End.Maybe != (word == "may") || !strings.Contains(res.End.Why.String()+" at "+res.End.From, text) {
				fail("end is %q at %s (maybe: %v), want %q", res.End.Why, res.End.From, res.End.Maybe, line)
			}
		case word == "note:":
			if !slices.ContainsFunc(res.Notes, func(n Note) bool { return strings.Contains(n.From+": "+n.Text.String(), rest) }) {
				fail("notes are %v, want %q", res.Notes, rest)
			}
		case word == "file":
			state, name, _ := strings.Cut(rest, " ")
			i := slices.IndexFunc(visits, func(v Visit) bool { return v.File == name && string(v.State) == state })
			if i < 0 {
				fail("no visit %q in %v", line, visits)
				continue
			}
			visits = visits[i+1:]
		default:
			if p := checkVariable(res.Env, line); p != "" {
				fail("%s", p)
			}
		}
	}
	if !ended && !res.End.Why.IsZero() {
		fail("start-up ends: %s at %s", res.End.Why, res.End.From)
	}
	return problems
}

var wantLine = regexp.MustCompile(`^(\w+)(?:=(.*)|( unset)| unknown: (.*)| skipped (\S+): (.*)| from (\S+))$`)

func checkVariable(env *layer.Env, line string) string {
	m := wantLine.FindStringSubmatch(line)
	if m == nil {
		return "cannot read the line " + line
	}
	name := m[1]
	value, ok, why := env.Lookup(name)
	switch {
	case m[3] != "":
		if ok || !why.IsZero() {
			return fmt.Sprintf("%s is %q (%s), want it unset", name, value, why)
		}
	case m[4] != "":
		if !strings.Contains(why.String(), m[4]) {
			return fmt.Sprintf("%s is %q, unknown because %q; want it unknown because %q", name, value, why, m[4])
		}
	case m[5] != "":
		for _, s := range env.Trail(name) {
			if s.From == m[5] && strings.Contains(s.Skipped.String(), m[6]) && !s.Skipped.IsZero() {
				return ""
			}
		}
		return fmt.Sprintf("trail of %s is %v, want it skipped at %s: %s", name, env.Trail(name), m[5], m[6])
	case m[7] != "":
		trail := slices.DeleteFunc(env.Trail(name), func(s layer.Set) bool { return !s.Skipped.IsZero() })
		if len(trail) == 0 || trail[len(trail)-1].From != m[7] {
			return fmt.Sprintf("trail of %s is %v, want the last to be from %s", name, trail, m[7])
		}
	case !ok || value != m[2]:
		return fmt.Sprintf("%s is %q (set: %v, unknown: %q), want %q", name, value, ok, why, m[2])
	}
	return ""
}

// runReal runs the real shell in a home directory with the files of the case, and compares the variables.
func (c *testCase) runReal(t *testing.T, w want) {
	t.Helper()
	if !w.session.Kind.Supported() || w.session.SSHCommand || w.session.TTY == Yes || len(c.modes) > 0 {
		return
	}
	program := string(w.session.Kind)
	if program == "sh" {
		program = "dash"
	}
	home := t.TempDir()
	for name, text := range c.files {
		file := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "/home/u", home)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range c.links {
		if err := os.Symlink(strings.ReplaceAll(target, "/home/u", home), filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := w.session
	s.Path, s.Dir = testreq.Program(t, program), home
	real, err := Probe(t.Context(), local.New(), ProbeOptions{Session: s, Env: c.environ(home), Timeout: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range w.lines {
		m := wantLine.FindStringSubmatch(strings.NewReplacer("~", home, "/home/u", home).Replace(line))
		switch {
		case strings.HasPrefix(line, "end:"):
			if real.Env != nil {
				t.Errorf("%s: the shell completes, want %q", w.name, line)
			}
		case m == nil || strings.HasPrefix(line, "PATH"):
		case m[3] != "" && real.Env != nil:
			if v, ok := real.Env[m[1]]; ok {
				t.Errorf("%s: the shell has %s=%q, want it unset", w.name, m[1], v)
			}
		case strings.HasPrefix(line, m[1]+"=") && real.Env != nil:
			if v := real.Env[m[1]]; v != m[2] {
				t.Errorf("%s: the shell has %s=%q, want %q", w.name, m[1], v, m[2])
			}
		}
	}
}
