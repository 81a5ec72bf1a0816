package serve

import (
	"bytes"
	"html/template"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/goready/goready/internal/upstream"
)

// statusTemplate is the status page.
var statusTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("status").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>goreadyd</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; vertical-align: top; overflow-wrap: anywhere; }
code { background: #f2f2f2; padding: .1rem .3rem; }
.bad { color: #a00; font-weight: bold; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818; } th, td { border-color: #444; } code { background: #333; } .bad { color: #f77; } }
</style>
</head>
<body>
<h1>goreadyd</h1>
<p>This is a Go module proxy. Use it with <code>GOPROXY={{.URL}} go mod download</code></p>
<table>
<tr><th>State</th><td>{{range .Problems}}<span class="bad">{{.}}</span><br>{{else}}ready{{end}}</td></tr>
<tr><th>Version</th><td>{{.Version}}, {{.GoVersion}}</td></tr>
<tr><th>Up</th><td>{{.Up}}, since {{.Since}}</td></tr>
<tr><th>Configuration</th><td>{{.Origin}}{{if .ReloadFailed}} <span class="bad">(the last reload failed: see the log)</span>{{end}}</td></tr>
<tr><th>Data</th><td>{{.Data}}</td></tr>
<tr><th>Stored</th><td>{{.Stored}}{{with .Limit}}, of at most {{.}}{{end}}; {{.Free}} free on the disk</td></tr>
<tr><th>Requests</th><td>{{.Requests}} since the start{{with .HitRatio}}; {{.}} of those for modules that exist were answered from the cache{{end}}</td></tr>
<tr><th>Checksum database</th><td>{{.SumDB}}</td></tr>
{{with .Private}}<tr><th>Private modules</th><td>{{.}}</td></tr>{{end}}
</table>
<h2>Upstreams</h2>
<table>
<tr><th>Name</th><th>State</th><th>Requests</th><th>No answer</th><th>Last error</th></tr>
{{range .Upstreams}}<tr><td>{{.Name}}</td><td>{{if .Up}}up{{else}}<span class="bad">down</span>{{end}}</td><td>{{.Requests}}</td><td>{{.Errors}}</td><td>{{.LastError}}</td></tr>
{{end}}</table>
<p><a href="/readyz?verbose">readiness</a> · <a href="/metrics">metrics</a> · <a href="/-/config">configuration</a> · <a href="/debug/pprof/">profiles</a></p>
</body>
</html>
`))
})

// status is what the page shows.
type status struct {
	URL, Version, GoVersion, Up, Since string
	Origin, Data, Stored, Limit, Free  string
	Requests, HitRatio, SumDB, Private string
	ReloadFailed                       bool
	Problems                           []string
	Upstreams                          []upstream.Health
}

// statusPage answers with a page for people.
func (d *daemon) statusPage(w http.ResponseWriter, _ *http.Request) {
	g := d.current.enter()
	defer g.leave()
	var b bytes.Buffer
	if err := statusTemplate().Execute(&b, d.status(g)); err != nil {
		d.log.Error("status page", "error", err.Error())
		plain(w, http.StatusInternalServerError, "internal error; the log says more\n")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.Write(b.Bytes())
}

func (d *daemon) status(g *generation) *status {
	now := time.Now()
	s := &status{
		URL: d.public.url(), Version: version(), GoVersion: runtime.Version(),
		Up: now.Sub(d.started).Round(time.Second).String(), Since: d.started.UTC().Format(time.RFC3339),
		Origin: g.config.origin(), Data: string(g.config.data), Stored: "being counted",
		SumDB: g.config.sumdb.database.name(), Private: string(g.config.upstream.private), Upstreams: g.sources.states(),
	}
	d.reloads.mu.Lock()
	s.ReloadFailed = d.reloads.failed
	d.reloads.mu.Unlock()
	if n, known := d.parts.store.Usage(); known {
		s.Stored = roundSize(n)
	}
	if n := g.config.cache.maxSize.bytes; n > 0 {
		s.Limit = roundSize(n)
	}
	for _, p := range d.probes(g) {
		if p.err != nil {
			s.Problems = append(s.Problems, p.name+": "+oneLine(p.err.Error()))
		}
		if p.info != "" {
			s.Free = p.info
		}
	}
	s.Requests, s.HitRatio = d.hitRatio()
	return s
}

// hitRatio returns the number of requests, and the share of those with an answer that came from the cache; "" if there
// were none.
func (d *daemon) hitRatio() (requests, ratio string) {
	families, err := d.registry.Gather()
	if err != nil {
		d.log.Error("metrics not gathered", "error", err.Error())
	}
	var all, hits, answers float64
	for _, f := range families {
		if f.GetName() != "goreadyd_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			n := m.GetCounter().GetValue()
			all += n
			for _, l := range m.GetLabel() {
				switch {
				case l.GetName() != "outcome":
				case l.GetValue() == "hit" || l.GetValue() == "stale":
					hits += n
					answers += n
				case l.GetValue() == "miss" || l.GetValue() == "bypass":
					answers += n
				}
			}
		}
	}
	if answers > 0 {
		ratio = strconv.FormatFloat(100*hits/answers, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(all, 'f', 0, 64), ratio
}
