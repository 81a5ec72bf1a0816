package sysenv

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/testreq"
)

// pamScript runs su once for each case, in a mount namespace where the files of PAM are those of the case.
const pamScript = `
set -e
mount --make-rprivate /
cd "$1"
mkdir -p now/pam.d now/security
touch now/pam.d/su now/environment now/security/pam_env.conf
mount --bind now/passwd /etc/passwd
for f in environment second conf2; do touch /etc/$f now/$f; mount --bind now/$f /etc/$f; done
mount --bind now/pam.d /etc/pam.d
mount --bind now/security /etc/security
for c in case-*; do
	cat $c/su > now/pam.d/su
	cat $c/more > now/pam.d/more
	cat $c/environment > now/environment
	cat $c/second > now/second
	cat $c/conf2 > now/conf2
	cat $c/conf > now/security/pam_env.conf
	cat $c/user > now/home/.pam_environment
	env -i PATH=/usr/bin:/bin GOA=caller GOPROXY=caller su nobody -- -0 > $c/out 2> $c/err || true
done
`

// TestPAMAgainstSu compares what the package makes of generated files of PAM with what su and the real pam_env make of
// them.
func TestPAMAgainstSu(t *testing.T) {
	su := testreq.Program(t, "su")
	unshare := testreq.Program(t, "unshare")
	if os.Geteuid() != 0 {
		testreq.Missing(t, "root")
	}
	if out, err := exec.Command(unshare, "-m", "mount", "--make-rprivate", "/").CombinedOutput(); err != nil {
		testreq.Missing(t, "mount namespaces: "+string(out))
	}
	if _, err := exec.LookPath(su); err != nil {
		t.Fatal(err)
	}
	const cases = 250
	dir := t.TempDir()
	// nobody must get at his home below. The folder of all temporary files is open to him, and not this test's to change.
	for d := dir; d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	home := filepath.Join(dir, "now", "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	passwd := "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:" + home + ":/usr/bin/env\n"
	writeTestFile(t, filepath.Join(dir, "now", "passwd"), passwd)
	g := newGenerator(2)
	var inputs []map[string]string
	for i := range cases {
		in := map[string]string{"su": g.pamService(), "environment": g.pamFile(), "second": g.pamFile(), "conf": g.pamConfFile(),
			"conf2": g.pamConfFile(), "user": g.pamConfFile(), "more": g.pick("session optional pam_env.so\n", "")}
		inputs = append(inputs, in)
		for name, text := range in {
			writeTestFile(t, filepath.Join(dir, fmt.Sprintf("case-%04d", i), name), text)
		}
	}
	if out, err := exec.Command(unshare, "-m", "sh", "-c", pamScript, "sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, in := range inputs {
		out, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("case-%04d", i), "out"))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) == 0 {
			t.Errorf("case %d: su failed\n%s", i, showFiles(in))
			continue
		}
		want := environMap(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
		got := predictSu(in, home)
		for _, skip := range []string{"XDG_SESSION_ID", "MAIL"} {
			delete(want, skip)
		}
		if !maps.Equal(got, want) {
			t.Errorf("case %d\n%s\ngot  %q\nwant %q", i, showFiles(in), got, want)
		}
	}
}

func predictSu(in map[string]string, home string) map[string]string {
	h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, map[string]string{
		"/etc/pam.d/su": in["su"], "/etc/pam.d/more": in["more"], "/etc/environment": in["environment"], "/etc/second": in["second"],
		"/etc/security/pam_env.conf": in["conf"], "/etc/conf2": in["conf2"], home + "/.pam_environment": in["user"],
	})
	caller := layer.FromList([]string{"PATH=/usr/bin:/bin", "GOA=caller", "GOPROXY=caller"}, layer.OSEnv, "test", false)
	u := User{Name: "nobody", UID: 65534, GID: 65534, Home: home, Shell: "/usr/bin/env"}
	env, _ := SessionEnv(h, Su, u, caller)
	return environMap(env.List())
}

func writeTestFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
