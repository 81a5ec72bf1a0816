package editor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
)

const userFile = "/h/.config/Code/User/settings.json"

// window loads the settings of a window of VS Code on Linux.
func window(files map[string]string, in LoadInput) *Settings {
	if in.Variant.ID == "" {
		in.Variant = Variant{ID: "code", UserDir: "/h/.config/Code/User"}
	}
	in.Home = "/h"
	return Load(host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, files), in)
}

func showOrigins(trail []Origin) string {
	var list []string
	for _, o := range trail {
		s := fmt.Sprintf("%s %s %s", o.Layer, o.From(), o.Value.JSON(100))
		if !o.Applied {
			s += " (" + o.Why.String() + ")"
		}
		list = append(list, s)
	}
	return strings.Join(list, "\n")
}

func TestLookupTrail(t *testing.T) {
	remote := Variant{ID: "code-server", UserDir: "/u/User", MachineSettings: "/u/Machine/settings.json", Remote: true}
	for _, tt := range []struct {
		name   string
		files  map[string]string
		in     LoadInput
		key    string
		folder int
		want   string // the value, then the trail
	}{
		{"nothing", nil, LoadInput{}, "go.gopath", -1, "nothing\n"},
		{"user", map[string]string{userFile: "{\n\"go.gopath\": \"/a\"}"}, LoadInput{}, "go.gopath", -1,
			"\"/a\"\nvscode-settings-user /h/.config/Code/User/settings.json:2 \"/a\""},
		{"single_folder_is_workspace", map[string]string{"/w/.vscode/settings.json": `{"go.useLanguageServer": false}`},
			LoadInput{Folders: []string{"/w"}}, "go.useLanguageServer", 0,
			"false\nvscode-settings-workspace /w/.vscode/settings.json:1 false"},
		{"folder_refuses_window_setting", map[string]string{
			"/w/x.code-workspace":        `{"folders": [{"path": "a"}]}`,
			"/w/a/.vscode/settings.json": `{"go.useLanguageServer": false}`,
		}, LoadInput{WorkspaceFile: "/w/x.code-workspace"}, "go.useLanguageServer", 0,
			"nothing\nvscode-settings-folder /w/a/.vscode/settings.json:1 false (not applied in a workspace folder, go.useLanguageServer belongs to the workspace or user settings)"},
		{"code_server_takes_user_goroot", map[string]string{"/u/User/settings.json": `{"go.goroot": "/a"}`}, LoadInput{Variant: remote}, "go.goroot", -1,
			"\"/a\"\nvscode-settings-user /u/User/settings.json:1 \"/a\""},
		{"remote_refuses_user_goroot", map[string]string{userFile: `{"go.goroot": "/a"}`}, LoadInput{Remote: true}, "go.goroot", -1,
			"nothing\nvscode-settings-user " + userFile + ":1 \"/a\" (not applied in a remote window, go.goroot belongs to the machine where the code is)"},
		{"workspace_overrides_goroot", map[string]string{"/w/.vscode/settings.json": `{"go.goroot": "/a"}`}, LoadInput{Variant: remote, Folders: []string{"/w"}}, "go.goroot", 0,
			"\"/a\"\nvscode-settings-workspace /w/.vscode/settings.json:1 \"/a\""},
		{"workspace_refuses_http_proxy", map[string]string{"/w/.vscode/settings.json": `{"http.proxy": "x"}`, userFile: `{"http.proxy": "u"}`},
			LoadInput{Folders: []string{"/w"}}, "http.proxy", 0,
			"\"u\"\nvscode-settings-user /h/.config/Code/User/settings.json:1 \"u\"\nvscode-settings-workspace /w/.vscode/settings.json:1 \"x\" (not applied in a workspace, http.proxy belongs to the user settings)"},
		{"machine_refuses_http_proxy", map[string]string{"/u/Machine/settings.json": `{"http.proxy": "m"}`}, LoadInput{Variant: remote}, "http.proxy", -1,
			"nothing\nvscode-settings-remote /u/Machine/settings.json:1 \"m\" (not applied in the settings of a remote machine, http.proxy belongs to the user settings)"},
		{"unregistered_applies_everywhere", map[string]string{"/w/.vscode/settings.json": `{"x.y": 1}`}, LoadInput{Folders: []string{"/w"}}, "x.y", 0,
			"1\nvscode-settings-workspace /w/.vscode/settings.json:1 1"},
		{"nested", map[string]string{userFile: `{"go": {"gopath": "/n"}}`}, LoadInput{}, "go.gopath", -1,
			"\"/n\"\nvscode-settings-user /h/.config/Code/User/settings.json:1 \"/n\""},
		{"merged_deeply", map[string]string{
			userFile:                   `{"gopls": {"analyses": {"a": true, "b": true}, "local": "u"}}`,
			"/w/.vscode/settings.json": `{"gopls": {"analyses": {"b": false}}}`,
		}, LoadInput{Folders: []string{"/w"}}, "gopls", 0,
			"{\"analyses\":{\"a\":true,\"b\":false},\"local\":\"u\"}\n" +
				"vscode-settings-user /h/.config/Code/User/settings.json:1 {\"analyses\":{\"a\":true,\"b\":true},\"local\":\"u\"}\n" +
				"vscode-settings-workspace /w/.vscode/settings.json:1 {\"analyses\":{\"b\":false}}"},
		{"conflict_keeps_out", map[string]string{userFile: `{"a": 1, "a.b": 2}`}, LoadInput{}, "a.b", -1, "nothing\n"},
		{"untrusted_workspace", map[string]string{"/w/.vscode/settings.json": `{"go.gopath": "/w"}`}, LoadInput{Folders: []string{"/w"}, Untrusted: true}, "go.gopath", 0,
			"nothing\nvscode-settings-workspace /w/.vscode/settings.json:1 \"/w\" (not applied, the workspace is not trusted)"},
		{"empty_file", map[string]string{userFile: ""}, LoadInput{}, "go.gopath", -1, "nothing\n"},
		{"array_root", map[string]string{userFile: "[1]"}, LoadInput{}, "go.gopath", -1, "nothing\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := window(tt.files, tt.in).Lookup(tt.key, tt.folder)
			if got := compact(st.Value) + "\n" + showOrigins(st.Trail); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestWorkspaceFolders(t *testing.T) {
	s := window(map[string]string{"/w/p/x.code-workspace": `{"folders": [{"path": "."}, {"path": "../b", "name": "B"}, {"path": "/c/"}, {"uri": "file:///d%20e"}, {"name": "no path"}, 5]}`},
		LoadInput{WorkspaceFile: "/w/p/x.code-workspace"})
	want := []Folder{{"p", "/w/p"}, {"B", "/w/b"}, {"c", "/c"}, {"d e", "/d e"}}
	if got := s.Folders(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("folders = %v, want %v", got, want)
	}
}

func TestFolderMatters(t *testing.T) {
	s := window(map[string]string{
		"/w/x.code-workspace":        `{"folders": [{"path": "a"}, {"path": "b"}, {"path": "c"}], "settings": {"go.gopath": "/w"}}`,
		"/w/b/.vscode/settings.json": `{"go.gopath": "/b", "go.useLanguageServer": false}`,
		"/w/c/.vscode/settings.json": `{"go.gopath": "/c"}`,
	}, LoadInput{WorkspaceFile: "/w/x.code-workspace"})
	if got := fmt.Sprint(s.FolderMatters("go.gopath"), s.FolderMatters("go.useLanguageServer"), s.FolderMatters("x")); got != "[1 2] [] []" {
		t.Errorf("folders = %s", got)
	}
}

func TestObjectTrail(t *testing.T) {
	s := window(map[string]string{
		userFile:                   `{"go.toolsEnvVars": {"A": "u", "B": "u"}}`,
		"/w/.vscode/settings.json": `{"go.toolsEnvVars": {"C": "w", "A": "w"}}`,
	}, LoadInput{Folders: []string{"/w"}})
	var got []string
	for _, m := range s.Object("go.toolsEnvVars", 0) {
		got = append(got, fmt.Sprintf("%s=%s %s %d", m.Key, m.Value.Text, m.Layer, len(m.Trail)))
	}
	want := "[A=w vscode-settings-workspace 2 B=u vscode-settings-user 1 C=w vscode-settings-workspace 1]"
	if fmt.Sprint(got) != want {
		t.Errorf("members = %v, want %s", got, want)
	}
}

// deniedHost fails for one name.
type deniedHost struct {
	host.Host
	name string
	err  error
	size int64
}

func (d deniedHost) ReadFile(name string) ([]byte, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: d.err}
	}
	return d.Host.ReadFile(name)
}

func (d deniedHost) Lstat(name string) (host.Info, error) {
	if name == d.name {
		return host.Info{Mode: 0o644, Size: d.size}, nil
	}
	return d.Host.Lstat(name)
}

func TestUnreadable(t *testing.T) {
	empty := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, nil)
	loop := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, nil)
	loop.Add(userFile, host.File{Info: &host.Info{Mode: fs.ModeSymlink | 0o777}, Link: ptr("settings.json")})
	for _, tt := range []struct {
		name string
		h    host.Host
		want string
	}{
		{"denied", deniedHost{empty, userFile, fs.ErrPermission, 1}, "no permission to read the file"},
		{"unknown", deniedHost{empty, userFile, host.ErrUnknown, 1}, "not recorded on this host"},
		{"other", deniedHost{empty, userFile, errors.New("input/output error"), 1}, "input/output error"},
		{"50_megabytes", deniedHost{empty, userFile, errors.New("must not be read"), 50 << 20}, "the file is too big"},
		{"link_loop", loop, "too many levels of symbolic links"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Load(tt.h, LoadInput{Home: "/h", Variant: Variant{ID: "code", UserDir: "/h/.config/Code/User"}})
			if len(s.Problems) != 1 || !strings.Contains(s.Problems[0].Text.String(), tt.want) || s.Problems[0].Pos.File != userFile {
				t.Errorf("problems = %v, want one with %q", s.Problems, tt.want)
			}
			if st := s.Lookup("go.gopath", -1); st.Set() || len(st.Trail) != 0 {
				t.Errorf("go.gopath = %v", st)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestBrokenSettingsHavePositions(t *testing.T) {
	s := window(map[string]string{userFile: "{\n  \"go.gopath\": \"/a\"\n  \"go.goroot\": \"/b\",\n  x\n}"}, LoadInput{})
	var got []string
	for _, p := range s.Problems {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Col, p.Text))
	}
	want := "[3:3 comma expected 4:3 invalid symbol]"
	if fmt.Sprint(got) != want {
		t.Errorf("problems = %v, want %s", got, want)
	}
	if v, _ := s.Lookup("go.goroot", -1).Value.Str(); v != "/b" {
		t.Errorf("go.goroot = %q", v)
	}
}

func TestUserSettingsElsewhere(t *testing.T) {
	s := window(nil, LoadInput{Variant: Variant{ID: "vscode-server", MachineSettings: "/h/.vscode-server/data/Machine/settings.json", Remote: true}})
	if len(s.Problems) != 1 || s.Problems[0].Severity != Advice {
		t.Errorf("problems = %v", s.Problems)
	}
}

// TestHugeSettings looks settings up in a file with very many keys.
func TestHugeSettings(t *testing.T) {
	files := map[string]string{userFile: "{" + manyKeys(200_000) + `"go.toolsEnvVars": {"GOPROXY": "x"}}`}
	start := time.Now()
	s := window(files, LoadInput{})
	m, _ := ModelFor("")
	env := m.ToolEnv(&layer.Env{}, s, -1)
	if env.Get("GOPROXY") != "x" {
		t.Errorf("GOPROXY = %q", env.Get("GOPROXY"))
	}
	if n := len(s.Lint(m)); n != maxLint {
		t.Errorf("%d problems", n)
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %v", d)
	}
}

func TestNilSettings(t *testing.T) {
	var s *Settings
	if st := s.Lookup("go.gopath", 0); st.Set() {
		t.Error("nil settings have a value")
	}
}

func BenchmarkLoad(b *testing.B) {
	files := map[string]string{
		userFile: `{` + manyKeys(200) + `"go.toolsEnvVars": {"GOPROXY": "https://a.example,direct", "GOFLAGS": "-mod=mod"},
		"gopls": {"build.env": {"GOFLAGS": "-mod=mod"}}, "http.proxy": ""}`,
		"/w/.vscode/settings.json": `{"go.toolsEnvVars": {"GOPROXY": "https://b.example"}}`,
		"/w/.vscode/launch.json":   `{"configurations": [{"name": "L", "type": "go", "request": "launch", "env": {"A": "${env:PATH}"}}]}`,
	}
	h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, files)
	base := layer.FromList([]string{"PATH=/usr/bin", "HOME=/h"}, layer.OSEnv, "x", false)
	b.ReportAllocs()
	for b.Loop() {
		s := Load(h, LoadInput{Home: "/h", Variant: Variant{ID: "code", UserDir: "/h/.config/Code/User"}, Folders: []string{"/w"}})
		m, _ := ModelFor("0.57.2")
		exthost := base.Clone()
		m.SetGoroot(exthost, s, 0)
		f := m.FindGo(exthost, s, 0, "")
		m.Snapshot(exthost, s, 0, f, Answers{})
		m.GoplsEnv(m.ToolEnv(exthost, s, 0), s, 0)
		m.InstallEnv(exthost, s, 0)
		m.TestEnv(exthost, s, 0)
		configs, _ := LoadLaunch(s)
		m.DebugEnv(exthost, nil, s, &configs[0])
		TerminalEnv(exthost, exthost, s, "")
	}
}
