//go:build systemd

package sysenv

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/systemdtest"
)

// sessionCase is a session whose first process prints its environment: the user carol has the shell env.
type sessionCase struct {
	name      string
	request   sessionRequest
	args      []string
	separator string
	ignore    []string
}

type sessionSet struct {
	cases    []sessionCase
	requests []sessionRequest
}

func sessionCases() sessionSet {
	caller := []string{"GOPROXY=caller", "GOFLAGS=caller", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "KEPT=1", "KEPT2=2"}
	sudoNoise := []string{"SUDO_COMMAND", "SUDO_GID", "SUDO_UID", "SUDO_USER", "MAIL", "TERM", "XDG_SESSION_ID", "XDG_RUNTIME_DIR", "XDG_SESSION_CLASS", "XDG_SESSION_TYPE"}
	loginNoise := []string{"MAIL", "TERM", "XDG_SESSION_ID", "XDG_RUNTIME_DIR", "XDG_SESSION_CLASS", "XDG_SESSION_TYPE", "SSH_CLIENT", "SSH_CONNECTION", "MOTD_SHOWN", "PWD", "SHLVL", "_", "OLDPWD"}
	s := sessionSet{cases: []sessionCase{
		{"su", sessionRequest{Su, "carol", caller}, []string{"su", "carol", "--", "-0"}, "\x00", loginNoise},
		{"su_root", sessionRequest{Su, "root", caller}, []string{"su", "root", "-s", "/usr/bin/env", "--", "-0"}, "\x00", append(loginNoise, "SHELL")},
		{"su_login", sessionRequest{SuLogin, "carol", caller}, []string{"su", "-", "carol", "--", "-0"}, "\x00", loginNoise},
		{"su_login_root", sessionRequest{SuLogin, "root", caller}, []string{"su", "-", "root", "-s", "/usr/bin/env", "--", "-0"}, "\x00", append(loginNoise, "SHELL")},
		{"sudo", sessionRequest{Sudo, "carol", caller}, []string{"sudo", "-u", "carol", "env", "-0"}, "\x00", sudoNoise},
		{"sudo_root", sessionRequest{Sudo, "root", caller}, []string{"sudo", "env", "-0"}, "\x00", sudoNoise},
		{"sudo_login", sessionRequest{SudoLogin, "carol", caller}, []string{"sudo", "-i", "-u", "carol"}, "\n", sudoNoise},
		{"ssh", sessionRequest{SSH, "carol", caller}, []string{"runuser", "-u", "alice", "--", "env", "HOME=/home/alice", "ssh", "-T", "-o", "SendEnv=GOPROXY", "-o", "SendEnv=KEPT*", "-o", "SendEnv=LANG", "carol@localhost"}, "\n", append(loginNoise, "LC_TIME")},
		{"login", sessionRequest{ConsoleLogin, "carol", nil}, []string{"script", "-qec", "login -f carol", "/dev/null"}, "\n", append(loginNoise, "HUSHLOGIN")},
	}}
	for _, c := range s.cases {
		s.requests = append(s.requests, c.request)
	}
	return s
}

// sessionFiles make the user carol and settings that keep, drop and add variables.
func sessionFiles() []systemdtest.File {
	return []systemdtest.File{
		{Name: "/etc/sudoers.d/env", Mode: 0o440, Content: "Defaults env_keep += \"KEPT NOT\" , !lecture\nDefaults env_keep -= NOT\n# Defaults !env_reset\nDefaults:bob !env_reset\n"},
		{Name: "/etc/ssh/sshd_config.d/env.conf", Content: "AcceptEnv GOPROXY KEPT2\nPermitUserEnvironment yes\nSetEnv BY_SSHD=1\nMatch User bob\n SetEnv NOT=1\n"},
	}
}

const sessionSetup = `
useradd -m -s /usr/bin/env -u 1002 carol
mkdir -m 700 /home/carol/.ssh
cp /home/alice/.ssh/id_ed25519.pub /home/carol/.ssh/authorized_keys
printf '# c\n\nGOPROXY=sshfile\n A1=from ssh # x\nFROM_ETC=no\n' > /home/carol/.ssh/environment
chown -R carol: /home/carol/.ssh
touch /home/carol/.hushlogin
`

func (s sessionSet) compare(t *testing.T, c *systemdtest.Container, predicted [][]string) {
	for i, sc := range s.cases {
		out := string(c.Run(t, sc.request.Caller, sc.args...))
		out = strings.ReplaceAll(out, "\r\n", "\n")
		var kept []string
		for _, kv := range strings.Split(strings.TrimSuffix(out, sc.separator), sc.separator) {
			if key, _, ok := strings.Cut(kv, "="); ok && !contains(sc.ignore, key) {
				kept = append(kept, kv)
			}
		}
		var got []string
		for _, kv := range predicted[i] {
			if key, _, _ := strings.Cut(kv, "="); !contains(sc.ignore, key) {
				got = append(got, kv)
			}
		}
		same(t, sc.name, strings.Join(kept, sc.separator), sc.separator, got, func() string { return "" })
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// cronSet is a set of crontabs whose jobs write their environment to a file.
type cronSet struct {
	users []string
	tabs  map[string]string
}

// startCrons installs generated crontabs, one for each of many users, some of them in /etc/cron.d.
func startCrons(t *testing.T, c *systemdtest.Container, g generator) cronSet {
	t.Helper()
	c.Run(t, nil, "sh", "-e", "-c", sessionSetup)
	c.WriteFiles(t, sessionFiles())
	s := cronSet{tabs: map[string]string{}}
	var files []systemdtest.File
	var passwd, shadow strings.Builder
	for i := range 60 {
		u := fmt.Sprintf("cron%d", i)
		fmt.Fprintf(&passwd, "%s:x:%d:%d::/home/%s:/bin/sh\n", u, 3000+i, 3000+i, u)
		fmt.Fprintf(&shadow, "%s:*:19000:0:99999:7:::\n", u)
		column, file := "", systemdtest.File{Name: "/var/spool/cron/crontabs/" + u, Mode: 0o600, UID: 3000 + i}
		if i%4 == 0 {
			column, file = " "+u+" ", systemdtest.File{Name: "/etc/cron.d/" + u}
		}
		file.Content = g.crontab(column, u)
		files = append(files, file)
		s.users, s.tabs[u] = append(s.users, u), file.Content
	}
	files = append(files, systemdtest.File{Name: "/var/tmp/cron/", Mode: 0o777})
	c.WriteFiles(t, files)
	c.MakePipe(t, "/var/tmp/cron.done")
	c.Run(t, []string{"P=" + passwd.String(), "S=" + shadow.String()}, "sh", "-c", `printf %s "$P" >> /etc/passwd; printf %s "$S" >> /etc/shadow; chmod 777 /var/tmp/cron; systemctl restart cron; systemctl restart ssh`)
	return s
}

func (s cronSet) compare(t *testing.T, c *systemdtest.Container, predicted map[string][]string, notes map[string][]string) {
	c.ReadLines(t, "/var/tmp/cron.done", len(predicted))
	observed := c.ReadDir(t, "/var/tmp/cron")
	for _, u := range s.users {
		context := func() string { return s.tabs[u] + "\nnotes: " + strings.Join(notes[u], "\n") }
		out, ran := observed[u]
		switch env := predicted[u]; {
		case ran && env == nil:
			t.Errorf("%s: the job runs, but was predicted not to\n%s", u, context())
		case !ran && env != nil:
			t.Errorf("%s: the job does not run, but was predicted to\n%s", u, context())
		case ran:
			// The shell adds its folder and drops names that it does not allow.
			text := strings.ReplaceAll(string(out), "\x00PWD=", "\x00INVOCATION_ID=")
			env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "GO B=") })
			same(t, u, text, "\x00", env, context)
		}
	}
	t.Logf("%d crontabs, %d jobs ran", len(s.users), len(observed))
}
