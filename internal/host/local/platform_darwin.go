package local

import (
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/goready/goready/internal/host"
)

func platform() host.Platform {
	p := host.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	if translated, err := unix.SysctlUint32("sysctl.proc_translated"); err == nil && translated == 1 {
		p.Arch = "arm64"
	}
	return p
}
