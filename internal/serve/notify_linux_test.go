package serve

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestNotify: systemd gets what sd_notify(3) describes.
func TestNotify(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	n := newNotifier()
	if n.watchdog != 30*time.Second {
		t.Errorf("watchdog %s, want 30s", n.watchdog)
	}
	before := monotonicMicroseconds()
	for _, tt := range []struct {
		send func() error
		want string
	}{
		{func() error { return n.ready("serves") }, `^READY=1\nSTATUS=serves$`},
		{n.reloading, `^RELOADING=1\nMONOTONIC_USEC=(\d+)$`},
		{n.stopping, `^STOPPING=1\nSTATUS=draining$`},
		{n.alive, `^WATCHDOG=1$`},
	} {
		if err := tt.send(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1<<10)
		size, err := systemd.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(tt.want).FindStringSubmatch(string(buf[:size]))
		if m == nil {
			t.Errorf("%q, want %s", buf[:size], tt.want)
		}
		if len(m) == 2 {
			usec, err := strconv.ParseInt(m[1], 10, 64)
			if err != nil || usec < before || usec > before+int64(time.Minute/time.Microsecond) {
				t.Errorf("MONOTONIC_USEC=%s, want about %d", m[1], before)
			}
		}
	}
}

// TestNotifyNobody: without systemd nothing is done, and a watchdog of another process is not ours.
func TestNotifyNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := newNotifier().ready(""); err != nil {
		t.Error(err)
	}
	t.Setenv("NOTIFY_SOCKET", "@nobody")
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", "1")
	n := newNotifier()
	if n.watchdog != 0 {
		t.Errorf("watchdog %s of another process", n.watchdog)
	}
	if err := n.ready(""); err == nil {
		t.Error("a socket that is not there is no error")
	}
}
