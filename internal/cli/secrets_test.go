package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/snapshot"
)

// secret is one that a test has planted.
type secret struct{ where, text string }

// forms are the ways to write it that would give it away.
func (s secret) forms() []string {
	out := []string{s.text, url.QueryEscape(s.text), url.PathEscape(s.text), strings.Trim(jsonText(s.text), `"`)}
	if plain, err := url.PathUnescape(s.text); err == nil {
		out = append(out, plain)
	}
	if plain, err := base64.StdEncoding.DecodeString(s.text); err == nil && len(s.text) > 12 {
		_, password, _ := strings.Cut(string(plain), ":")
		out = append(out, password)
	}
	for skip := range 3 { // base64 of it within something longer: what does not depend on its neighbours
		enc := base64.StdEncoding.EncodeToString([]byte(s.text)[skip:])
		out = append(out, enc[:len(enc)/4*4-4])
	}
	return slices.DeleteFunc(out, func(f string) bool { return len(f) < 8 })
}

// hunt returns the secrets that are in text.
func hunt(text string, secrets []secret) (found []string) {
	for _, s := range secrets {
		for _, form := range s.forms() {
			if i := strings.Index(text, form); i >= 0 {
				found = append(found, fmt.Sprintf("%s: …%.80q", s.where, text[max(0, i-40):]))
				break
			}
		}
	}
	return found
}

// garden is a home folder, a workspace and an environment with a different secret in each place.
type garden struct {
	t       *testing.T
	secrets []secret
	files   []string
}

// grow returns text with a new secret for each §.
func (g *garden) grow(where, text string) string {
	for strings.Contains(text, "§") {
		s := fmt.Sprintf("Pl4nted-%03d-s3cret", len(g.secrets))
		g.secrets = append(g.secrets, secret{where, s})
		text = strings.Replace(text, "§", s, 1)
	}
	return text
}

// token plants a secret that its form gives away.
func (g *garden) token(where, text string) string {
	g.secrets = append(g.secrets, secret{where, text})
	return text
}

func (g *garden) file(dir, name, text string) {
	text = g.grow(name, text)
	writeFiles(g.t, dir, map[string]string{name: text})
	g.files = append(g.files, filepath.Join(dir, filepath.FromSlash(name)))
}

func (g *garden) env(name, text string) { g.t.Setenv(name, g.grow("$"+name, text)) }

// plant puts secrets wherever doctor and explain read, or could.
func plant(t *testing.T) (g *garden, home, ws string) {
	home, ws = privateHome(t)
	g = &garden{t: t}
	g.plantEnvironment()
	g.plantShells(home)
	g.plantPrograms(home)
	g.plantProject(ws)
	return g, home, ws
}

func (g *garden) plantEnvironment() {
	g.env("GOPROXY", "https://user:§@proxy.example.com,direct")
	g.env("HTTPS_PROXY", "http://user:§@proxy.example.com:3128")
	g.env("HTTP_PROXY", "user:§@proxy.example.com:3128")
	if runtime.GOOS != "windows" { // where names ignore letter case
		g.env("https_proxy", "http://§@proxy.example.com:3128")
	}
	g.env("ALL_PROXY", "socks5://user:§@proxy.example.com")
	g.env("GOSUMDB", "sum.example.com https://user:§@sum.example.com")
	g.env("GOFLAGS", "-ldflags=-X=main.apiKey=§")
	g.env("GOAUTH", "git /tmp/x --token=§")
	g.env("DEPLOY_TOKEN", "§")
	g.env("AWS_SECRET_ACCESS_KEY", "§/+abc")
	g.env("GIT_CONFIG_VALUE_0", "Authorization: Bearer §")
	g.env("CGO_CFLAGS", "-DKEY=§")
	g.env("PKG_CONFIG", "/usr/bin/pkg-config --password §")
	g.t.Setenv("NOTE", "remember "+g.token("$NOTE", "gh"+"p_0123456789abcdefghijABCDEFGHIJ012345"))
	g.t.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+"/opt/"+g.token("$PATH", "glp"+"at-abcdef12345_xyzabc"))
}

func (g *garden) plantShells(home string) {
	g.file(home, ".bashrc", "export MY_TOKEN=§\nexport AWS_SECRET_ACCESS_KEY='§ x'\nexport GOPROXY=\"https://u:§@bashrc.example.com\"\n. ~/.extra\n")
	g.file(home, ".extra", "export GONOSUMDB=x API_KEY=\"§\"\ncurl -u u:§ -H 'X-Api-Key: §' https://example.com?access_token=§\n"+
		"export AWS_ACCESS_KEY_ID="+g.token(".extra AWS", "AKI"+"AIOSFODNN7EXAMPLE")+"\n"+
		"export JWT_HINT="+g.token(".extra JWT", "ey"+"JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g")+"\n")
	g.file(home, ".profile", "export GOPROXY=https://u:§@profile.example.com,direct\n: <<'EOF'\n-----BEGIN RSA PRIVATE"+" KEY-----\n§\n§\n-----END RSA PRIVATE"+" KEY-----\nEOF\n")
	g.file(home, ".bash_profile", "[ -f ~/.profile ] && . ~/.profile\n[ -f ~/.bashrc ] && . ~/.bashrc\nexport GOFLAGS=-ldflags=-X=main.password=§\n")
	g.file(home, ".zshrc", "export NPM_TOKEN=§\nexport GOPROXY=https://§:x-oauth-basic@zsh.example.com\n")
	g.file(home, ".zshenv", "typeset -x DB_PASSWORD=§\n")
	g.file(home, ".config/fish/config.fish", "set -gx MY_SECRET §\nset -gx GOPROXY https://u:§@fish.example.com\n")
	g.file(home, ".config/fish/fish_variables", "# VERSION: 3.0\nSETUVAR --export MY_API_TOKEN:§\nSETUVAR --export GOPROXY:https\\x3a//u\\x3a§\\x40fish.example.com\n")
	g.file(home, ".config/fish/conf.d/x.fish", "set -gx GITLAB_TOKEN §\n")
	g.file(home, ".cshrc", "setenv MY_TOKEN §\n")
	g.file(home, ".pam_environment", "MY_PASSWORD DEFAULT=§\nGOPROXY=https://u:§@pam.example.com\n")
	g.file(home, ".ssh/environment", "MY_TOKEN=§\n")
	g.file(home, ".ssh/config", "Host x\n  SetEnv MY_TOKEN=§\n")
	g.file(home, ".config/environment.d/10-x.conf", "MY_TOKEN=§\nGOPROXY=https://u:§@environmentd.example.com\n")
}

func (g *garden) plantPrograms(home string) {
	basic := g.token(".gitconfig extraHeader", base64.StdEncoding.EncodeToString([]byte("u:Pl4nted-h3ader-secret")))
	g.file(home, ".gitconfig", "[url \"https://oauth2:§@git.example.com/\"]\n\tinsteadOf = https://git.example.com/\n[http]\n\textraHeader = Authorization: Basic "+basic+
		"\n\tproxy = http://u:§@proxy.example.com\n")
	g.file(home, ".config/git/config", "[http \"https://git.example.com\"]\n\textraHeader = PRIVATE-TOKEN: §\n")
	g.file(home, ".git-credentials", "https://u:§@git.example.com\n")
	g.file(home, ".netrc", "machine git.example.com login § password §\n")
	config := ".config/go/env"
	switch runtime.GOOS {
	case "darwin":
		config = "Library/Application Support/go/env"
	case "windows":
		config = "AppData/Roaming/go/env"
	}
	g.file(home, config, "GOPROXY=https://u:§@goenv.example.com|https://v:p%%40§@goenv2.example.com?token=§\nGOFLAGS=-ldflags=-X=main.token=§\nMY_PASSWORD=§\n")
	g.file(home, ".config/systemd/user/app.service", "[Service]\nEnvironment=MY_TOKEN=§ \"API_KEY=§\" GOPROXY=https://u:§@unit.example.com\nEnvironmentFile=%h/app.env\nExecStart=/bin/app --password=§\n")
	g.file(home, ".config/systemd/user/app.service.d/x.conf", "[Service]\nEnvironment=\"DB_PASSWORD=§\"\n")
	g.file(home, "app.env", "MY_SECRET=§ with blanks\nGOFLAGS=-tags=x\n")
	g.file(home, "crontab", "MY_TOKEN=§\n* * * * * TOKEN=§ go test https://u:§@cron.example.com\n")
	settings := `{"go.toolsEnvVars": {"GOPROXY": "https://u:§@settings.example.com", "MY_TOKEN": "§"}, // token: §
 "http.proxy": "http://u:§@proxy.example.com", "http.proxyAuthorization": "Basic §", "go.alternateTools": {"go": "/opt/x?key=§"},
 "terminal.integrated.env.linux": {"API_KEY": "§"}, "gopls": {"env": {"GITHUB_TOKEN": "§"}}}`
	for _, dir := range []string{".config/Code/User", "Library/Application Support/Code/User", "AppData/Roaming/Code/User", ".vscode-server/data/Machine"} {
		g.file(home, dir+"/settings.json", settings)
	}
	g.file(home, ".docker/config.json", `{"auths": {"registry.example.com": {"auth": "§"}}, "proxies": {"default": {"httpProxy": "http://u:§@proxy.example.com"}}}`)
}

func (g *garden) plantProject(ws string) {
	g.file(ws, "go.mod", "module example.com/app\n\ngo 1.26\n\n// token: §\nreplace example.com/x => ./x // https://u:§@git.example.com\n")
	g.file(ws, ".git/config", "[remote \"origin\"]\n\turl = https://u:§@git.example.com/app\n")
	g.file(ws, ".vscode/settings.json", `{"go.toolsEnvVars": {"GOPROXY": "https://u:§@ws.example.com", "PRIVATE_KEY": "§"}, "go.testEnvFile": "${workspaceFolder}/test.env"}`)
	g.file(ws, ".vscode/launch.json", `{"configurations": [{"name": "Launch", "type": "go", "request": "launch", "program": ".",
 "env": {"DB_PASSWORD": "§", "GOPROXY": "https://u:§@launch.example.com"}, "envFile": "${workspaceFolder}/.env", "args": ["--token", "§", "-password=§"]}]}`)
	g.file(ws, ".vscode/tasks.json", `{"version": "2.0.0", "tasks": [{"label": "t", "type": "shell", "command": "TOKEN=§ go test", "options": {"env": {"SECRET": "§"}}}]}`)
	g.file(ws, ".devcontainer/devcontainer.json", `{"image": "golang", "containerEnv": {"MY_TOKEN": "§"}, "remoteEnv": {"GOPROXY": "https://u:§@container.example.com"},
 "build": {"args": {"NPM_TOKEN": "§"}}}`)
	g.file(ws, ".env", "PASSWORD=my § phrase\nGOPROXY=https://u:§@dotenv.example.com\n")
	g.file(ws, "test.env", "export TEST_SECRET=\"§\"\n")
	g.file(ws, ".envrc", "export VAULT_TOKEN=§\n")
	g.file(ws, "goready.toml", "[env.user]\nGOPROXY = \"https://u:§@toml.example.com\"\nMY_TOKEN = \"§\"\n")
	g.file(ws, "go.env", "SECRET=§\n")
}

// TestSecrets: no secret gets into a snapshot, or out of goready in another way.
func TestSecrets(t *testing.T) {
	g, home, ws := plant(t)
	g.startGopls(home, ws)
	if len(g.secrets) < 30 {
		t.Fatalf("only %d secrets were planted", len(g.secrets))
	}
	h := newStill()

	// A recording of all of it has every secret, so that the hunt must find each, and its snapshot none.
	r := host.Record(h, snapshot.Limits())
	askEverything(t, r, g, home)
	raw, err := json.Marshal(r.Fixture())
	if err != nil {
		t.Fatal(err)
	}
	if found := hunt(string(raw), g.secrets); len(found) != len(g.secrets) {
		t.Errorf("the hunt found %d of %d secrets where all are", len(found), len(g.secrets))
		for _, s := range g.secrets {
			if len(hunt(string(raw), []secret{s})) == 0 {
				t.Logf("not %s: %s", s.where, s.text)
			}
		}
	}
	for _, names := range []bool{false, true} {
		s, removed := snapshot.New(r, "v1", ws, testNow, snapshot.Options{NamesRemoved: names})
		data, err := s.Encode(false)
		if err != nil {
			t.Fatal(err)
		}
		report(t, "the recording of every file", string(data), g.secrets)
		if removed < len(g.secrets) {
			t.Errorf("it is said that %d secrets were removed, there were %d", removed, len(g.secrets))
		}
	}
	g.goready(h, ws)

	// The machine with its secrets and the snapshot without give the same answers.
	replayed(t, h, ws, questions())
}

// goready looks for secrets in what the commands print and write.
func (g *garden) goready(h host.Host, ws string) {
	t := g.t
	file := filepath.Join(t.TempDir(), "snapshot.json")
	for _, args := range [][]string{{}, {"--probe"}, {"--names"}} {
		out, stderr, status := goready(t, h, ws, append([]string{"snapshot", "-o", file}, args...)...)
		if status != 0 {
			t.Fatalf("snapshot %q: status %d, %s", args, status, stderr)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		report(t, fmt.Sprintf("snapshot %q", args), out+stderr+string(data), g.secrets)
	}
	questions := slices.Concat(questions(), [][]string{
		{"doctor", "--format", "sarif"}, {"doctor", "--format", "junit"}, {"doctor", "--format", "github"}, {"doctor", "-q"},
		{"explain", "MY_TOKEN", "DEPLOY_TOKEN", "AWS_SECRET_ACCESS_KEY", "NOTE", "GIT_CONFIG_VALUE_0", "MY_SECRET", "NPM_TOKEN", "DB_PASSWORD", "ALL_PROXY", "JWT_HINT", "-v"},
		{"explain", "MY_TOKEN", "AWS_ACCESS_KEY_ID", "JWT_HINT", "HTTPS_PROXY", "https_proxy", "GITHUB_TOKEN", "API_KEY", "--probe", "--observe", "--format", "json"},
		append([]string{"explain", "-v", "--observe", "--chain"}, goenv.Variables()...),
		{"explain", "GOPROXY", "--url", "https://u:x@example.com", "--module", "git.example.com/a", "--format", "json"},
	})
	for _, q := range questions {
		out, stderr, status := goready(t, h, ws, q...)
		if status == int(Usage) && strings.Contains(stderr, "unknown format") {
			continue // a format that doctor does not have
		}
		if out == "" && q[0] == "explain" {
			t.Errorf("%q: no answer: %s", q, stderr)
		}
		report(t, fmt.Sprintf("%.80q", q), out+stderr, g.secrets)
	}
}

func report(t *testing.T, what, text string, secrets []secret) {
	t.Helper()
	for _, found := range hunt(text, secrets) {
		t.Errorf("%s has a secret: %s", what, found)
	}
}

// askEverything reads every file with a secret, every process, and the environment of those of the user.
func askEverything(t *testing.T, h host.Host, g *garden, home string) {
	t.Helper()
	for _, name := range g.files {
		if _, err := h.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	procs, err := h.Processes()
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	for _, p := range procs {
		if strings.HasPrefix(p.Exe, home) && p.Environ != nil {
			_, err := p.Environ()
			asked = asked || err == nil
		}
	}
	if !asked && runtime.GOOS == "linux" {
		t.Fatal("the gopls that was started is not there")
	}
}

// startGopls starts a program that is called gopls, with secrets in its arguments and environment.
func (g *garden) startGopls(home, ws string) {
	t := g.t
	if runtime.GOOS != "linux" {
		return // elsewhere environments of processes are not read
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(home, "go", "bin", "gopls")
	writeFiles(t, home, map[string]string{"go/bin/gopls": string(self)})
	if err := os.Chmod(name, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, "-test.run=^TestWaitAsGopls$", "--", "serve", g.grow("arguments of gopls", "--token=§"), "--password", g.grow("arguments of gopls", "§"))
	cmd.Dir = ws
	cmd.Env = []string{"GOREADY_TEST_WAIT=1", "HOME=" + home, g.grow("environment of gopls", "GITHUB_TOKEN=§"), g.grow("environment of gopls", "GOPROXY=https://u:§@gopls.example.com")}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
}

// TestWaitAsGopls is the program that startGopls starts; otherwise it does nothing.
func TestWaitAsGopls(t *testing.T) {
	if os.Getenv("GOREADY_TEST_WAIT") != "" {
		io.Copy(io.Discard, os.Stdin)
	}
}

// TestUnprintable: what a hostile snapshot has in its names and values cannot control the terminal.
func TestUnprintable(t *testing.T) {
	f := host.FromFiles(host.Platform{OS: "linux", Arch: "amd64"}, []string{"HOME=/h", "GOPROXY=a\x1b]0;title\x07b\x9bc"}, map[string]string{
		"/h/.config/go/env": "GOFLAGS=-x\x1b[2J\n", "/h/\x1b[31mred\x1b[2Jgo/bin/go": "#!"})
	s := &snapshot.Snapshot{Schema: snapshot.Schema, Version: "v\x1b[2J1", Taken: testNow, Workspace: "/h", Host: f}
	data, err := s.Encode(false)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, stderr, status := goready(t, nil, "/", "explain", "GOPROXY", "GOFLAGS", "-v", "--from", file, "--lang", "en")
	if status != 0 {
		t.Errorf("status %d, %s", status, stderr)
	}
	if bad := strings.IndexFunc(out+stderr, func(r rune) bool { return control(r) }); bad >= 0 {
		t.Errorf("a control character gets out: %q", (out + stderr)[max(0, bad-20):])
	}
	if !strings.Contains(out, "GOPROXY") {
		t.Errorf("no answer: %s", out)
	}
}
