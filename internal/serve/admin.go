package serve

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/goready/goready/internal/upstream"
)

// minFree is how much space there has to be for the server to be ready.
const minFree = 64 << 20

// adminHandler serves what operators look at. All of it is read only.
func (d *daemon) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{
		ErrorLog: errorLog(d.log.With("listener", "admin")), MaxRequestsInFlight: 4, Timeout: 30 * time.Second,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", d.readyz)
	mux.HandleFunc("GET /-/config", func(w http.ResponseWriter, _ *http.Request) {
		g := d.current.enter()
		defer g.leave()
		plain(w, http.StatusOK, "# "+g.config.origin()+"\n"+g.config.toml())
	})
	mux.HandleFunc("GET /{$}", d.statusPage)
	// Not pprof.Cmdline: the command line may have a password.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// plain sends text that is not kept by anybody.
func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// probe is a thing that has to be so for the server to be ready.
type probe struct {
	name string
	err  error // nil: it is so
	info string
}

// probes finds out whether the server is ready. Upstreams are no part of it: what is stored is served without them, and
// a balancer that takes all servers away because of an outage elsewhere makes it an outage here.
func (d *daemon) probes(g *generation) []probe {
	drain := probe{name: "not draining"}
	if d.draining.Load() {
		drain.err = fmt.Errorf("the server is being stopped")
	}
	store := probe{name: "store writable", err: g.server.CheckStore()}
	space := probe{name: "free space"}
	free, err := freeBytes(string(g.config.data))
	switch space.err = err; {
	case err == nil && free < minFree:
		space.err = fmt.Errorf("%s left, less than %s", roundSize(free), sizeText(minFree))
	case err == nil:
		space.info = roundSize(free)
	}
	return []probe{drain, store, space}
}

// readyz answers whether this server should be given requests; with ?verbose, why.
func (d *daemon) readyz(w http.ResponseWriter, r *http.Request) {
	g := d.current.enter()
	defer g.leave()
	status, verdict := http.StatusOK, "ready"
	var b bytes.Buffer
	for _, p := range d.probes(g) {
		if p.err != nil {
			status, verdict = http.StatusServiceUnavailable, "not ready"
			fmt.Fprintf(&b, "[-] %s: %s\n", p.name, oneLine(p.err.Error()))
			continue
		}
		fmt.Fprintf(&b, "[+] %s: %s\n", p.name, strings.TrimSpace("ok "+p.info))
	}
	for _, h := range g.sources.states() {
		fmt.Fprintf(&b, "[%s] %s\n", map[bool]string{true: "+", false: "!"}[h.Up], stateText(h))
	}
	if _, verbose := r.URL.Query()["verbose"]; !verbose && status == http.StatusOK {
		b.Reset()
	}
	fmt.Fprintln(&b, verdict)
	plain(w, status, b.String())
}

// oneLine makes a line of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// stateText describes an upstream in a line.
func stateText(h upstream.Health) string {
	state := "up"
	if !h.Up {
		state = "down"
	}
	text := fmt.Sprintf("upstream %s: %s, %d requests, %d without an answer", h.Name, state, h.Requests, h.Errors)
	if h.LastError != "" {
		text += fmt.Sprintf(", last error %s: %s", h.LastFailure.UTC().Format(time.RFC3339), oneLine(h.LastError))
	}
	return text
}

// states returns the state of all that the sources ask: upstreams, and the ways to the checksum database.
func (s *sources) states() []upstream.Health {
	list := s.public.Health()
	if s.private != nil {
		for _, h := range s.private.Health() {
			if len(list) == 0 || list[len(list)-1].Name != h.Name { // direct is the last of both
				list = append(list, h)
			}
		}
	}
	for _, r := range s.remotes {
		for _, h := range r.chain.Health() {
			h.Name += " (checksum database)"
			list = append(list, h)
		}
	}
	return list
}

// newRegistry returns the metrics of the process and of whatever generation is current.
func (d *daemon) newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&buildInfo{}, &d.reloads, &currentCollector{d},
	)
	return r
}

// currentCollector collects the metrics of the current generation. What it counts goes on from one to the next.
type currentCollector struct{ d *daemon }

// Describe implements prometheus.Collector.
func (c *currentCollector) Describe(ch chan<- *prometheus.Desc) {
	g := c.d.current.enter()
	defer g.leave()
	g.server.Describe(ch)
}

// Collect implements prometheus.Collector.
func (c *currentCollector) Collect(ch chan<- prometheus.Metric) {
	g := c.d.current.enter()
	defer g.leave()
	g.server.Collect(ch)
}
