package bench

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// BenchmarkDoctor does the same for goready doctor with all checks. The wanted ratio is at most 12.
func BenchmarkDoctor(b *testing.B) {
	benchmarkRatio(b, "doctor-ms", []ratio{
		{"text", shipped, []string{"doctor", "--fail-on", "never"}},
		{"json", shipped, []string{"doctor", "--format", "json", "--fail-on", "never"}},
		{"reading_only", shipped, []string{"doctor", "--fail-on", "never", "--skip", "shell,go.goroot-mixed"}},
	})
}

// ratio is a command line of goready whose time is compared.
type ratio struct {
	name  string
	build func() (string, error)
	args  []string
}

// BenchmarkExplain reports the wall time of goready explain for all consumers as a ratio to that of go env (x-go-env),
// medians of runs that alternate. The wanted ratio is at most 3. ns/op is the sum of both and means nothing.
func BenchmarkExplain(b *testing.B) {
	benchmarkRatio(b, "explain-ms", []ratio{
		{"text", shipped, []string{"explain", "GOPROXY"}},
		{"json", shipped, []string{"explain", "--format", "json", "GOPROXY"}},
		{"text_plain_build", plain, []string{"explain", "GOPROXY"}},
		{"start_only", shipped, []string{"version"}},
	})
}

// benchmarkRatio measures command lines against go env, in turns.
func benchmarkRatio(b *testing.B, unit string, ratios []ratio) {
	for _, bb := range ratios {
		b.Run(bb.name, func(b *testing.B) {
			m := newMachine(b)
			goready := binary(b, bb.build)
			var ours, theirs []time.Duration
			for b.Loop() {
				theirs = append(theirs, wall(b, m.command(m.goCommand, "env", "GOPROXY")))
				ours = append(ours, wall(b, m.command(goready, bb.args...)))
			}
			b.ReportMetric(float64(median(ours))/float64(median(theirs)), "x-go-env")
			b.ReportMetric(median(ours).Seconds()*1e3, unit)
			b.ReportMetric(median(theirs).Seconds()*1e3, "goenv-ms")
		})
	}
}

// BenchmarkSize reports the size of the binary as it is shipped, and as go build leaves it.
func BenchmarkSize(b *testing.B) {
	small, large := size(b, binary(b, shipped)), size(b, binary(b, plain))
	for b.Loop() {
	}
	b.ReportMetric(small, "MB-shipped")
	b.ReportMetric(large, "MB-plain")
}

func wall(tb testing.TB, cmd *exec.Cmd) time.Duration {
	tb.Helper()
	start := time.Now()
	out, err := cmd.CombinedOutput()
	d := time.Since(start)
	if err != nil {
		tb.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return d
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func size(tb testing.TB, file string) float64 {
	tb.Helper()
	info, err := os.Stat(file)
	if err != nil {
		tb.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}
