package proxy

import (
	"net"
	"syscall"
)

// cork makes conn keep back what fills no packet, until the function it returns is called: the head of an answer then
// goes with the beginning of the file that follows, and wakes the client once. It is only about speed: where it fails,
// nothing is kept back.
func cork(conn *net.TCPConn) (uncork func()) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return func() {}
	}
	set := func(v int) {
		raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK, v) })
	}
	set(1)
	return func() { set(0) }
}
