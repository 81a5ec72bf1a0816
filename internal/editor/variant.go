package editor

import "github.com/goready/goready/internal/host"

// Variant is one editor of the family on a machine, or the server half of one.
type Variant struct {
	ID   string // code, code-insiders, vscodium, code-oss, cursor, windsurf, code-server, vscode-server, …
	Name string
	// UserDir is the folder of the user's settings.json, tasks.json and profiles. It is "" for the server half of
	// Remote-SSH, WSL and dev containers, whose user settings are on the machine of the desktop.
	UserDir         string
	ExtensionsDir   string
	MachineSettings string // the settings.json of the "remote" scope; "" for a desktop editor
	Remote          bool   // its windows are remote windows: the extension host runs in a server
	Present         bool
	Evidence        string // the file or folder that shows it, if Present
}

// Variants returns the editors that may be on a machine, the usual ones first, at the cost of a few Lstat calls each.
// getenv asks the environment that an editor would start from.
func Variants(h host.Host, home string, getenv func(string) string) []Variant { return nil }

// Extension is an installed extension.
type Extension struct {
	ID, Version, Path string
}

// GoExtension returns the installed Go extension (golang.go, else golang.go-nightly) of a variant.
func GoExtension(h host.Host, v Variant) (Extension, bool) { return Extension{}, false }
