package shell

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/testreq"
)

func TestKindOf(t *testing.T) {
	linux, windows := host.Platform{OS: "linux"}, host.Platform{OS: "windows"}
	for _, tt := range []struct {
		p    host.Platform
		path string
		want Kind
	}{
		{linux, "/bin/bash", Bash}, {linux, "/usr/bin/rbash", Bash}, {linux, "-bash", Bash}, {linux, "zsh", Zsh},
		{linux, "/opt/homebrew/bin/fish", Fish}, {linux, "/bin/sh", Sh}, {linux, "/bin/dash", Sh}, {linux, "/bin/tcsh", "tcsh"},
		{linux, "/usr/bin/nu", "nu"}, {linux, "", "."}, {windows, `C:\Program Files\Git\bin\Bash.exe`, Bash}, {windows, `C:\x\pwsh.exe`, "pwsh"},
	} {
		if got := KindOf(tt.p, tt.path); got != tt.want {
			t.Errorf("KindOf(%s, %q) = %q, want %q", tt.p.OS, tt.path, got, tt.want)
		}
	}
}

func fixture(files map[string]string) host.Host {
	all := map[string]string{"/home/u/.keep": ""}
	for name, text := range files {
		all[abs("/home/u", name)] = text
	}
	return host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, all)
}

func evaluate(h host.Host, s Session, env ...string) Result {
	uid := 1000
	e := New(Options{Host: h, Home: "/home/u", User: "u", UID: &uid})
	return e.Start(s, layer.FromList(append([]string{"HOME=/home/u", "PATH=/usr/bin:/bin"}, env...), layer.OSEnv, "test", false))
}

func TestWindowsIsUnknown(t *testing.T) {
	h := host.FromFiles(host.Platform{OS: "windows", Arch: "amd64"}, nil, nil)
	res := New(Options{Host: h}).Start(Session{Kind: Bash, Interactive: true}, layer.FromList([]string{"A=1"}, layer.OSEnv, "test", true))
	if _, ok, why := res.Env.Lookup("GOPROXY"); ok || why.IsZero() {
		t.Error("a shell on Windows is not unknown")
	}
}

func TestBaseIsNotChanged(t *testing.T) {
	h := fixture(map[string]string{".bashrc": "export A=2 B=3; unset C"})
	base := layer.FromList([]string{"HOME=/home/u", "A=1", "C=1"}, layer.OSEnv, "test", false)
	e := New(Options{Host: h})
	for range 2 { // the second time from the cache
		res := e.Start(Session{Kind: Bash, Interactive: true}, base)
		if got := res.Env.Get("A") + res.Env.Get("B") + res.Env.Get("C"); got != "23" {
			t.Errorf("A, B, C = %q, want 23", got)
		}
	}
	if got := strings.Join(base.List(), " "); got != "HOME=/home/u A=1 C=1" {
		t.Errorf("base = %q", got)
	}
}

// hostile are texts that must neither panic nor take long.
func hostile() map[string]string {
	return map[string]string{
		"parens":      strings.Repeat("(", 100_000),
		"braces":      strings.Repeat("{ ", 100_000),
		"ifs":         strings.Repeat("if ", 50_000),
		"subst":       "x=" + strings.Repeat("$(", 50_000),
		"quoted":      strings.Repeat(`"$(`, 50_000),
		"arith":       "x=$((" + strings.Repeat("a,", 50_000),
		"index":       strings.Repeat("x[", 50_000),
		"defaults":    "x=" + strings.Repeat("${a:-", 50_000),
		"expo":        "x=aaaaaaaaaa\n" + strings.Repeat("x=$x$x$x$x\n", 200) + "export x",
		"expo_list":   "x=(a b)\n" + strings.Repeat("x=(\"${x[@]}\" \"${x[@]}\")\n", 40),
		"brace_range": "for i in {1..100000000}; do export A=$i; done",
		"brace_power": "for i in " + strings.Repeat("{a,b}", 40) + "; do :; done",
		"loop":        "i=0; while true; do i=$((i+1)); x=$x$i; done",
		"nested_loop": "for a in {1..999}; do for b in {1..999}; do for c in {1..999}; do x=$x$a; done; done; done",
		"recursion":   "f() { f; f; }; f",
		"replace":     "x=" + strings.Repeat("a", 100_000) + "\ny=${x//a/$x}\nexport y=${y//a/$y}",
		"globstar":    "case " + strings.Repeat("a", 5000) + " in " + strings.Repeat("*a", 50) + "b) export A=1;; esac",
		"extglob":     "shopt -s extglob\n[[ " + strings.Repeat("a", 100) + " == +(+(+(+(a)))))b ]] && export A=1",
		"source":      ". ~/.bashrc; . ~/.bashrc",
		"eval":        "x='eval \"$x\"'; eval \"$x\"",
		"eval_grow":   "x='eval \"$x;$x\"'; eval \"$x\"",
		"printf":      "x=$(printf '%1000000000d' 1)",
		"heredoc":     strings.Repeat("cat <<E\n", 20_000),
		"nul":         "export A=1\x00\x00\nexport B=\x002",
		"utf8":        "export A=\xff\xfe\nexport \xff=1\nexport B=\xc3\x28",
		"crs":         strings.Repeat("\r", 100_000) + "\nexport A=1",
		"long_line":   "export A=" + strings.Repeat("x", 3<<20),
		"many_lines":  strings.Repeat("export A=1\n", 50_000),
		"functions":   strings.Repeat("f() {\n  export A=1\n}\nf\n", 10_000),
		"aliases":     strings.Repeat("alias a='b'\n", 50_000),
		"case_deep":   strings.Repeat("case a in a) ", 20_000),
		"unset_all":   "for v in A B C PATH HOME PWD IFS; do unset $v; done; cd; . x; export D=~/$PWD",
		"backslashes": strings.Repeat("\\", 100_001),
		"set_e":       "set -e; false; export A=1",
	}
}

func TestHostileFiles(t *testing.T) {
	for name, text := range hostile() {
		for _, s := range []Session{{Kind: Bash, Interactive: true}, {Kind: Zsh, Interactive: true}, {Kind: Sh, Login: true}, {Kind: Fish}} {
			t.Run(fmt.Sprintf("%s_%s", name, s.Kind), func(t *testing.T) {
				h := fixture(map[string]string{".bashrc": text, ".zshrc": text, ".profile": text, ".config/fish/config.fish": text})
				start := time.Now()
				evaluate(h, s)
				if d := time.Since(start); d > 5*time.Second {
					t.Errorf("takes %v", d)
				}
			})
		}
	}
}

func TestLongPath(t *testing.T) {
	var dirs []string
	for i := range 500 {
		dirs = append(dirs, fmt.Sprintf("/opt/d%d/bin", i))
	}
	text := "export PATH=$HOME/bin:$PATH\ncommand -v go || export A=1\ncase :$PATH: in *:/opt/d499/bin:*) export B=1;; esac\n"
	res := evaluate(fixture(map[string]string{".bashrc": text}), Session{Kind: Bash, Interactive: true}, "PATH="+strings.Join(dirs, ":"))
	if res.Env.Get("A") != "1" || res.Env.Get("B") != "1" || !strings.HasPrefix(res.Env.Get("PATH"), "/home/u/bin:/opt/d0") {
		t.Errorf("A=%q B=%q PATH=%.40q", res.Env.Get("A"), res.Env.Get("B"), res.Env.Get("PATH"))
	}
}

func TestManyLines(t *testing.T) {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, "export V%d=%d # a line\n", i%100, i)
	}
	res := evaluate(fixture(map[string]string{".bashrc": b.String()}), Session{Kind: Bash, Interactive: true})
	if got := res.Env.Get("V99"); got != "49999" {
		t.Errorf("V99 = %q", got)
	}
}

func TestNoHome(t *testing.T) {
	e := New(Options{Host: host.FromFiles(host.Platform{OS: "linux"}, nil, nil)})
	for _, k := range []Kind{Bash, Zsh, Sh, Fish} {
		res := e.Start(Session{Kind: k, Login: true, Interactive: true}, &layer.Env{})
		if !res.End.Why.IsZero() {
			t.Errorf("%s: %s", k, res.End.Why)
		}
	}
}

// TestLazyFunctions checks that leaving out the bodies of functions changes nothing.
func TestLazyFunctions(t *testing.T) {
	functions := "first() {\n  export A=\"$1\" # it's fine\n}\nfunction second {\n  cat <<E\n}\nE\n  export B=2\n}\n" +
		"third ()\n{\n  local x='a\n}\n'\n  export C=3\n}\n" + strings.Repeat("filler() {\n  export NEVER=1\n}\n", 400) + "first 1; second; third\nexport D=4\n"
	if len(functions) < lazyFrom {
		t.Fatal("the file is too short to be lazy about")
	}
	for _, s := range []Session{{Kind: Bash, Interactive: true}, {Kind: Zsh, Interactive: true}} {
		res := evaluate(fixture(map[string]string{".bashrc": functions, ".zshrc": functions}), s)
		got := res.Env.Get("A") + res.Env.Get("B") + res.Env.Get("C") + res.Env.Get("D") + res.Env.Get("NEVER")
		trail := res.Env.Trail("A")
		name := map[Kind]string{Bash: ".bashrc", Zsh: ".zshrc"}[s.Kind]
		if got != "1234" || len(trail) == 0 || trail[0].From != "/home/u/"+name+":2" {
			t.Errorf("%s: ABCD = %q, trail %v, notes %v", s.Kind, got, trail, res.Notes)
		}
	}
}

func TestProbe(t *testing.T) {
	h := local.New()
	for _, k := range []Kind{Bash, Zsh, Sh, Fish} {
		t.Run(string(k), func(t *testing.T) {
			program := string(k)
			if k == Sh {
				program = "dash"
			}
			path, home := testreq.Program(t, program), t.TempDir()
			text := "echo noise\nexport A='x\ny' B=\n"
			if k == Fish {
				text = "echo noise\nset -gx A 'x\ny'\nset -gx B ''\n"
			}
			files := map[Kind]string{Bash: ".bash_profile", Zsh: ".zshenv", Sh: ".profile", Fish: ".config/fish/config.fish"}
			file := filepath.Join(home, files[k])
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			o := ProbeOptions{Session: Session{Kind: k, Path: path, Login: true, Interactive: true, Dir: home}, Env: []string{"HOME=" + home, "PATH=/usr/bin:/bin", "LC_ALL=C"}, Resolving: true}
			p, err := Probe(t.Context(), h, o)
			if err != nil {
				t.Fatal(err)
			}
			if p.Env["A"] != "x\ny" || p.Env["VSCODE_RESOLVING_ENVIRONMENT"] != "1" || !strings.Contains(string(p.Noise), "noise\n") || p.TimedOut || p.ExitCode != 0 {
				t.Errorf("Probe = %+v", p)
			}
			if _, ok := p.Env["B"]; !ok {
				t.Error("B is not set")
			}
			if p.Env["PWD"] != home {
				t.Errorf("PWD = %q, want %q", p.Env["PWD"], home)
			}
		})
	}
}

func TestProbeEnds(t *testing.T) {
	bash, home := testreq.Program(t, "bash"), t.TempDir()
	for _, tt := range []struct {
		name, text string
		timedOut   bool
		code       int
	}{
		{"exit", "exit 7", false, 7},
		{"hang", "while :; do :; done", true, -1},
		{"child_that_stays", "sleep 60 & export A=1; exit 0", false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(home, ".bash_profile"), []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			o := ProbeOptions{Session: Session{Kind: Bash, Path: bash, Login: true}, Env: []string{"HOME=" + home, "PATH=/usr/bin:/bin"}, Timeout: 2 * time.Second}
			p, err := Probe(t.Context(), local.New(), o)
			if err != nil || p.Env != nil || p.TimedOut != tt.timedOut || p.ExitCode != tt.code {
				t.Errorf("Probe = %+v, %v", p, err)
			}
		})
	}
	if _, err := Probe(context.Background(), local.New(), ProbeOptions{Session: Session{Kind: Bash, Path: filepath.Join(home, "none")}}); err == nil {
		t.Error("a shell that does not exist gives no error")
	}
}

func FuzzStart(f *testing.F) {
	for _, text := range hostile() {
		if len(text) < 2000 {
			f.Add([]byte(text))
		}
	}
	files, _ := filepath.Glob("testdata/cases/*.txtar")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 100_000 {
			return
		}
		text := string(data)
		h := fixture(map[string]string{".bashrc": text, ".bash_profile": text, ".zshrc": text, ".zshenv": text, ".profile": text,
			".config/fish/config.fish": text, ".config/fish/fish_variables": text, "/etc/profile": text})
		for _, k := range []Kind{Bash, Zsh, Sh, Fish} {
			s, start := Session{Kind: k, Interactive: len(data)%2 == 0, Login: len(data)%3 == 0, TTY: Yes}, time.Now()
			if evaluate(h, s); time.Since(start) > 5*time.Second {
				t.Fatalf("%s takes %v", sessionName(s), time.Since(start))
			}
		}
	})
}
