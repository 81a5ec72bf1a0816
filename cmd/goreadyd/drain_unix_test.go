//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
	"github.com/goready/goready/internal/testreq"
)

const bigZip = "/mod.example.com/big/@v/v1.0.0.zip"

// serveBig starts a server, with more in its configuration file, whose upstream has sent half of a big zip and waits for
// resume.
func serveBig(t *testing.T, more string) (s *server, want []byte, resume func()) {
	t.Helper()
	up, m := newUpstream(t), newMachine(t)
	up.modules.AddBig("mod.example.com/big", "v1.0.0", 8<<20)
	want, _ = up.modules.Zip("mod.example.com/big", "v1.0.0")
	stall := make(chan struct{})
	resume = sync.OnceFunc(func() { close(stall) })
	t.Cleanup(resume)
	up.proxy.SetFault(bigZip, modtest.Fault{Stall: stall, StallAt: 4 << 20})
	return m.serve(t, "--upstream", up.url, "--config", m.write(t, "c.toml", "[sumdb]\ndatabase = \"off\"\n"+more)), want, resume
}

// TestDrain: a client that downloads when SIGTERM comes gets all of it, the server says that it is not ready meanwhile,
// and takes no new clients.
func TestDrain(t *testing.T) {
	s, want, resume := serveBig(t, "")
	resp, err := http.Get(s.url + bigZip)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGTERM)
	s.await("draining")
	if r := get(t, s.admin+"/readyz"); r.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz while draining: %d %s", r.status, r.body)
	}
	if r := get(t, s.admin+"/healthz"); r.status != http.StatusOK {
		t.Errorf("/healthz while draining: %d %s", r.status, r.body)
	}
	awaitRefusal(t, s.url)
	resume()
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(rest, want[1<<20:]) {
		t.Errorf("%d bytes after the first MiB, %v; want %d", len(rest), err, len(want)-1<<20)
	}
	s.wait(0)
}

// TestDrainKeepsFetch: a fetch whose client has left is brought to its end too, for the next one who asks.
func TestDrainKeepsFetch(t *testing.T) {
	s, want, resume := serveBig(t, "")
	resp, err := http.Get(s.url + bigZip)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.signal(syscall.SIGTERM)
	awaitRefusal(t, s.admin) // the listeners are done with
	resume()
	s.wait(0)
	got, err := os.ReadFile(filepath.Join(s.began["data"].(string), "modules", filepath.FromSlash(bigZip)))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("stored: %d bytes, %v; want %d", len(got), err, len(want))
	}
}

// awaitRefusal waits until connections to the host of a URL are refused.
func awaitRefusal(t *testing.T, url string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Errorf("%s is not refused", url)
}

// TestDrainTimeout: what takes longer than it may is broken off, which is no failure of the server.
func TestDrainTimeout(t *testing.T) {
	s, _, _ := serveBig(t, "[limits]\ndrain-timeout = \"700ms\"\n")
	resp, err := http.Get(s.url + bigZip)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s.stop(syscall.SIGTERM, 0)
	s.await("requests broken off: they took longer than limits.drain-timeout")
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("a transfer that was broken off looks whole, with %d bytes", n)
	}
}

// TestSecondSignal: what takes too long is ended by another signal at once.
func TestSecondSignal(t *testing.T) {
	for _, tt := range []struct {
		name   string
		sig    syscall.Signal
		status int
	}{{"interrupt", syscall.SIGINT, 130}, {"terminate", syscall.SIGTERM, 143}} {
		t.Run(tt.name, func(t *testing.T) {
			s, _, _ := serveBig(t, "")
			resp, err := http.Get(s.url + bigZip)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			s.signal(syscall.SIGTERM)
			s.signal(syscall.SIGTERM) // an echo, as of timeout(1)
			awaitRefusal(t, s.url)
			s.stop(tt.sig, tt.status)
			if n, err := io.Copy(io.Discard, resp.Body); err == nil {
				t.Errorf("a transfer that was broken off looks whole, with %d bytes", n)
			}
		})
	}
}

// inherit starts a server on a socket that it is passed as by systemd.
func (m *machine) inherit(t *testing.T, socket *os.File, args ...string) *server {
	t.Helper()
	cmd := m.goreadyd(t, append([]string{"serve", "--admin", "127.0.0.1:0"}, args...)...)
	cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = testreq.Program(t, "sh")
	cmd.Env = append(cmd.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES=http")
	cmd.ExtraFiles = []*os.File{socket}
	return start(t, cmd)
}

// TestRestarts: clients of a server that is restarted on the same socket lose no request. They ask with POST, which
// nobody sends again when it is lost; a module proxy answers it with 405.
func TestRestarts(t *testing.T) {
	restarts := 6
	if testing.Short() {
		restarts = 2
	}
	up, m := newUpstream(t), newMachine(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	url := "http://" + l.Addr().String()
	l.Close() // socket goes on

	s := m.inherit(t, socket, "--upstream", up.url)
	if s.url != url {
		t.Fatalf("serves %s, want %s", s.url, url)
	}
	load := startLoad(url)
	for range restarts {
		load.await(500)
		s.stop(syscall.SIGTERM, 0)
		s = m.inherit(t, socket, "--upstream", up.url)
	}
	load.await(500)
	if lost := load.end(); len(lost) > 0 {
		t.Errorf("%d of %d requests lost in %d restarts; the first: %v", len(lost), load.answered.Load(), restarts, lost[0])
	}
	t.Logf("%d requests in %d restarts", load.answered.Load(), restarts)
}

// load asks a server all the time.
type load struct {
	stop     context.CancelFunc
	wait     sync.WaitGroup
	answered atomic.Int64

	mu   sync.Mutex // guards lost
	lost []error
}

// startLoad asks with connections that are kept, and with a new one for each request.
func startLoad(url string) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	for i := range 8 {
		l.wait.Go(func() {
			client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				if err := ask(client, url+"/mod.example.com/basic/@v/v1.0.0.info"); err != nil {
					l.mu.Lock()
					l.lost = append(l.lost, err)
					l.mu.Unlock()
				}
				l.answered.Add(1)
			}
		})
	}
	return l
}

func ask(client *http.Client, url string) error {
	resp, err := client.Post(url, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusMethodNotAllowed {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}

// await waits for some more requests.
func (l *load) await(n int64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for until := l.answered.Load() + n; l.answered.Load() < until; {
		<-tick.C
	}
}

func (l *load) end() []error {
	l.stop()
	l.wait.Wait()
	return l.lost
}
