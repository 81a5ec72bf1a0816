package shell

import (
	"path"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Evaluator evaluates the start-up files of one machine and user. It caches what it reads, so one Evaluator describes
// one moment. It is not safe for concurrent use.
type Evaluator struct {
	o       Options
	dirHome string // Options.Home, or HOME of the first session
	name    string
	stats   map[string]statResult
	scripts map[scriptKey]*script
	bodies  map[*body]*script
	looks   map[lookKey]lookResult
	dirs    map[string][]host.Entry
	// fishFiles holds the parsed files of fish.
	fishFiles map[string]*fishFile
	patterns  map[patternKey]*regexp.Regexp
	osRelease map[string]string // nil: not read
}

type statResult struct {
	info host.Info
	err  error
}

type scriptKey struct {
	file string
	lang syntax.LangVariant
}

type lookKey struct{ name, path, dir string }

type lookResult struct {
	file string
	st   status
}

// New returns an Evaluator.
func New(o Options) *Evaluator {
	return &Evaluator{o: o, dirHome: o.Home, name: o.User, stats: map[string]statResult{}, scripts: map[scriptKey]*script{},
		bodies: map[*body]*script{}, looks: map[lookKey]lookResult{}, dirs: map[string][]host.Entry{}, fishFiles: map[string]*fishFile{}, patterns: map[patternKey]*regexp.Regexp{}}
}

// Start evaluates the start-up files that a shell of the session s reads when it is given the environment base, which
// is not changed. Time and memory are bounded whatever the files contain.
func (e *Evaluator) Start(s Session, base *layer.Env) Result {
	res := Result{Env: base.Clone()}
	if e.dirHome == "" {
		e.dirHome = base.Get("HOME")
	}
	if e.name == "" {
		e.name = base.Get("USER")
	}
	steps := 0
	t := trace{e: e, s: s, env: res.Env, res: &res, steps: &steps, f: &frame{env: layer.ShellFile}}
	switch {
	case !s.Kind.Supported() || e.o.Host.Platform().Windows():
		t.opaque(msg.New("goready does not evaluate the start-up files of %s", string(s.Kind)))
	case s.Kind == Fish:
		startFish(t)
	default:
		newPosix(t).start()
	}
	return res
}

// newPosix returns an evaluator in the state in which the shell begins.
func newPosix(t trace) *posix {
	r := &posix{trace: t, kind: t.s.Kind, vars: map[string]variable{}, funcs: map[string]*function{}, opts: map[string]bool{}}
	if r.kind == Sh && t.e.shellName(t.s) == "bash" {
		r.kind, r.strict = Bash, true
	}
	r.strict = r.strict || r.kind == Bash && t.s.Posix
	r.lang = langOf(r.kind)
	r.begin()
	return r
}

func langOf(k Kind) syntax.LangVariant {
	switch k {
	case Bash:
		return syntax.LangBash
	case Zsh:
		return syntax.LangZsh
	}
	return syntax.LangPOSIX
}

// shellName returns the base name of the program that really runs: sh may be a link to dash, bash or busybox.
func (e *Evaluator) shellName(s Session) string {
	file := s.Path
	if !strings.HasPrefix(file, "/") {
		file = "/bin/" + string(s.Kind)
	}
	if target, err := host.EvalSymlinks(e.o.Host, file); err == nil {
		file = target
	} else if e.o.Host.Platform().OS == "darwin" && s.Kind == Sh {
		return "bash"
	}
	return path.Base(file)
}

// begin sets the variables that the shell sets before it reads any file.
func (r *posix) begin() {
	own := func(name string, v value, export bool) {
		r.vars[name] = variable{value: v, set: true, export: export, at: layer.ShellFile, from: string(r.kind)}
		if export {
			r.record(name, r.vars[name])
		}
	}
	dir := r.s.Dir
	if dir == "" {
		dir = r.e.home()
	}
	own("PWD", known(dir), true)
	switch r.kind {
	case Bash:
		r.beginBash(own)
	case Zsh:
		own("OLDPWD", known(dir), true)
		r.beginZsh(own)
	case Sh:
		if !r.lookup("PS1").set {
			own("PS1", known("$ "), false)
		}
		own("OPTIND", known("1"), false)
	}
	if r.kind != Sh {
		r.beginLevel(own)
	}
}

func (r *posix) beginLevel(own func(string, value, bool)) {
	level := r.lookup("SHLVL")
	n, why := r.arithText(level.s, 20)
	if !level.known() || !why.IsZero() {
		own("SHLVL", unknown("1", msg.New("the shell computes it")), true)
		return
	}
	own("SHLVL", known(itoa(n+1)), true)
}

func (r *posix) beginBash(own func(string, value, bool)) {
	file := r.s.Path
	if !strings.HasPrefix(file, "/") {
		file = "/bin/" + string(r.s.Kind)
	}
	own("BASH", known(file), false)
	own("BASH_VERSION", soft("5.2.15(1)-release"), false)
	r.vars["BASH_VERSINFO"] = variable{value: value{s: "5", list: []string{"5", "2", "15", "1", "release", ""}, why: soft("").why, soft: true}, set: true, array: true}
	own("OPTIND", known("1"), false)
	prompt := r.lookup("PS1")
	switch {
	case r.s.Interactive && !prompt.set:
		own("PS1", known(`\s-\v\$ `), false)
	case !r.s.Interactive:
		for _, name := range []string{"PS1", "PS2"} {
			if r.lookup(name).set {
				r.vars[name] = variable{from: "bash", at: layer.ShellFile}
				r.record(name, r.vars[name])
			}
		}
	}
}

func (r *posix) beginZsh(own func(string, value, bool)) {
	r.ties = map[string]string{"path": "PATH", "cdpath": "CDPATH", "fpath": "FPATH", "manpath": "MANPATH", "mailpath": "MAILPATH", "module_path": "MODULE_PATH"}
	own("ZSH_VERSION", soft("5.9"), false)
	own("ZSH_NAME", known("zsh"), false)
	if !r.lookup("HOME").set {
		own("HOME", known(r.e.home()), true)
	}
	user := known(r.e.user())
	if user.s == "" {
		user = unknown("", msg.New("the user's name is not known"))
	}
	if !r.lookup("LOGNAME").set {
		own("LOGNAME", user, true)
	}
	own("USERNAME", user, false)
	if r.s.Interactive && !r.lookup("PS1").set {
		own("PS1", known("%m%# "), false)
	}
	r.opts["nonomatch"] = false
}

// special returns the variables that the shell computes.
func (r *posix) special(name string) (variable, bool) {
	switch name {
	case "-":
		return variable{value: known(r.dollarMinus()), set: true}, true
	case "$", "!", "PPID", "LINENO":
		return variable{value: soft("1"), set: true}, true
	case "0":
		return variable{value: r.zero(), set: true}, true
	case "_":
		return variable{value: unknown("", notFollowed()), set: true}, true
	case "IFS":
		return variable{value: known(" \t\n"), set: true}, true
	}
	switch {
	case r.kind == Sh:
		return variable{}, false
	case name == "UID" || name == "EUID":
		if uid, ok := r.e.uid(); ok {
			return variable{value: known(itoa(int64(uid))), set: true}, true
		}
		return variable{value: soft("1000"), set: true}, true
	case strings.Contains(" RANDOM SECONDS EPOCHSECONDS EPOCHREALTIME BASHPID TTYIDLE ", " "+name+" "):
		return variable{value: soft("1"), set: true}, true
	case r.kind == Zsh:
		return r.specialZsh(name)
	}
	return r.specialBash(name)
}

// dollarMinus is $-. Only the letters that start-up files ask about are certain.
func (r *posix) dollarMinus() string {
	flags := "hB"
	if r.kind == Sh {
		flags = ""
	}
	if r.s.Interactive {
		flags = "i" + flags
	}
	return flags
}

func (r *posix) specialBash(name string) (variable, bool) {
	text := func(v value) (variable, bool) { return variable{value: v, set: true}, true }
	switch name {
	case "HOSTNAME":
		if _, ok, why := r.env.Lookup(name); ok || !why.IsZero() {
			return variable{}, false
		}
		return text(r.hostName())
	case "OSTYPE":
		return text(r.osType())
	case "HOSTTYPE":
		return text(machine(r.e.o.Host.Platform()))
	case "MACHTYPE", "SHELLOPTS", "BASHOPTS", "DIRSTACK", "GROUPS", "BASH_ALIASES", "BASH_CMDS", "BASH_COMMAND", "COMP_WORDBREAKS":
		return text(unknown("", notFollowed()))
	case "BASH_SOURCE":
		return text(value{s: r.f.file, list: []string{r.f.file}})
	case "FUNCNAME":
		return variable{value: known(r.f.fn), set: r.f.fn != ""}, true
	}
	return variable{}, false
}

func (r *posix) specialZsh(name string) (variable, bool) {
	text := func(v value) (variable, bool) { return variable{value: v, set: true}, true }
	switch name {
	case "HOST":
		return text(r.hostName())
	case "OSTYPE":
		return text(r.osType())
	case "CPUTYPE":
		return text(machine(r.e.o.Host.Platform()))
	case "MACHTYPE", "VENDOR", "ZSH_EVAL_CONTEXT", "ZSH_SUBSHELL", "TTY", "COLUMNS", "LINES", "ERRNO", "histchars", "status",
		"signals", "pipestatus", "funcstack", "funcfiletrace", "fg", "bg", "ZSH_PATCHLEVEL", "ZSH_ARGZERO", "HISTCMD":
		return text(unknown("", notFollowed()))
	}
	return variable{}, false
}

func (r *posix) hostName() value {
	if r.e.o.Hostname == "" {
		return unknown("", msg.New("the host's name is not known"))
	}
	return known(r.e.o.Hostname)
}

func (r *posix) osType() value {
	switch r.e.o.Host.Platform().OS {
	case "linux":
		return known("linux-gnu")
	case "darwin":
		return soft("darwin23.0")
	}
	return unknown("", notFollowed())
}

// zero is $0.
func (r *posix) zero() value {
	if r.kind == Zsh {
		if r.f.fn != "" {
			return known(r.f.fn)
		}
		if r.f.file != "" {
			return known(r.f.file)
		}
	}
	return unknown(path.Base(r.s.Path), msg.New("it depends on how the shell is started"))
}

// start reads the start-up files of the session in the shell's order.
func (r *posix) start() {
	switch {
	case r.s.NoRC && r.kind == Zsh:
		r.readStartup(r.zshGlobal("zshenv"), nil, false)
	case r.s.NoRC:
	case r.kind == Zsh:
		r.startZsh()
	case r.kind == Bash:
		r.startBash()
	default:
		r.startSh()
	}
	r.recordHidden()
}

// next reads one start-up file unless start-up has ended.
func (r *posix) next(file string) bool {
	if r.flow == flowExit {
		if _, st := r.stat(file); st.ok() {
			r.skipFile(known(file), r.over)
		}
		return false
	}
	return r.readStartup(file, nil, false)
}

// startBash follows run_startup_files in bash's shell.c.
func (r *posix) startBash() {
	home := r.homeDir()
	switch {
	case r.s.SSHCommand && !r.s.Login && !r.s.Interactive && !r.strict && r.e.sshReadsRC():
		r.systemRC()
		r.next(home + "/.bashrc")
		return
	case r.s.Login && !r.s.Posix:
		r.next("/etc/profile")
		r.userProfile(home)
		if !r.s.Interactive && !r.strict {
			r.nextFrom("BASH_ENV")
		}
	case r.s.Interactive && !r.strict:
		r.systemRC()
		r.next(home + "/.bashrc")
	case !r.s.Interactive && !r.strict:
		r.nextFrom("BASH_ENV")
	}
	if r.s.Interactive && r.strict {
		r.nextFrom("ENV")
	}
}

// userProfile reads the first of the profiles that exists. One that exists and cannot be read ends the search too.
func (r *posix) userProfile(home string) {
	if r.strict {
		r.next(home + "/.profile")
		return
	}
	for _, name := range []string{"/.bash_profile", "/.bash_login", "/.profile"} {
		if r.next(home + name) {
			return
		}
	}
}

// systemRC reads the bashrc of the system, which only the bash of some distributions has.
func (r *posix) systemRC() {
	if _, st := r.stat("/etc/bash.bashrc"); st.ok() {
		r.next("/etc/bash.bashrc")
	}
}

// sshReadsRC reports whether bash was built with SSH_SOURCE_BASHRC, as Debian, Ubuntu, Fedora and RHEL do.
func (e *Evaluator) sshReadsRC() bool {
	for _, file := range []string{"/etc/debian_version", "/etc/redhat-release", "/etc/fedora-release"} {
		if _, err := e.stat(file); err == nil {
			return true
		}
	}
	return false
}

func (r *posix) startSh() {
	if r.s.Login {
		r.next("/etc/profile")
		r.next(r.homeDir() + "/.profile")
	}
	if r.s.Interactive {
		r.nextFrom("ENV")
	}
}

// nextFrom reads the file that a variable names; its value is expanded first.
func (r *posix) nextFrom(name string) {
	v := r.lookup(name)
	switch {
	case !v.set || r.flow == flowExit || v.s == "":
	case !v.known():
		r.forget(msg.New("the shell reads the file in %s, which is not known: %s", name, v.why))
	default:
		p := syntax.NewParser(syntax.Variant(r.lang))
		w, err := p.Document(strings.NewReader(v.s))
		if err != nil {
			return
		}
		r.script = &script{src: v.s}
		if file := r.quotedWord(w); file.known() {
			r.next(file.s)
		} else {
			r.forget(msg.New("the shell reads the file in %s, which is not known: %s", name, file.why))
		}
	}
}

// startZsh follows zsh(1), STARTUP/SHUTDOWN FILES.
func (r *posix) startZsh() {
	r.zshPair("zshenv")
	if r.s.Login {
		r.zshPair("zprofile")
	}
	if r.s.Interactive {
		r.zshPair("zshrc")
	}
	if r.s.Login {
		r.zshPair("zlogin")
	}
}

// zshPair reads a file of the system and the user's file of the same kind. The options rcs and globalrcs, which any
// file may unset, stop them; only /etc/zshenv is read whatever happens.
func (r *posix) zshPair(name string) {
	if name == "zshenv" || !r.option("norcs") && !r.option("noglobalrcs") {
		r.next(r.zshGlobal(name))
	}
	if r.option("norcs") {
		return
	}
	dir := r.lookup("ZDOTDIR")
	if !dir.set || dir.known() && dir.s == "" {
		dir = r.lookup("HOME")
	}
	if !dir.known() {
		r.forget(msg.New("the folder of zsh's files is not known: %s", dir.why))
		return
	}
	r.next(dir.s + "/." + name)
}

// zshGlobal returns the system's file: Debian and others keep them in /etc/zsh, macOS and Fedora in /etc.
func (r *posix) zshGlobal(name string) string {
	if _, st := r.stat("/etc/zsh"); st.ok() {
		return "/etc/zsh/" + name
	}
	return "/etc/" + name
}

func (r *posix) homeDir() string {
	if v := r.lookup("HOME"); v.set && v.known() {
		return v.s
	}
	return r.e.home()
}
