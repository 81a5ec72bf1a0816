package shell

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// program executes a command that is no builtin: it cannot change the environment of the shell. Its status and output
// are unknown, except for a few programs whose answer follows from what is known about the machine.
func (r *posix) program(words []field, changed bool) {
	name := words[0].s
	_, st := r.look(words[0].value)
	if st.failed() {
		r.status = status{code: 127}
		return
	}
	why := msg.New("the output of %s is known only by running it", name)
	out := value{s: "", why: why}
	for _, w := range words {
		out.cmd = append(out.cmd, w.s)
	}
	r.status = unknownStatus(msg.New("the exit status of %s is known only by running it", name))
	if r.dry {
		return
	}
	p := programs{t: &r.trace, dir: r.dir(), in: r.in}
	if !changed {
		p.env = r.snapshot
	}
	if answer, st, ok := p.answer(path.Base(name), words[1:]); ok {
		r.status = st
		if answer.known() {
			out = answer
		}
	}
	r.write(out)
}

// programs answers for programs that only tell facts or filter text.
type programs struct {
	t   *trace
	dir string
	in  *input
	env func() *layer.Env // nil: the environment is not the shell's
}

// answer returns the output and status of a program.
func (p programs) answer(name string, args []field) (value, status, bool) {
	words := make([]string, len(args))
	for i, a := range args {
		if !a.known() {
			return value{}, status{}, false
		}
		words[i] = a.s
	}
	if out, ok := p.fact(name, words); ok {
		return out.append(known("\n")), success, true
	}
	switch name {
	case "go":
		return p.goEnv(words)
	case "true", "false":
		return known(""), statusOf(name == "true"), true
	case "mkdir":
		return known(""), success, len(words) > 0 && p.allDirs(words)
	case "cat":
		return p.cat(words)
	case "grep", "egrep", "fgrep":
		return p.grep(name, words)
	case "xargs":
		return p.xargs(words)
	case "tty":
		return value{why: notFollowed()}, p.t.terminal(), true
	}
	return value{}, status{}, false
}

// fact returns what a program tells about the machine or about a name, without the line end.
func (p programs) fact(name string, args []string) (value, bool) {
	o := p.t.e.o
	if len(args) == 1 && !strings.HasPrefix(args[0], "-") {
		switch name {
		case "dirname":
			return known(dirname(args[0])), true
		case "basename":
			return known(path.Base(args[0])), true
		}
	}
	switch name + " " + strings.Join(args, " ") {
	case "uname ", "uname -s":
		return systemName(o.Host.Platform())
	case "uname -m", "arch ", "uname -p":
		return machine(o.Host.Platform()), name != "uname" || args[0] == "-m"
	case "uname -n", "hostname ", "uname --nodename":
		return known(o.Hostname), o.Hostname != ""
	case "id -u":
		uid, ok := p.t.e.uid()
		return known(strconv.Itoa(uid)), ok
	case "whoami ", "id -un", "logname ":
		user := p.t.e.user()
		return known(user), user != "" && name != "logname"
	case "dpkg --print-architecture":
		return known(o.Host.Platform().Arch), o.Host.Platform().Arch == "amd64" || o.Host.Platform().Arch == "arm64"
	}
	last := ""
	if len(args) > 0 {
		last = args[len(args)-1]
	}
	if name == "realpath" && len(args) == 1 || name == "readlink" && len(args) == 2 && args[0] == "-f" {
		if target, err := host.EvalSymlinks(o.Host, o.Host.Platform().Clean(abs(p.dir, last))); err == nil {
			return known(target), true
		}
	}
	return value{}, false
}

func dirname(name string) string {
	if strings.Trim(name, "/") == "" {
		return path.Dir(name)
	}
	name = strings.TrimRight(name, "/")
	i := strings.LastIndexByte(name, '/')
	switch {
	case i < 0:
		return "."
	case strings.Trim(name[:i], "/") == "":
		return "/"
	}
	return strings.TrimRight(name[:i], "/")
}

func systemName(p host.Platform) (value, bool) {
	switch p.OS {
	case "linux":
		return known("Linux"), true
	case "darwin":
		return known("Darwin"), true
	case "freebsd":
		return known("FreeBSD"), true
	}
	return value{}, false
}

func machine(p host.Platform) value {
	switch {
	case p.Arch == "amd64":
		return known("x86_64")
	case p.Arch == "arm64" && p.OS != "darwin":
		return known("aarch64")
	case p.Arch == "386":
		return known("i686")
	}
	return known(p.Arch)
}

// goEnv answers `go env KEY` with the caller's rules.
func (p programs) goEnv(args []string) (value, status, bool) {
	if len(args) != 2 || args[0] != "env" || p.t.e.o.GoEnv == nil || p.env == nil {
		return value{}, status{}, false
	}
	v, ok := p.t.e.o.GoEnv(p.env(), args[1])
	return known(v + "\n"), success, ok
}

// snapshot returns the environment that a program started here would get.
func (r *posix) snapshot() *layer.Env {
	if !r.quiet {
		return r.env
	}
	env := r.env.Clone()
	for name, v := range r.vars {
		old, ok, _ := env.Lookup(name)
		if v.export && (old != v.s || ok != v.set || !v.known()) {
			env.Add(name, layer.Set{Layer: layer.ShellFile, From: v.from, Value: v.s, Unset: !v.set, Unknown: v.why})
		}
	}
	return env
}

func (p programs) allDirs(args []string) bool {
	for _, a := range args {
		if a == "-p" {
			continue
		}
		if info, st := p.t.stat(abs(p.dir, a)); strings.HasPrefix(a, "-") || !st.ok() || !info.Mode.IsDir() {
			return false
		}
	}
	return true
}

func (p programs) cat(args []string) (value, status, bool) {
	if len(args) == 0 {
		if p.in == nil || !p.in.why.IsZero() {
			return value{}, status{}, false
		}
		return known(p.in.rest), success, true
	}
	var b strings.Builder
	st := success
	for _, a := range args {
		if strings.HasPrefix(a, "-") {
			return value{}, status{}, false
		}
		text, s := p.t.readFile(abs(p.dir, a))
		if !s.known() || b.Len()+len(text) > maxValue {
			return value{}, status{}, false
		}
		st = st.and(s)
		b.WriteString(text)
	}
	return known(b.String()), st, true
}

// grep follows grep with the options q, v, E, F, i and s over known text.
func (p programs) grep(name string, args []string) (value, status, bool) {
	flags := ""
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && len(args[0]) > 1 {
		flags += args[0][1:]
		args = args[1:]
	}
	if len(args) == 0 || strings.Trim(flags, "qvEFise") != "" || strings.Count(flags, "e") > 1 {
		return value{}, status{}, false
	}
	text, st, ok := p.cat(args[1:])
	re, err := grepRegexp(args[0], name, flags)
	if !ok || !st.ok() || err != nil {
		return value{}, status{}, false
	}
	out, found := "", false
	for line := range strings.Lines(text.s) {
		if re.MatchString(strings.TrimSuffix(line, "\n")) != strings.Contains(flags, "v") {
			found = true
			out += strings.TrimSuffix(line, "\n") + "\n"
		}
	}
	if strings.Contains(flags, "q") {
		out = ""
	}
	return known(out), statusOf(found), true
}

func grepRegexp(expr, name, flags string) (*regexp.Regexp, error) {
	switch {
	case strings.Contains(flags, "F") || name == "fgrep":
		expr = regexp.QuoteMeta(expr)
	case !strings.Contains(flags, "E") && name != "egrep":
		expr = basicRegexp(expr)
	}
	if strings.Contains(flags, "i") {
		expr = "(?i)" + expr
	}
	return regexp.Compile(expr)
}

// basicRegexp turns a POSIX basic regular expression into an extended one.
func basicRegexp(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("(){}|+?", s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case s[i] == '\\' && i+1 < len(s):
			b.WriteString(s[i : i+2])
			i++
		case strings.IndexByte("(){}|+?", s[i]) >= 0 || s[i] == '*' && i == 0:
			b.WriteString(`\` + s[i:i+1])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// xargs without a command joins the words of its input.
func (p programs) xargs(args []string) (value, status, bool) {
	if len(args) > 0 && (len(args) != 1 || args[0] != "echo") || p.in == nil || !p.in.why.IsZero() || strings.ContainsAny(p.in.rest, `'"\`) {
		return value{}, status{}, false
	}
	return known(strings.Join(strings.Fields(p.in.rest), " ") + "\n"), success, true
}

// effect says what the output of a program does when it is evaluated.
type effect struct {
	names  []string // variables it may set, besides PATH
	path   bool     // it may change PATH
	golang bool     // it may change what concerns Go
}

// toolEffects lists, by program, the variables that evaluating its output may set. GO stands for [goNames].
// What a tool does later, at the prompt, is not part of start-up.
const toolEffects = `
dircolors gdircolors: LS_COLORS
lesspipe lesspipe.sh: LESSOPEN LESSCLOSE
starship: STARSHIP_SHELL STARSHIP_SESSION_KEY
oh-my-posh: POSH_THEME POSH_PID POSH_SHELL POSH_SHELL_VERSION POSH_SESSION_ID POWERLINE_COMMAND CONDA_PROMPT_MODIFIER VIRTUAL_ENV_DISABLE_PROMPT
ssh-agent keychain gpg-agent gnome-keyring-daemon: SSH_AUTH_SOCK SSH_AGENT_PID GPG_AGENT_INFO
resize tset: COLUMNS LINES TERM
atuin: ATUIN_SESSION ATUIN_SHLVL
mcfly: MCFLY_SESSION_ID MCFLY_HISTORY MCFLY_PATH
thefuck: TF_SHELL TF_ALIAS TF_SHELL_ALIASES TF_HISTORY PYTHONIOENCODING
zoxide fzf direnv fasd navi hub gh kubectl helm pip pip3 npm op broot pay-respects carapace jump autojump just uv uvx:
register-python-argcomplete register-python-argcomplete3 pyenv-virtualenv-init batman tput stty fortune neofetch rustup:
brew: PATH HOMEBREW_PREFIX HOMEBREW_CELLAR HOMEBREW_REPOSITORY MANPATH INFOPATH FPATH
pyenv: PATH PYENV_SHELL PYENV_ROOT PYENV_VIRTUALENV_INIT
rbenv nodenv plenv phpenv luaenv: PATH RBENV_SHELL NODENV_SHELL PLENV_SHELL PHPENV_SHELL LUAENV_SHELL
jenv jabba: PATH JENV_SHELL JENV_LOADED JAVA_HOME
conda mamba micromamba: PATH CONDA_EXE CONDA_PYTHON_EXE CONDA_SHLVL CONDA_PREFIX CONDA_DEFAULT_ENV CONDA_PROMPT_MODIFIER _CE_CONDA _CE_M MAMBA_EXE MAMBA_ROOT_PREFIX
fnm: PATH FNM_DIR FNM_MULTISHELL_PATH FNM_VERSION_FILE_STRATEGY FNM_LOGLEVEL FNM_NODE_DIST_MIRROR FNM_COREPACK_ENABLED FNM_RESOLVE_ENGINES FNM_ARCH
nvm: PATH NVM_DIR NVM_BIN NVM_INC MANPATH
opam: PATH OPAM_SWITCH_PREFIX OCAML_TOPLEVEL_PATH CAML_LD_LIBRARY_PATH MANPATH PKG_CONFIG_PATH
luarocks perl: PATH LUA_PATH LUA_CPATH PERL5LIB PERL_LOCAL_LIB_ROOT PERL_MB_OPT PERL_MM_OPT
volta ghcup pixi proto swiftly juliaup gem ruby: PATH GEM_HOME
mise rtx: PATH GO MISE_SHELL __MISE_ORIG_PATH __MISE_DIFF __MISE_SESSION
asdf goenv gvm g gobrew vfox gimme go: PATH GO GOENV_SHELL GOENV_ROOT ASDF_DIR ASDF_DATA_DIR __VFOX_SHELL __VFOX_PID
devbox devenv nix flox aqua: PATH GO
`

// evalEffect returns what evaluating the output of a command may change; false if anything.
func evalEffect(cmd []string) (effect, bool) {
	name := strings.TrimPrefix(path.Base(cmd[0]), "\\")
	if (name == "env" || name == "command") && len(cmd) > 1 && !strings.ContainsAny(cmd[1], "=-") {
		return evalEffect(cmd[1:])
	}
	if strings.Contains(strings.Join(cmd[1:], " "), "completion") {
		return effect{}, true
	}
	for line := range strings.Lines(toolEffects) {
		programs, names, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.Contains(" "+programs+" ", " "+name+" ") || name == "" {
			continue
		}
		var e effect
		for n := range strings.FieldsSeq(names) {
			switch n {
			case "PATH":
				e.path = true
			case "GO":
				e.golang = true
			default:
				e.names = append(e.names, n)
			}
		}
		return e, true
	}
	return effect{}, false
}

// goNames are the variables of the go command that a version manager may set.
func goNames() []string {
	return []string{"GOROOT", "GOPATH", "GOBIN", "GOPROXY", "GOTOOLCHAIN", "GOFLAGS", "GOENV", "GOOS", "GOARCH", "GO111MODULE",
		"GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOMODCACHE", "GOCACHE", "GOWORK", "CGO_ENABLED"}
}

// evalOutput evaluates the output of a command that is not run.
func (r *posix) evalOutput(v value) {
	if path.Base(v.cmd[0]) == "path_helper" && r.pathHelper() {
		r.status = success
		return
	}
	why := msg.New("it evaluates the output of %s, which is known only by running it", strings.Join(v.cmd, " "))
	e, ok := evalEffect(v.cmd)
	r.status = unknownStatus(why)
	if !ok {
		r.forget(why)
		return
	}
	r.apply(e, why, v.cmd)
}

// apply makes unknown what evaluating the output of a command may change.
func (r *posix) apply(e effect, why msg.Text, cmd []string) {
	r.taintNames(why, e.names...)
	if e.path {
		p := r.lookup("PATH")
		guess := p.s
		if path.Base(cmd[0]) == "brew" && strings.HasSuffix(cmd[0], "/bin/brew") {
			prefix := strings.TrimSuffix(cmd[0], "/bin/brew")
			guess = prefix + "/bin:" + prefix + "/sbin:" + p.s
		}
		r.assign("PATH", unknown(guess, why))
		r.export("PATH")
	}
	if e.golang {
		r.taintNames(why, goNames()...)
	}
}

// pathHelper does what evaluating the output of macOS's path_helper does: the entries of /etc/paths and /etc/paths.d
// come first, then what PATH had. False if that cannot be told.
func (r *posix) pathHelper() bool {
	old := r.lookup("PATH")
	list, ok := r.e.pathHelper(old.s)
	if !ok || !old.known() {
		r.assign("PATH", unknown(old.s, msg.New("the folders of /etc/paths are not recorded on this host")))
		r.export("PATH")
		return true
	}
	r.assign("PATH", known(list))
	r.export("PATH")
	return true
}

// sourceKnown handles files whose effect is known better than evaluating them would tell. It reports whether file is
// such a file.
func (r *posix) sourceKnown(file string) bool {
	var e effect
	switch base := path.Base(file); {
	case base == "nvm.sh":
		e = effect{path: true, names: []string{"NVM_DIR", "NVM_BIN", "NVM_INC", "NVM_CD_FLAGS", "NVM_RC_VERSION", "MANPATH"}}
	case base == "sdkman-init.sh":
		e = effect{path: true, names: []string{"SDKMAN_DIR", "SDKMAN_CANDIDATES_API", "SDKMAN_CANDIDATES_DIR", "SDKMAN_PLATFORM", "SDKMAN_VERSION", "SDKMAN_BROKER_API", "SDKMAN_BROKER_SERVICE", "JAVA_HOME"}}
	case strings.HasSuffix(file, "/rvm/scripts/rvm") || strings.HasSuffix(file, "/.rvm/scripts/rvm"):
		e = effect{path: true, names: []string{"rvm_path", "rvm_prefix", "rvm_bin_path", "rvm_version", "GEM_HOME", "GEM_PATH", "MY_RUBY_HOME", "IRBRC", "RUBY_VERSION"}}
	case strings.HasSuffix(file, "/gvm/scripts/gvm") || strings.HasSuffix(file, "/.gvm/scripts/gvm"):
		e = effect{path: true, golang: true, names: []string{"GVM_ROOT", "gvm_pkgset_name", "gvm_go_name", "GVM_OVERLAY_PREFIX", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PKG_CONFIG_PATH"}}
	default:
		return false
	}
	if _, st := r.stat(file); !st.ok() {
		return false
	}
	state := Read
	if !r.maybe.IsZero() {
		state = Maybe
	}
	r.visit(file, state, r.maybe)
	why := msg.New("%s sets it, which is known only by running it", file)
	r.apply(e, why, []string{file})
	r.status = unknownStatus(why)
	return true
}
