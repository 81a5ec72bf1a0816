package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// config is one situation: a txtar file below testdata whose comment holds prose (#) and these lines, and whose files
// are laid out below a private HOME.
//
//	shell: NAME       a program, or an absolute name: SHELL of the server. Default bash
//	server: NAME=VAL  more environment of the server; $HOME stands for the private HOME
//	open: NAME        the folder or .code-workspace file opened, below HOME. Default src/app
//	vars: NAME...     what is compared, beside commonVars
//	unknown: NAME...  variables for which "unknown" is an honest answer
//	wrong: WHY        goready is known to predict something else, and why; to be mended
//	short             also with go test -short
type config struct {
	name    string
	shell   string
	server  []string
	open    string
	vars    []string
	unknown []string
	wrong   string
	short   bool
	files   []file
}

type file struct{ name, data string }

// commonVars are compared in every configuration.
var commonVars = []string{"GOPROXY", "GOFLAGS", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GOTOOLCHAIN", "GOPATH", "GOBIN"}

func configs(t *testing.T) []config {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no configurations in testdata (%v)", err)
	}
	var all []config
	for _, name := range names {
		all = append(all, readConfig(t, name))
	}
	return all
}

func readConfig(t *testing.T, name string) config {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	comment, files := splitArchive(string(data))
	c := config{
		name:  strings.TrimSuffix(filepath.Base(name), ".txtar"),
		shell: "bash",
		open:  "src/app",
		vars:  slices.Clone(commonVars),
		files: files,
	}
	for line := range strings.Lines(comment) {
		c.directive(t, strings.TrimSpace(line))
	}
	return c
}

// splitArchive reads a txtar archive. (The usual package for it would need a further module.)
func splitArchive(data string) (comment string, files []file) {
	for line := range strings.Lines(data) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		if name, ok2 := strings.CutSuffix(name, " --"); ok && ok2 {
			files = append(files, file{name: name})
		} else if len(files) == 0 {
			comment += line
		} else {
			files[len(files)-1].data += line
		}
	}
	return comment, files
}

func (c *config) directive(t *testing.T, line string) {
	t.Helper()
	if line == "" || line[0] == '#' {
		return
	}
	key, value, _ := strings.Cut(line, ": ")
	switch key {
	case "shell":
		c.shell = value
	case "server":
		c.server = append(c.server, value)
	case "open":
		c.open = value
	case "vars":
		c.vars = append(c.vars, strings.Fields(value)...)
	case "wrong":
		c.wrong = value
	case "short":
		c.short = true
	case "unknown":
		c.unknown = append(c.unknown, strings.Fields(value)...)
	default:
		t.Fatalf("%s: unknown line %q", c.name, line)
	}
}

// serverEnv is the whole environment the server is started with; goready is asked in the same one.
func (c *config) serverEnv(home, tmp, shell, path string) []string {
	env := []string{"HOME=" + home, "LANG=C.UTF-8", "PATH=" + path, "SHELL=" + shell, "TMPDIR=" + tmp}
	for _, kv := range c.server {
		kv = strings.ReplaceAll(kv, "$HOME", home)
		name, _, set := strings.Cut(kv, "=")
		env = slices.DeleteFunc(env, func(old string) bool { return strings.HasPrefix(old, name+"=") })
		if set { // "server: SHELL" takes it away
			env = append(env, kv)
		}
	}
	return env
}
