package goenv

import (
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

func FuzzParseFile(f *testing.F) {
	for _, s := range []string{"", "GOPROXY=x\nGOPROXY=y", "\ufeffA=1\r\n", " A=1\nexport B=2\n#c\nGOENV=\n=\nA", "\xff\xfeG\x00", "A==\n\n\nZ=\x00“", "GOPROXY=$X ${Y} %Z% ~"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := ParseFile("f", data)
		lines := strings.Split(string(data), "\n")
		for _, e := range file.Entries {
			if e.Line < 1 || e.Line > len(lines) || lines[e.Line-1] != e.Key+"="+e.Value {
				t.Fatalf("line %d does not read %q=%q", e.Line, e.Key, e.Value)
			}
			value, line, ok := file.Lookup(e.Key)
			if !ok || line < e.Line || line == e.Line && value != e.Value {
				t.Fatalf("Lookup(%q) = %q, %d, %v", e.Key, value, line, ok)
			}
		}
		last := 0
		for _, p := range file.Lint() {
			if p.Line < last || p.Line > len(lines) || p.Text.IsZero() {
				t.Fatalf("problem %+v of %d lines, after line %d", p, len(lines), last)
			}
			last = p.Line
			checkText(t, p.Text)
			checkText(t, p.Instead)
		}
	})
}

// checkText reports arguments that do not fit the format.
func checkText(t *testing.T, text msg.Text) {
	t.Helper()
	if s := text.String(); strings.Contains(s, "%!") && !strings.Contains(strings.Join(checkArgs(text), ""), "%!") {
		t.Fatalf("%q has the wrong arguments: %s", text.Format, s)
	}
}

func checkArgs(text msg.Text) []string {
	var args []string
	for _, a := range text.Args {
		switch a := a.(type) {
		case string:
			args = append(args, a)
		case msg.Text:
			args = append(args, checkArgs(a)...)
		}
	}
	return args
}

func FuzzGOFLAGS(f *testing.F) {
	for _, s := range []string{"", "-mod=mod -x", "'-tags=a b' \"-v\"", "\"", "''", "-=x --", "---x", "-test.run=x", "a\tb\r\nc", "xC=1 =y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		flags, problem := ParseGOFLAGS(s)
		checkText(t, problem)
		for _, flag := range flags {
			if flag.Name == "" || !strings.HasPrefix(flag.Text, "-") || flag.HasValue != strings.Contains(flag.Text, "=") {
				t.Fatalf("%+v in %q", flag, s)
			}
		}
		fields, err := SplitQuoted(s)
		if err != nil {
			return
		}
		again, err := SplitQuoted(joinQuoted(fields))
		if err == nil && strings.Join(again, "\x00") != strings.Join(fields, "\x00") && !strings.ContainsAny(s, `"'`) {
			t.Fatalf("%q splits to %q, joined and split again to %q", s, fields, again)
		}
		q := fuzzQuery(map[string]string{"GOFLAGS": s}, "", "")
		checkText(t, Resolve(q, "GOFLAGS").Err)
	})
}

func FuzzSelectToolchain(f *testing.F) {
	for _, s := range [][2]string{{"auto", "go 1.99"}, {"go1.22.3-x+auto", "toolchain go1.99.0\ngo 1.2"}, {"local", "go\t1.27rc1 // x"}, {"path", "toolchain default"}, {"go1", "go 1"}, {"go1.22", ""}, {"go1.21x9+path", "go 1.21-foo"}, {"+auto", "toolchain x"}} {
		f.Add(s[0], s[1], "")
	}
	f.Fuzz(func(t *testing.T, setting, mod, work string) {
		q := fuzzQuery(map[string]string{"GOTOOLCHAIN": setting, "GOPROXY": "off", "HOME": "/home/u"}, mod, work)
		s := SelectToolchain(q)
		won := 0
		for _, r := range s.Trail {
			if r.Won {
				won++
			}
			checkText(t, r.Why)
		}
		if won != 1 || s.Toolchain == "" {
			t.Fatalf("%d reasons won in %+v", won, s)
		}
		if s.Toolchain != "local" && toolchainVersion(s.Toolchain) != s.Version {
			t.Fatalf("toolchain %q with version %q", s.Toolchain, s.Version)
		}
		for _, text := range []msg.Text{s.Err, s.ModuleErr, s.Unknown} {
			checkText(t, text)
		}
		r := Resolve(q, "GOVERSION")
		if r.Set && r.Value != "go1.26.8" && toolchainVersion(r.Value) == "" {
			t.Fatalf("version %q", r.Value)
		}
	})
}

func fuzzQuery(env map[string]string, mod, work string) *Query {
	files := map[string]string{"/go/bin/go": "#!go", "/go/VERSION": "go1.26.8\n", "/go/pkg/tool/linux_amd64/x": "", "/go/go.env": caseGoEnv, "/w/x": ""}
	if mod != "" {
		files["/w/go.mod"] = mod
	}
	if work != "" {
		files["/w/go.work"] = work
	}
	var environ []string
	for k, v := range env {
		environ = append(environ, k+"="+v)
	}
	h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, environ, files)
	q, _, err := testQuery(h, environ, "/w", "/go/bin/go")
	if err != nil {
		panic(err)
	}
	return q
}
