package goenv

import "github.com/goready/goready/internal/host"

// SDK is a Go SDK: a GOROOT and the go command in it.
type SDK struct {
	// GoCommand is the go command as it was found, on PATH for example; "" if only the GOROOT was given.
	GoCommand string `json:"goCommand"`
	// Root is the GOROOT that this go command finds by its own location.
	Root string `json:"root"`
	// Version is the first line of the VERSION file, such as "go1.26.8"; "" if there is none.
	Version string `json:"version"`
	// Arch is the architecture of the go command, which may differ from that of the machine.
	Arch string `json:"arch"`
	// GoEnv is $GOROOT/go.env; nil if there is none (before Go 1.21, or if a packager removed it).
	GoEnv *File `json:"goEnv,omitempty"`
	// Pinned: the go command is a wrapper of golang.org/dl, which sets GOROOT to Root in the environment.
	Pinned bool `json:"pinned,omitempty"`
}

// FindSDK returns the SDK that the go command gocmd belongs to, by the rules of cmd/go/internal/cfg.findGOROOT: the
// folder above bin, or above bin/GOOS_GOARCH, that has a folder pkg/tool, tried as the command was found and then with
// its symbolic links followed; on Linux always with links followed, because os.Executable does so there. A command
// "go1.x.y" that golang.org/dl installed is followed to the SDK in ~/sdk that it runs.
//
// If gocmd is not inside a GOROOT (a script that starts another one, for example) the error is [ErrNoRoot].
func FindSDK(h host.Host, gocmd string) (SDK, error) { return SDK{}, ErrNoRoot }

// LoadRoot returns the SDK with the given GOROOT, as the variable GOROOT names it: all that is asked of it is to be a
// folder. If there is no such folder the error is fs.ErrNotExist.
func LoadRoot(h host.Host, root string) (SDK, error) { return SDK{}, ErrNoRoot }
