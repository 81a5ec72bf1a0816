package proxy

import (
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/goready/goready/internal/store"
	"github.com/goready/goready/internal/upstream"
)

// Metrics counts what happens. Its labels are few and fixed: never a module, a client or a path. Several servers may
// share one, such as the old and the new one when the configuration was changed.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
	// What a hit needs, looked up once.
	hits       [kindCount]prometheus.Counter
	hitSeconds [kindCount]prometheus.Observer
	hitBytes   [kindCount]prometheus.Counter

	coalesced    prometheus.Counter
	verification prometheus.Counter
	quarantined  prometheus.Counter
	evictions    prometheus.Counter
	evictedBytes prometheus.Counter
	scrubbed     prometheus.Counter
	refused      *prometheus.CounterVec
}

const namespace = "goreadyd"

// NewMetrics returns counters that stand at zero.
func NewMetrics() *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "requests_total",
			Help: "Requests answered, by what was asked for and what came of it."}, []string{"kind", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "request_duration_seconds",
			Help:    "Time from a request to the end of its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120}}, []string{"kind", "outcome"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "response_bytes_total",
			Help: "Bytes of answers sent."}, []string{"kind"}),
		coalesced:    counter("coalesced_waits_total", "Requests that shared a fetch which was under way for another one."),
		verification: counter("verification_failures_total", "Files from upstream or its checksum database that failed verification. Each is an alarm."),
		quarantined:  counter("quarantined_total", "Stored files that were found damaged and put away."),
		evictions:    counter("evicted_files_total", "Files removed because the store was larger than its limit."),
		evictedBytes: counter("evicted_bytes_total", "Bytes of files removed because the store was larger than its limit."),
		scrubbed:     counter("scrubbed_files_total", "Stored files compared with the hash they were stored with."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "limited_requests_total",
			Help: "Requests refused because too many were served, of all clients or of one."}, []string{"limit"}),
	}
	for k := range kindCount {
		m.hits[k] = m.requests.WithLabelValues(k.String(), "hit")
		m.hitSeconds[k] = m.seconds.WithLabelValues(k.String(), "hit")
		m.hitBytes[k] = m.bytes.WithLabelValues(k.String())
	}
	m.refused.WithLabelValues("all")
	m.refused.WithLabelValues("client")
	return m
}

// hit counts a whole answer from the cache.
func (m *Metrics) hit(e *hotEntry, method string, took time.Duration) {
	m.hits[e.kind].Inc()
	m.hitSeconds[e.kind].Observe(took.Seconds())
	if method != http.MethodHead {
		m.hitBytes[e.kind].Add(float64(e.size))
	}
}

func (m *Metrics) rejected(err error) {
	if limit, ok := errors.AsType[*limitError](err); ok && limit.status == http.StatusTooManyRequests {
		m.refused.WithLabelValues("client").Inc()
		return
	}
	m.refused.WithLabelValues("all").Inc()
}

func (m *Metrics) request(k kind, o outcome, w *pacedWriter, err error, aborted bool, took time.Duration) {
	name := outcomeName(o, w.status, err, aborted)
	m.requests.WithLabelValues(k.String(), name).Inc()
	m.seconds.WithLabelValues(k.String(), name).Observe(took.Seconds())
	m.hitBytes[k].Add(float64(w.bytes))
	if o.joined {
		m.coalesced.Inc()
	}
}

// outcomeName names what came of a request: an answer by where it came from, else the reason.
func outcomeName(o outcome, status int, err error, aborted bool) string {
	switch {
	case errors.Is(err, errClientGone) || status == 0:
		return "gone"
	case errors.Is(err, ErrSecurity):
		return "security"
	case aborted:
		return "aborted"
	case status >= 500:
		return "unavailable"
	case status == http.StatusNotFound && o.result == Negative:
		return "negative"
	case status == http.StatusNotFound:
		return "not_found"
	case status == http.StatusForbidden || status == http.StatusUnavailableForLegalReasons:
		return "refused"
	case status >= 400:
		return "bad_request"
	case o.result == Hit:
		return "hit"
	case o.result == Stale:
		return "stale"
	case o.result == Bypass:
		return "bypass"
	case o.result == Miss:
		return "miss"
	}
	return "ok"
}

// gauge is something that is read when somebody asks.
type gauge struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func newGauge(kind prometheus.ValueType, name, help string, labels ...string) gauge {
	return gauge{prometheus.NewDesc(namespace+"_"+name, help, labels, nil), kind}
}

// gauges are what Collect reads at that moment.
type gauges struct {
	inFlight, storeBytes, storeLimit                        gauge
	up, upFailures, upRequests, upErrors, upSeconds, upLast gauge
}

func newGauges() gauges {
	const g, c = prometheus.GaugeValue, prometheus.CounterValue
	return gauges{
		inFlight:   newGauge(g, "requests_in_flight", "Requests served at this moment."),
		storeBytes: newGauge(g, "store_bytes", "Size of the stored module files; absent until it has been counted."),
		storeLimit: newGauge(g, "store_limit_bytes", "Size above which the least recently used files are removed; 0 is no limit."),
		up:         newGauge(g, "upstream_up", "1 if the upstream answers, 0 while its circuit breaker is open or nothing but failures came lately.", "upstream"),
		upFailures: newGauge(g, "upstream_consecutive_failures", "Failures of the upstream since its last answer.", "upstream"),
		upRequests: newGauge(c, "upstream_requests_total", "Requests to the upstream.", "upstream"),
		upErrors:   newGauge(c, "upstream_errors_total", "Requests that the upstream did not answer.", "upstream"),
		upSeconds:  newGauge(c, "upstream_wait_seconds_total", "Time spent waiting for answers of the upstream to begin.", "upstream"),
		upLast:     newGauge(g, "upstream_last_success_timestamp_seconds", "When the upstream last answered.", "upstream"),
	}
}

// Describe implements prometheus.Collector. The server is registered with the registry of whoever serves the metrics.
func (s *Server) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range s.metrics.collectors() {
		c.Describe(ch)
	}
	g := newGauges()
	for _, d := range []gauge{g.inFlight, g.storeBytes, g.storeLimit, g.up, g.upFailures, g.upRequests, g.upErrors, g.upSeconds, g.upLast} {
		ch <- d.desc
	}
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.seconds, m.bytes, m.coalesced, m.verification, m.quarantined,
		m.evictions, m.evictedBytes, m.scrubbed, m.refused}
}

// Collect implements prometheus.Collector.
func (s *Server) Collect(ch chan<- prometheus.Metric) {
	for _, c := range s.metrics.collectors() {
		c.Collect(ch)
	}
	g := newGauges()
	send := func(g gauge, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(g.desc, g.kind, v, labels...)
	}
	send(g.inFlight, float64(s.requests.all.Load()))
	send(g.storeLimit, float64(s.config.MaxBytes))
	if d, ok := s.store.(*store.Dir); ok {
		if n, known := d.Usage(); known {
			send(g.storeBytes, float64(n))
		}
	}
	for _, h := range s.Health() {
		up := 0.0
		if h.Up {
			up = 1
		}
		send(g.up, up, h.Name)
		send(g.upFailures, float64(h.Failures), h.Name)
		send(g.upRequests, float64(h.Requests), h.Name)
		send(g.upErrors, float64(h.Errors), h.Name)
		send(g.upSeconds, h.Seconds, h.Name)
		if !h.LastSuccess.IsZero() {
			send(g.upLast, float64(h.LastSuccess.Unix()), h.Name)
		}
	}
}

// Health returns the state of all upstreams, each once.
func (s *Server) Health() []upstream.Health {
	var all []upstream.Health
	seen := map[string]bool{}
	for _, src := range []upstream.Source{s.tenant.PublicSource, s.tenant.PrivateSource} {
		h, ok := src.(interface{ Health() []upstream.Health })
		if !ok {
			continue
		}
		for _, one := range h.Health() {
			if !seen[one.Name] {
				seen[one.Name] = true
				all = append(all, one)
			}
		}
	}
	return all
}
