package goenv

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/goready/goready/internal/host"
)

// SDK is a Go SDK: a GOROOT and the go command in it.
type SDK struct {
	// GoCommand is the go command as it was found, on PATH for example; "" if only the GOROOT was given.
	GoCommand string `json:"goCommand"`
	// Root is the GOROOT that this go command finds by its own location.
	Root string `json:"root"`
	// Version is the first line of the VERSION file, such as "go1.26.8"; "" if there is none.
	Version string `json:"version"`
	// Arch is the architecture of the go command, which may differ from that of the machine; "" if it is not known.
	Arch string `json:"arch"`
	// GoEnv is $GOROOT/go.env; nil if there is none (before Go 1.21, or if a packager removed it).
	GoEnv *File `json:"goEnv,omitempty"`
	// Pinned: the go command is a wrapper of golang.org/dl, which sets GOROOT to Root in the environment.
	Pinned bool `json:"pinned,omitempty"`
}

// ErrNoRoot means that a go command was found, but not the GOROOT it belongs to.
var ErrNoRoot = errors.New("not inside a GOROOT")

// FindSDK returns the SDK that the go command gocmd belongs to, by the rules of cmd/go/internal/cfg.findGOROOT: the
// folder above bin, or above bin/GOOS_GOARCH, that has a folder pkg/tool, tried as the command was found and then with
// its symbolic links followed; on Linux always with links followed, because os.Executable does so there. A command
// "go1.x.y" that golang.org/dl installed is followed to the SDK in ~/sdk that it runs.
//
// If gocmd is not inside a GOROOT (a script that starts another one, for example) the error is [ErrNoRoot]. A GOROOT
// that was compiled into the go command, as some distributions do, is not known here.
func FindSDK(h host.Host, gocmd string) (SDK, error) {
	p := h.Platform()
	var names []string
	if !sdkResolvesExecutable(p.OS) {
		names = append(names, gocmd)
	}
	resolved, err := host.EvalSymlinks(h, gocmd)
	if err == nil && (len(names) == 0 || resolved != gocmd) {
		names = append(names, resolved)
	}
	for _, exe := range names {
		for _, up := range []string{"../..", "../../.."} {
			root := p.Join(exe, up)
			if arch, ok := sdkTools(h, root); ok {
				return sdkRead(h, SDK{GoCommand: gocmd, Root: root, Arch: arch})
			}
		}
	}
	if err != nil {
		return SDK{GoCommand: gocmd}, err
	}
	return sdkPinned(h, gocmd)
}

// sdkResolvesExecutable reports whether os.Executable follows symbolic links on a system.
func sdkResolvesExecutable(goos string) bool {
	switch goos {
	case "linux", "android", "freebsd", "dragonfly", "netbsd":
		return true
	}
	return false
}

// sdkTools reports whether root is a GOROOT, which is so if it has a folder pkg/tool, and for which architecture its
// tools are.
func sdkTools(h host.Host, root string) (arch string, ok bool) {
	p := h.Platform()
	dir := p.Join(root, "pkg", "tool")
	entries, err := h.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	if err != nil { // a folder that cannot be listed will do
		info, err := host.Stat(h, dir)
		return "", err == nil && info.Mode.IsDir()
	}
	for _, e := range entries {
		goos, goarch, _ := strings.Cut(e.Name, "_")
		if goos != p.OS || goarch == "" {
			continue
		}
		if goarch == p.Arch || arch == "" {
			arch = goarch
		}
	}
	return arch, true
}

// sdkPinned finds the SDK that a wrapper installed by "go install golang.org/dl/go1.x.y@latest" runs.
func sdkPinned(h host.Host, gocmd string) (SDK, error) {
	p := h.Platform()
	name := strings.TrimSuffix(p.Base(gocmd), ".exe")
	err := fmt.Errorf("%s is %w", gocmd, ErrNoRoot)
	if toolchainVersion(name) == "" && name != "gotip" {
		return SDK{GoCommand: gocmd}, err
	}
	home := ""
	key := "HOME"
	if p.Windows() {
		key = "USERPROFILE"
	}
	for _, kv := range h.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		if k == key || p.FoldCase() && strings.EqualFold(k, key) {
			home = v
		}
	}
	root := p.Join(home, "sdk", name)
	arch, ok := sdkTools(h, root)
	if home == "" || !ok {
		return SDK{GoCommand: gocmd}, err
	}
	return sdkRead(h, SDK{GoCommand: gocmd, Root: root, Arch: arch, Pinned: true})
}

// LoadRoot returns the SDK with the given GOROOT, as the variable GOROOT names it: all that is asked of it is to be a
// folder. If there is no such folder the error is fs.ErrNotExist.
func LoadRoot(h host.Host, root string) (SDK, error) {
	p := h.Platform()
	info, err := host.Stat(h, root) // as it is spelled: x/.. does not exist if x does not
	if err != nil {
		return SDK{}, err
	}
	if !info.Mode.IsDir() {
		return SDK{}, &fs.PathError{Op: "stat", Path: root, Err: fs.ErrNotExist}
	}
	arch, _ := sdkTools(h, root)
	return sdkRead(h, SDK{Root: p.Clean(root), Arch: arch})
}

// sdkRead adds what the files of s.Root say. An unreadable go.env is none, as in Go; one that is not recorded is an
// error.
func sdkRead(h host.Host, s SDK) (SDK, error) {
	p := h.Platform()
	version, err := h.ReadFile(p.Join(s.Root, "VERSION"))
	if errors.Is(err, host.ErrUnknown) {
		return s, err
	}
	line, _, _ := strings.Cut(string(version), "\n")
	s.Version = strings.TrimSpace(line)
	name := p.Join(s.Root, "go.env")
	data, err := h.ReadFile(name)
	switch {
	case err == nil:
		s.GoEnv = ParseFile(name, data)
	case errors.Is(err, host.ErrUnknown):
		return s, err
	}
	return s, nil
}
