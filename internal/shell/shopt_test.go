package shell

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/testreq"
)

// TestShoptDefaults: what bash answers for its options before any start-up file.
func TestShoptDefaults(t *testing.T) {
	bash := testreq.Program(t, "bash")
	for _, name := range []string{"nullglob", "dotglob", "nocasematch", "nocaseglob", "globstar", "failglob", "extglob", "extdebug", "histappend", "autocd",
		"cdspell", "dirspell", "direxpand", "progcomp_alias", "lastpipe", "progcomp", "cmdhist", "hostcomplete", "interactive_comments", "promptvars", "sourcepath", "expand_aliases"} {
		for _, interactive := range []bool{false, true} {
			args := []string{"--norc", "--noprofile"}
			if interactive {
				args = append(args, "-i")
			}
			out, err := exec.Command(bash, append(args, "-c", "shopt -q "+name+" && echo on || echo off")...).Output()
			if err != nil {
				t.Fatal(err)
			}
			text := "if shopt -q " + name + "; then export ANSWER=on; else export ANSWER=off; fi"
			h := fixture(map[string]string{".bashrc": text, ".bash_profile": text})
			e := New(Options{Host: h, Home: "/home/u"})
			res := e.Start(Session{Kind: Bash, Login: !interactive, Interactive: interactive}, layer.FromList([]string{"HOME=/home/u"}, layer.OSEnv, "test", false))
			if got := res.Env.Get("ANSWER"); got != strings.TrimSpace(string(out)) {
				t.Errorf("%s, interactive %v: %q, bash says %s", name, interactive, got, out)
			}
		}
	}
}
