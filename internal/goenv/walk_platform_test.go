package goenv

import (
	"runtime"

	"github.com/goready/goready/internal/host"
)

// walkPlatform is the system that runs the tests.
func walkPlatform() host.Platform { return host.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH} }
