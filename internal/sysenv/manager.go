package sysenv

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Manager is a service manager of systemd: the system's, or that of one user. It is not safe for concurrent use.
type Manager struct {
	// Problems are what is wrong with the manager's own settings.
	Problems []Problem

	h     host.Host
	scope managerScope
	user  User // who the manager runs as
	// own is the environment of the manager's process; env what it gives a service whose unit sets nothing.
	own, env *layer.Env
	dirs     []string // where units are looked for, best first; after index only those that exist
	searched []string // dirs before index
	units    *unitIndex
	version  int // of systemd; 0: unknown
	facts    map[string]map[string]string
	// account, if not nil, is what is taken for the user database's entry of that user.
	account *User
}

type managerScope int

const (
	systemScope managerScope = iota
	userScope
)

func (s managerScope) String() string { return [...]string{"system", "user"}[s] }

// SystemManager returns the manager of system services. If there is no systemd on the host, ok is false.
func SystemManager(h host.Host) (m *Manager, ok bool) {
	if !hasSystemd(h) {
		return nil, false
	}
	m = &Manager{h: h, scope: systemScope, user: root(h), version: systemdVersion(h)}
	m.dirs = systemUnitDirs()
	m.own = m.initEnv()
	m.env = &layer.Env{}
	m.env.Add("PATH", layer.Set{Layer: layer.SystemdUnit, From: "systemd", Value: m.defaultPath(),
		Why: msg.New("it is compiled into systemd")})
	m.locale()
	m.applySettings()
	m.generators()
	return m, true
}

// UserManager returns the manager of u's services (systemd --user). If there is no systemd on the host, ok is false.
func UserManager(h host.Host, u User) (m *Manager, ok bool) {
	system, ok := SystemManager(h)
	if !ok {
		return nil, false
	}
	return system.ForUser(u), true
}

// ForUser returns the manager of u's services that the system's manager starts, as [UserManager] does. What u says of
// its home and shell holds, also where /etc/passwd says otherwise: callers may look at a private home folder.
func (m *Manager) ForUser(u User) *Manager {
	m.account = &u
	defer func() { m.account = nil }()
	um := &Manager{h: m.h, scope: userScope, user: u, version: m.version, facts: m.facts}
	um.own, um.Problems = userManagerOwn(m, u)
	um.dirs = userUnitDirs(u, um.configHome(), um.dataHome())
	um.env = um.own.Clone()
	um.env.Add("PATH", layer.Set{Layer: layer.SystemdUnit, From: "systemd", Value: um.defaultPath(),
		Why: msg.New("it is compiled into systemd, which does not pass on the PATH it was started with")})
	um.applySettings()
	um.generators()
	return um
}

// Env returns a new environment: what the manager gives a service whose unit sets nothing. For the system it is the
// default PATH, the locale and DefaultEnvironment=; for a user in addition what user@.service, PAM and environment.d
// give. Values set at run time with "systemctl set-environment" are not in any file and hence not seen.
func (m *Manager) Env() *layer.Env { return m.env.Clone() }

// Overlay lays what the running manager says of itself ("systemctl show-environment", KEY=value lines) over what its
// files say, so that values set at run time are seen. Lines that systemctl had to quote are left out.
func (m *Manager) Overlay(lines []string, from string) {
	for _, line := range lines {
		key, value, ok := strings.Cut(line, "=")
		if !ok || !validEnvName(key) || strings.HasPrefix(value, "$'") {
			continue
		}
		if v, set, unknown := m.env.Lookup(key); !set || v != value || !unknown.IsZero() {
			m.env.Add(key, layer.Set{Layer: layer.SystemdUnit, From: from, Value: value, Why: msg.New("the running service manager has it in its environment")})
		}
	}
}

// hasSystemd reports whether systemd is installed. Only a file that is known to be absent counts as no.
func hasSystemd(h host.Host) bool {
	if h.Platform().OS != "linux" {
		return false
	}
	for _, name := range []string{"/usr/lib/systemd/systemd", "/lib/systemd/systemd"} {
		if _, err := h.Lstat(name); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// root is what systemd takes for the user root without looking (src/basic/user-util.c, synthesize_user_creds).
func root(h host.Host) User {
	shell := "/bin/sh"
	if _, err := host.Stat(h, "/bin/bash"); err == nil {
		shell = "/bin/bash"
	}
	return User{Name: "root", Home: "/root", Shell: shell}
}

// userManagerOwn returns the environment in which user@.service starts the manager of u. XDG_RUNTIME_DIR comes from
// pam_systemd, which every distribution has in the PAM service systemd-user.
func userManagerOwn(system *Manager, u User) (*layer.Env, []Problem) {
	unit, err := system.Unit("user@" + strconv.Itoa(u.UID) + ".service")
	if err != nil {
		unit = &Unit{Name: "user@" + strconv.Itoa(u.UID) + ".service", User: strconv.Itoa(u.UID), PAMName: "systemd-user"}
	}
	env, problems := system.ServiceEnv(unit)
	env.Add("XDG_RUNTIME_DIR", layer.Set{Layer: layer.SystemdUnit, From: "pam_systemd", Value: "/run/user/" + strconv.Itoa(u.UID)})
	return env, problems
}

// initEnv returns the environment of process 1, if it can be read.
func (m *Manager) initEnv() *layer.Env {
	const file = "/proc/1/environ"
	data, found, why := read(m.h, file)
	if !found {
		if why.IsZero() {
			why = msg.New("%s was not recorded", file)
		}
		env := &layer.Env{}
		opaque(env, layer.SystemdUnit, file, why)
		return env
	}
	return layer.FromList(strings.Split(string(data), "\x00"), layer.SystemdUnit, file, false)
}

// defaultPath returns the PATH that is compiled into systemd (src/basic/path-util.h, DEFAULT_PATH; from version 256
// default_PATH looks at the folders). Debian and Ubuntu configured it for a split /usr until version 255.
func (m *Manager) defaultPath() string {
	const bin, both = "/usr/local/bin:/usr/bin", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
	if m.version != 0 && m.version < 255 {
		if _, err := m.h.Lstat("/etc/debian_version"); err == nil {
			return both + ":/sbin:/bin"
		}
		return both
	}
	for _, dir := range []string{"/usr/", "/usr/local/"} {
		sbin, err := host.EvalSymlinks(m.h, dir+"sbin")
		if err == nil && sbin != dir+"bin" {
			return both
		}
	}
	return bin
}

// locale adds the variables of locale.conf (src/shared/locale-setup.c).
func (m *Manager) locale() {
	for _, name := range []string{"/etc/locale.conf", "/etc/default/locale"} {
		data, found, _ := read(m.h, name)
		if !found {
			continue
		}
		raw, _ := parseEnvFile(data, true)
		for _, r := range raw {
			if r.value != "" && (r.key == "LANG" || r.key == "LANGUAGE" || strings.HasPrefix(r.key, "LC_")) {
				m.env.Add(r.key, layer.Set{Layer: layer.SystemdUnit, From: layer.Place(name, r.line), Value: r.value})
			}
		}
		return
	}
	m.env.Add("LANG", layer.Set{Layer: layer.SystemdUnit, From: "systemd", Value: "C.UTF-8"})
}

// applySettings adds DefaultEnvironment= of system.conf or user.conf and their drop-ins, for the system also
// systemd.setenv= of the kernel's command line (src/core/main.c).
func (m *Manager) applySettings() {
	files, problems := m.settingsFiles()
	m.unreadable(problems)
	var list []Assignment
	x := &specifiers{m: m}
	for _, name := range files {
		data, found, why := read(m.h, name)
		if !found {
			if !why.IsZero() {
				m.unreadable([]Problem{{File: name, Why: why}})
			}
			continue
		}
		lines, problems, _ := parseConfig(name, data)
		m.Problems = append(m.Problems, problems...)
		for _, l := range lines {
			if l.section != "Manager" || l.key != "DefaultEnvironment" {
				continue
			}
			sets, problems := parseEnvironmentSetting(x, name, l)
			m.Problems = append(m.Problems, problems...)
			if l.value == "" {
				list = nil
			}
			list = append(list, sets...)
		}
	}
	list = append(list, m.kernelCommandLine()...)
	for _, a := range list {
		m.env.Add(a.Key, a.set(layer.SystemdUnit))
	}
}

func (m *Manager) unreadable(problems []Problem) {
	for _, p := range problems {
		opaque(m.env, layer.SystemdUnit, p.File, p.Why)
	}
	m.Problems = append(m.Problems, problems...)
}

// settingsFiles returns the first main file and the drop-ins, in reading order.
func (m *Manager) settingsFiles() (files []string, problems []Problem) {
	base := m.scope.String() + ".conf"
	dirs := []string{"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"}
	if m.scope == userScope && m.configHome() != "" {
		dirs = append([]string{m.configHome() + "/systemd"}, dirs...)
	}
	var dropins []string
	for _, d := range dirs {
		dropins = append(dropins, d+"/"+base+".d")
		if _, err := m.h.Lstat(d + "/" + base); len(files) == 0 && !errors.Is(err, fs.ErrNotExist) {
			files = append(files, d+"/"+base)
		}
	}
	more, problems := confFiles(m.h, dropins, ".conf")
	return append(files, more...), problems
}

func (m *Manager) kernelCommandLine() []Assignment {
	if m.scope != systemScope || m.own.Get("container") != "" {
		return nil // the kernel's line is not for a container
	}
	data, _, _ := read(m.h, "/proc/cmdline")
	var list []Assignment
	for _, word := range words(strings.TrimSpace(string(data))) {
		if kv, ok := strings.CutPrefix(word, "systemd.setenv="); ok {
			if key, value, ok := strings.Cut(kv, "="); ok && validEnvName(key) {
				list = append(list, Assignment{Key: key, Value: value, File: "/proc/cmdline"})
			}
		}
	}
	return list
}

// generators adds what the programs in system-environment-generators or user-environment-generators are known to
// give. One that is not known may set anything.
func (m *Manager) generators() {
	name := "/systemd/" + m.scope.String() + "-environment-generators"
	files, problems := confFiles(m.h, []string{"/run" + name, "/etc" + name, "/usr/local/lib" + name, "/usr/lib" + name}, "")
	m.unreadable(problems)
	for _, file := range files {
		info, err := host.Stat(m.h, file)
		if err != nil || !host.IsExecutable(info) || info.Size == 0 {
			continue
		}
		m.generator(file)
	}
}

func (m *Manager) generator(file string) {
	switch base := file[strings.LastIndexByte(file, '/')+1:]; base {
	case "30-systemd-environment-d-generator":
		m.Problems = append(m.Problems, applyEnvironmentD(m.h, m.env, m.configHome())...)
	case "snapd-env-generator": // snapd, cmd/snapd-env-generator: the system's services find snaps
		path, _, unknown := m.env.Lookup("PATH")
		if !strings.Contains(":"+path+":", ":/snap/bin:") {
			m.env.Add("PATH", layer.Set{Layer: layer.SystemdUnit, From: file, Value: path + ":/snap/bin", Unknown: unknown})
		}
	case "90gpg-agent", "60-flatpak", "60-flatpak-system-only", "990-snapd":
		// gpg-agent's sets SSH_AUTH_SOCK, flatpak's and snapd's XDG_DATA_DIRS: nothing a Go tool looks at.
	default:
		opaque(m.env, layer.SystemdUnit, file, msg.New("%s runs when the manager starts and may set any variable", file))
	}
}

// configHome and dataHome return the folders of the manager's user, "" for the system's manager.
func (m *Manager) configHome() string { return m.xdg("XDG_CONFIG_HOME", "/.config") }
func (m *Manager) dataHome() string   { return m.xdg("XDG_DATA_HOME", "/.local/share") }

func (m *Manager) xdg(name, below string) string {
	if m.scope == systemScope {
		return ""
	}
	if v := m.own.Get(name); strings.HasPrefix(v, "/") {
		return v
	}
	if home := m.own.Get("HOME"); home != "" {
		return home + below
	}
	return m.user.Home + below
}

// folder returns the folder that the specifiers %t %S %C %L %E stand for (src/core/manager.c, manager_setup_prefix).
func (m *Manager) folder(c byte) string {
	if m.scope == systemScope {
		return map[byte]string{'t': "/run", 'S': "/var/lib", 'C': "/var/cache", 'L': "/var/log", 'E': "/etc"}[c]
	}
	state := m.xdg("XDG_STATE_HOME", "/.local/state")
	if m.version != 0 && m.version < 254 {
		state = m.configHome()
	}
	switch c {
	case 't':
		return m.own.Get("XDG_RUNTIME_DIR")
	case 'S':
		return state
	case 'C':
		return m.xdg("XDG_CACHE_HOME", "/.cache")
	case 'L':
		return state + "/log"
	}
	return m.configHome()
}

// machine returns a fact that a specifier stands for, from the file where the system keeps it.
func (m *Manager) machine(c byte) (string, msg.Text) {
	switch c {
	case 'a':
		return m.architecture()
	case 'b':
		id, why := m.firstLine("/proc/sys/kernel/random/boot_id")
		return strings.ReplaceAll(id, "-", ""), why
	case 'm':
		return m.firstLine("/etc/machine-id")
	case 'v':
		return m.firstLine("/proc/sys/kernel/osrelease")
	case 'H':
		return m.firstLine("/proc/sys/kernel/hostname")
	case 'l':
		name, why := m.firstLine("/proc/sys/kernel/hostname")
		name, _, _ = strings.Cut(name, ".")
		return name, why
	case 'q':
		if v := m.envFile("/etc/machine-info")["PRETTY_HOSTNAME"]; v != "" {
			return v, msg.Text{}
		}
		return m.firstLine("/proc/sys/kernel/hostname")
	}
	release := m.envFile("/etc/os-release")
	if len(release) == 0 {
		release = m.envFile("/usr/lib/os-release")
	}
	key := map[byte]string{'A': "IMAGE_VERSION", 'B': "BUILD_ID", 'M': "IMAGE_ID", 'o': "ID", 'w': "VERSION_ID", 'W': "VARIANT_ID"}[c]
	return release[key], msg.Text{}
}

// architecture returns the name systemd has for the machine's architecture (src/basic/architecture.c).
func (m *Manager) architecture() (string, msg.Text) {
	arch := m.h.Platform().Arch
	switch arch {
	case "amd64":
		return "x86-64", msg.Text{}
	case "386":
		return "x86", msg.Text{}
	case "ppc64le":
		return "ppc64-le", msg.Text{}
	case "loong64":
		return "loongarch64", msg.Text{}
	case "arm64", "arm", "ppc64", "riscv64", "s390x":
		return arch, msg.Text{}
	}
	return arch, msg.New("the value of the specifier %s is known only to systemd", "%a")
}

func (m *Manager) firstLine(file string) (string, msg.Text) {
	data, found, why := read(m.h, file)
	if !found && why.IsZero() {
		why = msg.New("%s was not recorded", file)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line, why
}

// envFile returns the variables of a file like os-release, read once.
func (m *Manager) envFile(file string) map[string]string {
	if vars, ok := m.facts[file]; ok {
		return vars
	}
	vars := map[string]string{}
	data, _, _ := read(m.h, file)
	raw, _ := parseEnvFile(data, true)
	for _, r := range raw {
		vars[r.key] = r.value
	}
	if m.facts == nil {
		m.facts = map[string]map[string]string{}
	}
	m.facts[file] = vars
	return vars
}

// systemdVersion returns the major version of the installed systemd, which its private library has in its name, or 0.
func systemdVersion(h host.Host) int {
	dirs := []string{"/usr/lib/systemd"}
	if t := multiarch(h.Platform().Arch); t != "" {
		dirs = append(dirs, "/usr/lib/"+t+"/systemd")
	}
	for _, dir := range append(dirs, "/usr/lib64/systemd") {
		entries, err := h.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if v, ok := strings.CutPrefix(e.Name, "libsystemd-shared-"); ok {
				end := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' })
				if n, err := strconv.Atoi(v[:max(end, 0)]); err == nil {
					return n
				}
			}
		}
	}
	return 0
}

// multiarch returns the name of Debian's library folder for an architecture.
func multiarch(arch string) string {
	switch arch {
	case "amd64":
		return "x86_64-linux-gnu"
	case "arm64":
		return "aarch64-linux-gnu"
	case "386":
		return "i386-linux-gnu"
	case "arm":
		return "arm-linux-gnueabihf"
	case "riscv64", "s390x":
		return arch + "-linux-gnu"
	case "ppc64le":
		return "powerpc64le-linux-gnu"
	}
	return ""
}
