package editor

import (
	"testing"

	"github.com/goready/goready/internal/host"
)

func TestVariants(t *testing.T) {
	linux := host.Platform{OS: "linux", Arch: "amd64"}
	darwin := host.Platform{OS: "darwin", Arch: "arm64"}
	windows := host.Platform{OS: "windows", Arch: "amd64"}
	for _, tt := range []struct {
		name     string
		platform host.Platform
		home     string
		env      map[string]string
		file     string // what exists
		id       string // what is found
		user     string
		machine  string
	}{
		{"linux", linux, "/h", nil, "/h/.config/Code/User/settings.json", "code", "/h/.config/Code/User", ""},
		{"linux_xdg", linux, "/h", map[string]string{"XDG_CONFIG_HOME": "/x"}, "/x/Code/User/settings.json", "code", "/x/Code/User", ""},
		{"linux_extensions_only", linux, "/h", nil, "/h/.vscode/extensions/x/package.json", "code", "/h/.config/Code/User", ""},
		{"insiders", linux, "/h", nil, "/h/.config/Code - Insiders/User/settings.json", "code-insiders", "/h/.config/Code - Insiders/User", ""},
		{"vscodium", linux, "/h", nil, "/h/.config/VSCodium/User/settings.json", "vscodium", "/h/.config/VSCodium/User", ""},
		{"cursor", linux, "/h", nil, "/h/.config/Cursor/User/settings.json", "cursor", "/h/.config/Cursor/User", ""},
		{"windsurf", darwin, "/Users/u", nil, "/Users/u/Library/Application Support/Windsurf/User/settings.json", "windsurf", "/Users/u/Library/Application Support/Windsurf/User", ""},
		{"flatpak", linux, "/h", nil, "/h/.var/app/com.visualstudio.code/config/Code/User/settings.json", "code-flatpak", "/h/.var/app/com.visualstudio.code/config/Code/User", ""},
		{"darwin", darwin, "/Users/u", nil, "/Users/u/Library/Application Support/Code/User/settings.json", "code", "/Users/u/Library/Application Support/Code/User", ""},
		{"windows", windows, `C:\Users\u`, map[string]string{"APPDATA": `C:\Users\u\AppData\Roaming`}, `C:\Users\u\AppData\Roaming\Code\User\settings.json`, "code", `C:\Users\u\AppData\Roaming\Code\User`, ""},
		{"windows_without_appdata", windows, `C:\Users\u`, nil, `C:\Users\u\AppData\Roaming\Code\User\settings.json`, "code", `C:\Users\u\AppData\Roaming\Code\User`, ""},
		{"portable", linux, "/h", map[string]string{"VSCODE_PORTABLE": "/p"}, "/p/user-data/User/settings.json", "code-portable", "/p/user-data/User", ""},
		{"server", linux, "/h", nil, "/h/.vscode-server/data/Machine/settings.json", "vscode-server", "", "/h/.vscode-server/data/Machine/settings.json"},
		{"server_insiders", linux, "/h", nil, "/h/.vscode-server-insiders/extensions/x/y", "vscode-server-insiders", "", "/h/.vscode-server-insiders/data/Machine/settings.json"},
		{"cursor_server", linux, "/h", nil, "/h/.cursor-server/extensions/x/y", "cursor-server", "", "/h/.cursor-server/data/Machine/settings.json"},
		{"server_agent_folder", linux, "/h", map[string]string{"VSCODE_AGENT_FOLDER": "/a"}, "/a/extensions/x/y", "vscode-server", "", "/a/data/Machine/settings.json"},
		{"code_server", linux, "/h", nil, "/h/.local/share/code-server/User/settings.json", "code-server", "/h/.local/share/code-server/User", "/h/.local/share/code-server/Machine/settings.json"},
		{"code_server_xdg", linux, "/h", map[string]string{"XDG_DATA_HOME": "/d"}, "/d/code-server/extensions/x/y", "code-server", "/d/code-server/User", "/d/code-server/Machine/settings.json"},
		{"no_home", linux, "", nil, "/etc/passwd", "", "", ""},
		{"nothing", linux, "/h", nil, "/etc/passwd", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := host.FromFiles(tt.platform, nil, map[string]string{tt.file: ""})
			var found []Variant
			seen := map[string]bool{}
			for _, v := range Variants(h, tt.home, func(k string) string { return tt.env[k] }) {
				if seen[v.ID] {
					t.Errorf("two variants with the id %s", v.ID)
				}
				seen[v.ID] = true
				if v.Present {
					found = append(found, v)
				}
			}
			if tt.id == "" {
				if len(found) != 0 {
					t.Errorf("found %+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].ID != tt.id || found[0].UserDir != tt.user || found[0].MachineSettings != tt.machine || found[0].Evidence == "" {
				t.Errorf("found %+v, want %s with %q and %q", found, tt.id, tt.user, tt.machine)
			}
			if found[0].Remote != (tt.machine != "") {
				t.Errorf("Remote = %v", found[0].Remote)
			}
		})
	}
}

func TestGoExtension(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  Extension
	}{
		{"none", map[string]string{"/e/ms-python.python-1.0.0/x": ""}, Extension{}},
		{"no_folder", nil, Extension{}},
		{"one", map[string]string{"/e/golang.go-0.57.2/package.json": ""}, Extension{"golang.go", "0.57.2", "/e/golang.go-0.57.2"}},
		{"universal", map[string]string{"/e/golang.go-0.57.2-universal/package.json": ""}, Extension{"golang.go", "0.57.2", "/e/golang.go-0.57.2-universal"}},
		{"capitals", map[string]string{"/e/golang.Go-0.38.0/package.json": ""}, Extension{"golang.go", "0.38.0", "/e/golang.Go-0.38.0"}},
		{"nightly", map[string]string{"/e/golang.go-nightly-2025.8.1/package.json": ""}, Extension{"golang.go-nightly", "2025.8.1", "/e/golang.go-nightly-2025.8.1"}},
		{"newest_of_two", map[string]string{"/e/golang.go-0.9.0/x": "", "/e/golang.go-0.10.0/x": ""}, Extension{"golang.go", "0.10.0", "/e/golang.go-0.10.0"}},
		{"obsolete", map[string]string{"/e/golang.go-0.9.0/x": "", "/e/golang.go-0.10.0/x": "", "/e/.obsolete": `{"golang.go-0.10.0":true}`}, Extension{"golang.go", "0.9.0", "/e/golang.go-0.9.0"}},
		{"removed", map[string]string{"/e/golang.go-0.9.0/x": "", "/e/.obsolete": `{"golang.go-0.9.0":true}`}, Extension{}},
		{"extensions_json", map[string]string{"/e/golang.go-0.9.0/x": "", "/e/golang.go-0.10.0/x": "",
			"/e/extensions.json": `[{"identifier":{"id":"golang.go"},"version":"0.9.0","relativeLocation":"golang.go-0.9.0"}]`}, Extension{"golang.go", "0.9.0", "/e/golang.go-0.9.0"}},
		{"not_a_version", map[string]string{"/e/golang.go-x/x": "", "/e/golang.go-/x": "", "/e/golang.go/x": ""}, Extension{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := host.FromFiles(host.Platform{OS: "linux"}, nil, tt.files)
			got, ok := GoExtension(h, Variant{ExtensionsDir: "/e"})
			if got != tt.want || ok != (tt.want.ID != "") {
				t.Errorf("GoExtension = %+v, %v, want %+v", got, ok, tt.want)
			}
		})
	}
}

func TestLintExtensions(t *testing.T) {
	h := host.FromFiles(host.Platform{OS: "linux"}, nil, map[string]string{
		"/e/ms-vscode.Go-0.14.4/x": "", "/e/golang.go-0.57.2/x": "", "/e/golang.go-nightly-2025.8.1/x": "",
	})
	var keys []string
	for _, p := range LintExtensions(h, Variant{ExtensionsDir: "/e"}) {
		keys = append(keys, p.Key)
	}
	if len(keys) != 2 || keys[0] != "ms-vscode.go" || keys[1] != "golang.go-nightly" {
		t.Errorf("problems with %q", keys)
	}
}
