//go:build unix

package main

import (
	"io"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/testreq"
)

// gitRepository makes a repository with the versions v1.0.0 and v1.1.0 of a module, and a commit more on the branch main.
func gitRepository(t *testing.T, dir, module string) {
	t.Helper()
	program := testreq.Program(t, "git")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command(program, append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_COMMITTER_DATE=2024-01-02T03:04:05Z", "GIT_AUTHOR_DATE=2024-01-02T03:04:05Z")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	git("init", "-q")
	for _, version := range []string{"v1.0.0", "v1.1.0", ""} {
		for name, content := range map[string]string{"go.mod": "module " + module + "\n\ngo 1.21\n", "x.go": "package x // " + version + "\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		git("add", ".")
		git("commit", "-q", "-m", "x"+version)
		if version != "" {
			git("tag", version)
		}
	}
}

// serveGit serves the repositories below a folder as git's own server does, and returns its address.
func serveGit(t *testing.T, root string) string {
	t.Helper()
	out, err := exec.Command(testreq.Program(t, "git"), "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}})
	t.Cleanup(s.Close)
	return s.URL
}

// TestProtocolPrivate: a private module comes from its repository. Neither the public upstream nor the checksum database
// hears its name, however it is spelled, and no shared cache is told to keep anything about it.
func TestProtocolPrivate(t *testing.T) {
	t.Parallel()
	const module, escaped = "corp.example.com/Team/Secret.git", "/corp.example.com/!team/!secret.git"
	up, m := newUpstream(t), newMachine(t)
	gitRepository(t, filepath.Join(m.home, "repos", "Team", "Secret.git"), module)
	m.write(t, ".gitconfig", "[url \""+serveGit(t, filepath.Join(m.home, "repos"))+"/\"]\n\tinsteadOf = https://corp.example.com/\n")
	// Whoever asks the public upstream for it would get something else.
	up.modules.Add(modtest.Version{Path: module, Version: "v1.0.0", Files: map[string]string{"go.mod": "module " + module + "\n", "evil.go": "package evil\n"}})
	up.modules.Add(modtest.Version{Path: module, Version: "v9.9.9+incompatible", Files: map[string]string{"evil.go": "package evil\n"}})
	b := startBench(t, up, m, "upstream.private = \"corp.example.com/Team\"", "upstream.insecure = \"corp.example.com\"") // the repository is at http://127.0.0.1
	unheard := func(p *probe) {
		for _, request := range up.proxy.Requests() {
			if strings.Contains(strings.ToLower(request), "secret") {
				p.errorf("upstream was asked: %s", request)
			}
		}
	}
	files := []string{"/@v/list", "/@latest", v100 + ".info", v100 + ".mod", v100 + ".zip", "/@v/v1.1.0.info", "/@v/main.info"}
	b.run(t, "files", func(p *probe) {
		p.get(escaped+"/@v/list").lines("v1.0.0", "v1.1.0")
		p.get(escaped + "/@latest").version("v1.1.0")
		p.get(escaped + v100 + ".info").version("v1.0.0")
		p.get(escaped + v100 + ".mod").is([]byte("module " + module + "\n\ngo 1.21\n"))
		p.get(strings.ReplaceAll(escaped, "!", "%21") + v100 + ".zip").ok()
		if v := p.get(escaped + "/@v/main.info").info().Version; !strings.HasPrefix(v, "v1.1.1-0.2024") {
			p.errorf("main is %s", v)
		}
		unheard(p)
	})
	b.run(t, "not-for-shared-caches", func(p *probe) {
		for _, file := range append(files, "/@v/v1.99.0.info", "/@v/v1.99.0.zip", "/@v/nosuchbranch.info", "/x/@v/list") {
			for range 2 {
				g := p.get(escaped + file)
				if cc := g.header.Get("Cache-Control"); strings.Contains(cc, "public") || !strings.Contains(cc, "private") && !strings.Contains(cc, "no-store") {
					g.errorf("status %d with Cache-Control %q", g.code, cc)
				}
			}
		}
		unheard(p)
	})
	b.run(t, "absent", func(p *probe) {
		for _, file := range []string{"/@v/v1.99.0.info", "/@v/v1.99.0.mod", "/@v/v1.99.0.zip", "/@v/nosuchbranch.info", "/@v/v9.9.9+incompatible.info"} {
			p.get(escaped + file).absent()
		}
		if g := p.get("/corp.example.com/!team/!secret2.git/@v/list"); g.good() || g.code == 500 {
			g.errorf("status %d", g.code)
		}
		unheard(p)
	})
	b.run(t, "sumdb", func(p *probe) {
		for _, target := range []string{sums + "/lookup" + escaped + "@v1.0.0", sums + "/lookup" + strings.ReplaceAll(escaped, "!", "%21") + "@v1.0.0"} {
			if g := p.get(target).refused(); g.code == 404 || g.code == 410 {
				g.errorf("status %d: the client would ask the database itself", g.code)
			}
		}
		unheard(p)
	})
	b.run(t, "cached-only", func(p *probe) {
		p.get("/cached-only" + escaped + v100 + ".zip").ok()
		p.get("/cached-only" + escaped + "/@v/v1.99.0.zip").absent()
		unheard(p)
	})
	b.run(t, "go-command", func(p *probe) {
		g := modtest.NewGo(t, "GOPROXY="+p.url, "GOSUMDB="+up.sums.Key(), "GONOSUMDB=corp.example.com/Team")
		if out, err := g.Run(t, "mod", "download", "-json", module+"@v1.1.0"); err != nil {
			p.errorf("%v\n%s", err, out)
		}
		// With a client that does not know what is private, nothing gets out either.
		g = modtest.NewGo(t, "GOPROXY="+p.url, "GOSUMDB="+up.sums.Key())
		if _, err := g.Run(t, "mod", "download", module+"@v1.1.0"); err == nil || !strings.Contains(err.Error(), "GONOSUMDB") {
			p.errorf("%v: it does not say what to do", err)
		}
		unheard(p)
	})
	b.run(t, "neighbours", func(p *probe) { // are public
		p.up.modules.Add(modtest.Version{Path: "corp.example.com/Teams/x", Version: "v1.0.0", Files: map[string]string{"go.mod": "module corp.example.com/Teams/x\n"}})
		p.get("/corp.example.com/!teams/x" + v100 + ".zip").ok()
	})
	b.run(t, "repository-is-gone", func(p *probe) {
		if err := os.Rename(filepath.Join(m.home, "repos", "Team"), filepath.Join(m.home, "repos", "gone")); err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			p.get(escaped + file).ok()
		}
		if g := p.get(escaped + "/@v/v1.1.0.zip"); !g.good() && g.code < 400 {
			g.errorf("status %d", g.code)
		}
		unheard(p)
	})
}
