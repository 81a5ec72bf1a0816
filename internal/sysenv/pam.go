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

// ApplyPAM adds to env what pam_env sets for a session that the PAM service (a file of /etc/pam.d: "login", "sshd",
// "su", "su-l", "sudo", "cron", "systemd-user") opens for u: the lines of pam_env.conf, of /etc/environment and of
// other files named there. All of them have the layer etc-environment.
//
// If the service's file does not load pam_env, nothing is set, and the lines of /etc/environment are added as skipped.
// If it cannot be read, any variable may have been set.
func ApplyPAM(h host.Host, env *layer.Env, service string, u User) []Problem {
	return applyPAM(h, env, service, &pamSession{user: u})
}

// applyPAMOver is ApplyPAM for a program that first puts its whole environment into PAM's, as systemd does.
func applyPAMOver(h host.Host, env *layer.Env, service string, u User) []Problem {
	return applyPAM(h, env, service, &pamSession{user: u, base: env.Clone()})
}

func applyPAM(h host.Host, env *layer.Env, service string, p *pamSession) []Problem {
	if h.Platform().OS != "linux" {
		return nil
	}
	stack := pamStack{h: h}
	stack.load(service)
	if !stack.problem.IsZero() {
		opaque(env, layer.EtcEnvironment, "/etc/pam.d/"+service, stack.problem)
		return []Problem{{File: "/etc/pam.d/" + service, Why: stack.problem}}
	}
	for _, m := range stack.modules {
		p.module(h, env, m)
	}
	p.export(env)
	if !p.readEtc {
		skipPAMFile(h, env, service, len(stack.modules) > 0)
	}
	return p.problems
}

// module does what one line with pam_env in the stack does (pam_env.c, handle_env).
func (p *pamSession) module(h host.Host, env *layer.Env, m pamEnv) {
	if !p.file(h, env, m, m.confFile, true) {
		return
	}
	if m.readEnv {
		p.readEtc = p.readEtc || m.envFile == "/etc/environment"
		p.file(h, env, m, m.envFile, false)
	}
	if m.userReadEnv && p.user.Home != "" {
		p.file(h, env, m, h.Platform().Join(p.user.Home, m.userEnvFile), true)
	}
}

// file reads one file for m. ok is false if pam_env reads no further one: it gives up if pam_env.conf is missing.
func (p *pamSession) file(h host.Host, env *layer.Env, m pamEnv, name string, conf bool) (ok bool) {
	data, found, why := read(h, name)
	if !found {
		if !why.IsZero() {
			opaque(env, layer.EtcEnvironment, name, why)
			p.problem(name, 0, "", why)
		} else if conf && m.readEnv {
			p.problem(name, 0, "", msg.New("pam_env reads nothing, because this file is missing"))
		}
		return !conf
	}
	first := len(p.sets)
	if conf {
		ok = p.pamConf(name, data)
	} else {
		sets, problems := ParsePAMEnvironment(name, data)
		for _, a := range sets {
			p.put(a)
		}
		p.problems = append(p.problems, problems...)
		ok = true
	}
	for i := first; i < len(p.sets) && !m.unknown.IsZero(); i++ {
		p.sets[i].Unknown = m.unknown
	}
	return ok
}

// skipPAMFile notes that /etc/environment is there and not read by this service.
func skipPAMFile(h host.Host, env *layer.Env, service string, loaded bool) {
	data, found, _ := read(h, "/etc/environment")
	if !found {
		return
	}
	why := msg.New("the PAM service %s does not load pam_env", service)
	if loaded {
		why = msg.New("pam_env of the PAM service %s does not read it", service)
	}
	sets, _ := ParsePAMEnvironment("/etc/environment", data)
	for _, a := range sets {
		s := a.set(layer.EtcEnvironment)
		s.Skipped = why
		env.Add(a.Key, s)
	}
}

// pamEnv is a line of a stack that loads pam_env.
type pamEnv struct {
	confFile, envFile, userEnvFile string
	readEnv, userReadEnv           bool
	unknown                        msg.Text // why it may not be reached
}

func parsePAMEnv(args []string) pamEnv {
	m := pamEnv{
		confFile:    "/etc/security/pam_env.conf",
		envFile:     "/etc/environment",
		userEnvFile: ".pam_environment",
		readEnv:     true,
	}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		if value == "" {
			continue
		}
		switch key {
		case "conffile":
			m.confFile = value
		case "envfile":
			m.envFile = value
		case "user_envfile":
			m.userEnvFile = value
		case "readenv":
			m.readEnv = value != "0"
		case "user_readenv":
			m.userReadEnv = value != "0"
		}
	}
	return m
}

// pamStack collects the lines that load pam_env from the file of a service and the files it includes, for the two
// functions that call the module: auth (pam_setcred) and session.
type pamStack struct {
	h       host.Host
	modules []pamEnv
	problem msg.Text // why the stack is not known
	depth   int
	files   int
	cache   map[string]string
}

// load reads the stack of a service. Like libpam it falls back to the vendor's folder and then to the service "other".
func (s *pamStack) load(service string) {
	for _, name := range []string{service, "other"} {
		if s.include(name, "auth", &pamDoubt{}) {
			s.include(name, "session", &pamDoubt{})
			return
		}
		if !s.problem.IsZero() {
			return
		}
	}
}

// include adds the lines of one kind from the file of a service. found is false if there is no such file.
func (s *pamStack) include(service, kind string, doubt *pamDoubt) (found bool) {
	data, found := s.read(service)
	if !found {
		return false
	}
	// MAX_INCLUDE of libpam is 32 levels; the number of files is bounded for hostile ones that include each other.
	s.depth++
	s.files++
	defer func() { s.depth-- }()
	if s.depth > 32 || s.files > 1000 {
		return true
	}
	for text := range strings.Lines(joinBackslash(data)) {
		s.line(text, kind, doubt)
	}
	return true
}

// read returns the file of a service, which is read once for both kinds of lines.
func (s *pamStack) read(service string) (text string, found bool) {
	if text, found = s.cache[service]; found {
		return text, true
	}
	names := []string{"/etc/pam.d/" + service, "/usr/lib/pam.d/" + service}
	if strings.HasPrefix(service, "/") {
		names = []string{service}
	}
	for _, name := range names {
		data, found, why := read(s.h, name)
		if !why.IsZero() {
			s.problem = why
			return "", false
		}
		if found {
			if s.cache == nil {
				s.cache = map[string]string{}
			}
			s.cache[service] = string(data)
			return string(data), true
		}
	}
	return "", false
}

// joinBackslash joins lines that end in a backslash to the next one.
func joinBackslash(s string) string { return strings.ReplaceAll(s, "\\\n", " ") }

// pamDoubt is what the lines above one may do to it.
type pamDoubt struct {
	jump int  // so many of the following lines may be jumped over
	end  bool // a line above may have ended the stack
}

func (s *pamStack) line(text, kind string, doubt *pamDoubt) {
	text, _, _ = strings.Cut(text, "#")
	typ, rest := cutWord(strings.TrimRight(text, "\r\n"))
	if typ == "@include" {
		s.include(strings.TrimSpace(rest), kind, doubt)
		return
	}
	if !strings.EqualFold(strings.TrimPrefix(typ, "-"), kind) {
		return
	}
	control, rest := cutControl(rest)
	module, rest := cutWord(rest)
	if control == "include" {
		s.include(module, kind, doubt)
	} else if control == "substack" {
		inner := *doubt // what ends a substack does not end the stack
		s.include(module, kind, &inner)
	} else if isPAMEnv(module) {
		m := parsePAMEnv(words(rest))
		if doubt.jump > 0 || doubt.end {
			m.unknown = msg.New("the PAM stack may end or jump before it reaches pam_env")
		}
		s.modules = append(s.modules, m)
	}
	doubt.add(control, module)
}

// add notes what a line with this control may do to those below. Modules that always succeed do not end a stack of
// sessions by "required".
func (d *pamDoubt) add(control, module string) {
	d.jump = max(d.jump-1, 0)
	if control == "sufficient" {
		d.end = true
		return
	}
	if !strings.HasPrefix(control, "[") {
		return
	}
	for _, pair := range words(strings.Trim(control, "[]")) {
		_, action, _ := strings.Cut(pair, "=")
		if n, err := strconv.Atoi(action); err == nil {
			d.jump = max(d.jump, n)
		} else if action == "done" {
			d.end = true
		}
	}
}

func isPAMEnv(module string) bool {
	return strings.TrimSuffix(module[strings.LastIndexByte(module, '/')+1:], ".so") == "pam_env"
}

// cutWord cuts the first word from s.
func cutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// cutControl cuts a word, or what is between brackets.
func cutControl(s string) (control, rest string) {
	s = strings.TrimLeft(s, " \t")
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i >= 0 {
			return s[:i+1], s[i+1:]
		}
	}
	return cutWord(s)
}

// hasPAM reports whether the host has a PAM service of this name.
func hasPAM(h host.Host, service string) bool {
	for _, dir := range []string{"/etc/pam.d/", "/usr/lib/pam.d/"} {
		if _, err := h.Lstat(dir + service); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}
