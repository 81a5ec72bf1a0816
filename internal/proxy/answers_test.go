package proxy

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/modtest"
)

// TestFreshness follows the list of a module through time.
func TestFreshness(t *testing.T) {
	g := newRig(t)
	const list = basic + "/@v/list"
	first := g.want(200, list)
	g.modules.Add(modtest.Version{Path: "mod.example.com/basic", Version: "v1.12.0", Files: map[string]string{"go.mod": "module mod.example.com/basic\n"}})
	g.clock.advance(59 * time.Second)
	g.wantBody(list, first.body, "HIT")
	g.clock.advance(2 * time.Second)
	g.wantBody(list, append(bytes.Clone(first.body), "v1.12.0\n"...), "MISS")
}

// TestStale takes upstream away.
func TestStale(t *testing.T) {
	for name, fault := range map[string]modtest.Fault{
		"drops": {Drop: true}, "error_500": {Status: 500}, "busy_429": {Status: 429}, "portal": {Replace: []byte("<html>"), Header: http.Header{"Content-Type": {"text/html"}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			paths := []string{basic + "/@v/list", basic + "/@latest", basic + "/@v/main.info"}
			var bodies [][]byte
			for _, p := range paths {
				bodies = append(bodies, g.want(200, p).body)
			}
			g.up.SetFault("/", fault)
			g.clock.advance(29 * 24 * time.Hour)
			for i, p := range paths {
				g.wantBody(p, bodies[i], "STALE")
			}
			g.start()
			for i, p := range paths {
				g.wantBody(p, bodies[i], "STALE")
			}
			g.clock.advance(2 * 24 * time.Hour)
			for _, p := range paths {
				if s := g.get(p); s.status < 500 {
					t.Errorf("GET %s after 31 days: %v", p, s)
				}
			}
			g.up.Reset()
			g.clock.advance(time.Hour)
			for i, p := range paths {
				g.wantBody(p, bodies[i], "MISS")
			}
		})
	}
}

// TestSlowRefresh has an upstream that does not answer: the old answer comes soon, and later ones at once. When upstream
// answers after all, so does the proxy.
func TestSlowRefresh(t *testing.T) {
	g := newRig(t, func(_ *rig, c *Config) { c.RefreshWait = 50 * time.Millisecond })
	const list = basic + "/@v/list"
	first := g.want(200, list)
	g.want(200, basic+"/@latest")
	g.clock.advance(time.Hour)
	stall := make(chan struct{})
	g.up.SetFault("/", modtest.Fault{Stall: stall})
	g.wantBody(list, first.body, "STALE")
	if !g.server.trouble[0].Load() {
		t.Error("the next client would wait too")
	}
	g.want(200, basic+"/@latest")
	close(stall)
	g.server.answerCalls.wait.Wait()
	if g.server.trouble[0].Load() {
		t.Error("still in trouble after an answer")
	}
	g.wantBody(list, first.body, "HIT")
}

// TestDefiniteNoBeatsStale does not go on with a list when upstream says that there is no such module any more.
func TestDefiniteNoBeatsStale(t *testing.T) {
	g := newRig(t)
	g.want(200, basic+"/@v/list")
	g.clock.advance(time.Hour)
	g.up.SetFault("/", modtest.Fault{Status: 404})
	g.want(404, basic+"/@v/list")
	g.up.SetFault("/", modtest.Fault{Status: 403})
	g.clock.advance(time.Hour)
	g.want(403, basic+"/@v/list")
}

// TestNewVersion asks for a version that the list, just fetched, does not have: from then on it has.
func TestNewVersion(t *testing.T) {
	g := newRig(t)
	g.want(200, basic+"/@v/list")
	g.want(200, basic+"/@latest")
	g.modules.Add(modtest.Version{Path: "mod.example.com/basic", Version: "v1.12.0", Files: map[string]string{"go.mod": "module mod.example.com/basic\n"}})
	g.want(200, basic+"/@v/v1.12.0.info")
	if s := g.want(200, basic+"/@v/list"); !bytes.HasSuffix(s.body, []byte("v1.12.0\n")) || s.header.Get("X-Cache") != "HIT" {
		t.Errorf("list: %v", s)
	}
	if s := g.want(200, basic+"/@latest"); !bytes.Contains(s.body, []byte("v1.12.0")) {
		t.Errorf("latest: %v", s)
	}
	// An older one changes nothing, a pseudo-version neither.
	before := len(g.up.Requests())
	g.want(200, basic+"/@v/v1.0.0.info")
	g.want(200, basic+"/@v/v1.10.1-0.20231105060708-0123456789ab.info")
	g.want(200, basic+"/@v/list")
	g.want(200, basic+"/@latest")
	if n := len(g.up.Requests()); n != before+2 {
		t.Errorf("asked: %v", g.up.Requests()[before:])
	}
}

// TestNegative remembers what does not exist, for half a minute, and forgets it when it appears.
func TestNegative(t *testing.T) {
	g := newRig(t)
	paths := []string{basic + "/@v/v1.12.0.info", basic + "/@v/v1.12.0.mod", basic + "/@v/v1.12.0.zip", "/mod.example.com/new/@v/list", "/mod.example.com/new/@latest", basic + "/@v/next.info"}
	for _, p := range paths {
		g.want(404, p)
		if s := g.want(404, p); s.header.Get("X-Cache") != "NEGATIVE" {
			t.Errorf("GET %s again: %v", p, s)
		}
		if n := g.up.Count(p); n != 1 {
			t.Errorf("GET %s: upstream was asked %d times", p, n)
		}
	}
	g.modules.Add(modtest.Version{Path: "mod.example.com/basic", Version: "v1.12.0", Files: map[string]string{"go.mod": "module mod.example.com/basic\n"}})
	g.modules.Add(modtest.Version{Path: "mod.example.com/new", Version: "v1.0.0", Files: map[string]string{"go.mod": "module mod.example.com/new\n"}})
	g.modules.SetQuery("mod.example.com/basic", "next", "v1.12.0")
	g.clock.advance(31 * time.Second)
	for _, p := range paths {
		g.want(200, p)
	}
}

// TestOutageIsNotRemembered heals with the next request.
func TestOutageIsNotRemembered(t *testing.T) {
	g := newRig(t)
	for _, p := range []string{basic + "/@v/v1.0.0.info", basic + "/@v/v1.0.0.mod", basic + "/@v/v1.0.0.zip", "/mod.example.com/retract/@v/list"} {
		g.up.SetFault(p, modtest.Fault{Drop: true})
		if s := g.get(p); s.status < 500 {
			t.Errorf("GET %s without upstream: %v", p, s)
		}
		g.up.SetFault(p, modtest.Fault{})
		g.want(200, p)
	}
}

// TestOffline serves what is stored when there is no upstream at all.
func TestOffline(t *testing.T) {
	g := newRig(t)
	for _, v := range []string{"v1.0.0", "v1.2.0", "v1.11.0-rc.1"} {
		g.want(200, basic+"/@v/"+v+".info")
	}
	g.want(200, "/mod.example.com/pseudo/@v/v0.0.0-20240101120000-aaaaaaaaaaaa.info")
	g.start(func(_ *rig, c *Config) { c.Tenant.PublicSource = nil })
	g.wantBody(basic+"/@v/list", []byte("v1.0.0\nv1.2.0\nv1.11.0-rc.1\n"), "STALE")
	g.wantBody(basic+"/@latest", g.info("mod.example.com/basic", "v1.2.0"), "STALE")
	g.wantBody("/mod.example.com/pseudo/@v/list", nil, "STALE")
	g.wantBody("/mod.example.com/pseudo/@latest", g.info("mod.example.com/pseudo", "v0.0.0-20240101120000-aaaaaaaaaaaa"), "STALE")
	g.want(404, "/mod.example.com/unknown/@v/list")
	g.want(404, "/mod.example.com/unknown/@latest")
	g.want(404, basic+"/@v/main.info")
	g.want(404, basic+"/@v/v1.10.0.info")
}

// TestOutageUnknown does not say that a module has no versions, or does not exist, when nobody can be asked.
func TestOutageUnknown(t *testing.T) {
	g := newRig(t)
	g.want(200, basic+"/@v/v1.2.0.info")
	g.up.SetFault("/", modtest.Fault{Drop: true})
	g.want(502, "/mod.example.com/retract/@v/list")
	g.want(502, "/mod.example.com/retract/@latest")
	g.wantBody(basic+"/@v/list", []byte("v1.2.0\n"), "STALE") // of one module something is stored
}

func TestLatest(t *testing.T) {
	tests := []struct {
		name, want string
		versions   []string
	}{
		{"release", "v1.10.0", []string{"v1.2.0", "v1.10.0", "v1.11.0-rc.1"}},
		{"prerelease", "v1.11.0-rc.2", []string{"v1.11.0-rc.1", "v1.11.0-rc.2", "v1.11.1-0.20240303030303-bbbbbbbbbbbb"}},
		{"pseudo_by_time", "v0.0.0-20240303030303-bbbbbbbbbbbb", []string{"v0.0.0-20240303030303-bbbbbbbbbbbb", "v0.1.1-0.20230303030303-aaaaaaaaaaaa"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !slices.IsSortedFunc(tt.versions, semver.Compare) {
				t.Fatal("not in order")
			}
			if got := latest(tt.versions); got != tt.want {
				t.Errorf("latest = %s, want %s", got, tt.want)
			}
		})
	}
}

// TestAnswersSwept removes what is too old to be used, and nothing else.
func TestAnswersSwept(t *testing.T) {
	g := newRig(t)
	g.want(200, basic+"/@v/list")
	g.clock.advance(10 * 24 * time.Hour)
	g.want(200, basic+"/@latest")
	left := filepath.Join(g.dir, "answers/mod.example.com/basic/~x")
	if err := os.WriteFile(left, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := g.server.answers.sweep(t.Context(), g.clock.read(), 5*24*time.Hour, 1<<20); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"@v/list": false, "@latest": true, "~x": false, "@v": false} {
		if _, err := os.Stat(filepath.Join(g.dir, "answers/mod.example.com/basic", name)); want != (err == nil) {
			t.Errorf("%s after the sweep: %v", name, err)
		}
	}
}
