package sysenv

import (
	"testing"

	"github.com/goready/goready/internal/host"
)

// TestForUserBelievesItsCaller: the home and shell that the caller gives hold, not those of /etc/passwd.
func TestForUserBelievesItsCaller(t *testing.T) {
	h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, nil, map[string]string{
		"/usr/lib/systemd/systemd":                "#! an ELF file",
		"/etc/passwd":                             "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000::/home/ana:/bin/bash\n",
		"/private/.config/environment.d/go.conf":  "GOPROXY=${HOME}/proxy\n",
		"/home/ana/.config/environment.d/go.conf": "GOPROXY=wrong\n",
		"/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator": "#! an ELF file",
	})
	for _, u := range []User{{Name: "ana", UID: 1000, Home: "/private", Shell: "/bin/zsh"}, {Name: "root", Home: "/private", Shell: "/bin/zsh"}} {
		m, ok := UserManager(h, u)
		if !ok {
			t.Fatal("no manager")
		}
		env := m.Env()
		for name, want := range map[string]string{"HOME": "/private", "SHELL": "/bin/zsh", "GOPROXY": "/private/proxy"} {
			if got := env.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", u.Name, name, got, want)
			}
		}
	}
}
