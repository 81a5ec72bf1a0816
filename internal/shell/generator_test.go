package shell

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// generator makes start-up files from a grammar of what such files contain.
type generator struct {
	rnd   *rand.Rand
	kind  Kind
	depth int
	leaf  bool // the file sources no other
}

func (g *generator) pick(list ...string) string { return list[g.rnd.IntN(len(list))] }
func (g *generator) chance(n int) bool          { return g.rnd.IntN(n) == 0 }

// sample returns the i-th sample; the kinds of session take turns.
func (g *generator) sample(i int) sample {
	s := sample{session: Session{Kind: g.kind, Interactive: i&1 != 0, Login: i&2 != 0}, files: map[string][]string{}}
	if g.chance(2) {
		s.env = append(s.env, "A=from env")
	}
	if g.chance(3) {
		s.env = append(s.env, "GOPATH=$HOME/go", "E=")
	}
	g.leaf = true
	for _, name := range []string{"a.sh", "b.sh", "d/1.sh", "d/2.sh"} {
		if g.kind == Fish {
			name = strings.TrimSuffix(name, ".sh") + ".fish"
		}
		s.files[name] = g.file(3)
	}
	if g.kind == Zsh {
		p := generator{rnd: g.rnd, kind: Sh, leaf: true, depth: 1}
		s.files["posix.sh"] = p.file(3)
	}
	g.leaf = false
	for _, name := range g.startup() {
		if g.chance(4) {
			continue
		}
		s.files[name] = g.file(7)
	}
	s.style = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if g.chance(12) {
			s.style[name] = g.pick("crlf", "bom", "latin1", "latin1")
			if s.style[name] == "bom" {
				s.files[name][0] = "export FIRST=1"
			}
		}
	}
	switch {
	case g.kind == Sh && g.chance(2):
		s.env = append(s.env, "ENV=$HOME/a.sh")
	case g.kind == Bash && g.chance(3):
		s.env = append(s.env, "BASH_ENV=$HOME/a.sh")
	}
	return s
}

func (g *generator) startup() []string {
	switch g.kind {
	case Bash:
		return []string{".bashrc", g.pick(".bash_profile", ".bash_login", ".profile")}
	case Zsh:
		return []string{".zshenv", ".zprofile", ".zshrc", ".zlogin"}
	case Sh:
		return []string{".profile"}
	}
	return []string{".config/fish/config.fish", ".config/fish/conf.d/x.fish"}
}

func (g *generator) file(n int) []string {
	var lines []string
	for range 1 + g.rnd.IntN(n) {
		if g.kind == Fish {
			lines = append(lines, g.fishStatement())
		} else {
			lines = append(lines, g.statement())
		}
	}
	return lines
}

func (g *generator) name() string {
	return g.pick("A", "B", "C", "D", "E", "GOPROXY", "GOPATH", "PATH_X")
}

// statement returns a statement of bash, zsh or sh, on one line so that it can be removed alone.
func (g *generator) statement() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 3 {
		return g.assignment()
	}
	switch g.rnd.IntN(30) {
	case 0, 1, 2, 3, 4, 5:
		return g.assignment()
	case 6:
		return fmt.Sprintf("if %s; then %s; else %s; fi", g.test(), g.statement(), g.statement())
	case 7:
		return fmt.Sprintf("if %s; then %s; elif %s; then %s; fi", g.test(), g.statement(), g.test(), g.statement())
	case 8:
		return fmt.Sprintf("%s && %s", g.test(), g.braced())
	case 9:
		return fmt.Sprintf("%s || %s", g.test(), g.braced())
	case 10:
		return fmt.Sprintf(`case "%s" in %s) %s;; %s|*z) %s;; *) %s;; esac`, g.expansion(), g.pick("*x*", "/*", "a?c", `"$A"`, "[a-f]*"), g.statement(), g.pick("u*", "''"), g.statement(), g.statement())
	case 11:
		return fmt.Sprintf("for i in %s; do %s; export E=\"$E$i\"; done", g.pick("a b c", "$A", `"$A" x`, "~/d/*.sh", `$(echo 1 2)`), g.statement())
	case 12:
		if g.leaf {
			return g.assignment()
		}
		return g.pick("for f in ~/d/*.sh; do . $f; done", "for f in $HOME/d/*; do [ -r \"$f\" ] && . \"$f\"; done", ". ~/b.sh", "[ -f ~/b.sh ] && . ~/b.sh", "if [ -r $HOME/d/1.sh ]; then . $HOME/d/1.sh; fi", ". ~/d/1.sh a b")
	case 13:
		return fmt.Sprintf("fn() { %s; %s; }; fn %s", g.local(), g.statement(), g.pick("", "x", `"a b" c`, "$A"))
	case 14:
		return g.pick(`PATH="$HOME/bin:$PATH"`, `export PATH=$PATH:$HOME/go/bin`, `case ":$PATH:" in *:"$HOME/bin":*) ;; *) PATH="$HOME/bin:$PATH";; esac`,
			`[ -d "$HOME/go/bin" ] && PATH="$HOME/go/bin:$PATH"`, `if ! echo "$PATH" | grep -q "go/bin"; then PATH=$PATH:/go/bin; fi`, `PATH=${PATH}:~/bin:~/x`)
	case 15:
		return g.pick("set -a", "set +a", "unset "+g.name(), "export "+g.name(), "unset A B", "trap 'A=1' EXIT", "alias ll='ls -l'")
	case 16:
		return fmt.Sprintf(`eval "export %s=%s"`, g.name(), g.pick("1", `\$A`, "$B", "a\\ b"))
	case 17:
		return fmt.Sprintf("i=0; while [ $i -lt %d ]; do i=$((i+1)); %s; done", g.rnd.IntN(4), g.statement())
	case 18:
		return fmt.Sprintf("( %s; exit 3 ); export D=$?", g.assignment())
	case 19:
		if g.depth > 1 {
			return g.assignment()
		}
		return fmt.Sprintf("read %s <<EOF\n%s\nEOF", g.pick("A", "A B", "-r A B"), g.pick("one", "one two three", "$A", " x  y "))
	case 20:
		return g.pick(`case $- in *i*) export INT=1;; *) export INT=0;; esac`, `[ -z "$PS1" ] && export PS=none`, `[ -t 0 ] && export TT=1`, `case $- in *i*) ;; *) return;; esac`)
	case 21:
		return fmt.Sprintf("{ %s; %s; }", g.statement(), g.statement())
	case 22:
		return fmt.Sprintf("! %s && %s", g.test(), g.braced())
	case 23:
		return g.pick("command -v ls >/dev/null && export HAVE=ls", "command -v nope-x >/dev/null 2>&1 || export HAVE=no", `[ -x "$(command -v sh)" ] && export HAVE=sh`, "type nope-x >/dev/null 2>&1 && export HAVE=bad")
	case 24:
		return g.pick("cd ~/d && export HERE=$PWD; cd ~", "cd /nope 2>/dev/null || export HERE=no", "export HERE=$(cd ~/bin && pwd)", "export HERE=$(dirname ~/d/1.sh)/$(basename /x/y.z)", `export HERE="$(uname)-$(id -u)"`)
	case 25:
		if g.chance(6) {
			return g.pick("return", "exit 3", "[ -n \"$E\" ] && return", "exec /bin/true")
		}
		return g.assignment()
	case 26:
		return "TEMP=tmp eval 'export D=$TEMP'"
	default:
		return g.special()
	}
}

func (g *generator) braced() string { return "{ " + g.statement() + "; }" }

func (g *generator) local() string {
	return g.pick("local A=loc", "local x=1 y", "local A; A=2", ":", "export D=\"$1-$#\"", "set -- p q", "shift 2>/dev/null || :")
}

// special returns what only bash or zsh has.
func (g *generator) special() string {
	for {
		if s := g.any(); !g.leaf || !strings.Contains(s, "~/b.sh") && !strings.Contains(s, "~/d/*") {
			return s
		}
	}
}

func (g *generator) any() string {
	switch g.kind {
	case Bash:
		return g.pick(`[[ $A == f* && -n $B ]] && export D=glob`, `[[ $A =~ ^f(.*)v$ ]] && export D=${BASH_REMATCH[1]}`, "A+=more", "arr=(a b c); arr+=(d); export D=${arr[1]}${#arr[@]}",
			`declare -x D="$A"`, "declare -r RO=1", "export D=${A^^}", "export D=${A/o/0}", "export D=${A//[aeiou]/_}", "export D=${A:1:2}", "shopt -q login_shell && export LOGIN=1 || export LOGIN=0",
			"for d in ~/{bin,nope}; do [ -d $d ] && PATH=$d:$PATH; done", "(( 2 > 1 )) && export D=arith", "export D=$((RANDOM*0+3))", "export D=$RANDOM", `export -n B`, "export D=$'a\\tb'",
			"export D=${!A}", "x=A; export D=${!x}", `if [[ $- != *i* ]]; then export INT=no; fi`, "export D=\"${arr[@]}\"", "source ~/b.sh", "read -r A <<< \"x y\"", "[ -n \"$BASH_VERSION\" ] && export D=bash")
	case Zsh:
		return g.pick("path=(~/bin $path)", "path+=(~/go/bin)", "typeset -U path", "typeset -U PATH path", "typeset -gx D=typeset", "export D=${(U)A}", "export D=${A:h}", "export D=${A:u}",
			"(( $+commands[ls] )) && export D=cmd", "(( $+commands[nope-x] )) || export D=nocmd", "[[ -o interactive ]] && export INT=yes", "[[ -o login ]] && export LOGIN=yes", "for f in ~/nope/*(N); do export D=bad; done",
			"arr=(a b c); export D=$arr[2]$#arr", "export D=${(j:,:)path}", "A+=more", "[[ $A == f* ]] && export D=glob", "setopt sh_word_split; for w in $A; do export D=$w; done; unsetopt sh_word_split", "export D=${A/o/0}",
			"source ~/b.sh", "export D=${${A#f}%v}", "emulate sh -c '. ~/posix.sh'", "export D=$RANDOM", "path=(${path:#/bin})", "[[ -n $ZSH_VERSION ]] && export D=zsh")
	}
	return g.pick("export D=${A#f}", "export A=1 B=2", "readonly RO=1", "D=$(echo \"$A\" | cat); export D", ": ${GOPATH:=$HOME/go}; export GOPATH", "export D=$(( 3 * (2 + 1) ))")
}

func (g *generator) assignment() string {
	n := g.name()
	v := g.value()
	return g.pick("export "+n+"="+v, "export "+n+"="+v, "export "+n+"="+v, n+"="+v, n+"="+v+"; export "+n, n+"="+v+" "+g.name()+"="+g.value())
}

func (g *generator) value() string {
	if g.chance(3) {
		return g.pick("plain", "'single $A'", `"dou ble"`, "a\\ b", "", "1", "https://proxy.example.com,direct", "~/x", "~/a:~/b", "/a:~", "'~/q'", "x=y", `"a'b"`, `\~`)
	}
	return `"` + g.expansion() + g.pick("", "/x", ":y") + `"`
}

func (g *generator) expansion() string {
	n := g.name()
	return g.pick("$"+n, "${"+n+"}", "${"+n+":-def}", "${"+n+"-def}", "${"+n+":+alt}", "${"+n+"+alt}", "${"+n+":=asg}", "${"+n+"#f}", "${"+n+"##*/}", "${"+n+"%/*}", "${"+n+"%%:*}", "${#"+n+"}",
		"$(echo sub $"+n+")", "$(printf '%s-%s' a $"+n+")", "$((${#"+n+"}+1))", "$HOME/bin", "`echo back`", "${"+n+":-$B}", "${"+n+":-\"q $A\"}", "$#", "$1")
}

func (g *generator) test() string {
	n := g.name()
	return g.pick("[ -n \"$"+n+"\" ]", "[ -z \"$"+n+"\" ]", "[ \"$"+n+"\" = plain ]", "[ \"$"+n+"\" != \"$A\" ]", "[ -d ~/bin ]", "[ -f ~/b.sh ]", "[ -e /nope ]", "[ -r ~/a.sh -a -d ~/d ]", "[ ! -d ~/nope ]",
		"[ ${#"+n+"} -gt 3 ]", "[ \"$(echo x)\" = x ]", "true", "false", "test -x /bin/sh", "[ -d /etc -o -d /nope ]", "[ \"${"+n+"+set}\" = set ]", "[ 1 -eq 1 ]", "[ \"$1\" = x ]", "[ -n \"$"+n+"\" ] && [ -d ~/d ]")
}

// fishStatement returns a statement of fish on one line.
func (g *generator) fishStatement() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 3 {
		return g.fishAssignment()
	}
	switch g.rnd.IntN(24) {
	case 0:
		return fmt.Sprintf("if %s; %s; else; %s; end", g.fishTest(), g.fishStatement(), g.fishStatement())
	case 1:
		return fmt.Sprintf("if %s; %s; else if %s; %s; end", g.fishTest(), g.fishStatement(), g.fishTest(), g.fishStatement())
	case 2:
		return fmt.Sprintf("%s; and %s", g.fishTest(), g.fishStatement())
	case 3:
		return fmt.Sprintf("%s; or %s", g.fishTest(), g.fishAssignment())
	case 4:
		return fmt.Sprintf("%s && %s || %s", g.fishTest(), g.fishAssignment(), g.fishAssignment())
	case 5:
		return fmt.Sprintf("switch %s; case %s; %s; case %s z; %s; case '*'; %s; end", `"`+g.fishExpansion()+`"`, g.pick("'*x*'", "'/*'", "'a?c'", `"$A"`), g.fishStatement(), g.pick("'u*'", "''"), g.fishStatement(), g.fishStatement())
	case 6:
		return fmt.Sprintf("for i%[1]d in %[2]s; %[3]s; set -gx E \"$E$i%[1]d\"; end", g.depth, g.pick("a b c", "$A", `"$A" x`, "~/d/*.fish", "(echo 1; echo 2)", "$PATH", "(seq 0)"), g.fishStatement())
	case 7:
		if g.leaf {
			return g.fishAssignment()
		}
		return g.pick("for f in ~/d/*.fish; source $f; end", "source ~/b.fish", "test -f ~/b.fish; and source ~/b.fish", "if test -r $HOME/d/1.fish; source $HOME/d/1.fish; end", "source ~/d/1.fish a b")
	case 8:
		return fmt.Sprintf("function fn; %s; %s; end; fn %s", g.pick("set -l L loc", "set -l x 1", "set -gx D \"$argv[1]-\"(count $argv)", "set -x B fnx", "set -q argv[1]; and set -gx D $argv"), g.fishStatement(), g.pick("", "x", `"a b" c`, "$A"))
	case 9:
		return g.pick("set -gx PATH $HOME/bin $PATH", "set -gx PATH $PATH ~/go/bin", "fish_add_path ~/bin", "fish_add_path -g ~/go/bin ~/nope", "fish_add_path -aP ~/go/bin", "fish_add_path -m /bin", "set -p PATH ~/x", "set -a PATH ~/y",
			"contains ~/bin $PATH; or set -gx PATH ~/bin $PATH", "if not contains -- $HOME/bin $PATH; set -gx PATH $HOME/bin $PATH; end", "set -U fish_user_paths ~/go/bin $fish_user_paths", "set PATH (string match -v /bin $PATH)")
	case 10:
		return g.pick("set -e "+g.name(), "set -e A B", "set -ge "+g.name(), "set -gu "+g.name()+" unexported", "set -x "+g.name(), "set -Ux D uni", "set -U B unix", "set -e PATH[1]")
	case 11:
		return fmt.Sprintf("eval 'set -gx %s %s'", g.name(), g.pick("1", "$A", `"$B"x`))
	case 12:
		return fmt.Sprintf("set i 0; while test (count $i) -lt %d; set -a i x; %s; end", g.rnd.IntN(4), g.fishStatement())
	case 13:
		return g.pick("if status is-interactive; set -gx INT 1; end", "status is-login; and set -gx LOGIN 1", "status --is-interactive; or set -gx INT 0", "if not status is-interactive; return; end", "status is-interactive; or exit")
	case 14:
		return fmt.Sprintf("begin; set -l L loc; %s; %s; end", g.fishStatement(), g.fishStatement())
	case 15:
		return fmt.Sprintf("not %s; and %s", g.fishTest(), g.fishAssignment())
	case 16:
		return g.pick("type -q ls; and set -gx HAVE ls", "command -sq nope-x; or set -gx HAVE no", "command -v ls >/dev/null; and set -gx HAVE cmd", "functions -q fn; and set -gx HAVE fn")
	case 17:
		return g.pick("cd ~/d; and set -gx HERE $PWD; cd ~", "cd /nope 2>/dev/null; or set -gx HERE no", "set -gx HERE (dirname ~/d/1.sh)/(basename /x/y.z)", `set -gx HERE (uname)-(id -u)`)
	case 18:
		return g.pick("export A=1:2", "export XPATH=a:b", "set -gx XPATH $XPATH c", "set -gx NOTLIST a b", "set -gx RND (random)", "alias ll 'ls -l'", "abbr -a gs 'git status'", "set -gx --path MYLIST a b", "A=tmp true", "A=tmp set -gx D $A",
			"set -gx D (string upper $A)", "set -gx D (string split : a:b:c)", "set -gx D (string join , a b c)", "set -gx D (string replace o 0 \"$A\")", "set -gx D (string replace -a o 0 $A)", "string match -q 'f*' $A; and set -gx D match", "string match -qr '^f.*v$' \"$A\"; and set -gx D re",
			"echo a b | read -l x y; and set -gx D $y", "set -gx D (echo hi | string upper)", "echo 'set -gx D piped' | source", "set -gx D (count $PATH)", "set -gx D $PATH[1]", "set -gx D $PATH[-1]", "set -gx D $PATH[1..2]", "set -gx D {x,y}$A", "set -gx D $$A", "set x A; set -gx D $$x", "set -gx D a$NOPE", "set -gx D $status")
	default:
		return g.fishAssignment()
	}
}

func (g *generator) fishAssignment() string {
	return g.pick("set -gx ", "set -gx ", "set -gx ", "set -x ", "set ", "set -g ", "set -lx ", "set -a ", "set -gxa ") + g.name() + " " + g.fishValue()
}

func (g *generator) fishValue() string {
	if g.chance(3) {
		return g.pick("plain", "'single $A'", `"dou ble"`, "a\\ b", "", "1", "https://proxy.example.com,direct", "~/x", "~/a:~/b", "'~/q'", "x=y", `"a'b"`, `\~`, "a b", "a\\tb", `'it\'s'`)
	}
	if g.chance(3) {
		return g.fishExpansion()
	}
	return `"` + g.pick("$A", "$B", "$"+g.name(), "$HOME", "$NOPE") + g.pick("", "/x", ":y") + `"`
}

func (g *generator) fishExpansion() string {
	n := g.name()
	return g.pick("$"+n, "$"+n+"x", "(echo sub $"+n+")", "(printf '%s-%s' a b)", "$HOME/bin", "(count $"+n+")", "$"+n+"[1]", "(string length \"$"+n+"\")", "$(echo new)", "(status filename)")
}

func (g *generator) fishTest() string {
	n := g.name()
	return g.pick("test -n \"$"+n+"\"", "test -z \"$"+n+"\"", "test \"$"+n+"\" = plain", "test -d ~/bin", "test -f ~/b.fish", "test -e /nope", "test -r ~/a.fish -a -d ~/d", "test ! -d ~/nope", "test (count $"+n+") -gt 1",
		"set -q "+n, "set -qx "+n, "not set -q "+n, "true", "false", "test -x /bin/sh", "[ -d /etc -o -d /nope ]", "test 1 -eq 1", "set -q "+n+"[2]", "test (echo x) = x", "set -qg "+n)
}
