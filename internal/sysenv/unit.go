package sysenv

import (
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Unit is a service as its manager reads it.
type Unit struct {
	Name    string   // the real one, if the unit was asked for by an alias
	Path    string   // the file that defines it
	DropIns []string // in the order in which they are read
	Masked  bool     // linked to /dev/null or empty: cannot be started
	// Broken, if not zero, says why systemd refuses the unit's file.
	Broken msg.Text

	User             string // as written, after specifiers; "" is root or the manager's user
	Group            string
	DynamicUser      bool
	PAMName          string
	WorkingDirectory string
	ExecStart        []Assignment // Key is "ExecStart", "ExecStartPre", …; Value the command line after joining lines

	// In effect, in the order in which they are laid over each other.
	ExecSearchPath   []Assignment // Key is "PATH"
	PassEnvironment  []Assignment // Key is the variable
	Environment      []Assignment
	EnvironmentFiles []Assignment // Value is the path, with its leading "-"
	UnsetEnvironment []Assignment // Key is the variable; Value, if not empty, must be equal

	Problems []Problem

	userFrom   string        // where User= is
	setLogin   string        // SetLoginEnvironment=
	dropped    []droppedLine // Environment= lines that an empty one reset
	unreadable []Problem     // drop-ins that could not be read
}

type droppedLine struct {
	Assignment
	by Assignment
}

// Unit reads the unit name ("app.service", "app@x.service") with its drop-ins. An error that matches fs.ErrNotExist
// means that there is no such unit.
func (m *Manager) Unit(name string) (*Unit, error) {
	n, ok := parseUnitName(name)
	x := m.index()
	if !ok {
		return nil, x.notFound(name)
	}
	asked := n
	path, n, names, ok := x.find(n)
	if !ok {
		return nil, x.notFound(name)
	}
	u := &Unit{Name: n.id, Path: path, Masked: masked(m.h, path)}
	data, err := m.h.ReadFile(path)
	if err != nil && !u.Masked {
		return nil, err
	}
	var problems []Problem
	u.DropIns, problems = m.dropinFiles(names)
	u.unreadable = problems
	// A unit that is loaded by an alias has that name until its own file is read (load-fragment.c, unit_load_fragment).
	r := unitReader{u: u, x: &specifiers{m: m, name: asked, path: path}}
	u.Broken = r.file(path, data)
	r.x.name = n
	for _, name := range u.DropIns {
		r.dropin(name)
	}
	u.Problems = append(u.Problems, u.unreadable...)
	return u, nil
}

// AnyService returns a service whose own file sets nothing that decides its environment: what drop-ins for all
// services, in folders named service.d, make of it.
func (m *Manager) AnyService() *Unit {
	n, _ := parseUnitName("any.service")
	u := &Unit{Name: n.id}
	u.DropIns, u.unreadable = m.dropinFiles(nil)
	r := unitReader{u: u, x: &specifiers{m: m, name: n}}
	for _, name := range u.DropIns {
		r.dropin(name)
	}
	u.Problems = append(u.Problems, u.unreadable...)
	return u
}

// unitReader applies the lines of a unit's files (src/core/load-fragment.c).
type unitReader struct {
	u    *Unit
	x    *specifiers
	name string // of the file
}

func (r *unitReader) dropin(name string) {
	data, found, why := read(r.x.m.h, name)
	if info, err := host.Stat(r.x.m.h, name); !found && err == nil && !info.Mode.IsRegular() {
		return // a link to /dev/null
	}
	if !why.IsZero() {
		r.u.unreadable = append(r.u.unreadable, Problem{File: name, Why: why})
		return
	}
	r.file(name, data)
}

func (r *unitReader) file(name string, data []byte) (broken msg.Text) {
	r.name = name
	lines, problems, broken := parseConfig(name, data)
	r.u.Problems = append(r.u.Problems, problems...)
	if !broken.IsZero() {
		r.problem(0, "", broken)
	}
	for _, l := range lines {
		if l.section == "Service" {
			r.setting(l)
		}
	}
	return broken
}

func (r *unitReader) problem(line int, key string, why msg.Text) {
	r.u.Problems = append(r.u.Problems, Problem{File: r.name, Line: line, Key: key, Why: why})
}

func (r *unitReader) setting(l configLine) {
	u := r.u
	switch l.key {
	case "Environment":
		r.environment(l)
	case "EnvironmentFile":
		r.environmentFile(l)
	case "PassEnvironment":
		u.PassEnvironment = r.names(l, u.PassEnvironment)
	case "UnsetEnvironment":
		u.UnsetEnvironment = r.names(l, u.UnsetEnvironment)
	case "ExecSearchPath":
		r.searchPath(l)
	case "User":
		u.User, u.userFrom = r.text(l, u.User), layer.Place(r.name, l.line)
	case "Group":
		u.Group = r.text(l, u.Group)
	case "PAMName":
		u.PAMName = r.text(l, u.PAMName)
	case "WorkingDirectory":
		u.WorkingDirectory = r.text(l, u.WorkingDirectory)
	case "DynamicUser":
		u.DynamicUser = isTrue(l.value)
	case "SetLoginEnvironment":
		u.setLogin = l.value
	case "ExecStart", "ExecStartPre", "ExecStartPost", "ExecCondition", "ExecReload", "ExecStop", "ExecStopPost":
		r.exec(l)
	}
}

// isTrue reports whether systemd takes s for yes (src/basic/parse-util.c, parse_boolean).
func isTrue(s string) bool {
	switch strings.ToLower(s) {
	case "1", "yes", "y", "true", "t", "on":
		return true
	}
	return false
}

// text returns the value of a setting after specifiers; an empty one resets it, a bad one leaves it as it was.
func (r *unitReader) text(l configLine, old string) string {
	v, ok := r.x.replace(l.value)
	if !ok {
		r.problem(l.line, "", badSpecifier(l.value))
		return old
	}
	return v
}

func badSpecifier(s string) msg.Text {
	return msg.New("%q has a specifier that systemd does not know; write %%%% for a percent sign", s)
}

func (r *unitReader) exec(l configLine) {
	if l.value == "" {
		kept := r.u.ExecStart[:0]
		for _, a := range r.u.ExecStart {
			if a.Key != l.key {
				kept = append(kept, a)
			}
		}
		r.u.ExecStart = kept
		return
	}
	r.u.ExecStart = append(r.u.ExecStart, Assignment{Key: l.key, Value: l.value, File: r.name, Line: l.line})
}

func (r *unitReader) environment(l configLine) {
	if l.value == "" {
		by := Assignment{File: r.name, Line: l.line}
		for _, a := range r.u.Environment {
			r.u.dropped = append(r.u.dropped, droppedLine{a, by})
		}
		r.u.Environment = nil
		return
	}
	sets, problems := parseEnvironmentSetting(r.x, r.name, l)
	r.u.Environment = append(r.u.Environment, sets...)
	r.u.Problems = append(r.u.Problems, problems...)
}

// parseEnvironmentSetting parses the value of Environment= or DefaultEnvironment= (load-fragment.c,
// config_parse_environ).
func parseEnvironmentSetting(x *specifiers, file string, l configLine) (sets []Assignment, problems []Problem) {
	problem := func(key string, why msg.Text) {
		problems = append(problems, Problem{File: file, Line: l.line, Key: key, Why: why})
	}
	for rest := l.value; ; {
		word, after, ok, err := cutQuoted(rest, true)
		if err != nil {
			problem("", msg.New("the quotes or escapes are wrong, so the rest of the line is ignored"))
			return sets, problems
		}
		if !ok {
			return sets, problems
		}
		rest = after
		word, ok = x.replace(word)
		if !ok {
			problem("", badSpecifier(l.value))
			continue
		}
		key, value, ok := strings.Cut(word, "=")
		if !ok || !validEnvName(key) || !validUTF8(value) {
			problem("", msg.New("%q is not NAME=VALUE, so it is ignored; a value with blanks needs quotes around the whole assignment", word))
			continue
		}
		if v := findVariable(value); v != "" {
			problem(key, msg.New("%s is not expanded in this file", v))
		}
		sets = append(sets, Assignment{Key: key, Value: value, File: file, Line: l.line, Unknown: x.unknown})
	}
}

func (r *unitReader) environmentFile(l configLine) {
	if l.value == "" {
		r.u.EnvironmentFiles = nil
		return
	}
	name := r.text(l, "")
	if name == "" {
		return
	}
	if !strings.HasPrefix(strings.TrimPrefix(name, "-"), "/") {
		r.problem(l.line, "", msg.New("%q is not an absolute path, so it is ignored", name))
		return
	}
	r.u.EnvironmentFiles = append(r.u.EnvironmentFiles, Assignment{Key: l.key, Value: name, File: r.name, Line: l.line, Unknown: r.x.unknown})
}

// names parses PassEnvironment= and UnsetEnvironment= (config_parse_pass_environ, config_parse_unset_environ).
func (r *unitReader) names(l configLine, list []Assignment) []Assignment {
	if l.value == "" {
		return nil
	}
	for rest := l.value; ; {
		word, after, ok, err := cutQuoted(rest, l.key == "UnsetEnvironment")
		if err != nil {
			r.problem(l.line, "", msg.New("the quotes or escapes are wrong, so the rest of the line is ignored"))
			return list
		}
		if !ok {
			return list
		}
		rest = after
		word, ok = r.x.replace(word)
		key, value, isPair := strings.Cut(word, "=")
		if !ok || !validEnvName(key) || isPair && l.key == "PassEnvironment" {
			r.problem(l.line, "", msg.New("%q is not the name of a variable, so it is ignored", word))
			continue
		}
		list = append(list, Assignment{Key: key, Value: value, File: r.name, Line: l.line, Unset: !isPair})
	}
}

// searchPath parses ExecSearchPath= (config_parse_colon_separated_paths).
func (r *unitReader) searchPath(l configLine) {
	if l.value == "" {
		r.u.ExecSearchPath = nil
		return
	}
	for _, dir := range strings.Split(l.value, ":") {
		if dir, ok := r.x.replace(dir); ok && strings.HasPrefix(dir, "/") {
			r.u.ExecSearchPath = append(r.u.ExecSearchPath, Assignment{Key: "PATH", Value: r.x.m.h.Platform().Clean(dir), File: r.name, Line: l.line, Unknown: r.x.unknown})
		}
	}
}

// ServiceEnv returns a new environment: what the processes of u's ExecStart= are started with, every assignment
// traced. Problems are those of files that u names.
//
// The order is that of src/core/execute.c, exec_child: what the manager gives, what User= implies, ExecSearchPath=,
// PassEnvironment=, Environment=, EnvironmentFile=, PAM, without UnsetEnvironment=.
func (m *Manager) ServiceEnv(u *Unit) (*layer.Env, []Problem) {
	env := m.Env()
	for _, p := range u.unreadable {
		opaque(env, layer.SystemdUnit, p.File, p.Why)
	}
	user := m.login(u, env)
	addSearchPath(env, u.ExecSearchPath)
	m.passEnvironment(u, env)
	for _, d := range u.dropped {
		s := d.set(layer.SystemdUnit)
		s.Skipped = msg.New("the empty assignment at %s resets what was set before", d.by.From())
		env.Add(d.Key, s)
	}
	for _, a := range u.Environment {
		env.Add(a.Key, a.set(layer.SystemdUnit))
	}
	problems := m.environmentFiles(u, env)
	if u.PAMName != "" && user.Name != "" {
		problems = append(problems, applyPAMOver(m.h, env, u.PAMName, user)...)
	}
	unsetEnvironment(u, env)
	return env, problems
}

// login adds HOME, LOGNAME, USER and SHELL of the user in User= and returns who that is (execute.c, get_fixed_user,
// build_environment).
func (m *Manager) login(u *Unit, env *layer.Env) User {
	at := u.userFrom
	if at == "" {
		at = u.Path
	}
	add := func(key, value string, unknown msg.Text) {
		if value != "" || !unknown.IsZero() {
			env.Add(key, layer.Set{Layer: layer.SystemdUnit, From: at, Value: value, Unknown: unknown, Why: msg.New("systemd sets it for the user of the service")})
		}
	}
	user, why := m.serviceUser(u)
	if m.wantsLogin(u) {
		add("HOME", user.Home, why)
		add("LOGNAME", user.Name, msg.Text{})
		add("USER", user.Name, msg.Text{})
		add("SHELL", user.Shell, why)
	}
	return user
}

// wantsLogin reports whether the variables of the login are set. SetLoginEnvironment= is new in systemd 255, and older
// versions ignore it.
func (m *Manager) wantsLogin(u *Unit) bool {
	return u.setLogin == "" || m.version != 0 && m.version < 255 || isTrue(u.setLogin)
}

// serviceUser returns whom the service runs as; the zero User if neither User= nor DynamicUser= says.
func (m *Manager) serviceUser(u *Unit) (User, msg.Text) {
	if u.DynamicUser {
		name := u.User
		if name == "" {
			n, _ := parseUnitName(u.Name)
			name = n.prefix
		}
		return User{Name: name}, msg.Text{} // it has no home
	}
	if a := m.account; a != nil && (u.User == a.Name || u.User == strconv.Itoa(a.UID)) {
		return a.forService(), msg.Text{}
	}
	switch u.User {
	case "":
		if isTrue(u.setLogin) && (m.version == 0 || m.version >= 255) {
			return m.user, msg.Text{}
		}
		return User{}, msg.Text{}
	case "root", "0":
		return root(m.h), msg.Text{}
	case "nobody", "65534":
		return User{Name: "nobody", UID: 65534, GID: 65534}, msg.Text{}
	}
	user, err := m.lookupUser(u.User)
	if err != nil {
		return User{Name: u.User}, msg.New("the user %s is not in /etc/passwd", u.User)
	}
	return user.forService(), msg.Text{}
}

func (m *Manager) lookupUser(name string) (User, error) {
	if uid, err := strconv.Atoi(name); err == nil {
		return UserByID(m.h, uid)
	}
	return UserByName(m.h, name)
}

// forService leaves out a home or a shell that says nothing (USER_CREDS_CLEAN).
func (u User) forService() User {
	if u.Home == "/" || !strings.HasPrefix(u.Home, "/") {
		u.Home = ""
	}
	switch u.Shell {
	case "/bin/nologin", "/sbin/nologin", "/usr/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/true", "/usr/bin/true":
		u.Shell = ""
	}
	if !strings.HasPrefix(u.Shell, "/") {
		u.Shell = ""
	}
	return u
}

// addSearchPath makes PATH of ExecSearchPath=.
func addSearchPath(env *layer.Env, list []Assignment) {
	var dirs []string
	for _, a := range list {
		dirs = append(dirs, a.Value)
	}
	if len(dirs) > 0 {
		a := list[len(list)-1]
		a.Value = strings.Join(dirs, ":")
		env.Add(a.Key, a.set(layer.SystemdUnit))
	}
}

func (m *Manager) passEnvironment(u *Unit, env *layer.Env) {
	for _, a := range u.PassEnvironment {
		v, ok, unknown := m.own.Lookup(a.Key)
		if !ok && unknown.IsZero() {
			continue
		}
		env.Add(a.Key, layer.Set{Layer: layer.SystemdUnit, From: a.From(), Value: v, Unknown: unknown,
			Why: msg.New("it is passed on from the manager's own environment")})
	}
}

// environmentFiles adds the variables of EnvironmentFile= (execute.c, exec_context_load_environment).
func (m *Manager) environmentFiles(u *Unit, env *layer.Env) []Problem {
	var problems []Problem
	for _, e := range u.EnvironmentFiles {
		if !e.Unknown.IsZero() {
			opaque(env, layer.SystemdUnit, e.From(), e.Unknown)
			continue
		}
		pattern, optional := strings.CutPrefix(e.Value, "-")
		files, err := glob(m.h, pattern)
		if err != nil {
			opaque(env, layer.SystemdUnit, e.From(), unread(pattern, err))
			problems = append(problems, Problem{File: e.File, Line: e.Line, Why: unread(pattern, err)})
			continue
		}
		if len(files) == 0 && !optional {
			problems = append(problems, Problem{File: e.File, Line: e.Line, Why: msg.New("the service cannot start, because %s does not exist", pattern)})
		}
		for _, name := range files {
			problems = append(problems, m.environmentFile(name, optional, env)...)
		}
	}
	return problems
}

func (m *Manager) environmentFile(name string, optional bool, env *layer.Env) []Problem {
	data, found, why := read(m.h, name)
	if !found {
		if why.IsZero() {
			return nil // a link to nothing
		}
		opaque(env, layer.SystemdUnit, name, why)
		return []Problem{{File: name, Why: why}}
	}
	raw, ok := parseEnvFile(data, newComments(m.h, data))
	for _, r := range raw {
		ok = ok && validUTF8(r.key) && validUTF8(r.value)
	}
	if !ok {
		if optional {
			return []Problem{{File: name, Why: msg.New("the file is not text in UTF-8, so all of it is ignored")}}
		}
		return []Problem{{File: name, Why: msg.New("the service cannot start, because %s is not text in UTF-8", name)}}
	}
	var problems []Problem
	for _, r := range raw {
		if !validEnvName(r.key) {
			problems = append(problems, Problem{File: name, Line: r.line, Key: r.key, Why: badName(r.key)})
			continue
		}
		if v := findVariable(r.value); v != "" {
			problems = append(problems, Problem{File: name, Line: r.line, Key: r.key, Why: msg.New("%s is not expanded in this file", v)})
		}
		if r.hash {
			problems = append(problems, Problem{File: name, Line: r.line, Key: r.key, Why: hashInValue()})
		}
		env.Add(r.key, layer.Set{Layer: layer.SystemdUnit, From: layer.Place(name, r.line), Value: r.value})
	}
	return problems
}

// unsetEnvironment removes the variables of UnsetEnvironment=.
func unsetEnvironment(u *Unit, env *layer.Env) {
	for _, a := range u.UnsetEnvironment {
		v, ok, unknown := env.Lookup(a.Key)
		if !ok && unknown.IsZero() {
			continue
		}
		s := layer.Set{Layer: layer.SystemdUnit, From: a.From(), Unset: true}
		switch {
		case a.Unset: // any value
		case !unknown.IsZero():
			s.Unset, s.Value, s.Unknown = false, v, unknown
		case v != a.Value:
			s.Skipped = msg.New("only the value %q is removed", a.Value)
		}
		env.Add(a.Key, s)
	}
}

// HasHome reports whether the processes of u get the variable HOME.
func (m *Manager) HasHome(u *Unit) bool {
	env, _ := m.ServiceEnv(u)
	_, ok, unknown := env.Lookup("HOME")
	return ok || !unknown.IsZero()
}
