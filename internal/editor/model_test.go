package editor

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// world is the machine and window of a txtar case. Sections with an absolute name are files (executable if they begin
// with "#!"); the others say what the window is:
//
//	window   "folder DIR", "workspace FILE", "platform OS", "variant ID", "remote", "untrusted", "profile ID", "userdir DIR"
//	exthost  the environment of the extension host before the extension runs, a variable a line
//	answers  what go env says: "GOROOT=…", else "NAME=value LAYER FROM"
//	want     "CONSUMER NAME=value LAYER [FROM]", "CONSUMER NAME unset LAYER", "go PATH VIA", "CONSUMER problem TEXT"
type world struct {
	t       *testing.T
	h       *host.Fixture
	s       *Settings
	m       Model
	exthost *layer.Env // after activation
	base    *layer.Env // before
	found   Found
	prefix  string
	answers Answers
	want    []string
}

func loadWorld(t *testing.T, file string) *world {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
	p := host.Platform{OS: "linux", Arch: "amd64"}
	in := LoadInput{Home: "/h", Variant: Variant{ID: "code", UserDir: "/h/.config/Code/User", ExtensionsDir: "/h/.vscode/extensions"}}
	files := map[string]string{}
	sections := map[string][]string{}
	for _, f := range ar.Files {
		if strings.HasPrefix(f.Name, "/") || strings.HasPrefix(f.Name, "C:") {
			files[f.Name] = string(f.Data)
			continue
		}
		sections[f.Name] = strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
	}
	for _, line := range sections["window"] {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "folder":
			in.Folders = append(in.Folders, value)
		case "workspace":
			in.WorkspaceFile = value
		case "platform":
			p.OS = value
		case "userdir":
			in.Variant.UserDir = value
		case "home":
			in.Home = value
		case "variant":
			for _, v := range Variants(host.FromFiles(p, nil, nil), in.Home, func(string) string { return "" }) {
				if v.ID == value {
					in.Variant = v
				}
			}
		case "remote":
			in.Remote = true
		case "untrusted":
			in.Untrusted = true
		case "profile":
			in.Profile = value
		default:
			t.Fatalf("%s: window %q", file, line)
		}
	}
	w.h = host.FromFiles(p, nil, files)
	w.s = Load(w.h, in)
	w.m, _ = ModelFor("0.57.2")
	w.want = sections["want"]
	w.activate(sections["exthost"], sections["answers"])
	return w
}

// activate does what the extension does when it starts.
func (w *world) activate(env, answers []string) {
	w.exthost = layer.FromList(env, layer.OSEnv, "environment of the editor", w.h.Platform().FoldCase())
	w.base = w.exthost.Clone()
	w.m.SetGoroot(w.exthost, w.s, w.folder())
	w.found = w.m.FindGo(w.exthost, w.s, w.folder(), "")
	w.answers.Vars = map[string]Answer{}
	for _, line := range answers {
		if line == "" {
			continue
		}
		f := strings.Fields(line)
		name, value, _ := strings.Cut(f[0], "=")
		a := Answer{Value: value}
		if len(f) > 1 {
			a.Layer, a.From = layer.ID(f[1]), f[2]
		}
		if name == "GOROOT" {
			w.answers.GOROOT = value
		}
		w.answers.Vars[name] = a
	}
	w.prefix = w.m.Snapshot(w.exthost, w.s, w.folder(), w.found, w.answers)
}

func (w *world) folder() int {
	if len(w.s.Folders()) > 0 {
		return 0
	}
	return -1
}

// env returns the environment of a consumer and what is wrong with it.
func (w *world) env(consumer string) (*layer.Env, []Problem, msg.Text) {
	folder := w.folder()
	name, arg, _ := strings.Cut(consumer, ":")
	switch name {
	case "exthost":
		return w.exthost, nil, msg.Text{}
	case "tool":
		if arg != "" {
			fmt.Sscan(arg, &folder)
		}
		return w.m.ToolEnv(w.exthost, w.s, folder), nil, msg.Text{}
	case "gopls":
		env, bad := w.m.GoplsEnv(w.m.ToolEnv(w.exthost, w.s, folder), w.s, folder)
		return env, bad, msg.Text{}
	case "install":
		return w.m.InstallEnv(w.exthost, w.s, folder), nil, msg.Text{}
	case "test":
		env, bad := w.m.TestEnv(w.exthost, w.s, folder)
		return env, bad, msg.Text{}
	case "terminal":
		return TerminalEnv(w.base, &layer.Env{}, w.s, w.prefix), nil, msg.Text{}
	case "debug":
		configs, _ := LoadLaunch(w.s)
		for i := range configs {
			if configs[i].Name == arg {
				d := w.m.DebugEnv(w.exthost, TerminalEnv(w.base, nil, w.s, w.prefix), w.s, &configs[i])
				why := d.NoSession
				if why.IsZero() {
					why = d.External
				}
				return d.Env, d.Problems, why
			}
		}
	case "task":
		tasks, _ := LoadTasks(w.s)
		for i := range tasks {
			if tasks[i].Label == arg {
				env, bad := w.m.TaskEnv(w.exthost, TaskTerminalEnv(w.base, w.s, w.prefix), w.s, &tasks[i])
				return env, bad, msg.Text{}
			}
		}
	}
	w.t.Errorf("no consumer %q", consumer)
	return nil, nil, msg.Text{}
}

func TestModel(t *testing.T) {
	files, err := filepath.Glob("testdata/model/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			w := loadWorld(t, file)
			if len(w.want) == 0 {
				t.Fatal("no want section")
			}
			for _, line := range w.want {
				if line != "" {
					w.check(line)
				}
			}
		})
	}
}

// check compares one line of the want section.
func (w *world) check(line string) {
	w.t.Helper()
	consumer, rest, _ := strings.Cut(line, " ")
	if consumer == "go" || strings.HasPrefix(consumer, "find:") {
		f := w.found
		if name, ok := strings.CutPrefix(consumer, "find:"); ok {
			f = w.m.FindTool(name, w.exthost, w.s, w.folder(), w.answers.GOROOT)
		}
		if got := strings.TrimSpace(f.Path + " " + f.Via); got != rest {
			w.t.Errorf("%s = %s, want %s", consumer, got, rest)
		}
		return
	}
	if i := strings.LastIndex(consumer, ":"); i >= 0 {
		consumer = consumer[:i+1] + strings.ReplaceAll(consumer[i+1:], "_", " ")
	}
	env, problems, why := w.env(consumer)
	if text, ok := strings.CutPrefix(rest, "problem "); ok {
		var got []string
		for _, p := range problems {
			got = append(got, p.Pos.String()+": "+p.Text.String())
		}
		if !strings.Contains(strings.Join(got, "\n"), text) {
			w.t.Errorf("%s: problems %q, want %q", consumer, got, text)
		}
		return
	}
	if text, ok := strings.CutPrefix(rest, "ends "); ok {
		if !strings.Contains(why.String(), text) || why.IsZero() {
			w.t.Errorf("%s: %q, want %q", consumer, why, text)
		}
		return
	}
	w.checkVariable(consumer, env, rest)
}

func (w *world) checkVariable(consumer string, env *layer.Env, want string) {
	w.t.Helper()
	name, _, _ := strings.Cut(want, "=")
	name, _, _ = strings.Cut(name, " ")
	value, ok, unknown := env.Lookup(name)
	got := name + "=" + value
	switch {
	case !unknown.IsZero():
		got = name + " unknown"
	case !ok:
		got = name + " unset"
	}
	if layerOf, from := decided(env, name); layerOf != "" {
		got += " " + string(layerOf)
		if strings.HasPrefix(want, got+" ") {
			got += " " + from
		}
	}
	if got != want {
		w.t.Errorf("%s: %s, want %s\ntrail: %s", consumer, got, want, showTrail(env, name))
	}
}

// decided returns the layer that decided about a variable.
func decided(env *layer.Env, name string) (layer.ID, string) {
	var id layer.ID
	var from string
	for _, s := range env.Trail(name) {
		if s.Skipped.IsZero() {
			id, from = s.Layer, s.From
		}
	}
	return id, from
}

func showTrail(env *layer.Env, name string) string {
	var b strings.Builder
	for _, s := range env.Trail(name) {
		fmt.Fprintf(&b, "\n  %s %s %q unset=%v skipped=%q unknown=%q why=%q", s.Layer, s.From, s.Value, s.Unset, s.Skipped, s.Unknown, s.Why)
	}
	return b.String()
}

// TestUnknownStaysUnknown: what cannot be told about the extension host cannot be told about its children.
func TestUnknownStaysUnknown(t *testing.T) {
	s := window(map[string]string{"/usr/bin/go": "#!", userFile: `{"go.toolsEnvVars": {"GOPATH": "/tev", "K": "${env:GOPATH}", "OK": "1"}}`}, LoadInput{})
	m, _ := ModelFor("")
	exthost := layer.FromList([]string{"PATH=/usr/bin", "GOPATH=/os"}, layer.OSEnv, "x", false)
	exthost.Opaque(layer.Set{Unknown: msg.New("an eval of a command's output")})
	found := m.FindGo(exthost, s, -1, "")
	if found.Unknown.IsZero() {
		t.Errorf("FindGo = %+v", found)
	}
	m.Snapshot(exthost, s, -1, Found{Path: "/usr/bin/go", Via: "path"}, Answers{GOROOT: "/r", Vars: map[string]Answer{"GOPROXY": {Value: "p"}}})
	env := m.ToolEnv(exthost, s, -1)
	for name, known := range map[string]bool{"GOPATH": false, "GOPROXY": false, "K": false, "PATH": false, "OK": true} {
		if _, _, unknown := env.Lookup(name); unknown.IsZero() != known {
			t.Errorf("%s: unknown %q", name, unknown)
		}
	}
	if id, _ := decided(env, "OK"); id != layer.SettingsUser {
		t.Errorf("OK from %s", id)
	}
}

func TestModelFor(t *testing.T) {
	for _, tt := range []struct {
		version string
		known   bool
	}{
		{"0.57.2", true}, {"v0.40.0", true}, {"0.52.0", true}, {"0.39.1", false}, {"0.58.0", false}, {"", false}, {"2025.8.1", false}, {"x", false},
	} {
		m, known := ModelFor(tt.version)
		if known != tt.known || len(m.FrozenVars) == 0 {
			t.Errorf("ModelFor(%q) known = %v, want %v", tt.version, known, tt.known)
		}
	}
	if got := (Model{InstallToolchain: "auto"}).InstallToolchainFor("1.27.0", "1.26.8"); got != "go1.27.0+auto" {
		t.Errorf("InstallToolchainFor = %s", got)
	}
}
