//go:build systemd

package sysenv

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/systemdtest"
)

// TestMain makes the test binary the program that predicts inside the container, where this package reads the same
// files, /proc and folders of systemd as systemd does.
func TestMain(m *testing.M) {
	if os.Getenv("GOREADY_SYSENV_PREDICT") != "" {
		predictInside()
		return
	}
	os.Exit(m.Run())
}

// request is what to predict; answer is the prediction: environments as lists, and nil for what cannot start.
type request struct {
	SystemUnits, UserUnits []string
	Crons                  []string // users
	Sessions               []sessionRequest
}

type sessionRequest struct {
	Session Session
	User    string
	Caller  []string
}

type answer struct {
	System, User           []string // what the managers give
	SystemUnits, UserUnits map[string][]string
	Crons                  map[string][]string
	Sessions               [][]string
	Notes                  map[string][]string
}

func predictInside() {
	var r request
	if err := json.Unmarshal([]byte(os.Getenv("GOREADY_SYSENV_PREDICT")), &r); err != nil {
		panic(err)
	}
	h := local.New()
	a := answer{SystemUnits: map[string][]string{}, UserUnits: map[string][]string{}, Crons: map[string][]string{}, Notes: map[string][]string{}}
	alice, err := UserByName(h, "alice")
	if err != nil {
		panic(err)
	}
	system, _ := SystemManager(h)
	user, _ := UserManager(h, alice)
	a.System, a.User = known(system.Env()), known(user.Env())
	for _, name := range r.SystemUnits {
		a.SystemUnits[name], a.Notes[name] = predictUnit(system, name)
	}
	for _, name := range r.UserUnits {
		a.UserUnits[name], a.Notes[name] = predictUnit(user, name)
	}
	for _, name := range r.Crons {
		u, _ := UserByName(h, name)
		jobs, problems := CronJobs(h, u)
		for _, p := range problems {
			a.Notes[name] = append(a.Notes[name], p.Why.String())
		}
		if len(jobs) > 0 {
			env, _ := CronEnv(h, u, &jobs[0])
			a.Crons[name] = known(env)
		}
	}
	for _, s := range r.Sessions {
		u, _ := UserByName(h, s.User)
		env, _ := SessionEnv(h, s.Session, u, layer.FromList(s.Caller, layer.OSEnv, "test", false))
		a.Sessions = append(a.Sessions, known(env))
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		panic(err)
	}
}

// known returns an environment as a list, in which what is unknown is visible.
func known(env *layer.Env) []string {
	var list []string
	for _, name := range env.Names() {
		v, ok, unknown := env.Lookup(name)
		switch {
		case !unknown.IsZero():
			list = append(list, name+"=(unknown: "+unknown.String()+")")
		case ok:
			list = append(list, name+"="+v)
		}
	}
	slices.Sort(list)
	return list
}

func predictUnit(m *Manager, name string) (env, notes []string) {
	u, err := m.Unit(name)
	if err != nil {
		return nil, []string{err.Error()}
	}
	e, problems := m.ServiceEnv(u)
	fails := u.Masked || !u.Broken.IsZero()
	for _, p := range append(problems, u.Problems...) {
		notes = append(notes, layer.Place(p.File, p.Line)+": "+p.Why.String())
		fails = fails || strings.HasPrefix(p.Why.Format, "the service cannot start")
	}
	if fails {
		return nil, notes
	}
	return known(e), notes
}

// predict asks the test binary inside the container.
func predict(t *testing.T, c *systemdtest.Container, r request) answer {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(c.Run(t, []string{"GOREADY_SYSENV_PREDICT=" + string(data)}, "/sysenv.test"), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// volatile are the variables that systemd makes up for each start, and those of D-Bus and of PAM modules other than
// pam_env, which no file sets.
var volatile = []string{"INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "MANAGERPID", "DBUS_SESSION_BUS_ADDRESS", "NOTIFY_SOCKET",
	"MAIL", "XDG_SESSION_ID", "XDG_SESSION_CLASS", "XDG_SESSION_TYPE"}

// same compares what a process has with what was predicted.
func same(t *testing.T, what string, observed string, separator string, predicted []string, context func() string) {
	t.Helper()
	want := environMap(strings.Split(strings.TrimSuffix(observed, separator), separator))
	got := environMap(predicted)
	for _, name := range volatile {
		delete(want, name)
		delete(got, name)
	}
	if maps.Equal(got, want) {
		return
	}
	var diff []string
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[k]; !ok || v != want[k] {
			diff = append(diff, fmt.Sprintf("%s: want %q, got %q %v", k, want[k], v, ok))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			diff = append(diff, fmt.Sprintf("%s: want unset, got %q", k, got[k]))
		}
	}
	t.Errorf("%s:\n%s\n%s", what, strings.Join(diff, "\n"), context())
}

// TestAgainstSystemd compares predictions with processes that systemd, su, sudo, sshd and cron start in a container.
func TestAgainstSystemd(t *testing.T) {
	c := systemdtest.Start(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.Install(t, exe, "/sysenv.test")
	g := newGenerator(3)
	c.WriteFiles(t, machineFiles())
	cron := startCrons(t, c, g)
	system := systemUnits(g)
	user := userUnits(g)
	c.WriteFiles(t, slices.Concat(system.files, user.files))
	c.Reload(t)
	asAlice := []string{"runuser", "-u", "alice", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000"}
	system.start(t, c, "/var/tmp/out", "systemctl", "start")
	user.start(t, c, "/home/alice/out", append(asAlice, "systemctl", "--user", "start")...)
	sessions := sessionCases()
	a := predict(t, c, request{SystemUnits: system.names, UserUnits: user.names, Crons: cron.users, Sessions: sessions.requests})
	t.Run("managers", func(t *testing.T) {
		same(t, "system", showEnvironment(t, c, "systemctl", "show-environment"), "\x00", a.System, func() string { return "" })
		same(t, "user", showEnvironment(t, c, append(asAlice, "systemctl", "--user", "show-environment")...), "\x00", a.User, func() string { return "" })
	})
	t.Run("system_units", func(t *testing.T) { system.compare(t, c.ReadDir(t, "/var/tmp/out"), a.SystemUnits, a.Notes) })
	t.Run("user_units", func(t *testing.T) { user.compare(t, c.ReadDir(t, "/home/alice/out"), a.UserUnits, a.Notes) })
	t.Run("sessions", func(t *testing.T) { sessions.compare(t, c, a.Sessions) })
	t.Run("cron", func(t *testing.T) { cron.compare(t, c, a.Crons, a.Notes) })
}

// showEnvironment returns what a manager shows of its environment, which it quotes for a shell.
func showEnvironment(t *testing.T, c *systemdtest.Container, args ...string) string {
	t.Helper()
	text := c.Run(t, nil, args...)
	out := c.Run(t, []string{"TEXT=" + string(text)}, "bash", "-c", `exec env -i TEXT="$TEXT" bash -c 'set -a; eval "$TEXT"; exec /usr/bin/env -0'`)
	var list []string
	for _, kv := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		key, _, _ := strings.Cut(kv, "=")
		if !slices.Contains([]string{"TEXT", "PWD", "OLDPWD", "SHLVL", "_"}, key) {
			list = append(list, kv)
		}
	}
	return strings.Join(list, "\x00")
}

// machineFiles are the files that decide every environment of the container.
func machineFiles() []systemdtest.File {
	return []systemdtest.File{
		{Name: "/etc/environment", Content: "PATH=/etcenv:/usr/local/bin:/usr/bin:/bin\nGOPROXY=https://etc.example.com,direct\nexport FROM_ETC=1 # c\nQ=\"a b\"\nE=\nX=$HOME\nZ=${GOFLAGS:-none}\n"},
		{Name: "/etc/default/locale", Content: "LANG=C.UTF-8\nLC_TIME=\"C\"\n"},
		{Name: "/etc/security/pam_env.conf", Content: "# c\nFROM_CONF DEFAULT=@{HOME}/c OVERRIDE=\nFROM_CONF2\tDEFAULT=\"a b\"\n"},
		{Name: "/etc/systemd/system.conf", Content: "[Manager]\nDefaultEnvironment=SYS=main GOFLAGS=-mod=mod\n"},
		{Name: "/etc/systemd/system.conf.d/50-a.conf", Content: "[Manager]\nDefaultEnvironment=\nDefaultEnvironment=\"SYS=drop in\" GOSUMDB=off H=%H V=%v B=%%\n[Other]\nDefaultEnvironment=NO=1\n"},
		{Name: "/run/systemd/system.conf.d/60-b.conf", Content: "[Manager]\nDefaultEnvironment=SYS2=$SYS \\\n# c\n  SYS3=x\\x41y\n"},
		{Name: "/etc/systemd/user.conf.d/a.conf", Content: "[Manager]\nDefaultEnvironment=USR=conf GOPRIVATE=usr.example.com\n"},
		{Name: "/home/alice/.config/", UID: 1000},
		{Name: "/home/alice/.config/systemd/", UID: 1000},
		{Name: "/home/alice/.config/systemd/user/", UID: 1000},
		{Name: "/home/alice/.config/environment.d/", UID: 1000},
		{Name: "/home/alice/out/", UID: 1000},
		{Name: "/var/tmp/out/"},
		{Name: "/home/alice/.config/environment.d/50-go.conf", UID: 1000, Content: "GONOPROXY=${GOPRIVATE}\nPATH=$HOME/go/bin:$PATH\nFROM_USER=${UNSET:-default}${HOME:+ has home}\nexport NOT=1\nTAB=\"a\tb\"\nM=${HOME}\n"},
		{Name: "/etc/environment.d/50-go.conf", Content: "MASKED=1\n"},
		{Name: "/etc/environment.d/60-etc.conf", Content: "ETCD=${FROM_USER}\nLATE=$GOPROXY\n"},
		{Name: "/usr/lib/environment.d/60-etc.conf", Content: "MASKED=1\n"},
		{Name: "/run/environment.d/70-run.conf", Content: "RUND='single $HOME'\n# c\\\nCONT=1\nRUN2=2"},
		{Name: "/usr/local/lib/environment.d/80-off.conf", Link: "/dev/null"},
		{Name: "/usr/lib/environment.d/80-off.conf", Content: "MASKED=1\n"},
		{Name: "/etc/systemd/system/service.d/all.conf", Content: "[Service]\nEnvironment=ALL_SYSTEM=1\n"},
		{Name: "/etc/systemd/user/service.d/all.conf", Content: "[Service]\nEnvironment=ALL_USER=%u-%h-%t\n"},
		{Name: "/etc/envfiles/"},
	}
}
