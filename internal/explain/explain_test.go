package explain

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/scrub"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// consumer returns a consumer with this environment, a user's file and an SDK.
func consumer(env *layer.Env, userFile string) *facts.Consumer {
	c := &facts.Consumer{ID: "current", Env: env, Dir: "/ws"}
	c.Go.SDK = goenv.SDK{GoCommand: "/sdk/bin/go", Root: "/sdk", Version: "go1.26.8", Arch: "amd64",
		GoEnv: goenv.ParseFile("/sdk/go.env", []byte("GOPROXY=https://default.example.com,direct\nGOTOOLCHAIN=local\n"))}
	c.User = facts.UserFile{Name: "/h/.config/go/env", File: goenv.ParseFile("/h/.config/go/env", []byte(userFile))}
	return c
}

func linuxFacts() *facts.Facts {
	return &facts.Facts{Platform: host.Platform{OS: "linux", Arch: "amd64"}, Home: "/h", Workspace: "/ws"}
}

func set(id layer.ID, from, value string) layer.Set {
	return layer.Set{Layer: id, From: from, Value: value}
}

func TestDecide(t *testing.T) {
	why := msg.New("the output of a program")
	for _, tt := range []struct {
		name     string
		sets     []layer.Set
		file     string
		state    State
		value    string
		won      string // "layer from"
		trailLen int
	}{
		{"sdk", nil, "", Set, "https://default.example.com,direct", "sdk-go-env /sdk/go.env:1", 1},
		{"user_file", nil, "GOPROXY=f\n", Set, "f", "go-env-file /h/.config/go/env:1", 2},
		{"shell_file_over_user_file", []layer.Set{set(layer.ShellFile, "/h/.profile:3", "p")}, "GOPROXY=f\n", Set, "p", "shell-file /h/.profile:3", 3},
		{"later_line_over_earlier", []layer.Set{set(layer.ShellFile, "/h/.profile:3", "p"), set(layer.ShellFile, "/h/.bashrc:1", "q")}, "",
			Set, "q", "shell-file /h/.bashrc:1", 3},
		{"empty_counts_as_unset", []layer.Set{set(layer.OSEnv, "x", "")}, "GOPROXY=f\n", Set, "f", "go-env-file /h/.config/go/env:1", 3},
		{"removed_again", []layer.Set{set(layer.OSEnv, "x", "o"), {Layer: layer.LaunchEnv, From: "l:1", Unset: true}}, "GOPROXY=f\n",
			Set, "f", "go-env-file /h/.config/go/env:1", 4},
		{"unknown_hides_what_is_below", []layer.Set{{Layer: layer.ShellFile, From: "/h/.profile:1", Unknown: why}}, "GOPROXY=f\n", Unknown, "", "", 3},
		{"known_after_unknown", []layer.Set{{Layer: layer.ShellFile, From: "/h/.profile:1", Unknown: why}, set(layer.SettingsUser, "s:1", "v")}, "",
			Set, "v", "vscode-settings-user s:1", 3},
		{"skipped_is_shown_only", []layer.Set{{Layer: layer.ShellFile, From: "/h/.bashrc:9", Value: "b", Skipped: why}}, "", Set,
			"https://default.example.com,direct", "sdk-go-env /sdk/go.env:1", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := new(layer.Env)
			for _, s := range tt.sets {
				env.Add("GOPROXY", s)
			}
			d := Decide(linuxFacts(), consumer(env, tt.file), "GOPROXY")
			won := ""
			if w, ok := d.Winner(); ok {
				won = string(w.Layer) + " " + w.From
			}
			if d.State != tt.state || d.Value != tt.value || won != tt.won || len(d.Trail) != tt.trailLen {
				t.Errorf("got %s %q, won %q, trail %+v\nwant %s %q, won %q, %d entries", d.State, d.Value, won, d.Trail, tt.state, tt.value, tt.won, tt.trailLen)
			}
		})
	}
}

// TestDependsOnUnknown: what is derived from an unknown variable is unknown itself, unless the process environment
// decides it.
func TestDependsOnUnknown(t *testing.T) {
	env := new(layer.Env)
	env.Add("GOPRIVATE", layer.Set{Layer: layer.ShellFile, From: "/h/.profile:1", Unknown: msg.New("the output of a program")})
	d := Decide(linuxFacts(), consumer(env, ""), "GONOPROXY")
	if d.State != Unknown || !strings.Contains(d.Reason.String(), "GOPRIVATE") {
		t.Errorf("GONOPROXY: %s, reason %q", d.State, d.Reason)
	}
	env.Add("GONOPROXY", set(layer.OSEnv, "x", "corp.example.com"))
	if d := Decide(linuxFacts(), consumer(env, ""), "GONOPROXY"); d.State != Set || d.Value != "corp.example.com" {
		t.Errorf("GONOPROXY given: %s %q", d.State, d.Value)
	}
}

// TestInvariant: whatever happened to a variable, a decision that is set has exactly one reason that won, with the
// decision's value, and any other has none.
func TestInvariant(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := append(goenv.Variables(), "PATH", "HTTP_PROXY", "NOT_GO")
	for i := range 3000 {
		env := new(layer.Env)
		env.Add("HOME", set(layer.OSEnv, "x", "/h"))
		name := names[r.IntN(len(names))]
		file := ""
		for range r.IntN(4) {
			s := set(layer.OSEnv, fmt.Sprint("f:", r.IntN(9)), []string{"", "a", "/b", "on", " "}[r.IntN(5)])
			switch r.IntN(6) {
			case 0:
				s.Unset, s.Value = true, ""
			case 1:
				s.Unknown = msg.New("the output of a program")
			case 2:
				s.Skipped = msg.New("not exported")
			case 3:
				file += name + "=" + s.Value + "\n"
			}
			env.Add(names[r.IntN(len(names))], s)
			env.Add(name, s)
		}
		d := Decide(linuxFacts(), consumer(env, file), name)
		winners := 0
		for _, reason := range d.Trail {
			if reason.Won {
				winners++
				if reason.Value != d.Value {
					t.Fatalf("case %d: %s = %q, won by %+v", i, name, d.Value, reason)
				}
			}
			if reason.Why.IsZero() {
				t.Fatalf("case %d: %s: no reason in %+v", i, name, reason)
			}
		}
		if want := map[State]int{Set: 1}[d.State]; winners != want {
			t.Fatalf("case %d: %s is %s with %d winners: %+v\nfile %q", i, name, d.State, winners, d.Trail, file)
		}
	}
}

// TestDecidedByAnother: GOTOOLCHAIN in the process environment decides GOVERSION; a GOVERSION there is ignored.
func TestDecidedByAnother(t *testing.T) {
	env := new(layer.Env)
	env.Add("GOTOOLCHAIN", set(layer.OSEnv, "x", "go1.26.8"))
	env.Add("GOVERSION", set(layer.OSEnv, "x", "go9"))
	d := Decide(linuxFacts(), consumer(env, ""), "GOVERSION")
	w, ok := d.Winner()
	if !ok || w.Layer != layer.OSEnv || w.From != "GOTOOLCHAIN" || d.State != Set {
		t.Errorf("%s %q, won by %+v", d.State, d.Value, w)
	}
	last := d.Trail[len(d.Trail)-1]
	if last.Value != "go9" || last.Won || strings.Contains(last.Why.String(), "empty") {
		t.Errorf("GOVERSION in the environment: %+v", last)
	}
}

func TestClean(t *testing.T) {
	env := new(layer.Env)
	env.Add("GOPROXY", set(layer.OSEnv, "x", "https://me:hunter2@proxy.example.com,direct"))
	report := Report{Variables: Variables(&facts.Facts{Platform: host.Platform{OS: "linux"}, Consumers: []facts.Consumer{*consumer(env, "")}}, []string{"GOPROXY"})}
	report.Clean(scrub.NewCleaner(&host.Fixture{}))
	if text := fmt.Sprintf("%+v", report); strings.Contains(text, "hunter2") {
		t.Errorf("the password is still there: %s", text)
	}
	if got, want := report.Variables[0].Consumers[0].Value, "https://xxxxx@proxy.example.com,direct"; got != want {
		t.Errorf("value %q, want %q", got, want)
	}
}
