package shell

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/testreq"
)

// sample is a generated set of start-up files.
type sample struct {
	session Session
	env     []string
	files   map[string][]string // by name below the home directory
	style   map[string]string   // by name: crlf, bom, latin1
}

func (s sample) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session %s env %q\n", sessionName(s.session), s.env)
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		fmt.Fprintf(&b, "-- %s -- %s\n%s\n", name, s.style[name], strings.Join(s.files[name], "\n"))
	}
	return b.String()
}

func sessionName(s Session) string {
	name := string(s.Kind)
	if s.Interactive {
		name += " -i"
	}
	if s.Login {
		name += " -l"
	}
	return name
}

// write puts the files below home.
func (s sample) write(t testing.TB, home string) {
	t.Helper()
	for _, dir := range []string{"bin", "d", "go/bin", ".config/fish/conf.d", ".config/fish/functions"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, lines := range s.files {
		text := strings.Join(lines, "\n") + "\n"
		switch s.style[name] {
		case "crlf":
			text = strings.ReplaceAll(text, "\n", "\r\n")
		case "bom":
			text = "\ufeff" + text
		case "latin1":
			text = strings.ReplaceAll(text, "plain", "pl\xe4in\xff")
		}
		file := filepath.Join(home, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// oracle compares predictions with real shells.
type oracle struct {
	host                 *local.Machine
	user                 string
	paths                map[Kind]string
	checked, unknown     int
	started, ended, noth int
}

func newOracle(t testing.TB) *oracle {
	o := &oracle{host: local.New(), paths: map[Kind]string{}}
	if u, err := user.Current(); err == nil {
		o.user = u.Username
	}
	return o
}

func (o *oracle) path(t testing.TB, k Kind) string {
	if o.paths[k] == "" {
		name := string(k)
		if k == Sh {
			name = "dash"
		}
		o.paths[k] = testreq.Program(t, name)
	}
	return o.paths[k]
}

// disagreement runs a sample and returns how the shell and the prediction differ, or "".
func (o *oracle) disagreement(t testing.TB, s sample) string {
	t.Helper()
	home, err := os.MkdirTemp(t.TempDir(), "h")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	s.write(t, home)
	s.session.Path = o.path(t, s.session.Kind)
	s.session.Dir = home
	env := []string{"HOME=" + home, "PATH=/usr/bin:/bin", "LC_ALL=C"}
	for _, kv := range s.env {
		env = append(env, strings.ReplaceAll(kv, "$HOME", home))
	}
	e := New(Options{Host: o.host, Home: home, User: o.user})
	got := e.Start(s.session, layer.FromList(env, layer.OSEnv, "test", false)) // first: fish writes its universal variables
	real, err := Probe(t.Context(), o.host, ProbeOptions{Session: s.session, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	o.started++
	return o.compare(got, real, home)
}

func (o *oracle) compare(got Result, real ProbeResult, home string) string {
	ended := !got.End.Why.IsZero() && !got.End.Maybe
	switch {
	case real.Env == nil && ended:
		o.ended++
		return ""
	case real.Env == nil && got.End.Maybe:
		o.noth++
		return ""
	case real.Env == nil:
		return fmt.Sprintf("the shell did not complete (exit %d), predicted that it does", real.ExitCode)
	case ended:
		return fmt.Sprintf("the shell completed, predicted: %s at %s", got.End.Why, got.End.From)
	}
	names := slices.Sorted(maps.Keys(real.Env))
	for _, n := range got.Env.Names() {
		if _, ok := real.Env[n]; !ok {
			names = append(names, n)
		}
	}
	for _, n := range names {
		want, isSet := real.Env[n]
		if n == "_" || n == "HOME" || n == "LC_ALL" || strings.HasPrefix(n, "BASH_FUNC_") {
			continue
		}
		have, ok, why := got.Env.Lookup(n)
		o.checked++
		switch {
		case !why.IsZero():
			o.unknown++
		case ok != isSet || have != want:
			return strings.ReplaceAll(fmt.Sprintf("%s: shell has %q (set: %v), predicted %q (set: %v)", n, want, isSet, have, ok), home, "~")
		}
	}
	return ""
}

// shrink removes lines from a sample while it still disagrees.
func (o *oracle) shrink(t testing.TB, s sample) sample {
	for runs := 0; runs < 150; {
		smaller := false
		for _, name := range slices.Sorted(maps.Keys(s.files)) {
			for i := 0; i < len(s.files[name]); i++ {
				c := s
				c.files = maps.Clone(s.files)
				c.files[name] = slices.Delete(slices.Clone(s.files[name]), i, i+1)
				if runs++; runs < 150 && o.disagreement(t, c) != "" {
					s, smaller = c, true
					i--
				}
			}
		}
		if !smaller {
			break
		}
	}
	return s
}

// TestAgainstShells compares predictions with what real shells do with generated start-up files.
func TestAgainstShells(t *testing.T) {
	for _, kind := range []Kind{Bash, Zsh, Sh, Fish} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			o := newOracle(t)
			o.path(t, kind)
			cases, seed := 160, uint64(1)
			if testing.Short() {
				cases = 20
			}
			if n := os.Getenv("SHELL_ORACLE_CASES"); n != "" {
				fmt.Sscan(n, &cases, &seed)
			}
			failures := 0
			for i := range cases {
				g := &generator{rnd: rand.New(rand.NewPCG(seed, uint64(i))), kind: kind}
				s := g.sample(i)
				if os.Getenv("SHELL_ORACLE_TRACE") != "" {
					fmt.Println("case", i, s)
				}
				if diff := o.disagreement(t, s); diff != "" {
					small := o.shrink(t, s)
					t.Errorf("case %d: %s\nshrunk: %s\n%s", i, diff, o.disagreement(t, small), small)
					if failures++; failures >= 5 {
						break
					}
				}
			}
			t.Logf("%d sessions, %d ended early, %d variables compared, %d unknown", o.started, o.ended, o.checked, o.unknown)
			if o.unknown*10 > o.checked {
				t.Errorf("%d of %d variables are unknown, want at most a tenth", o.unknown, o.checked)
			}
		})
	}
}
