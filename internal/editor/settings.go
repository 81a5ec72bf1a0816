package editor

import "github.com/goready/goready/internal/host"

// LoadInput says which settings to read.
type LoadInput struct {
	Variant Variant
	Home    string
	// Folders are the workspace folders; with a WorkspaceFile they are taken from it and Folders is ignored.
	Folders       []string
	WorkspaceFile string // a .code-workspace file, or ""
	Profile       string // the id of a settings profile, or "" for the default profile
	// Remote: the window is a remote window although Variant is a desktop editor (the user settings are this
	// machine's, the extension host runs elsewhere). Always true if Variant.Remote.
	Remote bool
	// Untrusted: the workspace is in Restricted Mode. The Go extension does not run there.
	Untrusted bool
}

// Settings are the settings of one window, from all scopes. They do not change after Load.
type Settings struct {
	Problems []Problem // what could not be read or parsed
	h        host.Host
	in       LoadInput
	folders  []Folder
}

// Folder is a workspace folder of a window.
type Folder struct{ Name, Path string }

// Load reads the settings of a window. It never fails: what cannot be read is in Problems.
func Load(h host.Host, in LoadInput) *Settings { return &Settings{h: h, in: in} }

// Folders returns the workspace folders of the window.
func (s *Settings) Folders() []Folder { return s.folders }

// Lookup returns the effective value of a setting for the workspace folder with the given index; -1 is the window
// itself, without folder settings.
func (s *Settings) Lookup(key string, folder int) Setting { return Setting{Key: key} }

// Object returns the effective members of an object setting, merged key by key over all scopes.
func (s *Settings) Object(key string, folder int) []Member { return nil }
