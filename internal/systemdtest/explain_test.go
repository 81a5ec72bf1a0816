//go:build systemd

package systemdtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/testreq"
)

// machineFiles are one set-up with every mechanism that gives processes their environment. Each sets a marker of its
// own, M_…; most set S1 and S2 too, so that precedence shows.
func machineFiles() []File {
	return []File{
		{Name: "/etc/environment", Content: "# for PAM\nM_ETCENV=etcenv\nexport M_ETCENV_Q=\"etc env\" # said why\nM_ETCENV_LIT=$HOME/x\nS1=etcenv\nS2=etcenv\nGOPROXY=https://etcenv.example.com\n"},
		{Name: "/etc/default/locale", Content: "LANG=C.UTF-8\nM_LOCALE=locale\n"},
		{Name: "/etc/profile.d/x.sh", Content: "export M_PROFD=\"profd:$M_ETCENV\" S1=\"$S1:profd\"\nPATH=$PATH:/usr/local/go/bin\n"},
		{Name: "/etc/environment.d/10-x.conf", Content: "M_ENVD=envd\nM_ENVD_DEF=${NOT_SET:-default}\nS1=envd\nS2=${S2}:envd\n"},
		{Name: "/etc/systemd/system.conf.d/x.conf", Content: "[Manager]\nDefaultEnvironment=M_DEFENV=defenv \"M_DEFENV_Q=a b\" S1=defenv S2=defenv\n"},
		{Name: "/etc/systemd/user.conf.d/x.conf", Content: "[Manager]\nDefaultEnvironment=M_UDEFENV=udefenv S1=udefenv\n"},

		{Name: "/etc/default/app", Content: "# of a service\nM_ENVFILE=\"env file\"\nM_ENVFILE_LIT=$HOME\nS2=envfile\n"},
		{Name: "/etc/systemd/system/app.service", Content: service("Environment=M_UNIT=unit \"M_UNIT_SPEC=%n %h\" S1=unit", "EnvironmentFile=-/etc/default/app", "EnvironmentFile=-/etc/default/not-there", "PassEnvironment=container M_NOT_THERE", "StandardOutput=truncate:/srv/out/app", "ExecStart=/usr/local/bin/observe")},
		{Name: "/etc/systemd/system/app.service.d/x.conf", Content: "[Service]\nEnvironment=M_DROPIN=dropin S1=dropin\n"},
		{Name: "/etc/systemd/system/service.d/all.conf", Content: "[Service]\nEnvironment=M_ALL=all\n"},
		{Name: "/etc/systemd/system/alice.service", Content: service("User=alice", "Environment=M_UNIT=$HOME M_UNIT_SPEC=%h", "EnvironmentFile=/etc/default/app", "UnsetEnvironment=S1 M_DEFENV M_UNIT=other M_ENVFILE_LIT=$HOME", "StandardOutput=truncate:/srv/out/alice", "ExecStart=/usr/local/bin/observe")},
		{Name: "/etc/systemd/system/pam.service", Content: service("User=alice", "PAMName=cron", "Environment=M_UNIT=unit S1=unit", "StandardOutput=truncate:/srv/out/pam", "ExecStart=/usr/local/bin/observe")},
		{Name: "/etc/systemd/system/proxy.service", Content: service("Environment=GOPROXY=https://unit.example.com", "StandardOutput=truncate:/srv/out/proxy", "ExecStart=/usr/local/bin/observe")},
		{Name: "/etc/systemd/system/setup.service", Content: service("ExecStart=/usr/local/go/bin/go env -w GOPROXY=https://setup.example.com")},
		{Name: "/etc/systemd/user/app.service.d/x.conf", Content: "[Service]\nEnvironment=M_DROPIN=dropin S2=dropin\n"},

		{Name: "/home/alice/.config/", UID: 1000},
		{Name: "/home/alice/.config/go/", UID: 1000},
		{Name: "/home/alice/.config/go/env", UID: 1000, Content: "GOPROXY=https://file.example.com\nGOPRIVATE=file.example.com\n"},
		{Name: "/home/alice/.config/environment.d/", UID: 1000},
		{Name: "/home/alice/.config/environment.d/go.conf", UID: 1000, Content: "M_HOME_ENVD=${HOME}/x\nS2=${S2}:home-envd\n"},
		{Name: "/home/alice/.config/systemd/user/app.service", UID: 1000, Content: service("Environment=M_UNIT=unit S1=unit M_UNIT_SPEC=%h:%t", "UnsetEnvironment=M_ENVD", "StandardOutput=truncate:/srv/out/user-app", "ExecStart=/usr/local/bin/observe")},
		{Name: "/home/alice/.pam_environment", UID: 1000, Content: "M_PAM_USER=pam\n"},
		{Name: "/home/alice/.profile", UID: 1000, Content: "if [ -n \"$BASH_VERSION\" ]; then\n\tif [ -f \"$HOME/.bashrc\" ]; then . \"$HOME/.bashrc\"; fi\nfi\nexport M_PROFILE=profile S2=\"$S2:profile\"\n[ -d ~/.config/go ] && PATH=\"$HOME/go/bin:$PATH\"\n"},
		{Name: "/home/alice/.bashrc", UID: 1000, Content: "export M_RC_ABOVE=above S1=\"$S1:above\"\n[ -z \"$SSH_CONNECTION\" ] || export M_SSH=ssh\ncase $- in\n*i*) ;;\n*) return ;;\nesac\nexport M_RC_BELOW=below S1=\"$S1:below\"\nexport GOPRIVATE=rc.example.com\n"},
		{Name: "/srv/out/", Mode: 0o777},
		{Name: "/usr/local/bin/observe", Mode: 0o755, Content: "#!/bin/sh\nenv -0\nexec /usr/local/go/bin/go env -json " + strings.Join(goVariables(), " ") + "\n"},
	}
}

// crontab is alice's, without its job.
const crontab = "M_CRON=$HOME/x\nM_CRON_Q='a b'\nS1=cron\n"

func service(lines ...string) string {
	return "[Service]\nType=oneshot\n" + strings.Join(lines, "\n") + "\n"
}

// goVariables are those whose effective values are compared with what a real go command says.
func goVariables() []string { return []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GOENV"} }

// observation is what a process really gets, and what its go command says.
type observation struct {
	env map[string]string
	goe map[string]string
}

// parseObservation reads the output of the program observe.
func parseObservation(t *testing.T, out []byte) observation {
	t.Helper()
	o := observation{env: map[string]string{}}
	end := bytes.LastIndexByte(out, 0)
	for _, kv := range strings.Split(string(out[:max(end, 0)]), "\x00") {
		key, value, _ := strings.Cut(kv, "=")
		o.env[key] = value
	}
	if err := json.Unmarshal(out[end+1:], &o.goe); err != nil || len(o.env) < 2 {
		t.Fatalf("observed %q: %v", out, err)
	}
	return o
}

// comparison is a process and the consumer whose environment it should have, but for some variables.
type comparison struct{ consumer, process, except string }

func comparisons() []comparison {
	return []comparison{
		{"shell-login", "console", ""},
		// Debian's sshd has pam_env read a file in the home folder; a console login does not.
		{"shell-login", "ssh-shell", "M_PAM_USER M_SSH"},
		{"login-command", string(SuLogin), ""},
		{"shell-interactive", "terminal", ""},
		{"ssh-command", string(SSH), ""},
		{"systemd-user", string(UserService), ""},
		{"systemd-user:app.service", "user-app", ""},
		{"systemd-system", string(SystemService), ""},
		{"systemd-system:app.service", "app", ""},
		{"systemd-system:alice.service", "alice", ""},
		{"systemd-system:pam.service", "pam", ""},
		{"systemd-system:proxy.service", "proxy", ""},
		{"cron", string(Cron), ""},
	}
}

// notPredicted are variables that say which session or shell it is, none of which configures Go: goready does not
// predict them or cannot.
func notPredicted(name string) bool {
	for _, prefix := range []string{"XDG_SESSION", "SSH_", "SUDO_", "MEMORY_PRESSURE_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"_", "PWD", "OLDPWD", "SHLVL", "TERM", "MAIL", "HUSHLOGIN", "MOTD_SHOWN", "COLUMNS", "LINES",
		"INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "MANAGERPID", "SYSTEMD_NSS_DYNAMIC_BYPASS",
		"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"}, name)
}

// explained is the part of goready.explain/v1 that is compared.
type explained struct {
	Variables []struct {
		Name      string     `json:"name"`
		Consumers []decision `json:"consumers"`
	} `json:"variables"`
	Ineffective []struct {
		From    string `json:"from"`
		Subject string `json:"subject"`
	} `json:"ineffective"`
}

type decision struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
	Trail  []struct {
		Layer string `json:"layer"`
		From  string `json:"from"`
		Won   bool   `json:"won"`
	} `json:"trail"`
}

func (d decision) winner() (layer, from string) {
	for _, s := range d.Trail {
		if s.Won {
			return s.Layer, s.From
		}
	}
	return "", ""
}

func (d decision) matches(value string, set bool) bool {
	return set && d.State == "set" && d.Value == value || !set && d.State == "unset"
}

// TestExplain compares what goready says inside the container with what processes there really get.
func TestExplain(t *testing.T) {
	t.Parallel() // cron takes a minute
	c := Start(t)
	installPrograms(t, c)
	c.WriteFiles(t, machineFiles())
	job := c.StartCronJob(t, "alice", crontab, "/usr/local/bin/observe")
	c.Reload(t)
	real := observe(t, c)
	names := variables(real)

	t.Run("current", func(t *testing.T) { compareCurrent(t, c, names) })
	t.Run("go_layers", func(t *testing.T) { checkLayers(t, c) })
	t.Run("set_environment", func(t *testing.T) { checkSetEnvironment(t, c) })
	alice := explainAs(t, c, SuLogin, names)
	root := explainAs(t, c, SystemService, names)
	probed := explainAs(t, c, SuLogin, names, "--probe")
	real[string(Cron)] = parseObservation(t, awaitJob(t, c, job))
	for _, cmp := range comparisons() {
		t.Run(strings.NewReplacer(":", "_", ".", "_").Replace(cmp.consumer)+"/"+cmp.process, func(t *testing.T) {
			o := real[cmp.process]
			for _, name := range strings.Fields(cmp.except) {
				delete(o.env, name)
			}
			compare(t, "alice", cmp.consumer, o, alice, func(name string) bool { return hidden(cmp.consumer, name) })
			if strings.HasPrefix(cmp.consumer, "systemd-system") {
				compare(t, "root", cmp.consumer, o, root, nil)
				return
			}
			compare(t, "alice with --probe", cmp.consumer, o, probed, nil)
		})
	}
}

// hidden reports whether alice may not read the file that decides (her own crontab, the environment of process 1), or
// the client does.
func hidden(consumer, name string) bool {
	return consumer == "cron" || consumer == "ssh-command" && name == "M_SSH" || consumer == "systemd-system:app.service" && (name == "container" || name == "M_NOT_THERE")
}

// installPrograms builds goready and installs it and an SDK: the go command is the one that runs the test, go.env is
// not.
func installPrograms(t *testing.T, c *Container) {
	t.Helper()
	goCmd := testreq.Program(t, "go")
	prog := filepath.Join(t.TempDir(), "goready")
	build := exec.CommandContext(t.Context(), goCmd, "build", "-o", prog, "github.com/goready/goready/cmd/goready")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build of goready: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), goCmd, "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(out))
	version, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	c.WriteFiles(t, []File{
		{Name: "/usr/local/go/bin/"}, {Name: "/usr/local/go/pkg/tool/linux_amd64/"}, {Name: "/usr/local/go/src/"},
		{Name: "/usr/local/go/VERSION", Content: string(version)},
		{Name: "/usr/local/go/go.env", Content: "GOPROXY=https://sdk.example.com,direct\nGOSUMDB=off\nGOTOOLCHAIN=local\n"},
	})
	c.Install(t, filepath.Join(root, "bin", "go"), "/usr/local/go/bin/go")
	c.Install(t, prog, "/usr/local/bin/goready")
}

// observe runs the program observe in every way but cron.
func observe(t *testing.T, c *Container) map[string]observation {
	t.Helper()
	real := map[string]observation{}
	for _, id := range []Identity{SystemService, UserService, SuLogin, SudoLogin, SSH} {
		real[string(id)] = parseObservation(t, c.As(t, id, "/usr/local/bin/observe"))
	}
	file := func(name string) { real[name] = parseObservation(t, c.Run(t, nil, "cat", "/srv/out/"+name)) }
	for _, unit := range []string{"app", "alice", "pam", "proxy"} {
		c.Run(t, nil, "systemctl", "start", unit+".service")
		file(unit)
	}
	c.Run(t, nil, "runuser", "-u", "alice", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000", "systemctl", "--user", "start", "app.service")
	file("user-app")
	c.As(t, UserService, "bash", "-ic", "observe > /srv/out/terminal")
	file("terminal")
	typeInto(t, c, "console", "login -f alice")
	file("console")
	typeInto(t, c, "ssh-shell", "runuser -u alice -- env -i HOME=/home/alice ssh -tt localhost")
	file("ssh-shell")
	return real
}

// typeInto starts an interactive shell on a terminal and types a command that makes the observation name.
func typeInto(t *testing.T, c *Container, name, session string) {
	t.Helper()
	c.Run(t, nil, "sh", "-c", `printf 'observe > /srv/out/%s\nexit\n' "$1" | timeout 30 script -qec "$2" /dev/null`, "sh", name, session)
}

// awaitJob is AwaitCronJob for a crontab that stays.
func awaitJob(t *testing.T, c *Container, job string) []byte {
	t.Helper()
	started := time.Now()
	out := c.AwaitCronJob(t, "alice", job)
	t.Logf("waited %v for cron", time.Since(started).Round(time.Second))
	return out
}

// variables are the names that any process has, with some that none should have.
func variables(real map[string]observation) []string {
	names := map[string]bool{"M_NOT_THERE": true, "M_PAM_USER": true, "M_CRON": true, "M_CRON_Q": true}
	for _, o := range real {
		for name := range o.env {
			if !notPredicted(name) {
				names[name] = true
			}
		}
	}
	for _, name := range goVariables() {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// explainAs runs goready under an identity and returns its answers by consumer and variable.
func explainAs(t *testing.T, c *Container, id Identity, names []string, options ...string) map[string]map[string]decision {
	t.Helper()
	args := append([]string{"/usr/local/bin/goready", "explain", "--format", "json"}, options...)
	if !slices.Contains(options, "--consumer") {
		asked := map[string]bool{}
		for _, cmp := range comparisons() {
			if !asked[cmp.consumer] {
				args = append(args, "--consumer", cmp.consumer)
			}
			asked[cmp.consumer] = true
		}
	}
	answers := map[string]map[string]decision{}
	for _, v := range explain(t, c, id, append(args, names...)).Variables {
		for _, d := range v.Consumers {
			if answers[d.ID] == nil {
				answers[d.ID] = map[string]decision{}
			}
			answers[d.ID][v.Name] = d
		}
	}
	return answers
}

func explain(t *testing.T, c *Container, id Identity, args []string) explained {
	t.Helper()
	out := c.As(t, id, args...)
	var e explained
	if err := json.Unmarshal(out, &e); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return e
}

// compare reports every variable that goready has another answer for than the process. Those that mayHide names may
// be unknown, but not wrong.
func compare(t *testing.T, who, consumer string, o observation, answers map[string]map[string]decision, mayHide func(name string) bool) {
	t.Helper()
	if len(answers[consumer]) == 0 {
		t.Fatalf("%s: goready says nothing of %s", who, consumer)
	}
	unknown := 0
	for name, d := range answers[consumer] {
		value, set := o.env[name]
		if slices.Contains(goVariables(), name) {
			value, set = o.goe[name], true
		}
		switch {
		case d.State == "unknown" && mayHide != nil && mayHide(name):
			unknown++
			if d.Reason == "" {
				t.Errorf("%s: %s is unknown for no reason", who, name)
			}
		case d.State == "unset" && set && value == "": // a Go variable that nothing sets
		case !d.matches(value, set):
			layer, from := d.winner()
			t.Errorf("%s: %s is really %s; goready says %s %q (%s %s) %s", who, name, quoteSet(value, set), d.State, d.Value, layer, from, d.Reason)
		}
	}
	if unknown > 0 {
		t.Logf("%s: %d of %d unknown", who, unknown, len(answers[consumer]))
	}
}

func quoteSet(value string, set bool) string {
	if !set {
		return "unset"
	}
	return fmt.Sprintf("%q", value)
}

// compareCurrent checks, under every identity, that the consumer current is the environment goready is started with.
func compareCurrent(t *testing.T, c *Container, names []string) {
	for _, id := range Identities {
		t.Run(string(id), func(t *testing.T) {
			o := parseObservation(t, c.As(t, id, "/usr/local/bin/observe"))
			compare(t, string(id), "current", o, explainAs(t, c, id, names, "--consumer", "current"), nil)
		})
	}
}

// checkLayers checks where the value of GOPROXY comes from, and that the unit which cannot set it is named.
func checkLayers(t *testing.T, c *Container) {
	e := explain(t, c, SuLogin, []string{"goready", "explain", "GOPROXY", "GOPRIVATE", "--format", "json"})
	checkWinners(t, e)
	// A unit that does not name the variable is not shown unless it is asked for.
	const unit = "systemd-system:alice.service"
	asked := explain(t, c, SuLogin, []string{"goready", "explain", "GOPROXY", "--format", "json", "--consumer", unit})
	d, _ := find(asked, "GOPROXY", unit)
	if layer, from := d.winner(); layer != "go-env-file" || from != "/home/alice/.config/go/env:1" {
		t.Errorf("GOPROXY of %s comes from %s %q", unit, layer, from)
	}
	named := false
	for _, p := range e.Ineffective {
		named = named || p.Subject == "go env -w" && strings.HasPrefix(p.From, "/etc/systemd/system/setup.service:")
	}
	if !named {
		t.Errorf("the unit whose \"go env -w\" has no HOME is not named in %v", e.Ineffective)
	}
	if out, err := c.Try(nil, "systemctl", "start", "setup.service"); err == nil {
		t.Errorf("that unit really succeeds: %s", out)
	}
	if log, _ := c.Try(nil, "journalctl", "-u", "setup.service", "--no-pager"); !strings.Contains(log, "neither $XDG_CONFIG_HOME nor $HOME are defined") {
		t.Errorf("that unit really says %s", log)
	}
}

// checkWinners checks which layer decides.
func checkWinners(t *testing.T, e explained) {
	for _, want := range []struct{ variable, consumer, layer, from string }{
		{"GOPROXY", "login-command", "etc-environment", "/etc/environment:"},
		{"GOPROXY", "shell-login", "etc-environment", "/etc/environment:"},
		{"GOPROXY", "systemd-user", "etc-environment", "/etc/environment:"},
		{"GOPROXY", "systemd-system", "sdk-go-env", "/usr/local/go/go.env:"},
		{"GOPROXY", "systemd-system:proxy.service", "systemd-unit", "/etc/systemd/system/proxy.service:"},
		{"GOPRIVATE", "login-command", "go-env-file", "/home/alice/.config/go/env:"},
		{"GOPRIVATE", "shell-login", "shell-file", "/home/alice/.bashrc:"},
		{"GOPRIVATE", "ssh-command", "go-env-file", "/home/alice/.config/go/env:"},
	} {
		d, ok := find(e, want.variable, want.consumer)
		if layer, from := d.winner(); !ok || layer != want.layer || !strings.HasPrefix(from, want.from) {
			t.Errorf("%s of %s comes from %s %q, want %s %s", want.variable, want.consumer, layer, from, want.layer, want.from)
		}
	}
}

func find(e explained, variable, consumer string) (decision, bool) {
	for _, v := range e.Variables {
		for _, d := range v.Consumers {
			if v.Name == variable && d.ID == consumer {
				return d, true
			}
		}
	}
	return decision{}, false
}

// checkSetEnvironment checks what --probe says of values that only the running manager knows: they lose to the unit.
func checkSetEnvironment(t *testing.T, c *Container) {
	c.Run(t, nil, "systemctl", "set-environment", "GOPROXY=https://set.example.com")
	defer c.Run(t, nil, "systemctl", "unset-environment", "GOPROXY")
	consumers := []string{"systemd-system", "systemd-system:app.service", "systemd-system:proxy.service"}
	args := []string{"goready", "explain", "GOPROXY", "--format", "json", "--probe"}
	for _, id := range consumers {
		args = append(args, "--consumer", id)
	}
	e := explain(t, c, SuLogin, args)
	c.Run(t, nil, "systemctl", "start", "app.service", "proxy.service")
	for i, o := range []observation{
		parseObservation(t, c.As(t, SystemService, "/usr/local/bin/observe")),
		parseObservation(t, c.Run(t, nil, "cat", "/srv/out/app")),
		parseObservation(t, c.Run(t, nil, "cat", "/srv/out/proxy")),
	} {
		if d, _ := find(e, "GOPROXY", consumers[i]); !d.matches(o.goe["GOPROXY"], true) {
			t.Errorf("%s: GOPROXY is really %q; goready says %s %q %s", consumers[i], o.goe["GOPROXY"], d.State, d.Value, d.Reason)
		}
	}
}
