//go:build !linux

package proxy

import "net"

// cork does nothing: packets are as they come.
func cork(*net.TCPConn) (uncork func()) { return func() {} }
