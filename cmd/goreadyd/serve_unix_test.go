//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goready/goready/internal/modtest"
)

// TestDefaults: without any configuration the server does what the go command's settings say, and go commands that use
// it get verified modules.
func TestDefaults(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	m.write(t, "goenv", "GOPROXY="+up.url+",off\nGOSUMDB="+up.sums.Key()+"\nGOPRIVATE=corp.example.com/*\n")
	s := m.serve(t)
	for key, want := range map[string]string{
		"data": filepath.Join(m.home, "cache", "goreadyd"), "upstream": up.url + ",off", "sumdb": "sum.example.com",
		"private": "corp.example.com/*", "use": "GOPROXY=" + s.url + " go mod download", "config": "no configuration file",
	} {
		if s.began[key] != want {
			t.Errorf("%s is %q, want %q", key, s.began[key], want)
		}
	}

	const file = "/mod.example.com/basic/@v/v1.0.0.mod"
	for _, want := range []string{"MISS", "HIT"} {
		got := get(t, s.url+file)
		if got.status != 200 || got.header.Get("X-Cache") != want {
			t.Errorf("%s: %d, X-Cache %q; want %s\n%s", file, got.status, got.header.Get("X-Cache"), want, got.body)
		}
	}

	g := modtest.NewGo(t, "GOPROXY="+s.url, "GOSUMDB="+up.sums.Key())
	g.WriteFile(t, "go.mod", "module example.com/m\n\ngo 1.24\n\nrequire mod.example.com/basic v1.1.0\n")
	if out, err := g.Run(t, "mod", "download", "-json", "all"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := up.proxy.Count("/mod.example.com/basic/@v/v1.1.0.zip"); n != 1 {
		t.Errorf("the upstream was asked for the zip %d times", n)
	}
	if up.proxy.Count("/sumdb/sum.example.com/lookup/mod.example.com/basic@v1.1.0") == 0 {
		t.Error("the checksum database was not asked through the upstream")
	}
	private := get(t, s.url+"/corp.example.com/x/@v/list")
	if private.status == 200 || up.proxy.Count("/corp.example.com/") > 0 {
		t.Errorf("a private module was asked of the public upstream: %d %s", private.status, private.body)
	}
	if strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Errorf("errors in the log:\n%s", s.log)
	}
}

// TestTampered: a module whose hash is not the one in the checksum database is not served, and the alarm is raised.
func TestTampered(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	up.sums.Override("mod.example.com/basic", "v1.0.0", "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "")
	m.write(t, "goenv", "GOPROXY="+up.url+"\nGOSUMDB="+up.sums.Key()+"\n")
	s := m.serve(t)
	r, err := tryGet(s.url + "/mod.example.com/basic/@v/v1.0.0.zip")
	if err == nil && r.status == 200 {
		t.Fatalf("it is served: %v", r)
	}
	if err == nil && (r.status != 502 || !strings.Contains(r.body, "SECURITY")) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := s.await("SECURITY: verification failed"); r["module"] != "mod.example.com/basic" {
		t.Errorf("%v", r)
	}
	if n := metric(t, s, "goreadyd_verification_failures_total"); n != 1 {
		t.Errorf("%v verification failures are counted, want 1", n)
	}
	if r := get(t, s.url+"/mod.example.com/basic/@v/v1.1.0.zip"); r.status != 200 {
		t.Errorf("another version: %d %s", r.status, r.body)
	}
}

// TestSumDBURL: a checksum database with a URL of its own is asked there, and not through the upstream. It is served to
// go commands in any case.
func TestSumDBURL(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	var asked atomic.Int64
	sums := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.StripPrefix("/sums", up.sums).ServeHTTP(w, r)
	}))
	t.Cleanup(sums.Close)
	m.write(t, "goenv", "GOPROXY="+up.url+"\nGOSUMDB="+up.sums.Key()+" "+sums.URL+"/sums\n")
	s := m.serve(t)
	for path, want := range map[string]string{
		"/mod.example.com/basic/@v/v1.0.0.zip":                                  "PK",
		"/sumdb/sum.example.com/supported":                                      "",
		"/sumdb/sum.example.com/latest":                                         "go.sum database tree\n",
		"/sumdb/sum.example.com/lookup/mod.example.com/!upper/!case!mod@v1.0.0": "\nmod.example.com/Upper/CaseMod v1.0.0 h1:",
	} {
		if r := get(t, s.url+path); r.status != 200 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d %q, want %q in it", path, r.status, r.body[:min(200, len(r.body))], want)
		}
	}
	for path, want := range map[string]int{
		"/sumdb/sum.example.com/lookup/mod.example.com/basic@v1.99.0": 404,
		"/sumdb/sum.example.com/nothing":                              400,
		"/sumdb/other.example.com/supported":                          404,
	} {
		if r := get(t, s.url+path); r.status != want {
			t.Errorf("%s: %d %s, want %d", path, r.status, r.body, want)
		}
	}
	if n := up.proxy.Count("/sumdb/"); n > 0 || asked.Load() == 0 {
		t.Errorf("the upstream was asked %d times, the database %d times", n, asked.Load())
	}
}

// TestHTTPProxy: upstreams are reached through the HTTP proxy of the environment.
func TestHTTPProxy(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	m.env = append(m.env, "HTTP_PROXY="+up.url)
	s := m.serve(t, "--upstream", "http://proxy.example.com", "--config", m.write(t, "c.toml", "[sumdb]\ndatabase = \"off\"\n"))
	if r := get(t, s.url+"/mod.example.com/basic/@v/list"); r.status != 200 || r.header.Get("X-Goready-Upstream") != "http://proxy.example.com" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestDirect: private modules come from version control alone, by way of the go command, which gets its settings from
// those of the server.
func TestDirect(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	spy := m.write(t, "spy/go", "#!/bin/sh\nif [ \"$1\" = env ]; then echo '{\"GOSUMDB\":\"off\",\"GONOPROXY\":\"corp.example.com\",\"GOVCS\":\"*:git\"}'; exit; fi\nenv > "+
		m.home+"/seen\necho \"$@\" >> "+m.home+"/args\nexit 1\n")
	if err := os.Chmod(spy, 0o755); err != nil {
		t.Fatal(err)
	}
	s := m.serve(t, "--upstream", up.url, "--config", m.write(t, "c.toml", "[upstream]\ngo = \""+spy+"\"\n"))
	if r := get(t, s.url+"/corp.example.com/team/m/@v/list"); r.status == 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	args, err := os.ReadFile(filepath.Join(m.home, "args"))
	if err != nil || !strings.Contains(string(args), "corp.example.com/team/m") {
		t.Errorf("the go command was run with %q, %v", args, err)
	}
	seen, err := os.ReadFile(filepath.Join(m.home, "seen"))
	if err != nil || !strings.Contains(string(seen), "GOPROXY=direct\n") || !strings.Contains(string(seen), "GOVCS=*:git\n") {
		t.Errorf("the go command sees %v\n%s", err, seen)
	}
	if n := up.proxy.Count("/corp.example.com/"); n > 0 {
		t.Errorf("the public upstream was asked for a private module %d times", n)
	}
	if r := get(t, s.admin+"/readyz?verbose"); !strings.Contains(r.body, "[+] upstream direct: up, ") {
		t.Errorf("%s", r.body)
	}
}
