//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goready/goready/internal/testreq"
)

// stage is one configuration laid out in a private HOME, with code-server running in it.
type stage struct {
	config
	home string
	open string   // the folder or workspace file, absolute
	env  []string // of the server

	ed     install
	goTool *goTool
}

// probeOut is where the probe leaves what it saw, below HOME. The tasks of the configurations name it, too.
const probeOut = ".probe"

// inspected are the settings the probe reports scope by scope.
var inspected = []string{"go.toolsEnvVars", "go.gopath", "go.goroot", "gopls", "http.proxy", "http.noProxy",
	"terminal.integrated.env.linux", "terminal.integrated.inheritEnv", "application.shellEnvironmentResolutionTimeout"}

// perform lays a configuration out, runs code-server in it with one window, and returns what the probe reported. The
// server keeps running until the test ends.
func perform(t *testing.T, ed install, g *goTool, b *browser, c config) (*stage, *report) {
	t.Helper()
	dir := privateDir(t)
	s := &stage{config: c, home: filepath.Join(dir, "home"), open: filepath.Join(dir, "home", c.open), ed: ed, goTool: g}
	tmp := filepath.Join(dir, "tmp")
	for _, d := range []string{filepath.Join(s.home, probeOut), tmp} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell := c.shell
	if !filepath.IsAbs(shell) {
		shell = testreq.Program(t, shell)
	}
	s.env = c.serverEnv(s.home, tmp, shell, filepath.Dir(ed.node)+":/usr/bin:/bin")
	s.lay(t, s.home)
	s.addProbe(t)
	base, out := s.serve(t, ed)
	query := "folder"
	if strings.HasSuffix(s.open, ".code-workspace") {
		query = "workspace"
	}
	b.open(t, base+"/?"+query+"="+url.QueryEscape(s.open))
	r := s.await(t)
	if r == nil {
		t.Fatalf("the probe reported nothing\n%s\n%s", tail(out()), s.logs())
	}
	return s, r
}

// lay writes the files of the configuration below home.
func (c *config) lay(t *testing.T, home string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(home, c.openFolder()), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.files {
		name := filepath.Join(home, f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(f.data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *config) openFolder() string {
	if strings.HasSuffix(c.open, ".code-workspace") {
		return filepath.Dir(c.open)
	}
	return c.open
}

// addProbe puts the probe extension where code-server looks for extensions of this user.
func (s *stage) addProbe(t *testing.T) {
	t.Helper()
	dir := filepath.Join(s.home, ".local/share/code-server/extensions/goready.probe-0.1.0")
	if err := os.CopyFS(dir, os.DirFS("probe-extension")); err != nil {
		t.Fatal(err)
	}
	order, err := json.Marshal(map[string]any{"out": filepath.Join(s.home, probeOut), "keys": inspected, "limit": 20_000})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "order.json"), order, 0o644); err != nil {
		t.Fatal(err)
	}
}

// serve starts code-server and waits until it answers.
func (s *stage) serve(t *testing.T, ed install) (base string, out func() []byte) {
	t.Helper()
	addr := freeAddr(t)
	cmd := exec.CommandContext(t.Context(), ed.node, ed.entry, "--auth", "none", "--bind-addr", addr, "--disable-telemetry",
		"--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override")
	cmd.Env, cmd.Dir = s.env, s.home
	buf := start(t, s.home, cmd)
	base = "http://" + addr
	ok := within(60*time.Second, func() bool {
		req, err := http.NewRequest(http.MethodGet, base+"/healthz", nil)
		if err != nil {
			return false
		}
		_, err = get(req)
		return err == nil
	})
	if !ok {
		t.Fatalf("code-server does not answer\n%s", tail(buf.Bytes()))
	}
	return base, buf.Bytes
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(req *http.Request) ([]byte, error) {
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", req.URL, res.Status)
	}
	return body, err
}

// await waits for the probe's report; nil if there is none.
func (s *stage) await(t *testing.T) *report {
	t.Helper()
	name := filepath.Join(s.home, probeOut, "report.json")
	if !within(90*time.Second, func() bool { _, err := os.Stat(name); return err == nil }) {
		return nil
	}
	r, err := readReport(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// logs returns what the server and the extension host wrote, for a test that failed.
func (s *stage) logs() string {
	names, _ := filepath.Glob(filepath.Join(s.home, ".local/share/code-server/logs/*/*.log"))
	more, _ := filepath.Glob(filepath.Join(s.home, ".local/share/code-server/logs/*/exthost1/*.log"))
	var all strings.Builder
	for _, name := range append(names, more...) {
		data, _ := os.ReadFile(name) // a log that is gone says nothing
		fmt.Fprintf(&all, "%s\n%s\n", name, tail(data))
	}
	return all.String()
}
