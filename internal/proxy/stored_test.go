package proxy

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/store"
)

// file returns the name of a stored file.
func (g *rig) file(key string) string {
	return filepath.Join(g.dir, "modules", filepath.FromSlash(strings.TrimPrefix(key, "/")))
}

// damage changes a stored file as a bad disk or a person would, keeping when it was used last.
func (g *rig) damage(key string, change func([]byte) []byte) {
	g.t.Helper()
	g.landed(key)
	name := g.file(key)
	info, err := os.Stat(name)
	if err != nil {
		g.t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(name, change(data), 0o644); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Time{}, info.ModTime()); err != nil {
		g.t.Fatal(err)
	}
}

// TestDamagedFiles checks that a damaged file is noticed when it is read, put away and fetched again.
func TestDamagedFiles(t *testing.T) {
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	grow := func(b []byte) []byte { return append(b, "more"...) }
	empty := func([]byte) []byte { return nil }
	flip := func(b []byte) []byte { b[len(b)-2] ^= 1; return b }
	tests := []struct {
		name, path string
		change     func([]byte) []byte
		restart    bool // the server knows the file from before unless it is a new one
	}{
		{"zip_cut", bigZip, cut, true},
		{"zip_cut_while_known", bigZip, cut, false},
		{"zip_grown", bigZip, grow, true},
		{"zip_grown_while_known", bigZip, grow, false},
		{"zip_empty", bigZip, empty, true},
		{"small_zip_cut", basic + "/@v/v1.0.0.zip", cut, true},
		{"mod_cut", basic + "/@v/v1.0.0.mod", cut, true},
		{"mod_changed", basic + "/@v/v1.0.0.mod", flip, true},
		{"mod_empty", basic + "/@v/v1.0.0.mod", empty, true},
		{"info_cut", basic + "/@v/v1.0.0.info", cut, true},
		{"info_empty", basic + "/@v/v1.0.0.info", empty, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := bigRig(t)
			want := g.want(200, tt.path).body
			g.damage(tt.path, tt.change)
			if tt.restart {
				g.start()
			}
			g.wantBody(tt.path, want, "MISS")
			g.wantBody(tt.path, want, "HIT")
			if n := g.metric("goreadyd_quarantined_total"); n != 1 {
				t.Errorf("%v files put away", n)
			}
			if entries, err := os.ReadDir(filepath.Join(g.dir, "quarantine")); err != nil || len(entries) != 1 {
				t.Errorf("quarantine has %v, %v", entries, err)
			}
		})
	}
}

// TestDamageWithoutUpstream checks that a damaged file is not served when there is nothing to replace it.
func TestDamageWithoutUpstream(t *testing.T) {
	g, _ := bigRig(t)
	g.want(200, bigZip)
	g.damage(bigZip, func(b []byte) []byte { return b[:1000] })
	g.up.SetFault("/", modtest.Fault{Drop: true})
	if s := g.want(http.StatusBadGateway, bigZip); s.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", s)
	}
}

// TestScrub finds what cannot be noticed when a file is opened.
func TestScrub(t *testing.T) {
	g, zip := bigRig(t)
	g.wantBody(bigZip, zip, "MISS")
	g.want(200, basic+"/@v/v1.0.0.mod")
	g.want(200, basic+"/@v/v1.0.0.zip")
	g.damage(bigZip, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	g.damage(basic+"/@v/v1.0.0.mod", func(b []byte) []byte { b[3] ^= 1; return b })
	if err := g.server.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := g.metric("goreadyd_quarantined_total"); n != 2 {
		t.Errorf("%v files put away, want 2", n)
	}
	g.wantBody(bigZip, zip, "MISS")
	g.wantBody(basic+"/@v/v1.0.0.mod", g.mod("mod.example.com/basic", "v1.0.0"), "MISS")
	g.wantBody(basic+"/@v/v1.0.0.zip", g.zip("mod.example.com/basic", "v1.0.0"), "HIT")
	if err := g.server.Scrub(t.Context()); err != nil || g.metric("goreadyd_quarantined_total") != 2 {
		t.Errorf("scrubbed again: %v, %v put away", err, g.metric("goreadyd_quarantined_total"))
	}
}

// TestAdopt serves a tree that somebody copied into the store, once it is verified.
func TestAdopt(t *testing.T) {
	var sums *modSums
	g := newRig(t, withSums(&sums))
	tree := t.TempDir()
	if err := g.modules.WriteTree(tree); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(tree, "mod.example.com/basic/@v/v1.1.0.mod")
	if err := os.WriteFile(bad, []byte("module mod.example.com/basic\n\nrequire example.com/evil v1.0.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(g.dir, "modules"), os.DirFS(tree)); err != nil {
		t.Fatal(err)
	}
	for _, v := range g.modules.All() {
		cache := map[bool]string{true: "MISS", false: "HIT"}[v.Path == "mod.example.com/basic" && v.Version == "v1.1.0"]
		g.wantBody("/"+g.server.fileRequest(v, kindMod).key, g.mod(v.Path, v.Version), cache)
		g.wantBody("/"+g.server.fileRequest(v, kindZip).key, g.zip(v.Path, v.Version), "HIT")
	}
}

// TestEviction removes what was used longest ago, and keeps what is being sent.
func TestEviction(t *testing.T) {
	const size = 200 << 10
	g := newRig(t, func(_ *rig, c *Config) { c.MaxBytes = 10 * size })
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
	path := func(n string) string { return "/mod.example.com/" + n + "/@v/v1.0.0.zip" }
	for _, n := range names {
		g.modules.AddBig("mod.example.com/"+n, "v1.0.0", size)
		g.want(200, path(n))
		g.landed(path(n))
	}
	hours := map[string]int{}
	for i, n := range names {
		hours[n] = 100 - i
		used := g.clock.read().Add(-time.Duration(hours[n]) * time.Hour)
		if err := os.Chtimes(g.file(path(n)), used, used); err != nil {
			t.Fatal(err)
		}
	}
	g.server.hot = newHotMap(1 << 20) // and so when files were used last
	g.want(200, path("b"))            // used now
	defer g.server.serving.enter(path("c")[1:])()
	awaitUsage(t, g)
	if err := g.server.evict(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		_, err := os.Stat(g.file(path(n)))
		if want := n == "b" || n == "c" || hours[n] < 95; want != (err == nil) {
			t.Errorf("%s, used %d hours ago: %v", n, hours[n], err)
		}
		if _, err := os.Stat(g.file(path(n) + "hash")); err != nil {
			t.Errorf("the hash of %s is gone: %v", n, err)
		}
	}
	if n := g.metric("goreadyd_evicted_files_total"); n < 2 {
		t.Errorf("%v files evicted", n)
	}
	g.wantBody(path("a"), g.zip("mod.example.com/a", "v1.0.0"), "MISS")
}

// awaitUsage waits until the size of the store is known.
func awaitUsage(t *testing.T, g *rig) {
	t.Helper()
	d := g.store.(*store.Dir)
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, known := d.Usage(); known {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the size of the store is not known")
		}
	}
}

// metric returns the value of a counter or gauge; labels are given as name and value, in turn.
func (g *rig) metric(name string, labels ...string) float64 {
	g.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(g.server); err != nil {
		g.t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		g.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetName(), l.GetValue())
			}
			if f.GetName() == name && slices.Equal(got, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return -1
}

func TestMetrics(t *testing.T) {
	g := newRig(t)
	g.want(200, basic+"/@v/v1.0.0.mod")
	g.want(200, basic+"/@v/v1.0.0.mod")
	g.want(404, basic+"/@v/v1.9.0.mod")
	g.want(404, basic+"/@v/v1.9.0.mod")
	g.want(400, "/std/@v/list")
	awaitUsage(t, g)
	size := float64(len(g.mod("mod.example.com/basic", "v1.0.0")))
	upstream := g.upURL
	for _, tt := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{1, "goreadyd_requests_total", []string{"kind", "mod", "outcome", "hit"}},
		{1, "goreadyd_requests_total", []string{"kind", "mod", "outcome", "miss"}},
		{1, "goreadyd_requests_total", []string{"kind", "mod", "outcome", "negative"}},
		{1, "goreadyd_requests_total", []string{"kind", "mod", "outcome", "not_found"}},
		{1, "goreadyd_requests_total", []string{"kind", "other", "outcome", "bad_request"}},
		{1, "goreadyd_request_duration_seconds", []string{"kind", "mod", "outcome", "hit"}},
		{0, "goreadyd_requests_in_flight", nil},
		{0, "goreadyd_verification_failures_total", nil},
		{1, "goreadyd_upstream_up", []string{"upstream", upstream}},
		{2, "goreadyd_upstream_requests_total", []string{"upstream", upstream}},
		{0, "goreadyd_upstream_errors_total", []string{"upstream", upstream}},
		{0, "goreadyd_limited_requests_total", []string{"limit", "client"}},
	} {
		if got := g.metric(tt.name, tt.labels...); got != tt.value {
			t.Errorf("%s %q is %v, want %v", tt.name, tt.labels, got, tt.value)
		}
	}
	if got := g.metric("goreadyd_response_bytes_total", "kind", "mod"); got < 2*size {
		t.Errorf("%v bytes sent, want the go.mod twice (%v) and two errors", got, 2*size)
	}
	if got := g.metric("goreadyd_store_bytes"); got < size {
		t.Errorf("the store has %v bytes", got)
	}
}
