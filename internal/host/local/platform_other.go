//go:build !linux && !darwin && !windows

package local

import (
	"runtime"

	"github.com/goready/goready/internal/host"
)

func platform() host.Platform { return host.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH} }
