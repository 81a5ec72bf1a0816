package shell

import (
	"maps"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/msg"
)

// builtin executes a builtin of the shell; false means that name is none.
func (r *posix) builtin(name string, args []field) bool {
	switch name {
	case ":", "true":
		r.status = success
	case "false":
		r.status = failure
	case "[", "test":
		r.testCommand(name, args)
	case "export", "declare", "typeset", "readonly", "local", "integer", "float":
		if r.kind == Sh && name != "export" && name != "readonly" && name != "local" {
			return false
		}
		r.status = success
		if name == "local" && r.f.function() == nil && r.kind != Zsh {
			r.localOutside()
			return true
		}
		r.failed = false
		r.declareWords(name, "", args)
		if r.failed {
			r.status = failure
		}
	case "unset":
		r.unsetCommand(args)
	case ".", "source":
		if name == "source" && r.kind == Sh && !r.strict {
			return false
		}
		r.source(name, args)
	case "eval":
		v := known("")
		for i, a := range args {
			if i > 0 {
				v = v.append(known(" "))
			}
			v = v.append(a.value)
		}
		r.evalText(v)
	case "return", "break", "continue", "exit", "logout", "bye":
		if name == "bye" && r.kind != Zsh {
			return false
		}
		r.jump(name, args)
	case "exec":
		r.exec(args)
	case "set":
		r.set(args)
	case "shift":
		r.shift(args)
	default:
		return r.otherBuiltin(name, args)
	}
	return true
}

// otherBuiltin executes the builtins that change the shell itself, print, or do neither.
func (r *posix) otherBuiltin(name string, args []field) bool {
	if !r.isBuiltin(name) && !r.harmless(name) {
		return false
	}
	switch name {
	case "echo", "printf", "print", "pwd":
		r.print(name, args)
	case "command", "builtin", "noglob", "nocorrect", "-":
		r.commandCommand(name, args)
	case "type", "hash", "which", "whence", "where":
		r.whichCommand(name, args)
	case "read", "vared":
		r.read(args)
	case "mapfile", "readarray", "getopts", "zparseopts":
		r.setsUnknown(name, args)
	case "cd", "chdir", "pushd", "popd":
		r.changeDir(name, args)
	case "shopt", "setopt", "unsetopt", "emulate":
		r.options(name, args)
	case "unfunction":
		for _, a := range args {
			delete(r.funcs, a.s)
		}
		r.status = success
	case "trap":
		if r.status = success; r.kind == Zsh && r.f.fn != "" && len(args) == 2 && (args[1].s == "EXIT" || args[1].s == "0") {
			r.f.trap = args[0].value // executed when the function ends
		}
	case "is-at-least", "zmodload":
		r.status = unknownStatus(msg.New("the version of zsh is not known"))
	default:
		r.status = success
	}
	return true
}

// setsUnknown executes a builtin that sets the variables it is given to what is not followed.
func (r *posix) setsUnknown(name string, args []field) {
	why := msg.New("goready does not follow %s", name)
	for _, a := range args {
		if isName(a.s) {
			r.assign(a.s, unknown("", why))
		}
	}
	r.status = unknownStatus(why)
}

// harmless reports whether name is a function that comes with zsh and changes no variable we report.
func (r *posix) harmless(name string) bool {
	return r.kind == Zsh && strings.Contains(" - nocorrect compdef compinit promptinit colors add-zsh-hook compctl zcompile bashcompinit vcs_info "+
		"is-at-least prompt zsh-mime-setup url-quote-magic select-word-style edit-command-line bracketed-paste-magic "+
		"up-line-or-beginning-search down-line-or-beginning-search ", " "+name+" ")
}

func (r *posix) testCommand(name string, args []field) {
	if name == "[" {
		if len(args) == 0 || args[len(args)-1].s != "]" {
			r.status = status{code: 2}
			return
		}
		args = args[:len(args)-1]
	}
	r.status = testBuiltin(r, args)
}

func (r *posix) unsetCommand(args []field) {
	r.status = success
	functions := false
	for _, a := range args {
		switch {
		case strings.HasPrefix(a.s, "-"):
			functions = strings.Contains(a.s, "f")
		case !a.known():
			r.forget(msg.New("it unsets what only running the shell can tell: %s", a.why))
		case functions:
			delete(r.funcs, a.s)
		case isName(a.s):
			_, fn := r.funcs[a.s]
			if fn && !r.lookup(a.s).set && r.kind == Bash {
				delete(r.funcs, a.s)
				continue
			}
			r.unset(a.s)
		case strings.Contains(a.s, "["):
			name, _, _ := strings.Cut(a.s, "[")
			if isName(name) && r.lookup(name).set {
				r.assign(name, unknown(r.lookup(name).s, notFollowed()))
			}
		case r.kind == Sh:
			r.fail("unset "+a.s, flowNext)
		}
	}
}

// set executes set: options and positional parameters.
func (r *posix) set(args []field) {
	r.status = success
	for i := 0; i < len(args); i++ {
		a := args[i].s
		on := strings.HasPrefix(a, "-")
		switch {
		case a == "--":
			r.f.argFrame().args = values(args[i+1:])
			return
		case (on || strings.HasPrefix(a, "+")) && len(a) > 1:
			if !isName("_" + a[1:]) {
				r.status = status{code: 2}
				if r.kind != Bash {
					r.fail("set "+a, flowNext)
				}
				return
			}
			for _, c := range a[1:] {
				if c == 'o' && i+1 < len(args) {
					i++
					r.setOption(args[i].s, on)
					continue
				}
				r.setOption(optionName(c), on)
			}
		default:
			r.f.argFrame().args = values(args[i:])
			return
		}
	}
}

func optionName(c rune) string {
	switch c {
	case 'a':
		return "allexport"
	case 'e':
		return "errexit"
	case 'f':
		return "noglob"
	}
	return string(c)
}

// argFrame returns the frame whose positional parameters count.
func (f *frame) argFrame() *frame {
	for g := f; g != nil; g = g.up {
		if g.fn != "" || g.args != nil || g.up == nil {
			return g
		}
	}
	return f
}

func (r *posix) setOption(name string, on bool) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "")
	if rest, ok := strings.CutPrefix(name, "no"); ok && name != "noglob" && name != "nomatch" && name != "nonomatch" && r.kind == Zsh {
		name, on = rest, !on
	}
	switch name {
	case "nomatch":
		name, on = "nonomatch", !on
	case "glob":
		name, on = "noglob", !on
	case "cshnullglob":
		name = "nullglob"
	case "globdots":
		name = "dotglob"
	case "rcs", "globalrcs":
		name, on = "no"+name, !on
	}
	if r.dry {
		return
	}
	if name == "allexport" {
		r.mayExport = r.maybe
	}
	r.opts[name] = on
}

// options executes shopt of bash and setopt, unsetopt, emulate of zsh.
func (r *posix) options(name string, args []field) {
	r.status = success
	switch name {
	case "shopt":
		r.shopt(args)
	case "emulate":
		r.emulate(args)
	default:
		for _, a := range args {
			r.setOption(a.s, name == "setopt")
		}
	}
}

func (r *posix) shopt(args []field) {
	on, off := false, false
	for _, a := range args {
		if flags, ok := strings.CutPrefix(a.s, "-"); ok {
			on = on || strings.Contains(flags, "s")
			off = off || strings.Contains(flags, "u")
			continue
		}
		switch {
		case on || off:
			r.setOption(a.s, on)
		case a.s == "login_shell":
			r.asking |= askedLogin
			r.status = r.status.and(statusOf(r.s.Login))
		case a.s == "posix":
			r.status = r.status.and(statusOf(r.strict))
		default:
			r.status = r.status.and(r.shoptDefault(a.s))
		}
	}
}

func (r *posix) shoptDefault(name string) status {
	if on, ok := r.opts[name]; ok {
		return statusOf(on)
	}
	switch name {
	case "nullglob", "dotglob", "nocasematch", "nocaseglob", "globstar", "failglob", "extglob", "extdebug", "histappend", "autocd",
		"cdspell", "dirspell", "direxpand", "progcomp_alias", "lastpipe":
		return failure
	case "progcomp", "cmdhist", "hostcomplete", "interactive_comments", "promptvars", "sourcepath":
		return success
	case "expand_aliases":
		return statusOf(r.s.Interactive)
	}
	return unknownStatus(msg.New("the shell option %s is not followed", name))
}

// emulate executes emulate sh -c '…' and ignores other emulations, which are usual in functions only.
func (r *posix) emulate(args []field) {
	mode, text := "", -1
	for i, a := range args {
		switch {
		case a.s == "-c":
			text = i + 1
		case !strings.HasPrefix(a.s, "-") && mode == "":
			mode = a.s
		}
	}
	if text < 0 || text >= len(args) {
		return
	}
	saved := maps.Clone(r.opts)
	if mode == "sh" || mode == "ksh" || mode == "bash" {
		r.opts["shwordsplit"], r.opts["nonomatch"], r.opts["ksharrays"], r.opts["posixbuiltins"] = true, true, true, true
	}
	r.evalText(args[text].value)
	r.opts = saved
}

func (r *posix) shift(args []field) {
	n := 1
	if len(args) > 0 {
		n, _ = strconv.Atoi(args[0].s)
	}
	f := r.f.argFrame()
	if n < 0 || n > len(f.args) {
		if r.status = failure; r.kind == Sh {
			r.fail("shift", flowNext)
		}
		return
	}
	f.args = f.args[n:]
	if f.args == nil {
		f.args = []value{}
	}
	r.status = success
}

// commandCommand executes command, builtin and the like: a command without functions, or with -v a question.
func (r *posix) commandCommand(name string, args []field) {
	for len(args) > 0 && strings.HasPrefix(args[0].s, "-") && len(args[0].s) > 1 {
		if name == "command" && strings.ContainsAny(args[0].s, "vV") {
			r.whichCommand("command", args[1:])
			return
		}
		args = args[1:]
	}
	if len(args) == 0 {
		r.status = success
		return
	}
	hidden := r.funcs[args[0].s]
	if name != "command" && name != "builtin" {
		hidden = nil
	}
	if hidden == nil {
		r.dispatch(args, nil)
		return
	}
	delete(r.funcs, args[0].s)
	r.dispatch(args, nil)
	r.funcs[args[0].s] = hidden
}

// whichCommand answers command -v, type, which and hash.
func (r *posix) whichCommand(cmd string, args []field) {
	r.status = success
	if cmd == "hash" && r.kind == Zsh {
		return
	}
	quiet := ""
	for _, a := range args {
		if flags, ok := strings.CutPrefix(a.s, "-"); ok && flags != "" {
			quiet += flags
			continue
		}
		text, st := r.find(a.value, strings.ContainsAny(quiet, "pP"))
		r.status = r.status.and(st)
		switch {
		case cmd == "hash" || st.failed():
		case st.known() && text != "":
			r.write(known(text + "\n"))
		default:
			r.write(unknown(a.s, msg.New("the answer of %s", cmd)))
		}
	}
}

// find looks a command up: a function, a builtin, or a program.
func (r *posix) find(name value, programs bool) (string, status) {
	if !name.known() {
		return "", unknownStatus(name.why)
	}
	if fn := r.funcs[name.s]; fn != nil && !programs {
		if !fn.maybe.IsZero() {
			return "", unknownStatus(fn.maybe)
		}
		return name.s, success
	}
	if !programs && r.isBuiltin(name.s) {
		return name.s, success
	}
	return r.look(name)
}

// isBuiltin reports whether the shell itself executes the command name.
func (r *posix) isBuiltin(name string) bool {
	switch name {
	case "if", "then", "else", "elif", "fi", "for", "do", "done", "while", "until", "case", "esac", "{", "}", "!", "in":
		return true
	case "[[", "function", "select", "time":
		return r.kind != Sh
	}
	switch r.kind {
	case Sh:
		return strings.Contains(posixBuiltins, " "+name+" ")
	case Bash:
		return strings.Contains(posixBuiltins+bashBuiltins, " "+name+" ")
	}
	return strings.Contains(posixBuiltins+zshBuiltins, " "+name+" ")
}

const (
	posixBuiltins = " . : [ alias bg break cd chdir command continue echo eval exec exit export false fg getopts hash jobs kill " +
		"local printf pwd read readonly return set shift test times trap true type ulimit umask unalias unset wait "
	bashBuiltins = " bind builtin caller compgen complete compopt declare dirs disown enable fc help history let logout " +
		"mapfile popd pushd readarray shopt source suspend typeset "
	zshBuiltins = " autoload bindkey builtin bye declare dirs disable disown emulate enable fc float functions history integer let " +
		"limit log logout noglob popd print pushd rehash sched setopt source suspend ttyctl typeset unfunction unhash unlimit " +
		"unsetopt vared whence where which zle zmodload zparseopts zstyle "
)

// print executes echo, printf, print and pwd for a command substitution.
func (r *posix) print(name string, args []field) {
	r.status = success
	if r.out == nil {
		return
	}
	switch name {
	case "pwd":
		v := r.lookup("PWD").value
		r.write(v.append(known("\n")))
	case "printf":
		r.write(r.printf(args))
	default:
		r.write(r.echo(name, args))
	}
}

func (r *posix) echo(name string, args []field) value {
	end, raw := "\n", r.kind == Bash || name == "print"
	for len(args) > 0 && len(args[0].s) > 1 && args[0].s[0] == '-' && strings.Trim(args[0].s[1:], "neErl") == "" && (r.kind != Sh || args[0].s == "-n") {
		if strings.Contains(args[0].s, "n") {
			end = ""
		}
		if strings.ContainsAny(args[0].s, "l") {
			return unknown("", notFollowed())
		}
		raw = !strings.Contains(args[0].s, "e") && (raw || strings.ContainsAny(args[0].s, "rE"))
		args = args[1:]
	}
	v := known("")
	for i, a := range args {
		if i > 0 {
			v = v.append(known(" "))
		}
		v = v.append(a.value)
	}
	if !raw && strings.Contains(v.s, `\`) {
		v.s = ansiC(v.s)
	}
	return v.append(known(end))
}

// printf formats with %s, %d and %%; anything else is not followed.
func (r *posix) printf(args []field) value {
	if len(args) > 0 && args[0].s == "-v" && len(args) > 2 {
		r.assign(args[1].s, r.format(args[2], args[3:]))
		return known("")
	}
	for len(args) > 0 && args[0].s == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return known("")
	}
	return r.format(args[0], args[1:])
}

func (r *posix) format(format field, args []field) value {
	if !format.known() {
		return unknown(format.s, format.why)
	}
	text, out := ansiC(format.s), known("")
	for round := 0; (round == 0 || len(args) > 0) && len(out.s) < maxValue; round++ {
		before := len(args)
		for i := 0; i < len(text); i++ {
			if text[i] != '%' || i+1 == len(text) {
				out = out.append(known(text[i : i+1]))
				continue
			}
			i++
			arg := known("")
			if text[i] != '%' && len(args) > 0 {
				arg, args = args[0].value, args[1:]
			}
			switch text[i] {
			case '%':
				out = out.append(known("%"))
			case 's':
				out = out.append(arg)
			case 'b':
				arg.s = ansiC(arg.s)
				out = out.append(arg)
			case 'd', 'i':
				if arg.s == "" {
					arg.s = "0"
				}
				out = out.append(r.integer(arg))
			default:
				return unknown(format.s, notFollowed())
			}
		}
		if before == len(args) {
			break
		}
	}
	return out
}
