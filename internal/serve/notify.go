package serve

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// notifier tells systemd how the service is (sd_notify(3)). Without a socket it does nothing.
type notifier struct {
	socket   string
	watchdog time.Duration // systemd wants a sign of life within this time; 0: it does not
}

func newNotifier() notifier {
	n := notifier{socket: os.Getenv("NOTIFY_SOCKET")}
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n
	}
	if usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 && n.socket != "" {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// ready says that everything the configuration says is so now.
func (n notifier) ready(status string) error { return n.send("READY=1\nSTATUS=" + status) }

// reloading says that the configuration is being read anew; ready ends that.
func (n notifier) reloading() error {
	return n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonicMicroseconds()))
}

func (n notifier) stopping() error { return n.send("STOPPING=1\nSTATUS=draining") }

func (n notifier) alive() error { return n.send("WATCHDOG=1") }

func (n notifier) send(message string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", n.socket) // a leading @ is the abstract name space, for net too
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil { // nothing else waits for systemd
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}
