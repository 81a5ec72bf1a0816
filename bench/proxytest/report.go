//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goready/goready/bench/proxytest/load"
)

// report is what came out.
type report struct {
	began time.Time

	Cores   int          `json:"cores"`
	Seconds float64      `json:"seconds"`
	Loads   []loadResult `json:"loads"`
	Figures []figure     `json:"figures"`
	Missed  int          `json:"missed"`
}

func newReport() *report { return &report{began: time.Now(), Cores: runtime.NumCPU()} }

// loadResult is one mix on one server, all rounds together.
type loadResult struct {
	Mix          string  `json:"mix"`
	Server       string  `json:"server"`
	Requests     int     `json:"requests"`
	Rate         float64 `json:"requests_per_second"`
	MB           float64 `json:"mb_per_second"`
	P50          float64 `json:"p50_ms"`
	P90          float64 `json:"p90_ms"`
	P99          float64 `json:"p99_ms"`
	Max          float64 `json:"max_ms"`
	CPU          float64 `json:"cpu_us_per_request"`
	GeneratorCPU float64 `json:"generator_cpu_us_per_request"`
	Errors       int     `json:"errors"`
}

// addLoad adds the rounds of a server.
func (r *report) addLoad(mix, server string, rounds []sample) {
	var all load.Histogram
	l := loadResult{Mix: mix, Server: server}
	var elapsed, cpu, own time.Duration
	var size int64
	for _, s := range rounds {
		all.Merge(&s.Latency)
		l.Requests += s.Requests
		l.Errors += s.Errors
		elapsed, cpu, own, size = elapsed+s.Elapsed, cpu+s.serverCPU, own+s.CPU, size+s.Bytes
	}
	n := float64(max(l.Requests, 1))
	l.Rate, l.MB = float64(l.Requests)/elapsed.Seconds(), float64(size)/1e6/elapsed.Seconds()
	l.P50, l.P90, l.P99, l.Max = ms(all.Quantile(0.5)), ms(all.Quantile(0.9)), ms(all.Quantile(0.99)), ms(all.Max())
	l.CPU, l.GeneratorCPU = float64(cpu.Microseconds())/n, float64(own.Microseconds())/n
	r.Loads = append(r.Loads, l)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// figure is a measured number, what it is compared with, and what is promised of it.
type figure struct {
	Part string `json:"part"`
	Name string `json:"name"`
	// Value is goreadyd's, the median of all rounds, Against that of what it is compared with, if there is such a thing.
	Value   float64  `json:"value"`
	Against *float64 `json:"against,omitempty"`
	// Ratio is the median of the rounds' ratios of the two, Low and High are their bounds.
	Ratio *float64 `json:"ratio,omitempty"`
	Low   float64  `json:"low"`
	High  float64  `json:"high"`
	// AtLeast or AtMost is what the ratio must reach, or the value if there is no ratio.
	AtLeast *float64 `json:"at_least,omitempty"`
	AtMost  *float64 `json:"at_most,omitempty"`
	Pass    *bool    `json:"pass,omitempty"`
}

// promise is what is promised of a figure.
type promise struct{ atLeast, atMost *float64 }

func atLeast(v float64) promise { return promise{atLeast: &v} }
func atMost(v float64) promise  { return promise{atMost: &v} }

// noPromise is of figures that are only shown.
func noPromise() promise { return promise{} }

// add adds a figure that was measured in rounds, compared with others in the same rounds, or with nothing.
func (r *report) add(part, name string, values, against []float64, p promise) {
	f := figure{Part: part, Name: name, Value: median(values), Low: slices.Min(values), High: slices.Max(values), AtLeast: p.atLeast, AtMost: p.atMost}
	decides := f.Value
	if against != nil {
		m := median(against)
		f.Against = &m
	}
	if ratios := quotients(values, against); ratios != nil {
		m := median(ratios)
		f.Ratio, f.Low, f.High = &m, slices.Min(ratios), slices.Max(ratios)
		decides = m
	}
	if p != noPromise() {
		// As precise as it is printed: 0.9999 is 1.00.
		decides = math.Round(decides*100) / 100
		pass := p.atLeast != nil && decides >= *p.atLeast || p.atMost != nil && decides <= *p.atMost
		f.Pass = &pass
	}
	r.Figures = append(r.Figures, f)
}

// quotients returns the ratio of each round, nil if there is nothing to compare with.
func quotients(values, against []float64) []float64 {
	if slices.Contains(against, 0) {
		return nil
	}
	var out []float64
	for i := range against {
		out = append(out, values[i]/against[i])
	}
	return out
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// missed returns the number of figures that did not reach what is promised.
func (r *report) missed() int {
	n := 0
	for _, f := range r.Figures {
		if f.Pass != nil && !*f.Pass {
			n++
		}
	}
	return n
}

func (r *report) print(w io.Writer, asJSON bool) error {
	r.Seconds, r.Missed = math.Round(time.Since(r.began).Seconds()), r.missed()
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	if len(r.Loads) > 0 {
		fmt.Fprintln(w, "Load (all rounds together)")
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "mix\tserver\trequests/s\tMB/s\tp50 ms\tp90\tp99\tmax\tCPU us/request\tgenerator's\terrors\t")
		for _, l := range r.Loads {
			fmt.Fprintf(t, "%s\t%s\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t%d\t\n",
				l.Mix, l.Server, l.Rate, l.MB, l.P50, l.P90, l.P99, l.Max, l.CPU, l.GeneratorCPU, l.Errors)
		}
		t.Flush()
		fmt.Fprintln(w)
	}
	if len(r.Figures) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "part\tfigure\tgoreadyd\tagainst\tratio\tspread\tmust reach\t")
	for _, f := range r.Figures {
		fmt.Fprintln(t, f.row())
	}
	t.Flush()
	_, err := fmt.Fprintf(w, "\n%d cores, %.0f s, %d figures missed\n", r.Cores, r.Seconds, r.Missed)
	return err
}

// row returns the figure as a line of the table.
func (f *figure) row() string {
	against, ratio, wants, verdict := "", "", "", ""
	if f.Against != nil {
		against = short(*f.Against)
	}
	if f.Ratio != nil {
		ratio = fmt.Sprintf("%.2f", *f.Ratio)
	}
	spread := ""
	if f.Low != f.High {
		spread = fmt.Sprintf("%s to %s", short(f.Low), short(f.High))
	}
	switch {
	case f.AtLeast != nil:
		wants = ">= " + short(*f.AtLeast)
	case f.AtMost != nil:
		wants = "<= " + short(*f.AtMost)
	}
	if f.Pass != nil {
		verdict = map[bool]string{true: "PASS", false: "FAIL"}[*f.Pass]
	}
	return strings.Join([]string{f.Part, f.Name, short(f.Value), against, ratio, spread, wants, verdict}, "\t")
}

// short writes a number with what of it can be believed.
func short(v float64) string {
	switch {
	case v == math.Trunc(v) || math.Abs(v) >= 1000:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
