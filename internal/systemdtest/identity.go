//go:build systemd

package systemdtest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Identity is a way in which a process gets its environment.
type Identity string

// The identities. All but SystemService run as alice.
const (
	SystemService     Identity = "system-service"      // a unit without User=
	SystemServiceUser Identity = "system-service-user" // a unit with User=alice
	UserService       Identity = "user-service"        // of systemd --user
	Su                Identity = "su"                  // su alice -c, from a root with nothing but PATH
	SuLogin           Identity = "su-login"            // su - alice -c
	Runuser           Identity = "runuser"
	Sudo              Identity = "sudo"       // sudo -u alice
	SudoLogin         Identity = "sudo-login" // sudo -i -u alice
	SSH               Identity = "ssh"        // ssh host cmd
	SSHLogin          Identity = "ssh-login"  // ssh host 'bash -lc cmd'
	Cron              Identity = "cron"       // takes up to a minute; see also CronJob
)

// Identities are all of them but Cron, which is slow.
var Identities = []Identity{SystemService, SystemServiceUser, UserService, Su, SuLogin, Runuser, Sudo, SudoLogin, SSH, SSHLogin}

// As runs a command under an identity and returns what it prints to its standard output. The command must not read its
// standard input. Files that decide the environment can be written with WriteFile before; the managers of systemd see
// new ones only after Reload.
func (c *Container) As(t testing.TB, id Identity, argv ...string) []byte {
	t.Helper()
	line := quote(argv)
	switch id {
	case SystemService:
		return c.Run(t, nil, append([]string{"systemd-run", "--quiet", "--wait", "--pipe", "--"}, argv...)...)
	case SystemServiceUser:
		return c.Run(t, nil, append([]string{"systemd-run", "--quiet", "--wait", "--pipe", "--uid=alice", "--"}, argv...)...)
	case UserService:
		return c.Run(t, nil, append([]string{"runuser", "-u", "alice", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000",
			"systemd-run", "--user", "--quiet", "--wait", "--pipe", "--"}, argv...)...)
	case Su:
		return c.Run(t, nil, "su", "alice", "-c", line)
	case SuLogin:
		return c.Run(t, nil, "su", "-", "alice", "-c", line)
	case Runuser:
		return c.Run(t, nil, append([]string{"runuser", "-u", "alice", "--"}, argv...)...)
	case Sudo:
		return c.Run(t, nil, append([]string{"sudo", "-u", "alice", "--"}, argv...)...)
	case SudoLogin:
		return c.Run(t, nil, append([]string{"sudo", "-i", "-u", "alice", "--"}, argv...)...)
	case SSH:
		return c.Run(t, nil, "runuser", "-l", "alice", "-c", "ssh localhost "+quote([]string{line}))
	case SSHLogin:
		return c.Run(t, nil, "runuser", "-l", "alice", "-c", "ssh localhost "+quote([]string{"bash -lc " + quote([]string{line})}))
	case Cron:
		return c.CronJob(t, "alice", "", argv...)
	}
	t.Fatalf("unknown identity %q", id)
	return nil
}

// CronJob makes crontab, whose lines each end in a line feed, the crontab of a user with a job that runs the command
// every minute at its end, waits for the first run and returns what the command printed.
func (c *Container) CronJob(t testing.TB, user, crontab string, argv ...string) []byte {
	t.Helper()
	return c.AwaitCronJob(t, user, c.StartCronJob(t, user, crontab, argv...))
}

// StartCronJob is the first half of CronJob, for tests that have something else to do meanwhile. It returns the name
// that AwaitCronJob asks for.
func (c *Container) StartCronJob(t testing.TB, user, crontab string, argv ...string) (job string) {
	t.Helper()
	job = fmt.Sprintf("/tmp/cron-%s-%d", user, time.Now().UnixNano())
	c.MakePipe(t, job+".done")
	c.WriteFile(t, job+".sh", fmt.Sprintf("#!/bin/sh\n%s > %s\necho > %s.done\n", quote(argv), job, job), 0o755, user)
	c.WriteFile(t, "/var/spool/cron/crontabs/"+user, crontab+"* * * * * "+job+".sh\n", 0o600, user)
	return job
}

// AwaitCronJob waits for the output of a job and removes the crontab.
func (c *Container) AwaitCronJob(t testing.TB, user, job string) []byte {
	t.Helper()
	if c.ReadLines(t, job+".done", 1) == "" {
		t.Fatalf("cron did not run the job of %s:\n%s", user, c.Run(t, nil, "journalctl", "-u", "cron", "-n", "30", "--no-pager"))
	}
	c.Run(t, nil, "rm", "-f", "/var/spool/cron/crontabs/"+user)
	return c.Run(t, nil, "cat", job)
}

// Reload makes the system's manager and that of alice read their files again, including environment.d and
// DefaultEnvironment=, which only a new start of the manager reads.
func (c *Container) Reload(t testing.TB) {
	t.Helper()
	c.Run(t, nil, "systemctl", "daemon-reexec")
	c.Run(t, nil, "systemctl", "restart", "user@1000.service")
}

// quote joins words to a line for a shell.
func quote(argv []string) string {
	var words []string
	for _, a := range argv {
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}
