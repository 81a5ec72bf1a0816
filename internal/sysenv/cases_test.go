package sysenv

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

var update = flag.Bool("update", false, "write what is printed into the files of testdata/cases")

// TestCases runs the files of testdata/cases. The comment of each says what it shows; its last line says what to print
// (see caseOutput). Sections are files: "/a -> /b" is a symbolic link, "/a !denied" a file that may not be read.
// "environ" is the environment of goready, "want" the output.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := caseOutput(t, ar)
			for i := range ar.Files {
				if f := &ar.Files[i]; f.Name == "want" && string(f.Data) != got {
					if !*update {
						t.Errorf("got\n%swant\n%s", got, f.Data)
					}
					f.Data = []byte(got)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// caseHost makes the machine of a case.
func caseHost(ar *txtar.Archive) host.Host {
	p := host.Platform{OS: "linux", Arch: "amd64"}
	var environ []string
	files := map[string]string{}
	added := map[string]host.File{"/dev/null": {Info: &host.Info{Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}}}
	for _, f := range ar.Files {
		link, target, isLink := strings.Cut(f.Name, " -> ")
		denied, isDenied := strings.CutSuffix(f.Name, " !denied")
		switch {
		case f.Name == "want":
		case f.Name == "platform":
			p.OS = strings.TrimSpace(string(f.Data))
		case f.Name == "environ":
			environ = strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
		case isLink:
			added[link] = host.File{Info: &host.Info{Mode: fs.ModeSymlink | 0o777}, Link: &target}
		case isDenied:
			failure := &host.Failure{Kind: host.Denied}
			added[denied] = host.File{Info: &host.Info{Mode: 0}, ContentErr: failure, EntriesErr: failure}
		case f.Name == "/proc/1/environ":
			files[f.Name] = strings.ReplaceAll(string(f.Data), "\n", "\x00")
		default:
			files[f.Name] = strings.ReplaceAll(string(f.Data), "␍", "\r")
		}
	}
	h := host.FromFiles(p, environ, files)
	for name, f := range added {
		h.Add(name, f)
	}
	return h
}

// caseOutput does what the last line of the comment says: a command, its arguments, a colon, and the variables to
// print, each with its trail if it ends in "*".
func caseOutput(t *testing.T, ar *txtar.Archive) string {
	t.Helper()
	h := caseHost(ar)
	comment := strings.Split(strings.TrimSpace(string(ar.Comment)), "\n")
	command, vars, _ := strings.Cut(strings.TrimSuffix(comment[len(comment)-1], ":"), ": ")
	f := strings.Fields(command)
	var out strings.Builder
	env, problems := runCase(t, h, &out, f[0], f[1:])
	for _, v := range strings.Fields(vars) {
		printVariable(&out, env, v)
	}
	for _, p := range problems {
		fmt.Fprintf(&out, "problem %s %s: %s\n", layer.Place(p.File, p.Line), p.Key, p.Why)
	}
	return out.String()
}

func runCase(t *testing.T, h host.Host, out *strings.Builder, command string, args []string) (*layer.Env, []Problem) {
	t.Helper()
	user := func(i int) User {
		u, err := UserByName(h, args[i])
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	switch command {
	case "session":
		caller := layer.FromList(h.Environ(), layer.OSEnv, "caller", false)
		return SessionEnv(h, Session(args[0]), user(1), caller)
	case "pam":
		env := layer.FromList(h.Environ(), layer.OSEnv, "test", false)
		return env, ApplyPAM(h, env, args[0], User{})
	case "environmentd":
		env := layer.FromList(h.Environ(), layer.OSEnv, "test", false)
		return env, ApplyEnvironmentD(h, env, args[0])
	case "system":
		m, ok := SystemManager(h)
		if !ok {
			t.Fatal("no systemd")
		}
		return unitCase(t, m, out, args)
	case "user":
		m, ok := UserManager(h, user(0))
		if !ok {
			t.Fatal("no systemd")
		}
		return unitCase(t, m, out, args[1:])
	case "cron":
		return CronEnv(h, user(0), nil)
	case "jobs":
		jobs, problems := CronJobs(h, user(0))
		for _, j := range jobs {
			fmt.Fprintf(out, "%s %q %s %q %v\n", layer.Place(j.File, j.Line), j.Schedule, j.User, j.Command, len(j.Env))
		}
		return nil, problems
	case "windows":
		return WindowsEnv(h)
	case "desktop":
		return DesktopEnv(h, user(0))
	case "path_helper":
		path, problems := PathHelper(h, args[0])
		fmt.Fprintln(out, path)
		return nil, problems
	case "securepath":
		path, from, unknown := SecurePath(h)
		fmt.Fprintf(out, "%q %s %s\n", path, from, unknown)
		return nil, nil
	}
	t.Fatalf("unknown command %q", command)
	return nil, nil
}

// unitCase prints the units of a manager, or one unit.
func unitCase(t *testing.T, m *Manager, out *strings.Builder, args []string) (*layer.Env, []Problem) {
	t.Helper()
	if len(args) == 0 {
		return m.Env(), m.Problems
	}
	switch args[0] {
	case "units":
		fmt.Fprintln(out, strings.Join(m.Units(), " "))
		return nil, nil
	case "any":
		return m.ServiceEnv(m.AnyService())
	case "mentioning":
		fmt.Fprintln(out, strings.Join(m.UnitsMentioning(args[1:]...), " "))
		return nil, nil
	}
	u, err := m.Unit(args[0])
	if err != nil {
		fmt.Fprintln(out, err)
		return nil, nil
	}
	fmt.Fprintf(out, "%s %s %v masked=%v broken=%v home=%v\n", u.Name, u.Path, u.DropIns, u.Masked, !u.Broken.IsZero(), m.HasHome(u))
	for _, a := range u.ExecStart {
		fmt.Fprintf(out, "%s %s %s\n", a.Key, a.From(), a.Value)
	}
	env, problems := m.ServiceEnv(u)
	return env, append(problems, u.Problems...)
}

func printVariable(out *strings.Builder, env *layer.Env, name string) {
	name, trail := strings.CutSuffix(name, "*")
	v, ok, unknown := env.Lookup(name)
	switch {
	case !unknown.IsZero():
		fmt.Fprintf(out, "%s unknown %q: %s\n", name, v, unknown)
	case !ok:
		fmt.Fprintf(out, "%s unset\n", name)
	default:
		fmt.Fprintf(out, "%s=%s\n", name, v)
	}
	for _, s := range env.Trail(name) {
		if trail {
			fmt.Fprintf(out, "  %s %s %q%s%s%s\n", s.Layer, s.From, s.Value, note(" skipped: ", s.Skipped), note(" unknown: ", s.Unknown), map[bool]string{true: " unset"}[s.Unset])
		}
	}
}

func note(what string, text msg.Text) string {
	if text.IsZero() {
		return ""
	}
	return what + text.String()
}
