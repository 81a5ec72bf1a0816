package sumdb

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goready/goready/internal/modtest"
)

// serve answers what is below /sumdb/<name>/ from d, and the rest from modules, as a module proxy does.
func serve(t *testing.T, d *DB, modules http.Handler) string {
	t.Helper()
	prefix := "/sumdb/" + d.Name() + "/"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, prefix)
		if !ok {
			modules.ServeHTTP(w, r)
			return
		}
		resp, err := d.Get(r.Context(), path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			http.Error(w, err.Error(), http.StatusNotFound)
		case errors.Is(err, ErrBadPath):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadGateway)
		default:
			w.Header().Set("Content-Type", resp.ContentType)
			w.Write(resp.Body)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

const gomod = "module example.com/work\n\ngo 1.21\n\nrequire (\n" +
	"\tmod.example.com/deps v1.0.0\n\tmod.example.com/retract v1.2.0\n)\n"

// TestGoCommand has the real go command download and verify modules.
func TestGoCommand(t *testing.T) {
	for _, tt := range []struct {
		name   string
		sumdb  func(key, url string) string
		routed bool // the go command asks "supported" of its proxy
	}{
		{"through_proxy", func(key, _ string) string { return key }, true},
		{"at_url", func(key, url string) string { return key + " " + url + "/sumdb/" + dbName }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, many(300, "big.example.com"))
			d := u.open(t)
			url := serve(t, d, modtest.NewProxy(u.mods))
			for round := range 2 {
				before := u.count("")
				g := modtest.NewGo(t, "GOPROXY="+url, "GOSUMDB="+tt.sumdb(u.sum.Key(), url))
				g.WriteFile(t, "go.mod", gomod)
				out, err := g.Run(t, "mod", "download", "-json", "all")
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range []string{"mod.example.com/deps", "mod.example.com/Upper/CaseMod"} {
					if zip, _ := u.mods.Sums(path, "v1.0.0"); !strings.Contains(out, zip) {
						t.Errorf("the hash %s of %s is not in %s", zip, path, out)
					}
				}
				asked := u.count("") - before
				if (asked > 0) != (round == 0) {
					t.Errorf("round %d: the upstream was asked %d times", round, asked)
				}
				u.fault("", modtest.Fault{Drop: true})
			}
		})
	}
}

// TestGoCommandMismatch has a proxy whose module is not the one that the database knows.
func TestGoCommandMismatch(t *testing.T) {
	u := newUpstream(t, modtest.Corpus())
	u.sum.Override(basic, "v1.0.0", "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "")
	url := serve(t, u.open(t), modtest.NewProxy(u.mods))
	g := modtest.NewGo(t, "GOPROXY="+url, "GOSUMDB="+u.sum.Key())
	if _, err := g.Run(t, "mod", "download", basic+"@v1.0.0"); err == nil || !strings.Contains(err.Error(), "SECURITY ERROR") {
		t.Errorf("error %v, want a security error", err)
	}
	if _, err := g.Run(t, "mod", "download", basic+"@v1.1.0"); err != nil {
		t.Error(err)
	}
}
