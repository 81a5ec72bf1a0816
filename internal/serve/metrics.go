package serve

import (
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// buildInfo is a metric that says which goreadyd this is.
type buildInfo struct{}

func (buildInfo) desc() *prometheus.Desc {
	return prometheus.NewDesc("goreadyd_build_info", "1; the labels say which goreadyd this is.", []string{"version", "goversion"}, nil)
}

// Describe implements prometheus.Collector.
func (b buildInfo) Describe(ch chan<- *prometheus.Desc) { ch <- b.desc() }

// Collect implements prometheus.Collector.
func (b buildInfo) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(b.desc(), prometheus.GaugeValue, 1, version(), runtime.Version())
}

// reloads remembers how reading the configuration went.
type reloads struct {
	mu     sync.Mutex // guards what follows
	failed bool       // the last time
	last   time.Time  // when it was read without an error
}

func (r *reloads) succeeded(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed, r.last = false, at
}

func (r *reloads) fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (*reloads) descs() (ok, last *prometheus.Desc) {
	return prometheus.NewDesc("goreadyd_config_last_reload_successful", "1 if the configuration was read without an error the last time, else 0.", nil, nil),
		prometheus.NewDesc("goreadyd_config_last_reload_success_timestamp_seconds", "When the configuration in use was read.", nil, nil)
}

// Describe implements prometheus.Collector.
func (r *reloads) Describe(ch chan<- *prometheus.Desc) {
	ok, last := r.descs()
	ch <- ok
	ch <- last
}

// Collect implements prometheus.Collector.
func (r *reloads) Collect(ch chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	good := 1.0
	if r.failed {
		good = 0
	}
	ok, last := r.descs()
	ch <- prometheus.MustNewConstMetric(ok, prometheus.GaugeValue, good)
	ch <- prometheus.MustNewConstMetric(last, prometheus.GaugeValue, float64(r.last.Unix()))
}
