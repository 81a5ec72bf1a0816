package editor

import (
	"strings"

	"golang.org/x/mod/semver"

	"github.com/goready/goready/internal/host"
)

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

// product is how an editor of the family names its folders (product.json nameShort, dataFolderName, serverDataFolderName).
type product struct {
	id, name string
	data     string // below the folder of application data
	home     string // dot folder in the home directory, with the extensions
	server   string // dot folder of the server half; its id is the product's with -server
	flatpak  string // application id
}

func products() []product {
	return []product{
		{"code", "Visual Studio Code", "Code", ".vscode", ".vscode-server", "com.visualstudio.code"},
		{"code-insiders", "Visual Studio Code - Insiders", "Code - Insiders", ".vscode-insiders", ".vscode-server-insiders", "com.visualstudio.code.insiders"},
		{"vscodium", "VSCodium", "VSCodium", ".vscode-oss", ".vscodium-server", "com.vscodium.codium"},
		{"vscodium-insiders", "VSCodium - Insiders", "VSCodium - Insiders", ".vscodium-insiders", ".vscodium-server-insiders", "com.vscodium.codium-insiders"},
		{"code-oss", "Code - OSS", "Code - OSS", ".vscode-oss", ".vscode-server-oss", "com.visualstudio.code-oss"},
		{"cursor", "Cursor", "Cursor", ".cursor", ".cursor-server", ""},
		{"windsurf", "Windsurf", "Windsurf", ".windsurf", ".windsurf-server", ""},
		{"positron", "Positron", "Positron", ".positron", ".positron-server", ""},
	}
}

// places are the folders that the editors of one machine share.
type places struct {
	h       host.Host
	p       host.Platform
	home    string
	appData string // where desktop editors keep their data
	getenv  func(string) string
}

// Variants returns the editors that may be on a machine, the usual ones first, at the cost of a few Lstat calls each.
// getenv asks the environment that an editor would start from.
func Variants(h host.Host, home string, getenv func(string) string) []Variant {
	l := places{h: h, p: h.Platform(), home: home, getenv: getenv}
	l.appData = l.dataHome()
	var list []Variant
	if dir := getenv("VSCODE_PORTABLE"); dir != "" {
		list = append(list, l.portable(dir))
	}
	for _, pr := range products() {
		list = append(list, l.desktop(pr))
		if pr.flatpak != "" && l.p.OS == "linux" && home != "" {
			list = append(list, l.flatpak(pr))
		}
	}
	for _, pr := range products() {
		list = append(list, l.server(pr))
	}
	list = append(list, l.codeServer())
	for i := range list {
		l.look(&list[i])
	}
	return list
}

// dataHome returns the folder of application data (platform/environment/node/userDataPath.ts), "" if unknown.
func (l places) dataHome() string {
	if dir := l.getenv("VSCODE_APPDATA"); dir != "" {
		return dir
	}
	switch l.p.OS {
	case "windows":
		if dir := l.getenv("APPDATA"); dir != "" {
			return dir
		}
		return l.inHome("AppData", "Roaming")
	case "darwin":
		return l.inHome("Library", "Application Support")
	}
	if dir := l.getenv("XDG_CONFIG_HOME"); dir != "" {
		return dir
	}
	return l.inHome(".config")
}

// inHome returns a name in the home directory, "" if there is none.
func (l places) inHome(elem ...string) string { return l.below(l.home, elem...) }

// below returns a name below dir, "" if dir is.
func (l places) below(dir string, elem ...string) string {
	if dir == "" {
		return ""
	}
	return l.p.Join(append([]string{dir}, elem...)...)
}

func (l places) desktop(pr product) Variant {
	v := Variant{ID: pr.id, Name: pr.name, UserDir: l.below(l.appData, pr.data, "User"), ExtensionsDir: l.inHome(pr.home, "extensions")}
	if dir := l.getenv("VSCODE_EXTENSIONS"); dir != "" && pr.id == "code" {
		v.ExtensionsDir = dir
	}
	return v
}

func (l places) portable(dir string) Variant {
	return Variant{ID: "code-portable", Name: "Visual Studio Code (portable)", UserDir: l.p.Join(dir, "user-data", "User"), ExtensionsDir: l.p.Join(dir, "extensions")}
}

// flatpak: the sandbox has a configuration and a data folder of its own.
func (l places) flatpak(pr product) Variant {
	root := l.inHome(".var", "app", pr.flatpak)
	return Variant{ID: pr.id + "-flatpak", Name: pr.name + " (Flatpak)", UserDir: l.p.Join(root, "config", pr.data, "User"),
		ExtensionsDir: l.p.Join(root, "data", strings.TrimPrefix(pr.home, "."), "extensions")}
}

func (l places) server(pr product) Variant {
	id := pr.id + "-server"
	if rest, ok := strings.CutPrefix(pr.id, "code"); ok {
		id = "vscode-server" + rest
	}
	dir := l.inHome(pr.server)
	if agent := l.getenv("VSCODE_AGENT_FOLDER"); agent != "" && pr.id == "code" {
		dir = agent
	}
	return Variant{ID: id, Name: pr.name + " Server", ExtensionsDir: l.below(dir, "extensions"),
		MachineSettings: l.below(dir, "data", "Machine", "settings.json"), Remote: true}
}

// codeServer is the editor in the browser; unlike the other servers it keeps the user's settings, too.
func (l places) codeServer() Variant {
	dir := l.inHome(".local", "share", "code-server")
	if l.p.Windows() {
		dir = l.below(l.getenv("LOCALAPPDATA"), "code-server", "Data")
	} else if data := l.getenv("XDG_DATA_HOME"); data != "" {
		dir = l.p.Join(data, "code-server")
	}
	return CodeServer(l.p, dir, l.below(dir, "extensions"))
}

// CodeServer returns the code-server that was started with a data folder and an extensions folder of its own
// (--user-data-dir, --extensions-dir). Whether it is there is not looked at.
func CodeServer(p host.Platform, userDataDir, extensionsDir string) Variant {
	v := Variant{ID: "code-server", Name: "code-server", ExtensionsDir: extensionsDir, Remote: true}
	if userDataDir != "" {
		v.UserDir = p.Join(userDataDir, "User")
		v.MachineSettings = p.Join(userDataDir, "Machine", "settings.json")
	}
	return v
}

// look fills in whether the variant is there.
func (l places) look(v *Variant) {
	candidates := []string{v.UserDir, v.ExtensionsDir}
	if v.MachineSettings != "" {
		candidates = append(candidates, v.MachineSettings)
	}
	for _, c := range candidates {
		if c == "" {
			continue
		}
		if _, err := l.h.Lstat(c); err == nil {
			v.Present, v.Evidence = true, c
			return
		}
	}
}

// Extension is an installed extension.
type Extension struct {
	ID, Version, Path string
}

// GoExtension returns the installed Go extension (golang.go, else golang.go-nightly) of a variant.
func GoExtension(h host.Host, v Variant) (Extension, bool) {
	for _, id := range []string{"golang.go", "golang.go-nightly"} {
		if e, ok := FindExtension(h, v, id); ok {
			return e, true
		}
	}
	return Extension{}, false
}

// FindExtension returns an installed extension by its id, in lower case. The folders in the extensions folder are
// named id-version; where an update left several, extensions.json says which one is in use.
func FindExtension(h host.Host, v Variant, id string) (Extension, bool) {
	if v.ExtensionsDir == "" {
		return Extension{}, false
	}
	p := h.Platform()
	entries, err := h.ReadDir(v.ExtensionsDir)
	if err != nil {
		return Extension{}, false
	}
	var found []Extension
	for _, e := range entries {
		if version, ok := extensionVersion(e.Name, id); ok {
			found = append(found, Extension{ID: id, Version: version, Path: p.Join(v.ExtensionsDir, e.Name)})
		}
	}
	if len(found) > 0 {
		found = withoutObsolete(h, v.ExtensionsDir, found)
	}
	switch len(found) {
	case 0:
		return Extension{}, false
	case 1:
		return found[0], true
	}
	return inUse(h, v.ExtensionsDir, id, found), true
}

// extensionVersion takes the version out of a folder's name, such as golang.go-0.57.2 or golang.go-0.57.2-universal.
func extensionVersion(name, id string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(name), id+"-")
	if !ok || rest == "" || !isDigit(rest[0]) {
		return "", false
	}
	version, _, _ := strings.Cut(rest, "-")
	return version, semver.IsValid("v" + version)
}

// withoutObsolete leaves out folders that VS Code has marked for removal.
func withoutObsolete(h host.Host, dir string, found []Extension) []Extension {
	p := h.Platform()
	s := &Settings{h: h}
	root, _ := s.optional(p.Join(dir, ".obsolete"))
	if root == nil {
		return found
	}
	var kept []Extension
	for _, e := range found {
		obsolete := false
		for _, f := range root.Fields {
			obsolete = obsolete || strings.EqualFold(f.Key, p.Base(e.Path)) && f.Value.True()
		}
		if !obsolete {
			kept = append(kept, e)
		}
	}
	return kept
}

// inUse returns the one of several folders that extensions.json names, else the newest.
func inUse(h host.Host, dir, id string, found []Extension) Extension {
	p := h.Platform()
	s := &Settings{h: h}
	root, _, err := s.parse(p.Join(dir, "extensions.json"))
	if err == nil && root != nil {
		for _, e := range root.Elems {
			name, _ := e.Get("identifier").Get("id").Str()
			location, _ := e.Get("relativeLocation").Str()
			for _, f := range found {
				if strings.EqualFold(name, id) && strings.EqualFold(location, p.Base(f.Path)) {
					return f
				}
			}
		}
	}
	newest := found[0]
	for _, f := range found[1:] {
		if semver.Compare("v"+f.Version, "v"+newest.Version) > 0 {
			newest = f
		}
	}
	return newest
}
