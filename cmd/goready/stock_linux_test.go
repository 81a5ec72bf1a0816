package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/goready/goready/internal/testreq"
)

// stock is a way in which people set up Go that is not broken.
type stock struct {
	name  string
	apply func(m *machine)
	// want are the checks that find something all the same, because it is so.
	want []string
}

func stocks() []stock {
	return []stock{
		{name: "tarball", apply: func(*machine) {}},
		{name: "tarball_with_editor", apply: func(m *machine) {
			m.settings(`"go.useLanguageServer": true, "editor.formatOnSave": true`)
			m.homeFile(".vscode/extensions/golang.go-0.52.2/package.json", `{"name": "go", "publisher": "golang", "version": "0.52.2"}`)
			m.homeFile("go/bin/gopls", "#!/bin/sh\n")
		}},
		{name: "tarball_in_profile_d", apply: func(m *machine) {
			m.write("/etc/profile.d/go.sh", "export PATH=$PATH:/usr/local/go/bin\n")
			m.homeFile(".profile", ". ~/.bashrc\n")
			m.set("PATH", system+":"+sdkBin)
		}},
		{name: "path_in_bashrc", apply: func(m *machine) {
			m.homeFile(".profile", "[ -f ~/.bashrc ] && . ~/.bashrc\n")
			m.append(m.home+"/.bashrc", profilePath)
		}},
		{name: "company_proxy", apply: func(m *machine) {
			m.goEnv("GOPROXY=https://goproxy.example.com,direct\nGOPRIVATE=git.example.com/*\nGONOSUMDB=git.example.com/*\nGOTOOLCHAIN=auto")
			m.bothWays("HTTPS_PROXY", "http://proxy.example.com:3128")
			m.bothWays("NO_PROXY", "localhost,127.0.0.1,.example.com")
		}},
		{name: "two_sdks_with_a_switch", apply: func(m *machine) {
			m.sdk(m.home+"/sdk/go1.26.8", "go1.26.8")
			m.sdk(m.home+"/sdk/go1.25.3", "go1.25.3")
			must(m.t, os.Symlink("go1.26.8", m.path(m.home+"/sdk/current")))
			m.setPath(m.home + "/sdk/current/bin:" + toolBin + ":" + system)
			m.homeFile("go/bin/go1.25.3", "#!/bin/sh\n")
		}},
		{name: "zsh", apply: func(m *machine) {
			m.shell("/bin/zsh")
			m.homeFile(".zshrc", "autoload -Uz compinit && compinit -u\nsetopt histignorealldups sharehistory\nbindkey -e\nHISTSIZE=1000\n"+profilePath)
			must(m.t, m.command("/bin/zsh", "-ic", "exit").Run()) // compinit's first start is slow
		}},
		{name: "fish", apply: func(m *machine) {
			m.shell("/usr/bin/fish")
			m.homeFile(".config/fish/config.fish", "if status is-interactive\n    set -g fish_greeting\nend\nfish_add_path /usr/local/go/bin ~/go/bin\n")
		}},
		{name: "service_account", apply: func(m *machine) {
			m.write("/etc/passwd", strings.ReplaceAll(m.read("/etc/passwd"), passwd, "dev:x:5000:5000::/nonexistent:/usr/sbin/nologin"))
			for _, dir := range []string{"/var/cache/build", "/var/lib/build"} {
				must(m.t, os.MkdirAll(m.path(dir), 0o755))
				must(m.t, os.Chown(m.path(dir), devUID, devUID))
			}
			m.env = []string{"PATH=/usr/local/sbin:" + system + ":" + sdkBin, "GOCACHE=/var/cache/build/go-build", "GOPATH=/var/lib/build/go", "LANG=C.UTF-8"}
		}},
		{name: "golang_container", apply: func(m *machine) {
			m.write("/.dockerenv", "")
			m.write("/go/src/app/go.mod", "module example.com/app\n\ngo 1.26.0\n")
			m.uid, m.dir = 0, "/go/src/app"
			m.env = []string{"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GOLANG_VERSION=1.26.8",
				"GOTOOLCHAIN=local", "GOPATH=/go", "HOME=/root", "HOSTNAME=0123456789ab"}
		}},
		{name: "go_run", apply: func(m *machine) { m.set("PATH", sdkBin+":"+m.get("PATH")) }},
		{name: "go_run_switched", apply: func(m *machine) {
			root := m.home + "/go/pkg/mod/golang.org/toolchain@v0.0.1-go1.27.4.linux-amd64"
			m.sdk(root, "go1.27.4")
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.27.4\n")
			m.set("PATH", root+"/bin:"+m.get("PATH"))
		}},
		{name: "continuous_integration", apply: func(m *machine) {
			m.sdk("/opt/hostedtoolcache/go/1.26.8/x64", "go1.26.8")
			m.homeFile(".profile", ". ~/.bashrc\n")
			m.set("PATH", "/opt/hostedtoolcache/go/1.26.8/x64/bin:"+toolBin+":"+system)
			m.set("CI", "true")
			m.set("GOROOT_1_26_X64", "/opt/hostedtoolcache/go/1.26.8/x64")
			m.set("GOPROXY", "https://proxy.example.com,direct")
			m.set("GOFLAGS", "-buildvcs=false")
		}},
		{name: "debian_package", want: []string{"go.version-min"}, apply: func(m *machine) {
			m.install("golang-go")
			mount(m.t, m.path("/usr/local/go"), "-t", "tmpfs", "tmpfs") // an empty folder
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.19\n")
			m.homeFile(".profile", ". ~/.bashrc\n")
			m.set("PATH", system)
		}},
	}
}

// shell makes a program dev's shell.
func (m *machine) shell(program string) {
	testreq.Program(m.t, program)
	m.write("/etc/passwd", strings.ReplaceAll(m.read("/etc/passwd"), passwd, strings.TrimSuffix(passwd, "/bin/bash")+program))
	m.set("SHELL", program)
}

func (m *machine) read(name string) string {
	m.t.Helper()
	data, err := os.ReadFile(m.path(name))
	must(m.t, err)
	return string(data)
}

// install installs a package of Debian in the machine.
func (m *machine) install(name string) {
	m.t.Helper()
	testreq.Program(m.t, "apt-get")
	cmd := exec.Command("chroot", m.root, "apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-q", "-y", "--no-install-recommends", name)
	cmd.Env = []string{"DEBIAN_FRONTEND=noninteractive", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		testreq.Missing(m.t, "the package "+name+": "+err.Error()+"\n"+string(out))
	}
}

// TestStock: on set-ups as they are usual there is nothing to warn of.
func TestStock(t *testing.T) {
	m := newMachine(t)
	for _, s := range stocks() {
		t.Run(s.name, func(t *testing.T) {
			m.finds(t, s.want, s.apply)
		})
	}
}
