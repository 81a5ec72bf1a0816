package local_test

import (
	"os"
	"testing"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/hosttest"
	"github.com/goready/goready/internal/host/local"
)

func TestMain(m *testing.M) { os.Exit(hosttest.Main(m)) }

func newMachine(*testing.T, hosttest.Setup) host.Host { return local.New() }

func TestHost(t *testing.T) { hosttest.TestHost(t, newMachine) }

func TestRecordedHost(t *testing.T) { hosttest.TestHost(t, hosttest.Recorded(newMachine)) }

func BenchmarkProcesses(b *testing.B) {
	m := local.New()
	list, err := m.Processes()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Processes(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(list)), "processes")
}
