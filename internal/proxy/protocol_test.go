package proxy

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goready/goready/internal/modtest"
)

// The paths of the corpus, escaped.
const (
	basic = "/mod.example.com/basic"
	upper = "/mod.example.com/!upper/!case!mod"
)

// TestFiles asks for every file of the corpus, twice.
func TestFiles(t *testing.T) {
	g := newRig(t)
	for _, v := range g.modules.All() {
		for k, want := range map[kind][]byte{
			kindInfo: g.info(v.Path, v.Version), kindMod: g.mod(v.Path, v.Version), kindZip: g.zip(v.Path, v.Version),
		} {
			path := "/" + g.server.fileRequest(v, k).key
			first := g.wantBody(path, want, "MISS")
			if first.header.Get("X-Goready-Upstream") == "" {
				t.Errorf("GET %s: a miss does not say who was asked", path)
			}
			second := g.wantBody(path, want, "HIT")
			for _, s := range []*seen{first, second} {
				wantHeaders(t, path, s, map[string]string{
					"Content-Type":           map[kind]string{kindInfo: "application/json", kindMod: "text/plain; charset=utf-8", kindZip: "application/zip"}[k],
					"Cache-Control":          "public, max-age=31536000, immutable",
					"X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes", "Vary": "Disable-Module-Fetch",
				})
			}
			if etag := second.header.Get("Etag"); len(etag) < 20 || etag[0] != '"' || first.header.Get("Etag") != etag {
				t.Errorf("GET %s: ETag %q, then %q", path, first.header.Get("Etag"), etag)
			}
			if n := g.up.Count(path); n != 1 {
				t.Errorf("GET %s: %d upstream fetches", path, n)
			}
		}
	}
}

func wantHeaders(t *testing.T, path string, s *seen, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := s.header.Get(name); got != value {
			t.Errorf("GET %s: %s: %q, want %q", path, name, got, value)
		}
	}
}

// TestStoredFilesSurvive asks a new server over the same folder while upstream is gone.
func TestStoredFilesSurvive(t *testing.T) {
	g := newRig(t)
	paths := []string{basic + "/@v/v1.0.0.info", basic + "/@v/v1.0.0.mod", basic + "/@v/v1.0.0.zip", basic + "/@v/list", basic + "/@latest", basic + "/@v/main.info"}
	var bodies [][]byte
	for _, p := range paths {
		bodies = append(bodies, g.want(http.StatusOK, p).body)
	}
	g.up.SetFault("/", modtest.Fault{Drop: true})
	g.start()
	for i, p := range paths {
		if s := g.want(http.StatusOK, p); !bytes.Equal(s.body, bodies[i]) || s.header.Get("X-Cache") != "HIT" {
			t.Errorf("GET %s after a restart: %v, want %q", p, s, bodies[i])
		}
	}
}

func TestAnswers(t *testing.T) {
	g := newRig(t)
	g.up.UnsortLists()
	tests := []struct{ name, path, want string }{
		{"list", basic + "/@v/list", "v1.0.0\nv1.1.0\nv1.2.0\nv1.10.0\nv1.11.0-rc.1\n"},
		{"list_of_capitals", upper + "/@v/list", "v1.0.0\nv1.1.0-RC1\n"},
		{"list_of_nothing", "/mod.example.com/empty/@v/list", ""},
		{"list_without_tags", "/mod.example.com/pseudo/@v/list", ""},
		{"list_with_retracted", "/mod.example.com/retract/@v/list", "v1.0.0\nv1.1.0\nv1.2.0\n"},
		{"list_percent", "/mod.example.com/%21upper/%21case%21mod/@v/list", "v1.0.0\nv1.1.0-RC1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := g.want(http.StatusOK, tt.path)
			if string(s.body) != tt.want {
				t.Errorf("GET %s: %q, want %q", tt.path, s.body, tt.want)
			}
			wantHeaders(t, tt.path, s, map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "public, max-age=60", "X-Content-Type-Options": "nosniff"})
		})
	}
	queries := []struct{ name, path, version string }{
		{"latest", basic + "/@latest", "v1.10.0"},
		{"latest_pseudo", "/mod.example.com/pseudo/@latest", "v0.0.0-20240303030303-bbbbbbbbbbbb"},
		{"branch", basic + "/@v/main.info", "v1.10.1-0.20231105060708-0123456789ab"},
		{"revision", basic + "/@v/0123456789ab.info", "v1.10.1-0.20231105060708-0123456789ab"},
		{"latest_of_capitals", upper + "/@latest", "v1.0.0"},
	}
	for _, tt := range queries {
		t.Run(tt.name, func(t *testing.T) {
			s := g.want(http.StatusOK, tt.path)
			var info struct{ Version string }
			if err := json.Unmarshal(s.body, &info); err != nil || info.Version != tt.version {
				t.Errorf("GET %s: %q, want %s", tt.path, s.body, tt.version)
			}
			wantHeaders(t, tt.path, s, map[string]string{"Content-Type": "application/json", "Cache-Control": "public, max-age=60", "X-Cache": "MISS"})
		})
	}
	before := len(g.up.Requests())
	for _, tt := range slices.Concat(tests[:1], []struct{ name, path, want string }{{path: basic + "/@latest"}}) {
		if s := g.want(http.StatusOK, tt.path); s.header.Get("X-Cache") != "HIT" {
			t.Errorf("GET %s again: %v", tt.path, s)
		}
	}
	if n := len(g.up.Requests()); n != before {
		t.Errorf("fresh answers were asked for again: %v", g.up.Requests()[before:])
	}
}

// TestRefusals has what must not be answered with 200, and the text that the go command prints.
func TestRefusals(t *testing.T) {
	g := newRig(t)
	g.modules.Add(modtest.Version{Path: "mod.example.com/badzip", Version: "v1.0.0", Zip: g.zip("mod.example.com/basic", "v1.0.0")})
	g.up.SetFault("/mod.example.com/gone", modtest.Fault{Status: 410, Body: "removed by its author"})
	g.up.SetFault("/mod.example.com/forbidden", modtest.Fault{Status: 403, Body: "licence not approved"})
	g.up.SetFault("/mod.example.com/legal", modtest.Fault{Status: 451, Body: "by order of a court"})
	g.up.SetFault("/mod.example.com/err500", modtest.Fault{Status: 500, Body: "boom"})
	g.up.SetFault("/mod.example.com/err503", modtest.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}})
	g.up.SetFault("/mod.example.com/portal", modtest.Fault{Replace: []byte("<html>log in</html>"), Header: http.Header{"Content-Type": {"text/html"}}})
	g.up.SetFault("/mod.example.com/wronginfo/@v/v1.0.0.info", modtest.Fault{Replace: []byte(`{"Version":"v1.2.0","Time":"2023-01-10T10:00:00Z"}`)})
	g.up.SetFault("/mod.example.com/badmod/@v/v1.0.0.mod", modtest.Fault{Replace: []byte("not a go.mod {")})
	tests := []struct {
		name, path string
		status     int
		text       string
	}{
		{"unknown_list", "/mod.example.com/unknown/@v/list", 404, "not found"},
		{"unknown_latest", "/mod.example.com/unknown/@latest", 404, "not found"},
		{"unknown_info", basic + "/@v/v1.99.0.info", 404, "not found"},
		{"unknown_mod", basic + "/@v/v1.99.0.mod", 404, "not found"},
		{"unknown_zip", basic + "/@v/v1.99.0.zip", 404, "not found"},
		{"unknown_branch", basic + "/@v/nosuchbranch.info", 404, "not found"},
		{"empty_latest", "/mod.example.com/empty/@latest", 404, "not found"},
		{"wrong_major", basic + "/@v/v2.0.0.info", 404, "not found"},
		{"gone", "/mod.example.com/gone/@v/v1.0.0.info", 404, "removed by its author"},
		{"forbidden", "/mod.example.com/forbidden/@v/v1.0.0.info", 403, "licence not approved"},
		{"forbidden_list", "/mod.example.com/forbidden/@v/list", 403, "licence not approved"},
		{"legal", "/mod.example.com/legal/@v/v1.0.0.mod", 451, "court"},
		{"error", "/mod.example.com/err500/@v/v1.0.0.info", 502, "boom"},
		{"error_list", "/mod.example.com/err500/@v/list", 502, "boom"},
		{"error_latest", "/mod.example.com/err500/@latest", 502, "boom"},
		{"error_zip", "/mod.example.com/err500/@v/v1.0.0.zip", 502, "boom"},
		{"portal", "/mod.example.com/portal/@v/list", 502, "no answer"},
		{"other_zip", "/mod.example.com/badzip/@v/v1.0.0.zip", 502, "malformed"},
		{"other_info", "/mod.example.com/wronginfo/@v/v1.0.0.info", 502, ""},
		{"no_go_mod", "/mod.example.com/badmod/@v/v1.0.0.mod", 502, "no module line"},
		{"raw_capitals", "/mod.example.com/Upper/CaseMod/@v/list", 400, "bad request"},
		{"traversal", "/../../../../../../etc/passwd", 400, ""},
		{"traversal_percent", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 400, ""},
		{"traversal_version", "/x.com/@v/../../../../../../../../etc/passwd", 400, ""},
		{"two_slashes", "//etc/passwd", 404, ""},
		{"store_folder", "/mod.example.com/", 404, ""},
		{"busy", "/mod.example.com/err503/@v/v1.0.0.info", 502, "no answer"},
		{"not_utf8", "/x.com/%ff/@v/list", 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // a remembered refusal is the same
				s := g.want(tt.status, tt.path)
				wantHeaders(t, tt.path, s, map[string]string{"Content-Type": "text/plain; charset=utf-8"})
				if body := string(s.body); len(body) < 5 || !strings.Contains(body, tt.text) || strings.Contains(body, "127.0.0.1") || strings.Contains(body, g.dir) {
					t.Errorf("GET %s: text %q, want %q, and nothing of the inside", tt.path, body, tt.text)
				}
				if cc := s.header.Get("Cache-Control"); cc == "" || tt.status != 404 && cc != "no-store" {
					t.Errorf("GET %s: Cache-Control %q", tt.path, cc)
				}
			}
		})
	}
	if s := g.get("/mod.example.com/err503/@v/v1.0.0.mod"); s.header.Get("Retry-After") == "" {
		t.Errorf("upstream's Retry-After is lost: %v", s)
	}
}

// TestConditional has what HTTP knows besides GET.
func TestConditional(t *testing.T) {
	g := newRig(t)
	g.modules.AddBig("mod.example.com/big", "v1.0.0", 300<<10)
	for name, path := range map[string]string{"small_zip": basic + "/@v/v1.0.0.zip", "big_zip": "/mod.example.com/big/@v/v1.0.0.zip", "mod": basic + "/@v/v1.0.0.mod"} {
		t.Run(name, func(t *testing.T) {
			whole := g.want(200, path)
			etag := g.want(200, path).header.Get("Etag")
			for _, header := range []string{"If-None-Match: " + etag, "If-None-Match: W/" + etag, `If-None-Match: "x", ` + etag, "If-None-Match: *"} {
				if s := g.want(304, path, header); len(s.body) != 0 || s.header.Get("Etag") != etag {
					t.Errorf("%s: %v", header, s)
				}
			}
			if s := g.want(200, path, `If-None-Match: "other"`); !bytes.Equal(s.body, whole.body) {
				t.Errorf("other ETag: %v", s)
			}
			if s := g.want(206, path, "Range: bytes=10-19"); !bytes.Equal(s.body, whole.body[10:20]) {
				t.Errorf("range: %v", s)
			}
			if s := g.want(206, path, "Range: bytes=-5"); !bytes.Equal(s.body, whole.body[len(whole.body)-5:]) {
				t.Errorf("range from the end: %v", s)
			}
			g.want(416, path, "Range: bytes=99999999-")
			head := g.do(http.MethodHead, path)
			if head.status != 200 || len(head.body) != 0 || head.header.Get("Content-Length") != whole.header.Get("Content-Length") || head.header.Get("Content-Length") == "" {
				t.Errorf("HEAD: %v", head)
			}
			s := g.want(200, path, "Accept-Encoding: gzip")
			body := s.body
			if s.header.Get("Content-Encoding") == "gzip" {
				r, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				body, _ = io.ReadAll(r)
			}
			if !bytes.Equal(body, whole.body) || strings.HasSuffix(path, ".zip") && s.header.Get("Content-Encoding") != "" {
				t.Errorf("with gzip: %v", s)
			}
		})
	}
	for _, path := range []string{basic + "/@v/list", basic + "/@latest", "/mod.example.com/retract/@v/v1.0.0.zip"} { // not stored yet
		if s := g.do(http.MethodHead, path); s.status != 200 || len(s.body) != 0 || s.header.Get("Content-Length") == "" {
			t.Errorf("HEAD %s: %v", path, s)
		}
	}
	// A range of a zip that is not stored yet.
	zip := g.zip("mod.example.com/retract", "v1.2.0")
	if s := g.want(206, "/mod.example.com/retract/@v/v1.2.0.zip", "Range: bytes=1-3"); !bytes.Equal(s.body, zip[1:4]) {
		t.Errorf("range of a miss: %v", s)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		if s := g.do(method, basic+"/@v/v1.0.0.info"); s.status != 405 || s.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %v", method, s)
		}
	}
	g.wantBody(basic+"/@v/v1.0.0.info", g.info("mod.example.com/basic", "v1.0.0"), "MISS")
}

func TestCachedOnly(t *testing.T) {
	g := newRig(t)
	const header = "Disable-Module-Fetch: true"
	for _, file := range []string{"/@v/v1.0.0.info", "/@v/v1.0.0.mod", "/@v/v1.0.0.zip", "/@v/list", "/@latest", "/@v/main.info"} {
		for _, s := range []*seen{g.get(basic+file, header), g.get("/cached-only" + basic + file)} {
			if s.status != 404 || s.header.Get("Cache-Control") != "no-store" || s.header.Get("Vary") != "Disable-Module-Fetch" {
				t.Errorf("%s, not stored: %v", file, s)
			}
		}
	}
	if n := len(g.up.Requests()); n != 0 {
		t.Fatalf("upstream was asked: %v", g.up.Requests())
	}
	// With one version stored, the list has that one.
	g.want(200, basic+"/@v/v1.2.0.info")
	if s := g.want(200, "/cached-only"+basic+"/@v/list"); string(s.body) != "v1.2.0\n" || s.header.Get("X-Cache") != "STALE" {
		t.Errorf("list of what is stored: %v", s)
	}
	if s := g.want(200, basic+"/@latest", header); !bytes.Equal(s.body, g.info("mod.example.com/basic", "v1.2.0")) {
		t.Errorf("latest of what is stored: %v", s)
	}
	g.wantBody("/cached-only"+basic+"/@v/v1.2.0.info", g.info("mod.example.com/basic", "v1.2.0"), "HIT")
	g.want(404, "/cached-only"+basic+"/@v/v1.2.0.mod")
}

// TestConcurrentMisses checks that there is one fetch however many ask.
func TestConcurrentMisses(t *testing.T) {
	for _, path := range []string{basic + "/@v/v1.0.0.info", basic + "/@v/v1.0.0.mod", basic + "/@v/v1.0.0.zip", basic + "/@v/list", basic + "/@latest", basic + "/@v/v1.99.0.info"} {
		g := newRig(t)
		stall := make(chan struct{})
		g.up.SetFault(path, modtest.Fault{Stall: stall})
		var wait sync.WaitGroup
		var joined sync.WaitGroup
		answers := make([]*seen, 20)
		joined.Add(len(answers))
		for i := range answers {
			wait.Go(func() {
				joined.Done()
				answers[i] = g.get(path)
			})
		}
		joined.Wait()
		if err := g.up.Await(t.Context(), path, 1); err != nil {
			t.Fatal(err)
		}
		close(stall)
		wait.Wait()
		for _, s := range answers {
			if s.status != answers[0].status || !bytes.Equal(s.body, answers[0].body) || s.err != nil || s.status == 0 {
				t.Errorf("GET %s: %v and %v", path, answers[0], s)
			}
		}
		if n := g.up.Count(path); n != 1 {
			t.Errorf("GET %s by 20 clients: %d upstream fetches", path, n)
		}
	}
}
