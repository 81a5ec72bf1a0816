package sysenv

import (
	"strings"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
)

var linux = host.Platform{OS: "linux", Arch: "amd64"}

// checkAssignments fails if an assignment is not one that a line of the data can have made.
func checkAssignments(t *testing.T, list []Assignment, data []byte) {
	t.Helper()
	lines := strings.Count(string(data), "\n") + 1
	for _, a := range list {
		if a.Key == "" || a.Line < 1 || a.Line > lines || strings.ContainsAny(a.Key, "=\x00") {
			t.Errorf("impossible %+v", a)
		}
	}
}

func FuzzParsePAMEnvironment(f *testing.F) {
	g := newGenerator(10)
	for range 20 {
		f.Add([]byte(g.pamFile()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, _ := ParsePAMEnvironment("/f", data)
		checkAssignments(t, list, data)
	})
}

func FuzzPAMStack(f *testing.F) {
	g := newGenerator(11)
	for range 20 {
		f.Add(g.pamService(), g.pamConfFile(), g.pamFile())
	}
	f.Add("@include su\nsession include su\nsession substack /etc/pam.d/su\n", "", "")
	f.Fuzz(func(t *testing.T, service, conf, environment string) {
		h := host.FromFiles(linux, nil, map[string]string{
			"/etc/pam.d/su": service, "/etc/pam.d/more": service, "/etc/security/pam_env.conf": conf, "/etc/environment": environment})
		ApplyPAM(h, &layer.Env{}, "su", User{Name: "u", Home: "/h"})
	})
}

func FuzzEnvironmentD(f *testing.F) {
	g := newGenerator(12)
	for range 20 {
		f.Add(g.envFile(), g.envFile())
	}
	f.Add("A=${A:-${B:-${C:-${D:+$A$A}}}}$A$A\n", "B=$A$B$A\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		h := host.FromFiles(linux, nil, map[string]string{"/etc/environment.d/a.conf": a, "/etc/environment.d/b.conf": b})
		env := layer.FromList([]string{"HOME=/h"}, layer.OSEnv, "test", false)
		ApplyEnvironmentD(h, env, "")
		for _, name := range env.Names() {
			if !validEnvName(name) {
				t.Errorf("systemd would not have %q", name)
			}
		}
	})
}

func FuzzUnit(f *testing.F) {
	g := newGenerator(13)
	none := func() string { return "EnvironmentFile=/etc/f\n" }
	for range 30 {
		f.Add("a-b@c.service", "[Service]\n"+g.serviceLines(5, none), "[Service]\n"+g.serviceLines(3, none), g.envFile())
	}
	f.Fuzz(func(t *testing.T, name, unit, dropin, envFile string) {
		if strings.ContainsAny(name, "/\x00") || len(name) > 100 {
			t.Skip()
		}
		h := host.FromFiles(linux, nil, map[string]string{
			"/usr/lib/systemd/systemd": "", "/proc/1/environ": "", "/etc/f": envFile,
			"/etc/systemd/system/a.service":           unit,
			"/etc/systemd/system/a-b@.service":        unit,
			"/etc/systemd/system/a-.service.d/x.conf": dropin,
			"/etc/systemd/system/" + name:             unit,
			"/etc/systemd/system.conf":                unit,
		})
		m, ok := SystemManager(h)
		if !ok {
			t.Fatal("no manager")
		}
		for _, n := range append(m.Units(), name, "a-b@c.service") {
			u, err := m.Unit(n)
			if err != nil {
				continue
			}
			env, _ := m.ServiceEnv(u)
			for _, v := range env.Names() {
				if !validEnvName(v) {
					t.Errorf("systemd would not have %q", v)
				}
			}
		}
		m.UnitsMentioning("GO")
	})
}

func FuzzParseCrontab(f *testing.F) {
	g := newGenerator(14)
	for i := range 30 {
		f.Add([]byte(g.crontab(g.pick("", " alice "), "x")), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, system bool) {
		kind := UserCrontab
		if system {
			kind = SystemCrontab
		}
		jobs, _ := ParseCrontab("/f", data, kind)
		for _, j := range jobs {
			if system == (j.User == "") || j.Schedule == "" {
				t.Errorf("impossible %+v", j)
			}
		}
	})
}

func FuzzSudoers(f *testing.F) {
	f.Add("Defaults env_keep += \"A B\", !env_reset\n@include /etc/sudoers\n@includedir /etc\n", "Defaults \\\n secure_path=/x")
	f.Fuzz(func(t *testing.T, a, b string) {
		h := host.FromFiles(linux, nil, map[string]string{"/etc/sudoers": a, "/etc/sudoers.d/b": b})
		SecurePath(h)
		SessionEnv(h, Sudo, User{Name: "u"}, layer.FromList([]string{"A=1", "PATH=/x"}, layer.OSEnv, "test", false))
	})
}

func FuzzSSHConfig(f *testing.F) {
	f.Add("Include /etc/ssh/*\nInclude sshd_config\nAcceptEnv A* \"B\"\nSetEnv C=1 D=\"2 3\"\n", "PermitUserEnvironment A,B", "A=1\n # c\nB")
	f.Fuzz(func(t *testing.T, a, b, file string) {
		h := host.FromFiles(linux, nil, map[string]string{"/etc/ssh/sshd_config": a, "/etc/ssh/x.conf": b, "/h/.ssh/environment": file})
		SessionEnv(h, SSH, User{Name: "u", Home: "/h"}, layer.FromList([]string{"A=1"}, layer.OSEnv, "test", false))
	})
}

func FuzzRegistry(f *testing.F) {
	f.Add("A=REG_SZ:1\nPATH=REG_EXPAND_SZ:%A%;%PATH%\n", "Path=REG_SZ:%%%A%\nB=REG_OTHER:\n")
	f.Fuzz(func(t *testing.T, machine, user string) {
		h := host.FromFiles(host.Platform{OS: "windows", Arch: "amd64"}, nil, map[string]string{host.RegistryMachine: machine, host.RegistryUser: user})
		WindowsEnv(h)
	})
}

func FuzzPasswd(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/bash\na:b\n#c:x:1:1:::\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, u := range ParsePasswd(data) {
			if u.Name == "" || strings.Contains(u.Name+u.Home+u.Shell, ":") {
				t.Errorf("impossible %+v", u)
			}
		}
	})
}
