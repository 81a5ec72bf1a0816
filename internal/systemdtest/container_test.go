//go:build systemd

package systemdtest

import (
	"strings"
	"testing"
)

func TestIdentities(t *testing.T) {
	t.Parallel() // cron takes a minute
	c := Start(t)
	job := c.StartCronJob(t, "bob", "A='x y'\n", "sh", "-c", `echo "$(id -un) $A"`)
	c.WriteFile(t, "/etc/profile.d/x.sh", "export FROM_PROFILE=1\n", 0o644, "root")
	for _, id := range Identities {
		t.Run(string(id), func(t *testing.T) {
			out := string(c.As(t, id, "sh", "-c", `echo "$(id -un) $FROM_PROFILE $*"`, "x y", "a 'b"))
			want := "alice"
			if id == SystemService {
				want = "root"
			}
			login := strings.HasSuffix(string(id), "-login")
			if !strings.HasPrefix(out, want+" ") || strings.Contains(out, " 1 ") != login || !strings.HasSuffix(out, " a 'b\n") {
				t.Errorf("%s prints %q", id, out)
			}
		})
	}
	t.Run("cron", func(t *testing.T) {
		if out := string(c.AwaitCronJob(t, "bob", job)); out != "bob x y\n" {
			t.Errorf("the job prints %q", out)
		}
	})
}
