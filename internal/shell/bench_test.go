package shell

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/local"
	"github.com/goready/goready/internal/layer"
)

// stockDebian is the home directory of a new user of Debian, from the case of that name.
func stockDebian(b *testing.B) (host.Host, []string) {
	c := readCase(b, "testdata/cases/debian_stock_guard.txtar")
	return c.host("/home/u"), c.environ("/home/u")
}

func benchStart(b *testing.B, h host.Host, env []string, s Session, fresh bool) {
	base := layer.FromList(env, layer.OSEnv, "test", false)
	uid := 1000
	o := Options{Host: h, Home: "/home/u", User: "u", UID: &uid}
	e := New(o)
	e.Start(s, base)
	b.ReportAllocs()
	for b.Loop() {
		if fresh {
			e = New(o)
		}
		e.Start(s, base)
	}
}

func BenchmarkStockDebian(b *testing.B) {
	h, env := stockDebian(b)
	for _, s := range []Session{{Kind: Bash, Login: true, Interactive: true}, {Kind: Bash, Login: true}, {Kind: Bash, Interactive: true}} {
		b.Run("parsed"+strings.ReplaceAll(strings.TrimPrefix(sessionName(s), "bash"), " ", ""), func(b *testing.B) { benchStart(b, h, env, s, false) })
	}
	b.Run("fresh", func(b *testing.B) { benchStart(b, h, env, Session{Kind: Bash, Login: true, Interactive: true}, true) })
}

func BenchmarkThisMachine(b *testing.B) {
	for _, k := range []Kind{Bash, Zsh, Sh, Fish} {
		b.Run(string(k), func(b *testing.B) {
			base := layer.FromList([]string{"HOME=" + b.TempDir(), "PATH=/usr/bin:/bin"}, layer.OSEnv, "test", false)
			s := Session{Kind: k, Path: "/usr/bin/" + string(k), Login: true, Interactive: true}
			for b.Loop() {
				New(Options{Host: local.New(), User: "u"}).Start(s, base)
			}
		})
	}
}

// completionFile is about as long as bash_completion: functions in the usual style and a little at the top level.
func completionFile() string {
	var b strings.Builder
	b.WriteString("# bash_completion - programmable completion functions\nshopt -s extglob progcomp\n")
	for i := range 110 {
		fmt.Fprintf(&b, "# Function %d\n_comp_%d()\n{\n    local cur prev words cword split\n    _init_completion -s || return\n\n    case \"$prev\" in\n        --help|--version)\n            return\n            ;;\n", i, i)
		b.WriteString("        --file|-f)\n            _filedir '@(xml|html)'\n            return\n            ;;\n    esac\n    if [[ $cur == -* ]]; then\n        COMPREPLY=( $(compgen -W '$(_parse_help \"$1\")' -- \"$cur\") )\n        [[ $COMPREPLY == *= ]] && compopt -o nospace\n    fi\n}\n")
		fmt.Fprintf(&b, "complete -F _comp_%d cmd%d\n", i, i)
	}
	return b.String()
}

func BenchmarkCompletionFile(b *testing.B) {
	text := completionFile()
	b.Logf("%d lines, %d bytes", strings.Count(text, "\n"), len(text))
	h := fixture(map[string]string{".bashrc": ". /usr/share/bash-completion/bash_completion\nexport A=1\n", "/usr/share/bash-completion/bash_completion": text})
	b.Run("fresh", func(b *testing.B) {
		benchStart(b, h, []string{"HOME=/home/u", "PATH=/usr/bin"}, Session{Kind: Bash, Interactive: true}, true)
	})
	b.Run("parsed", func(b *testing.B) {
		benchStart(b, h, []string{"HOME=/home/u", "PATH=/usr/bin"}, Session{Kind: Bash, Interactive: true}, false)
	})
}
