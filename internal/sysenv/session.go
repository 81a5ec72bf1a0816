package sysenv

import (
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Session is a way to get a process as a user, before any shell has read its files. Its value is the name of the
// session's PAM service.
type Session string

// The sessions.
const (
	ConsoleLogin Session = "login"  // a text console
	SSH          Session = "sshd"   // ssh host, ssh host cmd
	Su           Session = "su"     // su alice -c: keeps the caller's environment
	SuLogin      Session = "su-l"   // su - alice
	Sudo         Session = "sudo"   // sudo -u alice cmd
	SudoLogin    Session = "sudo-i" // sudo -i -u alice
)

// SessionEnv returns a new environment: what the first process of the session is started with, before a shell reads
// its files. caller is the environment in which su or sudo was typed, or what an ssh client sends; nil is an empty
// one.
//
// On macOS only PATH and what names the user are known.
func SessionEnv(h host.Host, s Session, u User, caller *layer.Env) (*layer.Env, []Problem) {
	b := sessionBuilder{h: h, user: u, caller: caller, session: s}
	switch s {
	case Su:
		b.su()
	case Sudo, SudoLogin:
		b.sudo()
	case SSH:
		b.ssh()
	default:
		b.login()
	}
	return b.env, b.problems
}

type sessionBuilder struct {
	h        host.Host
	user     User
	caller   *layer.Env
	session  Session
	env      *layer.Env
	problems []Problem
}

// identity sets what names the user.
func (b *sessionBuilder) identity(names ...string) {
	values := map[string]string{"HOME": b.user.Home, "SHELL": b.user.Shell, "USER": b.user.Name, "LOGNAME": b.user.Name}
	for _, name := range names {
		if values[name] != "" {
			b.set(name, layer.Set{Value: values[name]})
		}
	}
}

// set adds what the program of the session sets.
func (b *sessionBuilder) set(name string, s layer.Set) {
	s.Layer = layer.OSEnv
	if s.From == "" {
		s.From = b.program()
	}
	if s.Why.IsZero() {
		s.Why = msg.New("%s sets it for every session", b.program())
	}
	b.env.Add(name, s)
}

func (b *sessionBuilder) program() string {
	name, _, _ := strings.Cut(string(b.session), "-")
	return name
}

func (b *sessionBuilder) pam() {
	b.problems = append(b.problems, ApplyPAM(b.h, b.env, string(b.session), b.user)...)
}

// drop notes that no variable of the caller is passed on.
func (b *sessionBuilder) drop() {
	for _, name := range b.caller.Names() {
		if v, ok, _ := b.caller.Lookup(name); ok {
			b.env.Add(name, layer.Set{Layer: layer.OSEnv, From: "caller", Value: v, Skipped: msg.New("%s starts with an empty environment", b.program())})
		}
	}
}

// login is login(1) and su - (util-linux, login-utils/su-common.c, modify_environment).
func (b *sessionBuilder) login() {
	b.env = &layer.Env{}
	b.drop()
	b.identity("HOME", "SHELL", "USER", "LOGNAME")
	b.loginPath()
	b.pam()
}

// loginPath sets PATH as login.defs says.
func (b *sessionBuilder) loginPath() {
	if b.h.Platform().OS == "darwin" {
		b.set("PATH", layer.Set{Value: launchdPath})
		return
	}
	defs, why := loginDefs(b.h)
	keys, path := []string{"ENV_PATH"}, "/usr/local/bin:/bin:/usr/bin"
	if b.user.UID == 0 {
		keys, path = []string{"ENV_ROOTPATH", "ENV_SUPATH"}, "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin"
	}
	s := layer.Set{Value: path, Unknown: why}
	for _, key := range keys {
		if a, ok := defs[key]; ok {
			s.Value, s.From = strings.Trim(strings.TrimPrefix(a.Value, "PATH="), `"`), a.From()
			break
		}
	}
	b.set("PATH", s)
}

// loginDefs returns the settings of /etc/login.defs.
func loginDefs(h host.Host) (map[string]Assignment, msg.Text) {
	const name = "/etc/login.defs"
	data, found, why := read(h, name)
	if !found {
		return nil, why
	}
	defs := map[string]Assignment{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		key, value := cutWord(strings.TrimSpace(line))
		if key != "" && key[0] != '#' {
			defs[key] = Assignment{Key: key, Value: strings.Trim(strings.TrimSpace(value), `"`), File: name, Line: n}
		}
	}
	return defs, msg.Text{}
}

// su keeps the caller's environment but for what names the user.
func (b *sessionBuilder) su() {
	b.env = b.caller.Clone()
	b.identity("HOME", "SHELL")
	if b.user.UID != 0 {
		b.identity("USER", "LOGNAME")
	}
	if defs, _ := loginDefs(b.h); strings.EqualFold(defs["ALWAYS_SET_PATH"].Value, "yes") {
		b.loginPath()
	}
	b.pam()
}

// ssh is sshd (session.c, do_setup_env; the order of its parts was tried with OpenSSH 9.2): what the client sends, the
// user, ~/.ssh/environment, PAM, SetEnv.
func (b *sessionBuilder) ssh() {
	b.env = &layer.Env{}
	config := readSSHConfig(b.h)
	b.problems = append(b.problems, config.problems...)
	for _, name := range b.caller.Names() {
		b.sent(name, config)
	}
	b.identity("USER", "LOGNAME", "HOME")
	b.set("PATH", layer.Set{Value: sshPath(b.h, b.user), Why: msg.New("it is compiled into sshd")})
	b.identity("SHELL")
	for _, name := range []string{"SSH_CLIENT", "SSH_CONNECTION"} {
		b.set(name, layer.Set{Unknown: msg.New("it depends on where the user logs in from")})
	}
	b.userFile(config)
	if config.usePAM {
		b.pam()
	}
	for _, a := range config.setEnv {
		s := a.set(layer.OSEnv)
		s.Why = msg.New("the setting %s of sshd comes last", "SetEnv")
		b.env.Add(a.Key, s)
	}
	if !config.unknown.IsZero() {
		opaque(b.env, layer.OSEnv, sshConfigFile, config.unknown)
	}
}

// sent adds a variable that the client offers, if AcceptEnv names it.
func (b *sessionBuilder) sent(name string, config sshConfig) {
	v, ok, unknown := b.caller.Lookup(name)
	if !ok && unknown.IsZero() {
		return
	}
	s := layer.Set{Layer: layer.OSEnv, From: "ssh client", Value: v, Unknown: unknown}
	if !config.accepts(name) {
		s.Skipped = msg.New("AcceptEnv of sshd does not name it")
	}
	b.env.Add(name, s)
}

// sshPath returns the PATH that is compiled into sshd.
func sshPath(h host.Host, u User) string {
	if _, err := h.Lstat("/etc/debian_version"); err == nil {
		if u.UID == 0 {
			return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
		}
		return "/usr/local/bin:/usr/bin:/bin:/usr/games"
	}
	if h.Platform().OS == "linux" {
		if u.UID == 0 {
			return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
		}
		return "/usr/local/bin:/usr/bin"
	}
	return launchdPath
}

// userFile adds ~/.ssh/environment, if PermitUserEnvironment allows it (misc.c, read_environment_file).
func (b *sessionBuilder) userFile(config sshConfig) {
	name := b.h.Platform().Join(b.user.Home, ".ssh", "environment")
	data, found, why := read(b.h, name)
	if b.user.Home == "" || !found {
		if !why.IsZero() && config.permits("") {
			opaque(b.env, layer.OSEnv, name, why)
		}
		return
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), " \t")
		key, value, ok := strings.Cut(line, "=")
		if !ok || line[0] == '#' {
			continue
		}
		s := layer.Set{Layer: layer.OSEnv, From: layer.Place(name, n), Value: value}
		if !config.permits(key) {
			s.Skipped = msg.New("PermitUserEnvironment of sshd does not allow it")
		}
		b.env.Add(key, s)
	}
}

// DesktopEnv returns a new environment: what a program gets that is started from the desktop of u's graphical session.
// On Linux that is the environment of the user manager and, over it, what PAM gives the display manager's session; what
// the session's own scripts add (Xsession reads ~/.profile on Debian, GNOME on Wayland does not on many systems) is not
// in it.
func DesktopEnv(h host.Host, u User) (*layer.Env, []Problem) {
	switch h.Platform().OS {
	case "windows":
		return WindowsEnv(h)
	case "darwin":
		return LaunchdEnv(u), nil
	}
	env := &layer.Env{}
	var problems []Problem
	if m, ok := UserManager(h, u); ok {
		env, problems = m.Env(), m.Problems
	}
	for _, service := range []string{"gdm-password", "sddm", "lightdm", "lxdm", "greetd", "xdm"} {
		if hasPAM(h, service) {
			return env, append(problems, ApplyPAM(h, env, service, u)...)
		}
	}
	return env, problems
}
