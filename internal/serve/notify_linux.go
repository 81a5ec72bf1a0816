package serve

import "golang.org/x/sys/unix"

// monotonicMicroseconds returns the clock by which systemd tells an old message from a new one.
func monotonicMicroseconds() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // unreachable: every Linux has this clock
	}
	return t.Nano() / 1000
}
