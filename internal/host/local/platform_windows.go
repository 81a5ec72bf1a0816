package local

import (
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/windows"

	"github.com/goready/goready/internal/host"
)

// The machine types of PE files that Go supports (IMAGE_FILE_MACHINE_*).
const (
	machineI386  = 0x014c
	machineAMD64 = 0x8664
	machineARM64 = 0xaa64
)

func platform() host.Platform {
	p := host.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	var process, native uint16
	// IsWow64Process2 exists since Windows 10 1511, and only it tells an amd64 program that the machine is arm64.
	if err := windows.IsWow64Process2(windows.CurrentProcess(), &process, &native); err == nil {
		switch native {
		case machineI386:
			p.Arch = "386"
		case machineAMD64:
			p.Arch = "amd64"
		case machineARM64:
			p.Arch = "arm64"
		}
		return p
	}
	if arch := strings.ToLower(os.Getenv("PROCESSOR_ARCHITEW6432")); arch == "amd64" || arch == "arm64" {
		p.Arch = arch
	}
	return p
}
