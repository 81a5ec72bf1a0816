package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goready/goready/internal/testreq"
)

// TestSystemd: the server takes the sockets that systemd passes, by name, and tells it when it is ready, reloads and
// stops; what is meant for it alone does not reach the programs that it runs.
func TestSystemd(t *testing.T) {
	up, m := newUpstream(t), newMachine(t)
	notify := filepath.Join(m.home, "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	systemd.SetReadDeadline(time.Now().Add(time.Minute))
	expect := func(want string) {
		t.Helper()
		for buf := make([]byte, 1<<10); ; {
			n, err := systemd.Read(buf)
			if err != nil {
				t.Fatalf("no %s: %v", want, err)
			}
			if text := string(buf[:n]); text != "WATCHDOG=1" {
				if !strings.HasPrefix(text, want) {
					t.Errorf("systemd is told %q, want %s", text, want)
				}
				return
			}
		}
	}
	spy := m.write(t, "spy/go", "#!/bin/sh\nenv > "+m.home+"/seen\necho '{\"GOSUMDB\":\"off\"}'\n")
	if err := os.Chmod(spy, 0o755); err != nil {
		t.Fatal(err)
	}
	m.env = append(m.env, "NOTIFY_SOCKET="+notify, "WATCHDOG_USEC=20000", "PATH="+filepath.Dir(spy)+":"+os.Getenv("PATH"))

	admin, public := tcpSocket(t), tcpSocket(t)
	cmd := m.goreadyd(t, "serve", "--listen", "127.0.0.1:1", "--admin", "127.0.0.1:2", "--upstream", up.url)
	cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = testreq.Program(t, "sh")
	cmd.Env = append(cmd.Env, "LISTEN_FDS=2", "LISTEN_FDNAMES=admin:http")
	cmd.ExtraFiles = []*os.File{admin.file, public.file}
	s := start(t, cmd)
	expect("READY=1\n")
	if s.url != "http://"+public.addr || s.admin != "http://"+admin.addr {
		t.Errorf("serves %s and %s, want %s and %s", s.url, s.admin, public.addr, admin.addr)
	}
	if r := get(t, s.url+"/mod.example.com/basic/@v/list"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	s.signal(syscall.SIGHUP)
	expect("RELOADING=1\nMONOTONIC_USEC=")
	expect("READY=1\n")
	s.signal(syscall.SIGTERM)
	expect("STOPPING=1\n")
	s.wait(0)
	seen, err := os.ReadFile(filepath.Join(m.home, "seen"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=", "WATCHDOG_USEC="} {
		if strings.Contains(string(seen), name) {
			t.Errorf("the go command sees %s", name)
		}
	}
}

type passed struct {
	file *os.File
	addr string
}

// tcpSocket returns a listening socket to be passed on.
func tcpSocket(t *testing.T) passed {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return passed{f, l.Addr().String()}
}
