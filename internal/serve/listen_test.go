package serve

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestLeadsTo(t *testing.T) {
	local := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")}
	tests := []struct {
		name, addr, url string
		want            bool
	}{
		{"itself", "127.0.0.1:8081", "http://127.0.0.1:8081", true},
		{"itself_with_path", "127.0.0.1:8081", "http://127.0.0.1:8081/x", true},
		{"localhost", "127.0.0.1:8081", "http://localhost:8081", true},
		{"localhost_in_capitals", "127.0.0.1:8081", "http://LocalHost:8081/", true},
		{"localhost_with_dot", "127.0.0.1:8081", "http://localhost.:8081", true},
		{"below_localhost", "127.0.0.1:8081", "http://go.localhost:8081", true},
		{"mapped", "127.0.0.1:8081", "http://[::ffff:127.0.0.1]:8081", true},
		{"unspecified_leads_home", "127.0.0.1:8081", "http://0.0.0.0:8081", true},
		{"ipv6", "[::1]:8081", "http://[0:0:0:0:0:0:0:1]:8081", true},
		{"default_port", "127.0.0.1:80", "http://localhost", true},
		{"default_port_tls", "0.0.0.0:443", "https://localhost", true},
		{"all_addresses", "0.0.0.0:8081", "http://192.0.2.7:8081", true},
		{"all_addresses_ipv6", "[::]:8081", "http://[2001:db8::7]:8081", true},
		{"all_addresses_loopback", "[::]:8081", "http://127.0.0.2:8081", true},
		{"all_addresses_by_name", "[::]:8081", "http://Build1:8081", true},
		{"one_address", "192.0.2.7:8081", "http://192.0.2.7:8081", true},
		{"one_address_by_name", "192.0.2.7:8081", "http://build1:8081", true},
		{"another_port", "127.0.0.1:8081", "http://127.0.0.1:8082", false},
		{"another_loopback", "127.0.0.1:8081", "http://127.0.0.2:8081", false},
		{"another_family", "127.0.0.1:8081", "http://[::1]:8081", false},
		{"another_machine", "0.0.0.0:8081", "http://192.0.2.8:8081", false},
		{"another_name", "0.0.0.0:8081", "http://build2:8081", false},
		{"name_of_loopback", "127.0.0.1:8081", "http://build1:8081", false},
		{"loopback_of_one_address", "192.0.2.7:8081", "http://127.0.0.1:8081", false},
		{"file", "127.0.0.1:8081", "file:///srv", false},
		{"localhost_of_another_domain", "127.0.0.1:8081", "http://localhost.example.com:8081", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.addr))
			if got := leadsTo(addr, tt.url, "build1", local); got != tt.want {
				t.Errorf("leadsTo(%s, %s) = %v", tt.addr, tt.url, got)
			}
		})
	}
}

func TestActivation(t *testing.T) {
	tests := []struct {
		name, pid, fds, names string
		want                  []string
	}{
		{"none", "", "", "", nil},
		{"two", "42", "2", "http:admin", []string{"http", "admin"}},
		{"without_names", "42", "2", "", []string{"", ""}},
		{"of_another_process", "41", "2", "http:admin", nil},
		{"no_number", "42", "two", "", nil},
		{"negative", "42", "-1", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, names := activation(tt.pid, tt.fds, tt.names, 42)
			if n != len(tt.want) || !slices.Equal(names[:n], tt.want) {
				t.Errorf("%d, %q; want %q", n, names, tt.want)
			}
		})
	}
}

// TestListenerStop: after stop nothing is accepted, and who connects waits for whoever has the socket next.
func TestListenerStop(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{socket: tcp.(*net.TCPListener)}
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want net.ErrClosed", err)
	}
	if err := l.Close(); err != nil { // what http.Server does
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatalf("a client is refused: %v", err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "hello"); err != nil {
		t.Fatal(err)
	}

	if err := tcp.(*net.TCPListener).SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	conn, err := tcp.Accept() // the next one
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	if err := l.release(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", tcp.Addr().String()); err == nil {
		c.Close()
		t.Error("a client is not refused after release")
	}
}
