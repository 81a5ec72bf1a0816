package local

import (
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/goready/goready/internal/host"
)

func platform() host.Platform {
	p := host.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	if p.Arch != "386" && p.Arch != "arm" {
		return p
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		switch unix.ByteSliceToString(u.Machine[:]) {
		case "x86_64":
			p.Arch = "amd64"
		case "aarch64":
			p.Arch = "arm64"
		}
	}
	return p
}
