//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/modtest"
)

// upstream is a module proxy on loopback with a checksum database.
type upstream struct {
	modules *modtest.Modules
	proxy   *modtest.Proxy
	sums    *modtest.SumDB
	url     string
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{modules: modtest.Corpus()}
	u.proxy = modtest.NewProxy(u.modules)
	u.sums = modtest.NewSumDB("sum.example.com", u.modules)
	u.proxy.ServeSumDB(u.sums)
	s := httptest.NewServer(u.proxy)
	t.Cleanup(s.Close)
	u.url = s.URL
	return u
}

// machine is a home for goreadyd and the go command, with none of the real machine's settings.
type machine struct {
	home string
	env  []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	home := t.TempDir()
	m := &machine{home: home, env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GOENV=" + filepath.Join(home, "goenv"),
		"XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "GORACE=exitcode=66",
		"GOCOVERDIR=" + home}}
	// Else the go command leaves a process behind, which writes into home while it is removed.
	m.write(t, "config/go/telemetry/mode", "off")
	m.write(t, "Library/Application Support/go/telemetry/mode", "off")
	return m
}

// write writes a file below home and returns its name.
func (m *machine) write(t *testing.T, name, content string) string {
	t.Helper()
	name = filepath.Join(m.home, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// goreadyd returns the program, to be run on the machine.
func (m *machine) goreadyd(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("goreadyd")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = m.home, m.env
	return cmd
}

// server is a running goreadyd.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	admin string
	began record // what it said when it began to serve
	log   *logLines
	ended chan struct{} // closed when it has ended
}

// serve starts "goreadyd serve" on free ports and waits until it serves.
func (m *machine) serve(t *testing.T, args ...string) *server {
	t.Helper()
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)
	return start(t, m.goreadyd(t, args...))
}

// start starts a command that becomes "goreadyd serve". It is stopped, and has to end well, with the test.
func start(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{t: t, cmd: cmd, log: newLogLines(), ended: make(chan struct{})}
	cmd.Stderr = s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		s.log.end()
		close(s.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-s.ended:
		default:
			s.stop(syscall.SIGTERM, 0)
		}
		if t.Failed() {
			t.Logf("log of goreadyd:\n%s", s.log)
		}
	})
	s.began = s.await("serving")
	s.url, s.admin = s.began["url"].(string), s.began["admin"].(string)
	return s
}

// await waits for a record with the message and returns it.
func (s *server) await(message string) record {
	s.t.Helper()
	r, err := s.log.await(func(r record) bool { return r["msg"] == message })
	if err != nil {
		s.t.Fatalf("no record %q: %v\n%s", message, err, s.log)
	}
	return r
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// stop sends a signal and waits for the end, which has to have the status.
func (s *server) stop(sig os.Signal, status int) {
	s.t.Helper()
	s.signal(sig)
	s.wait(status)
}

func (s *server) wait(status int) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.cmd.Process.Kill()
		s.t.Fatalf("goreadyd does not end\n%s", s.log)
	}
	if got := s.cmd.ProcessState.ExitCode(); got != status {
		s.t.Errorf("exit status %d, want %d\n%s", got, status, s.log)
	}
}

// reply is a whole answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// get asks for a URL, which has to be answered.
func get(t *testing.T, url string) reply {
	t.Helper()
	r, err := tryGet(url)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryGet(url string) (reply, error) {
	resp, err := http.Get(url)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

// record is a record of the log.
type record map[string]any

// logLines is a log of JSON lines that can be waited for.
type logLines struct {
	mu      sync.Mutex // guards what follows
	changed *sync.Cond
	text    bytes.Buffer
	rest    []byte   // of text, a line that has not ended
	records []record // that nobody has waited for
	over    bool
}

func newLogLines() *logLines {
	l := &logLines{}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// Write implements io.Writer. Lines may come in parts.
func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			break
		}
		l.rest = rest
		var r record
		if json.Unmarshal(line, &r) == nil {
			l.records = append(l.records, r)
		}
	}
	l.changed.Broadcast()
	return len(p), nil
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logLines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.changed.Broadcast()
}

// await returns the first record that want is true of, and forgets it.
func (l *logLines) await(want func(record) bool) (record, error) {
	late := time.AfterFunc(time.Minute, l.end)
	defer late.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if i := slices.IndexFunc(l.records, want); i >= 0 {
			r := l.records[i]
			l.records = slices.Delete(l.records, i, i+1)
			return r, nil
		}
		if l.over {
			return nil, errors.New("it is not in the log")
		}
		l.changed.Wait()
	}
}
