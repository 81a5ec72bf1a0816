package local

import "testing"

func BenchmarkProcesses(b *testing.B) {
	m := New()
	list, err := m.Processes()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(list)), "processes")
	for b.Loop() {
		m.Processes()
	}
}
