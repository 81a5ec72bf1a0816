package facts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/host"
)

func TestParseGitConfig(t *testing.T) {
	const text = `# comment
[core]
	bare = false ; a comment
[remote "origin"]
	url = git@git.example.net:team/app.git
[Remote "a]\"b"] url = "https://h.example.com/x#y"
[url "ssh://git@h.example.com/"]
	insteadOf = https://h.example.com/
[section.sub]
	key
`
	want := []gitEntry{
		{"core", "", "bare", "false", 3},
		{"remote", "origin", "url", "git@git.example.net:team/app.git", 5},
		{"remote", `a]"b`, "url", "https://h.example.com/x#y", 6},
		{"url", "ssh://git@h.example.com/", "insteadof", "https://h.example.com/", 8},
		{"section", "sub", "key", "", 10},
	}
	if diff := cmp.Diff(want, parseGitConfig(text), cmp.AllowUnexported(gitEntry{})); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseGitConfig(f *testing.F) {
	f.Add("[url \"a\\\"b\"]\nx = \"y\n[\n[\"")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range parseGitConfig(text) {
			if e.line < 1 || e.line > strings.Count(text, "\n")+1 {
				t.Errorf("line %d of %q", e.line, text)
			}
		}
	})
}

func TestGoVerb(t *testing.T) {
	for line, want := range map[string]string{
		"/usr/local/go/bin/go build ./...":         "build",
		"-/usr/local/go/bin/go test ./...":         "test",
		`/bin/sh -c "cd /srv && go run ."`:         "run",
		"/usr/bin/env GOFLAGS=-v go install ./...": "install",
		"/usr/bin/nice -n 5 /usr/bin/go vet":       "vet",
		"cd /srv/app && go mod tidy":               "mod",
		"GOFLAGS=-v go build":                      "build",
		"/usr/local/go/bin/go version":             "",
		"/usr/local/go/bin/go":                     "",
		"/srv/bin/tool go build":                   "",
		"/usr/bin/echo go build":                   "",
		"/bin/sh -c /srv/go/build.sh":              "",
		"/usr/bin/lego run":                        "",
		"":                                         "",
	} {
		if got := goVerb(unitWords(line)); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestIgnored(t *testing.T) {
	patterns := []string{"*.log", "/.env", ".vscode/", "!.vscode/settings.json", "build/out"}
	for rel, want := range map[string]bool{".env": true, ".envrc": false, ".vscode/launch.json": true, ".vscode/settings.json": false, "a/x.log": true, "build/out": true, "build": false} {
		if got := ignored(patterns, rel); got != want {
			t.Errorf("%s: %v", rel, got)
		}
	}
}

func TestURLCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"https://bob:hunter22@proxy.example.com:8080/x,direct":            "proxy.example.com:8080",
		`"GOPROXY": "https://xxxxx@proxy.example.com"`:                    "proxy.example.com",
		"https://proxy.example.com/@v/list":                               "",
		"https://git@h.example.com/x ssh://a:b@h.example.com":             "",
		"https://bob:$TOKEN@h.example.com":                                "",
		"https://${env:USER}:${env:TOKEN}@h.example.com":                  "",
		"https://bob:@h.example.com":                                      "",
		"http://a:b@localhost:80 http://a:b@127.0.0.1 http://a:b@[::1]:1": "",
		"postgres://a:b@h.example.com/db":                                 "",
		"socks5://a:b@h.example.com":                                      "h.example.com",
		"https://@h.example.com ://@":                                     "",
	} {
		if got := strings.Join(URLCredentials(text), " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestProject gathers what a workspace with a worktree of git, a go.work and a broken member requires.
func TestProject(t *testing.T) {
	h := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, []string{"HOME=/home/u", "USER=u", "SHELL=/bin/sh", "PATH=/usr/local/go/bin:/bin"}, map[string]string{
		"/usr/local/go/bin/go":                       "#! an ELF file\n",
		"/usr/local/go/pkg/tool/linux_amd64/compile": "#! an ELF file\n",
		"/usr/local/go/VERSION":                      "go1.26.8\n",
		"/home/u/w/app/.git":                         "gitdir: /home/u/main/.git/worktrees/app\n",
		"/home/u/main/.git/worktrees/app/commondir":  "../..\n",
		"/home/u/main/.git/config":                   "[remote \"origin\"]\n\turl = ssh://git@git.example.net/app\n",
		"/home/u/w/app/go.work":                      "go 1.26\n\nuse (\n\t./a\n\t./b\n\t./gone\n)\n\nreplace x.example.com/moved => y.example.com/here v1.0.0\n",
		"/home/u/w/app/a/go.mod":                     "module example.com/a\n\ngo 1.26\n\nrequire (\n\texample.com/b v0.0.0\n\tx.example.com/moved v1.0.0\n\tx.example.com/local v1.0.0\n)\n\nreplace x.example.com/local => ../local\n",
		"/home/u/w/app/b/go.mod":                     "module example.com/b\n\ngo 1.26\n\nrequire z.example.com/c v1.0.0\n\nnonsense here\n",
	})
	f, err := Gather(t.Context(), h, Options{Workspace: "/home/u/w/app", Sections: []Section{SectionProject}})
	if err != nil {
		t.Fatal(err)
	}
	want := []ProjectModule{
		{"/home/u/w/app/a/go.mod", "example.com/a", []Requirement{{"y.example.com/here", "/home/u/w/app/a/go.mod", 7}}, nil},
		{"/home/u/w/app/b/go.mod", "example.com/b", []Requirement{{"z.example.com/c", "/home/u/w/app/b/go.mod", 5}}, nil},
	}
	if diff := cmp.Diff(want, f.Project.Modules); diff != "" {
		t.Error(diff)
	}
	remotes := []GitRemote{{"origin", "ssh://git@git.example.net/app", "/home/u/main/.git/config:2"}}
	if diff := cmp.Diff(remotes, f.Project.Remotes); diff != "" {
		t.Error(diff)
	}
}

// TestCredentialLines: a file full of credentials is named by its first lines, and not compared with itself for ever.
func TestCredentialLines(t *testing.T) {
	line := "HTTP_PROXY=http://u:" + strings.Repeat("p", 8) + "@proxy.example.com\n"
	got := credentialLines("# x\n" + strings.Repeat(line, 10_000))
	if len(got) != maxCredentials || got[0] != (CredentialLine{2, "proxy.example.com", "HTTP_PROXY"}) {
		t.Errorf("%d lines, the first %+v", len(got), got[0])
	}
}
