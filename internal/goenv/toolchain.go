package goenv

import (
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// Selection is the toolchain that a go command selects before it does anything else.
type Selection struct {
	// Toolchain is the name of the selected one, such as "go1.97.0", or "local" for the go command that was started.
	Toolchain string
	// Version is its Go version, without "go": "1.97.0"; "" if it is local and the SDK does not say.
	Version string
	// Setting is the value of GOTOOLCHAIN, and Mode its "auto" or "path" part; "" if no switch is allowed.
	Setting string
	Mode    string
	// File is the go.work or go.mod that had a say, "" if none did.
	File string
	// Program is the toolchain as found on PATH; "" if it is not there.
	Program string
	// SDK is that of the toolchain that runs in the end; nil if that is not known or not on this machine yet.
	SDK *SDK
	// Download: the toolchain must be downloaded first.
	Download bool
	// Trail says how it came about, weakest first: the go command that was started, the layers of GOTOOLCHAIN (their
	// Value is that of GOTOOLCHAIN), the lines of go.mod or go.work. Exactly one reason won; its Value is "go" followed
	// by Version or the toolchain's name.
	Trail []layer.Reason
	// Err, if not zero, is what every go command says and then fails, except "go env GOTOOLCHAIN", "go env GOMOD" and
	// "go env GOWORK".
	Err msg.Text
	// ModuleErr, if not zero, is what those commands say and then fail that load go.mod or go.work: build, list, mod.
	ModuleErr msg.Text
	// Unknown, if not zero, says why the selection cannot be told.
	Unknown msg.Text
}

// SelectToolchain returns the toolchain that runs a command, by the rules of cmd/go/internal/toolchain.Select for
// commands other than "go install m@v" and "go run m@v".
func SelectToolchain(q *Query) Selection { return Selection{} }
