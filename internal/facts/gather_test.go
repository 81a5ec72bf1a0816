package facts

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
)

var linux = host.Platform{OS: "linux", Arch: "amd64"}

// laptop returns a machine with a Go SDK, bash and VS Code, and the files given besides.
func laptop(files map[string]string) *host.Fixture {
	all := map[string]string{
		"/etc/passwd":                               "ana:x:1000:1000::/home/ana:/bin/bash\n",
		"/bin/bash":                                 "#! an ELF file",
		"/usr/local/go/bin/go":                      "#! an ELF file",
		"/usr/local/go/pkg/tool/linux_amd64/vet":    "#! an ELF file",
		"/usr/local/go/VERSION":                     "go1.26.8\n",
		"/usr/local/go/go.env":                      "GOPROXY=https://default.example.com,direct\n",
		"/home/ana/.config/Code/User/settings.json": "{}",
		"/ws/go.mod":                                "module example.com/m\n\ngo 1.26\n",
	}
	for name, data := range files {
		all[name] = data
	}
	return host.FromFiles(linux, []string{"HOME=/home/ana", "USER=ana", "SHELL=/bin/bash", "PATH=/usr/local/go/bin:/usr/bin:/bin"}, all)
}

func gather(t *testing.T, h host.Host, o Options) *Facts {
	t.Helper()
	o.Workspace = "/ws"
	f, err := Gather(t.Context(), h, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Consumers {
		if !c.Failed.IsZero() {
			t.Errorf("%s: %s", c.ID, c.Failed)
		}
	}
	return f
}

func ids(f *Facts) []string {
	var out []string
	for _, c := range f.Consumers {
		if c.Absent.IsZero() {
			out = append(out, c.ID)
		}
	}
	return out
}

func TestConsumersThatExist(t *testing.T) {
	always := []string{"current", "shell-login", "login-command", "shell-interactive", "vscode-terminal", "vscode-go", "vscode-gopls", "vscode-install", "vscode-test"}
	for _, tt := range []struct {
		name  string
		files map[string]string
		more  []string
	}{
		{"plain", nil, nil},
		{"sshd", map[string]string{"/etc/ssh/sshd_config": ""}, []string{"ssh-command"}},
		{"cron", map[string]string{"/etc/crontab": ""}, []string{"cron"}},
		{"desktop", map[string]string{"/usr/share/xsessions/x.desktop": ""}, []string{"desktop-app"}},
		{"devcontainer", map[string]string{"/ws/.devcontainer.json": "{}"}, []string{"devcontainer"}},
		{"launch", map[string]string{"/ws/.vscode/launch.json": `{"configurations":[{"name":"a","type":"go","request":"launch"}]}`}, []string{"vscode-debug"}},
		{"launch_of_another_language", map[string]string{"/ws/.vscode/launch.json": `{"configurations":[{"name":"a","type":"node","request":"launch"}]}`}, nil},
		{"tasks", map[string]string{"/ws/.vscode/tasks.json": `{"tasks":[{"label":"b","type":"shell","command":"x"}]}`}, []string{"vscode-task"}},
		{"server", map[string]string{"/home/ana/.vscode-server/data/Machine/settings.json": "{}"}, []string{"vscode-remote-server"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ids(gather(t, laptop(tt.files), Options{}))
			want := append(slices.Clone(always), tt.more...)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestAskedForByName(t *testing.T) {
	f := gather(t, laptop(nil), Options{Consumers: []string{"devcontainer", "vscode-debug:x", "ssh-command"}})
	if len(f.Consumers) != 3 {
		t.Fatalf("%d consumers", len(f.Consumers))
	}
	for i, absent := range []bool{true, true, false} {
		if got := !f.Consumers[i].Absent.IsZero(); got != absent {
			t.Errorf("%s: absent %v (%s), want %v", f.Consumers[i].ID, got, f.Consumers[i].Absent, absent)
		}
	}
	if notes := f.Consumers[2].Notes; len(notes) == 0 || !strings.Contains(notes[0].String(), "no sshd") {
		t.Errorf("a command through ssh without sshd: %v", notes)
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct{ id, want string }{
		{"vscode-gopsl", `did you mean "vscode-gopls"`},
		{"current:x", "cannot be narrowed"},
		{"", "unknown consumer"},
	} {
		_, err := Gather(t.Context(), laptop(nil), Options{Workspace: "/ws", Consumers: []string{tt.id}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.id, err, tt.want)
		}
	}
}

// TestUnreadSettings: settings that cannot be read may set anything, so nothing is claimed about what they may set.
func TestUnreadSettings(t *testing.T) {
	h := laptop(nil)
	h.Add("/home/ana/.config/Code/User/settings.json", host.File{Info: &host.Info{Mode: 0o600, UID: 0}, ContentErr: &host.Failure{Kind: host.Denied}})
	f := gather(t, h, Options{Consumers: []string{"vscode-gopls", "current"}})
	if _, _, unknown := f.Consumers[0].Env.Lookup("GOPROXY"); unknown.IsZero() {
		t.Error("GOPROXY of gopls is taken as known")
	}
	if _, _, unknown := f.Consumers[1].Env.Lookup("GOPROXY"); !unknown.IsZero() {
		t.Errorf("GOPROXY of a go command started here: %s", unknown)
	}
}

// TestUnitsThatMention: a service that sets a variable is shown without being asked for; one that runs "go env -w"
// without a home is named.
func TestUnitsThatMention(t *testing.T) {
	h := laptop(map[string]string{
		"/usr/lib/systemd/systemd":            "#! an ELF file",
		"/etc/systemd/system/app.service":     "[Service]\nExecStart=/bin/app\nEnvironment=GOPROXY=https://unit.example\n",
		"/etc/systemd/system/goenv.service":   "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'go env -w GOPROXY=x'\n",
		"/etc/systemd/system/another.service": "[Service]\nExecStart=/bin/app\n",
	})
	f := gather(t, h, Options{Variables: []string{"GOPROXY"}})
	got := ids(f)
	if !slices.Contains(got, "systemd-system:app.service") || slices.Contains(got, "systemd-system:another.service") {
		t.Errorf("consumers %q", got)
	}
	if !slices.ContainsFunc(f.Problems, func(p Problem) bool { return p.From == "/etc/systemd/system/goenv.service:3" }) {
		t.Errorf("problems %+v", f.Problems)
	}
}

// TestStandIn: where a consumer finds no go itself, another SDK answers, and a note says so.
func TestStandIn(t *testing.T) {
	f := gather(t, laptop(map[string]string{"/etc/crontab": ""}), Options{Consumers: []string{"cron"}})
	c := f.Consumers[0]
	if c.Go.SDK.Root != "/usr/local/go" || c.Go.Note.IsZero() {
		t.Errorf("root %q, note %q", c.Go.SDK.Root, c.Go.Note)
	}
}

// FuzzGather: whatever the files say, every consumer is gathered.
func FuzzGather(f *testing.F) {
	f.Add("export GOPROXY=x\n", `{"go.toolsEnvVars":{"GOPROXY":"y"}}`, "GOPROXY=z\n")
	f.Add("exec zsh", `{"go": {`, "=\n")
	f.Add(". ~/.bashrc\nwhile :; do :; done", `{"go.goroot":1,"gopls":[]}`, "GOROOT=/x\n")
	f.Fuzz(func(t *testing.T, bashrc, settings, goenv string) {
		h := laptop(map[string]string{
			"/home/ana/.bashrc": bashrc, "/home/ana/.profile": ". ~/.bashrc\n" + bashrc,
			"/home/ana/.config/Code/User/settings.json": settings, "/ws/.vscode/launch.json": settings, "/ws/.vscode/tasks.json": settings,
			"/ws/.devcontainer.json": settings, "/home/ana/.config/go/env": goenv, "/ws/go.mod": goenv, "/etc/environment": goenv, "/etc/crontab": goenv,
		})
		gather(t, h, Options{Variables: []string{"GOPROXY", "GOVERSION", "CGO_ENABLED"}})
	})
}

// TestRunningEditor: a running extension host is what the editor's consumers begin with; neither a language server that
// it forked, which has its mark, nor that of another user or home is taken for one.
func TestRunningEditor(t *testing.T) {
	const mark = "VSCODE_ESM_ENTRYPOINT=vs/workbench/api/node/extensionHostProcess"
	process := func(pid, ppid, uid int, env ...string) host.RecordedProcess {
		return host.RecordedProcess{Process: host.Process{PID: pid, PPID: ppid, UID: uid, Name: "code", Exe: "/usr/share/code/code"}, Env: env}
	}
	h := laptop(nil)
	h.Add("/home/ana", host.File{Info: &host.Info{Mode: fs.ModeDir | 0o755, UID: 1000, GID: 1000}})
	h.Procs = &host.ProcessTable{List: []host.RecordedProcess{
		process(10, 1, 1000, "HOME=/home/ana", "MARK=main"),
		process(11, 10, 1000, "HOME=/home/ana", "MARK=exthost", mark),
		process(12, 11, 1000, "HOME=/home/ana", "MARK=forked", mark),
		process(13, 1, 1000, "HOME=/elsewhere", "MARK=other home", mark),
		process(14, 1, 1001, "HOME=/home/ana", "MARK=other user", mark),
	}}
	f := gather(t, h, Options{Consumers: []string{"vscode-go"}, Observe: true})
	if got := f.Consumers[0].Env.Get("MARK"); got != "exthost" {
		t.Errorf("the Go extension begins with MARK=%q", got)
	}
	if len(f.Running) != 1 || f.Running[0].PID != 11 || f.Running[0].Fresh == nil {
		t.Errorf("running: %+v", f.Running)
	}
	f = gather(t, h, Options{Consumers: []string{"vscode-go"}, EditorFrom: "desktop"})
	if got := f.Consumers[0].Env.Get("MARK"); got != "" {
		t.Errorf("started from the desktop it has MARK=%q", got)
	}
}

// TestPanicInSection: a bug in one part makes that part unknown, and no other.
func TestPanicInSection(t *testing.T) {
	g := newGatherer(t.Context(), laptop(nil), Options{Workspace: "/ws"})
	g.safely(SectionProject, func() { panic("index out of range") })
	g.safely(SectionPaths, func() {})
	if why := g.f.Unknown[SectionProject]; !strings.Contains(why.String(), "index out of range") || len(g.f.Unknown) != 1 {
		t.Errorf("%v", g.f.Unknown)
	}
}
