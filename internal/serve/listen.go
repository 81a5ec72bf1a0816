package serve

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// listener is a listening socket that can stop accepting without being closed: who connects then waits in the kernel
// for whoever has the socket next.
type listener struct {
	socket
	inherited bool  // from who started us, who may have kept it
	fast      *fast // answers what is hot before net/http; nil if nothing is
	stopped   atomic.Bool
}

// socket is what TCP and Unix sockets have in common.
type socket interface {
	net.Listener
	SetDeadline(t time.Time) error
}

// Accept implements net.Listener. It returns net.ErrClosed after stop.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.socket.Accept()
	if err != nil && l.stopped.Load() {
		return nil, net.ErrClosed
	}
	if tcp, ok := conn.(*net.TCPConn); ok && l.fast != nil {
		return &fastConn{TCPConn: tcp, fast: l.fast}, nil
	}
	return conn, err
}

// Close leaves the socket open: http.Server closes listeners that it no longer serves. See [listener.release].
func (l *listener) Close() error { return nil }

// stop makes Accept return, now and from now on.
func (l *listener) stop() error {
	l.stopped.Store(true)
	return l.socket.SetDeadline(time.Unix(1, 0))
}

// release closes the socket. If it was inherited and is still open elsewhere, it goes on to take connections.
func (l *listener) release() error { return l.socket.Close() }

// listeners are the public one and the one for operators, which may be nil.
type listeners struct{ public, admin *listener }

func (l listeners) release() {
	l.public.release()
	if l.admin != nil {
		l.admin.release()
	}
}

// listen opens the sockets, or takes those that systemd has opened.
func listen(ctx context.Context, c *config) (listeners, error) {
	all, err := inherited()
	if err != nil {
		return listeners{}, err
	}
	if all.public == nil {
		if all.public, err = open(ctx, optListen, "--listen", c.listen.text); err != nil {
			return listeners{}, err
		}
	}
	if all.admin == nil && c.admin.text != off {
		if all.admin, err = open(ctx, optAdmin, "--admin", c.admin.text); err != nil {
			all.public.release()
			return listeners{}, err
		}
	}
	return all, nil
}

func open(ctx context.Context, option, flag, addr string) (*listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		hint := fmt.Sprintf("another program has the address: choose one with %s HOST:PORT", flag)
		return nil, incompletef(hint, "%s: %w", option, err)
	}
	return &listener{socket: l.(*net.TCPListener)}, nil
}

// firstFD is the first file descriptor that systemd passes (sd_listen_fds(3)).
const firstFD = 3

// inherited returns the sockets that systemd has opened: those named "http" and "admin", else the first is the public
// one.
func inherited() (listeners, error) {
	var all listeners
	n, names := activation(os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES"), os.Getpid())
	for i := range n {
		name := cmp.Or(names[i], "unknown")
		f := os.NewFile(uintptr(firstFD+i), "LISTEN_FD_"+strconv.Itoa(firstFD+i))
		generic, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return all, incompletef("", "socket %q from systemd: %w", name, err)
		}
		s, ok := generic.(socket)
		if !ok {
			return all, incompletef("", "socket %q from systemd is no stream socket", name)
		}
		l := &listener{socket: s, inherited: true}
		switch {
		case name == "admin" && all.admin == nil:
			all.admin = l
		case all.public == nil:
			all.public = l
		default:
			return all, incompletef("name the sockets with FileDescriptorName=http and FileDescriptorName=admin", "systemd passes one socket more than there is a use for, %q", name)
		}
	}
	return all, nil
}

// activation returns how many file descriptors are passed to the process pid, and their names.
func activation(listenPID, listenFDs, listenNames string, pid int) (n int, names []string) {
	if listenPID != strconv.Itoa(pid) {
		return 0, nil
	}
	n, err := strconv.Atoi(listenFDs)
	if err != nil || n < 1 || n > 16 {
		return 0, nil
	}
	names = strings.Split(listenNames, ":")
	return n, append(names, make([]string, max(0, n-len(names)))...)
}

// leadsTo reports whether a URL is that of a listener at addr on this machine. hostname is the name of the machine,
// local are its addresses.
func leadsTo(addr net.Addr, rawURL, hostname string, local []netip.Addr) bool {
	u, err := url.Parse(rawURL)
	at, ok := addr.(*net.TCPAddr)
	if err != nil || !ok || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	if port != strconv.Itoa(at.Port) {
		return false
	}
	listening := at.AddrPort().Addr().Unmap().WithZone("")
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return listening.IsLoopback() || listening.IsUnspecified()
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return !listening.IsLoopback() && hostname != "" && host == strings.ToLower(hostname)
	}
	ip = ip.Unmap().WithZone("")
	switch {
	case ip.IsUnspecified(): // connects to this machine
		return listening.IsLoopback() || listening.IsUnspecified()
	case listening.IsUnspecified():
		return ip.IsLoopback() || slices.Contains(local, ip)
	}
	// 127.0.0.2 is another address than 127.0.0.1, where another server may listen.
	return ip == listening
}

// localAddrs returns the addresses of this machine.
func localAddrs() []netip.Addr {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil // then a loop is noticed when it happens
	}
	var addrs []netip.Addr
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				addrs = append(addrs, ip.Unmap())
			}
		}
	}
	return addrs
}

// shown returns an address as a client on this machine can use it: an unspecified one has no host.
func shown(addr net.Addr) string {
	at, ok := addr.(*net.TCPAddr)
	if ok && at.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(at.Port))
	}
	return addr.String()
}
