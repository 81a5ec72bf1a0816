package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/check"
)

// fault breaks a healthy machine in a way that one check has to find.
type fault struct {
	name string
	id   string
	// slots are the things it breaks. Two faults that share one cannot be there at the same time.
	slots string
	apply func(m *machine)
}

// oldSDK is where faults put a second Go SDK.
const oldSDK = "/home/dev/old"

// setPath replaces PATH in the environment and what ~/.profile does to it.
func (m *machine) setPath(path string) {
	m.homeFile(".profile", strings.ReplaceAll(m.read(m.home+"/.profile"), profilePath, "export PATH="+path+"\n"))
	m.set("PATH", path)
}

const system, sdkBin, toolBin = "/usr/local/bin:/usr/bin:/bin", "/usr/local/go/bin", "/home/dev/go/bin"

// atTop puts lines at the top of ~/.bashrc, above the guard for shells that are not interactive.
func (m *machine) atTop(lines string) {
	m.homeFile(".bashrc", lines+m.read(m.home+"/.bashrc"))
}

// faults returns at least one fault for every check that can be tried on Linux without a recording.
func faults() []fault {
	return []fault{
		{"no_go_on_path", "go.binary-found", "path sdk", func(m *machine) { m.setPath(system + ":" + toolBin) }},
		{"two_sdks_on_path", "go.duplicates", "path sdk", func(m *machine) {
			m.sdk(oldSDK, "go1.25.3")
			m.setPath(strings.Join([]string{system, sdkBin, oldSDK + "/bin", toolBin}, ":"))
		}},
		{"editor_has_another_go", "go.consumer-mismatch", "sdk settings", func(m *machine) {
			m.sdk(oldSDK, "go1.25.3")
			m.settings(`"go.alternateTools": {"go": "` + oldSDK + `/bin/go"}`)
		}},
		{"script_instead_of_go", "go.shim", "path sdk gomod", func(m *machine) {
			m.homeFile(".asdf/shims/go", "#!/usr/bin/env bash\nexec asdf exec go \"$@\"\n")
			m.setPath(strings.Join([]string{m.home + "/.asdf/shims", system, toolBin}, ":"))
		}},
		{"goroot_does_not_exist", "go.goroot-env", "goroot", func(m *machine) { m.bothWays("GOROOT", "/usr/local/go1.22") }},
		{"goroot_is_the_program", "go.goroot-env", "goroot", func(m *machine) { m.bothWays("GOROOT", "/usr/local/go/bin/go") }},
		{"unpacked_over_another", "go.goroot-mixed", "path sdk", func(m *machine) {
			m.sdk(oldSDK, "go1.26.8")
			m.write(oldSDK+"/pkg/tool/linux_"+runtime.GOARCH+"/compile", "#!/bin/sh\necho compile version go1.26.1\n")
			m.setPath(strings.Join([]string{system, oldSDK + "/bin", toolBin}, ":"))
		}},
		{"go_1_19", "go.version-min", "path sdk gomod", func(m *machine) {
			m.sdk(oldSDK, "go1.19.8")
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.19\n")
			m.setPath(strings.Join([]string{system, oldSDK + "/bin", toolBin}, ":"))
		}},
		{"toolchain_local", "go.toolchain-mode", "GOTOOLCHAIN", func(m *machine) { m.goEnv("GOTOOLCHAIN=local") }},
		{"toolchain_needed", "go.toolchain-needed", "GOTOOLCHAIN gomod GOPROXY", func(m *machine) {
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.99.1\n")
			m.goEnv("GOPROXY=off")
		}},
		{"two_part_go_line", "go.toolchain-two-part", "GOTOOLCHAIN gomod", func(m *machine) {
			m.goEnv("GOTOOLCHAIN=auto")
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.99\n")
		}},
		{"go_of_another_machine", "go.arch", "path sdk", func(m *machine) {
			m.sdk(oldSDK, "go1.26.8")
			machine := byte(183) // AArch64
			if runtime.GOARCH == "arm64" {
				machine = 62 // x86-64
			}
			header := "\x7fELF\x02\x01\x01\x00" + strings.Repeat("\x00", 8) + "\x02\x00" + string([]byte{machine, 0}) + "\x01\x00\x00\x00" + strings.Repeat("\x00", 40)
			m.write(oldSDK+"/bin/go", header)
			must(m.t, os.Chmod(m.path(oldSDK+"/bin/go"), 0o755))
			m.setPath(strings.Join([]string{system, oldSDK + "/bin", toolBin}, ":"))
		}},
		{"two_version_managers", "go.manager-conflict", "path sdk", func(m *machine) {
			m.homeFile(".gvm/scripts/gvm", "export GVM_ROOT=$HOME/.gvm\n")
			m.homeFile(".gvm/gos/go1.25.3/VERSION", "go1.25.3\n")
			m.homeFile(".goenv/shims/go", "#!/bin/sh\nexit 0\n")
			m.homeFile(".goenv/versions/1.26.8/VERSION", "go1.26.8\n")
			m.append(m.home+"/.bashrc", "[ -s ~/.gvm/scripts/gvm ] && . ~/.gvm/scripts/gvm\nexport GOENV_ROOT=$HOME/.goenv\nPATH=$PATH:$GOENV_ROOT/shims\n")
		}},

		{"malformed_go_env_file", "env.goenv-file", "goenv-syntax", func(m *machine) { m.goEnv("export GONOPROXY=git.example.com/*") }},
		{"unknown_key_in_go_env_file", "env.goenv-file", "goenv-syntax", func(m *machine) { m.goEnv("GOPROXYS=https://proxy.example.com") }},
		{"persisted_goarch", "env.persisted-target", "target", func(m *machine) { m.goEnv("GOARCH=386") }},
		{"persisted_goos", "env.persisted-target", "target", func(m *machine) { m.goEnv("GOOS=windows") }},
		{"unknown_flag", "env.goflags", "GOFLAGS", func(m *machine) { m.goEnv("GOFLAGS=-modd=mod") }},
		{"vendor_everywhere", "env.goflags", "GOFLAGS", func(m *machine) { m.bothWays("GOFLAGS", "-mod=vendor") }},
		{"modules_off", "env.go111module", "GO111MODULE gomod", func(m *machine) { m.goEnv("GO111MODULE=off") }},
		{"shadowed", "env.shadowed", "GOPRIVATE", func(m *machine) {
			m.goEnv("GOPRIVATE=git.example.com/*")
			m.bothWays("GOPRIVATE", "other.example.com")
		}},
		{"editor_sees_another_proxy", "env.consumer-divergence", "GOPROXY settings", func(m *machine) {
			m.goEnv("GOPROXY=https://proxy.example.com,direct")
			m.settings(`"go.toolsEnvVars": {"GOPROXY": "https://other.example.com,direct"}`)
		}},
		{"gopls_from_before", "env.frozen", "GONOSUMDB settings processes", func(m *machine) {
			m.settings(`"go.useLanguageServer": true`)
			data, err := os.ReadFile("/bin/sleep")
			must(m.t, err)
			m.homeFile("go/bin/gopls", string(data))
			must(m.t, os.Chmod(m.path(m.home+"/go/bin/gopls"), 0o755))
			gopls := m.command(m.home+"/go/bin/gopls", "600")
			gopls.Env = append(slices.Clone(m.env), "GONOSUMDB=old.example.com", "VSCODE_PID=1")
			must(m.t, gopls.Start())
			m.t.Cleanup(func() { _ = gopls.Process.Kill(); _ = gopls.Wait() })
			m.goEnv("GONOSUMDB=new.example.com")
		}},
		{"gobin_relative", "env.gobin", "GOBIN", func(m *machine) { m.goEnv("GOBIN=bin") }},
		{"gobin_list", "env.gobin", "GOBIN", func(m *machine) { m.bothWays("GOBIN", "/home/dev/bin:/home/dev/go/bin") }},
		{"tools_not_on_path", "env.bin-on-path", "path GOPATH GOBIN", func(m *machine) {
			m.homeFile("go/bin/staticcheck", "#!/bin/sh\n")
			m.setPath(system + ":" + sdkBin)
		}},
		{"gopath_is_goroot", "env.gopath", "GOPATH", func(m *machine) { m.bothWays("GOPATH", "/usr/local/go") }},
		{"gopath_tilde", "env.gopath", "GOPATH", func(m *machine) { m.goEnv("GOPATH=~/go") }},
		{"service_without_home", "env.home-missing", "unit", func(m *machine) {
			m.write("/etc/systemd/system/build.service", "[Unit]\nDescription=nightly build\n\n[Service]\nExecStart=/usr/local/go/bin/go build ./...\nWorkingDirectory=/srv\n")
		}},
		{"ampersand_in_module_cache", "env.special-chars", "GOMODCACHE target", func(m *machine) {
			m.atTop("export GOMODCACHE='/home/dev/R&D/mod'\n")
			m.set("GOMODCACHE", "/home/dev/R&D/mod")
		}},
		{"gocache_off", "env.cache-paths", "GOCACHE", func(m *machine) { m.bothWays("GOCACHE", "off") }},
		{"proxies_differ", "env.proxyvars", "httpproxy", func(m *machine) {
			m.bothWays("HTTPS_PROXY", "http://a.example.com:3128")
			m.bothWays("https_proxy", "http://b.example.com:3128")
		}},
		{"entry_after_direct", "env.goproxy-syntax", "GOPROXY", func(m *machine) { m.goEnv("GOPROXY=direct,https://proxy.example.com") }},
		{"unexpanded_variable", "env.goproxy-syntax", "GOPROXY", func(m *machine) { m.goEnv("GOPROXY=${env:PROXY},direct") }},
		{"sumdb_on", "env.gosumdb-syntax", "GOSUMDB", func(m *machine) { m.goEnv("GOSUMDB=on") }},
		{"private_requirement", "env.private-leak", "gomod GOPRIVATE", func(m *machine) {
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.26.0\n\nrequire git.corp.internal/team/lib v1.2.3\n")
		}},
		{"password_in_go_env_file", "env.secrets", "GOPROXY", func(m *machine) {
			m.goEnv("GOPROXY=https://dev:" + "hunter2x9@proxy.example.com,direct")
		}},

		{"two_lines_disagree", "shell.duplicate-exports", "GONOSUMDB", func(m *machine) {
			m.append(m.home+"/.profile", "export GONOSUMDB=a.example.com\nexport GONOSUMDB=b.example.com\n")
		}},
		{"below_the_guard", "shell.interactive-guard", "GONOPROXY", func(m *machine) {
			m.append(m.home+"/.bashrc", "export GONOPROXY=git.example.com\n")
		}},
		{"terminal_only", "shell.mode-divergence", "GOVCS profile", func(m *machine) {
			m.homeFile(".bash_profile", strings.ReplaceAll(m.read(m.home+"/.profile"), `. "$HOME/.bashrc"`, ":"))
			m.atTop("export GOVCS=private:all,public:git\n")
		}},
		{"slow_start", "shell.resolve-slow", "shell-time", func(m *machine) { m.append(m.home+"/.profile", "sleep 3.2\n") }},
		{"noisy_start", "shell.output-noise", "shell-noise", func(m *machine) { m.atTop("echo welcome back\n") }},
	}
}

// bothWays sets a variable in ~/.profile and ~/.bashrc, above the guard, and in the environment that goready is started in: as
// if dev had logged in.
func (m *machine) bothWays(name, value string) {
	m.atTop("export " + name + "=" + value + "\n")
	m.set(name, value)
}

// settings adds a member to the user's settings of VS Code.
func (m *machine) settings(member string) {
	m.homeFile(".config/Code/User/settings.json", "{\n\t"+member+"\n}\n")
}

// infoFaults are faults of checks that never warn.
func infoFaults() []fault {
	return []fault{
		{"old_go", "go.version-age", "", func(m *machine) {
			m.sdk(oldSDK, "go1.23.1")
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.23.0\n")
			m.setPath(strings.Join([]string{system, oldSDK + "/bin", toolBin}, ":"))
		}},
		{"toolchain_to_fetch", "go.toolchain-offline", "", func(m *machine) {
			m.goEnv("GOTOOLCHAIN=auto")
			m.homeFile("app/go.mod", "module example.com/app\n\ngo 1.99.1\n")
		}},
		{"relative_entry", "env.path-entries", "", func(m *machine) { m.setPath("tools/bin:" + system + ":" + sdkBin + ":" + toolBin) }},
		{"unknown_debug_key", "env.godebug-unknown", "", func(m *machine) { m.bothWays("GODEBUG", "proxylookup=1") }},
		{"export", "shell.exports", "", func(m *machine) { m.atTop("export GONOPROXY=git.example.com\n") }},
		{"envrc", "shell.direnv", "", func(m *machine) {
			m.append(m.home+"/.bashrc", "eval \"$(direnv hook bash)\"\n")
			m.homeFile("app/.envrc", "export GOFLAGS=-mod=mod\n")
		}},
	}
}

// TestEveryCheckHasAFault: no check of Linux is left untried.
func TestEveryCheckHasAFault(t *testing.T) {
	tried := map[string]bool{}
	for _, f := range slices.Concat(faults(), infoFaults()) {
		tried[f.id] = true
	}
	for _, c := range check.All() {
		if linux := len(c.Platforms) == 0 || slices.Contains(c.Platforms, "linux"); linux && !tried[c.ID] {
			t.Errorf("no fault makes %s speak", c.ID)
		}
	}
}

// TestFaults: each fault makes its own check speak, and no other one.
func TestFaults(t *testing.T) {
	m := newMachine(t)
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			m.finds(t, []string{f.id}, f.apply)
		})
	}
	for _, f := range infoFaults() {
		t.Run(f.name, func(t *testing.T) {
			r := m.try(t, f.apply)
			if ids := bad(r); len(ids) > 0 {
				t.Errorf("found %v\n%s", ids, describe(r))
			}
			for _, res := range r.Results {
				if res.ID == f.id && res.State == "info" {
					return
				}
			}
			t.Errorf("%s says nothing\n%s", f.id, describe(r))
		})
	}
	t.Run("healthy", func(t *testing.T) {
		m.finds(t, nil)
	})
}

// TestThreeFaults: where three things are broken at once all three are named, and nothing that only follows from them.
func TestThreeFaults(t *testing.T) {
	m := newMachine(t)
	n := 100
	if testing.Short() {
		n = 10
	}
	all := slices.DeleteFunc(faults(), func(f fault) bool { return f.name == "slow_start" }) // it costs three seconds
	seen := map[[32]byte]bool{}
	for i := 0; len(seen) < n; i++ {
		random := rand.New(rand.NewPCG(2026, uint64(i)))
		three := pick(random, all)
		key := sha256.Sum256([]byte(three[0].name + three[1].name + three[2].name))
		if seen[key] {
			continue
		}
		seen[key] = true
		t.Run(fmt.Sprintf("%s_%s_%s", three[0].name, three[1].name, three[2].name), func(t *testing.T) {
			m.finds(t, []string{three[0].id, three[1].id, three[2].id}, three[0].apply, three[1].apply, three[2].apply)
		})
	}
}

// pick returns three faults that can be there at the same time, in the order of the table.
func pick(random *rand.Rand, all []fault) []fault {
	for {
		order := random.Perm(len(all))[:3]
		slices.Sort(order)
		var slots []string
		for _, i := range order {
			slots = append(slots, strings.Fields(all[i].slots)...)
		}
		slices.Sort(slots)
		if len(slices.Compact(slices.Clone(slots))) == len(slots) {
			return []fault{all[order[0]], all[order[1]], all[order[2]]}
		}
	}
}
