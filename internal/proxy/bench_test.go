package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
)

// discard is a client that takes everything.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkHit measures an answer from the cache, without a network, against net/http's file server over the same
// files: the ratio of the two is what counts.
func BenchmarkHit(b *testing.B) {
	g := newRig(b, func(_ *rig, c *Config) { c.Log = nil })
	g.modules.AddBig(bigPath, "v1.0.0", bigSize)
	g.want(200, basic+"/@v/v1.0.0.mod")
	g.want(200, bigZip)
	g.landed(bigZip)
	files := http.FileServer(http.Dir(filepath.Join(g.dir, "modules")))
	for name, path := range map[string]string{"mod": basic + "/@v/v1.0.0.mod", "zip": bigZip} {
		for who, h := range map[string]http.Handler{"goreadyd": g.server, "fileserver": files} {
			b.Run(name+"/"+who, func(b *testing.B) {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				b.ReportAllocs()
				for b.Loop() {
					h.ServeHTTP(&discard{http.Header{}}, r)
				}
			})
		}
	}
}

// BenchmarkParsePath measures what a request costs that is not in memory, before anything is read.
func BenchmarkParsePath(b *testing.B) {
	u, err := url.Parse("/github.com/!burnt!sushi/toml/@v/v1.2.0.mod")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parsePath(u.Path); err != nil {
			b.Fatal(err)
		}
	}

}
