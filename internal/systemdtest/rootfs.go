//go:build systemd

package systemdtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

// recipe names the contents of the root file system: change it with anything that build does.
const recipe = "debian-1"

const packages = "systemd,systemd-sysv,dbus,libpam-systemd,dbus-user-session,cron,sudo,login,openssh-server,openssh-client,ca-certificates"

// rootfs returns the folder of the root file system and makes it if it is not there.
func rootfs(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, "goready-test")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	// One process builds, the others wait for it.
	lock, err := os.OpenFile(filepath.Join(cache, recipe+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, recipe)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	build(t, cache, dir)
	return dir
}

func build(t testing.TB, cache, dir string) {
	t.Helper()
	debootstrap := testreq.Program(t, "debootstrap")
	mirror, suite, err := mirror()
	if err != nil {
		testreq.Missing(t, "a Debian mirror: "+err.Error())
	}
	tmp, err := os.MkdirTemp(cache, recipe+"-building-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil { // debootstrap keeps it, and alice must get in
		t.Fatal(err)
	}
	t.Logf("making the root file system in %s", dir)
	run(t, debootstrap, "--variant=minbase", "--include="+packages, suite, tmp, mirror)
	if err := os.WriteFile(filepath.Join(tmp, "root", "setup"), []byte(setup), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "chroot", tmp, "/bin/sh", "-e", "/root/setup")
	if err := os.Rename(tmp, dir); err != nil {
		t.Fatal(err)
	}
}

// setup runs in the new root file system: alice may use sudo and ssh to herself, and her services run without a login.
const setup = `
useradd -m -s /bin/bash -u 1000 alice
useradd -m -s /bin/bash -u 1001 bob
echo 'alice ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/alice
mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/alice
for u in alice bob; do
	su $u -c 'mkdir -m 700 ~/.ssh && ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519 && cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys
		printf "Host *\n\tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null\n\tLogLevel ERROR\n" > ~/.ssh/config'
done
systemctl disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer 2>/dev/null || true
systemctl mask e2scrub_reap.service systemd-networkd-wait-online.service
echo goready-test > /etc/hostname
echo 127.0.0.1 localhost goready-test > /etc/hosts
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/*
rm /root/setup
`

// mirror returns the package mirror and the suite that this machine's apt uses.
func mirror() (url, suite string, err error) {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	lists, _ := filepath.Glob("/etc/apt/sources.list.d/*.list")
	for _, name := range append(append(files, "/etc/apt/sources.list"), lists...) {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if url, suite := parseSources(string(data)); url != "" {
			return url, suite, nil
		}
	}
	return "", "", fmt.Errorf("nothing in /etc/apt names one")
}

// parseSources returns the first mirror in either of apt's formats.
func parseSources(s string) (url, suite string) {
	for line := range strings.Lines(s) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 3 && f[0] == "deb" && strings.HasPrefix(f[1], "["):
			if i := strings.Index(line, "]"); i >= 0 {
				f = append([]string{"deb"}, strings.Fields(line[i+1:])...)
			}
			fallthrough
		case len(f) >= 3 && f[0] == "deb":
			return f[1], f[2]
		case len(f) >= 2 && f[0] == "URIs:":
			url = f[1]
		case len(f) >= 2 && f[0] == "Suites:" && url != "":
			return url, f[1]
		}
	}
	return "", ""
}

// run runs a program and fails the test with its output if it fails.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "DEBIAN_FRONTEND=noninteractive"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, tail(out))
	}
	return string(out)
}

func tail(out []byte) []byte { return out[max(0, len(out)-4000):] }
