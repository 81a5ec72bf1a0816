package editor

import (
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// maxExpanded bounds the text that substitution may produce; text that grows beyond it is unknown.
const maxExpanded = 128 << 10

// Text is a text in which variables were substituted.
type Text struct {
	Value string
	// Unknown, if not zero, says why the value cannot be told; Value is then as far as it got, for display.
	Unknown msg.Text
}

// known returns a Text without doubt.
func known(s string) Text { return Text{Value: s} }

// Scope is what the variables of VS Code and of the Go extension are resolved against.
type Scope struct {
	Platform host.Platform
	// Env answers ${env:X}.
	Env      *layer.Env
	Home     string
	Folder   string   // path of the workspace folder, "" if there is none
	Folders  []Folder // all of the window
	Settings *Settings
	Index    int // of Folder, for ${config:…}
}

// scope returns the variables of a window folder; env answers ${env:X}.
func (s *Settings) scope(env *layer.Env, folder int) Scope {
	return Scope{Platform: s.platform(), Env: env, Home: s.in.Home, Folder: s.folderPath(folder), Folders: s.folders, Settings: s, Index: folder}
}

// home returns what os.homedir() is in a process with the scope's environment.
func (c Scope) home() string {
	name := "HOME"
	if c.Platform.Windows() {
		name = "USERPROFILE"
	}
	if v := c.Env.Get(name); v != "" {
		return v
	}
	return c.Home
}

// Extension substitutes the way the Go extension does in its own settings (util.ts substituteEnv, resolvePath):
// ${env:X}, where a missing or empty X is "", then ${workspaceFolder}, ${workspaceRoot} and
// ${workspaceFolderBasename}, then a leading ~. Everything else stays as it is.
func (c Scope) Extension(text string) Text {
	t := c.extensionEnv(text)
	if !t.Unknown.IsZero() {
		return t
	}
	return c.ExtensionPath(t.Value)
}

// extensionEnv is substituteEnv: each ${env:…} becomes the value of the trimmed name. Values are not looked at again.
func (c Scope) extensionEnv(text string) Text {
	const open = "${env:"
	var b strings.Builder
	for {
		i := strings.Index(text, open)
		if i < 0 {
			break
		}
		j := strings.IndexByte(text[i:], '}')
		if j < 0 {
			break
		}
		if j == len(open) { // "${env:}" is no reference
			b.WriteString(text[:i+j+1])
			text = text[i+j+1:]
			continue
		}
		name := trimJS(text[i+len(open) : i+j])
		v, _, unknown := c.Env.Lookup(name)
		if !unknown.IsZero() {
			return Text{Value: b.String() + text, Unknown: msg.New("%s is unknown: %s", name, unknown)}
		}
		b.WriteString(text[:i])
		b.WriteString(v)
		text = text[i+j+1:]
		if b.Len() > maxExpanded {
			return Text{Value: text, Unknown: msg.New("the text becomes too long")}
		}
	}
	b.WriteString(text)
	return known(b.String())
}

// ExtensionPath is the second half of Extension: resolvePath, without ${env:X}.
func (c Scope) ExtensionPath(text string) Text {
	if trimJS(text) == "" {
		return known(text)
	}
	if c.Folder != "" {
		text = strings.NewReplacer("${workspaceFolder}", c.Folder, "${workspaceRoot}", c.Folder).Replace(text)
		text = strings.ReplaceAll(text, "${workspaceFolderBasename}", c.Platform.Base(c.Folder))
	}
	if rest, ok := strings.CutPrefix(text, "~"); ok {
		if home := c.home(); home != "" {
			text = joinJS(c.Platform, home, rest)
		} else {
			return Text{Value: text, Unknown: msg.New("the home directory is unknown")}
		}
	}
	return known(text)
}

// joinJS is path.join(dir, rest) of node: cleaned, but with a trailing separator kept.
func joinJS(p host.Platform, dir, rest string) string {
	s := p.Join(dir, rest)
	if rest != "" && (rest[len(rest)-1] == '/' || p.Windows() && rest[len(rest)-1] == '\\') && !strings.HasSuffix(s, p.Separator()) {
		s += p.Separator()
	}
	return s
}

// trimJS removes the white space that JavaScript's trim removes.
func trimJS(s string) string { return strings.TrimFunc(s, isSpaceJS) }

// isSpaceJS reports whether JavaScript's \s matches r.
func isSpaceJS(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', ' ', 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF:
		return true
	}
	return 0x2000 <= r && r <= 0x200A
}

// VSCode substitutes the way VS Code does in launch.json, tasks.json and the terminal's settings
// (configurationResolver variableResolver.ts): ${env:X} (missing: ""), ${workspaceFolder}, ${workspaceFolder:Name},
// ${userHome}, ${config:X} and their relatives. What depends on the open editor, or asks the user, is unknown; names
// that VS Code does not know stay as they are. Variables in values are substituted again.
func (c Scope) VSCode(text string) Text {
	budget := 1000
	return c.vscode(text, &budget, 0)
}

// maxNested bounds values that contain variables that contain variables; VS Code itself would not end.
const maxNested = 20

func (c Scope) vscode(text string, budget *int, depth int) Text {
	if !strings.Contains(text, "${") {
		return known(text)
	}
	if depth > maxNested {
		return Text{Value: text, Unknown: msg.New("its variables refer to one another")}
	}
	var b strings.Builder
	for {
		i, j, ok := nextVariable(text)
		if !ok {
			break
		}
		match := text[i : j+1]
		b.WriteString(text[:i])
		text = text[j+1:]
		if *budget--; *budget < 0 || b.Len() > maxExpanded {
			return Text{Value: b.String(), Unknown: msg.New("the text becomes too long")}
		}
		v := c.variable(match)
		if v.Unknown.IsZero() && v.Value != match {
			v = c.vscode(v.Value, budget, depth+1)
		}
		b.WriteString(v.Value)
		if !v.Unknown.IsZero() {
			return Text{Value: b.String() + text, Unknown: v.Unknown}
		}
	}
	b.WriteString(text)
	return known(b.String())
}

// nextVariable finds the next ${…} on one line. An opening inside it makes VS Code leave it alone; see variable.
func nextVariable(text string) (start, end int, ok bool) {
	for from := 0; ; {
		i := strings.Index(text[from:], "${")
		if i < 0 {
			return 0, 0, false
		}
		i += from
		j := strings.IndexAny(text[i:], "}\n\r\u2028\u2029")
		if j < 0 {
			return 0, 0, false
		}
		if text[i+j] == '}' {
			return i, i + j, true
		}
		from = i + j
	}
}

// variable evaluates one reference, braces included.
func (c Scope) variable(match string) Text {
	name := match[2 : len(match)-1]
	if strings.Contains(name, "${") {
		return known(match)
	}
	name, arg, hasArg := strings.Cut(name, ":")
	arg, _, _ = strings.Cut(arg, ":") // what follows a second colon is dropped
	switch name {
	case "env":
		if arg == "" {
			return Text{Value: match, Unknown: msg.New("VS Code cannot resolve %s", match)}
		}
		v, _, unknown := c.Env.Lookup(arg)
		if !unknown.IsZero() {
			unknown = msg.New("%s is unknown: %s", arg, unknown)
		}
		return Text{Value: v, Unknown: unknown}
	case "workspaceFolder", "workspaceRoot", "workspaceFolderBasename", "workspaceRootFolderName", "cwd":
		return c.folderVariable(match, name, arg)
	case "userHome":
		return known(c.home())
	case "pathSeparator", "/":
		return known(c.Platform.Separator())
	case "config":
		return c.config(match, arg, hasArg)
	case "file", "fileWorkspaceFolder", "fileWorkspaceFolderBasename", "relativeFile", "relativeFileDirname", "fileDirname",
		"fileDirnameBasename", "fileExtname", "fileBasename", "fileBasenameNoExtension", "lineNumber", "columnNumber", "selectedText":
		return Text{Value: match, Unknown: msg.New("%s depends on the file that is open", match)}
	case "command", "input":
		return Text{Value: match, Unknown: msg.New("%s is asked for when it is needed", match)}
	case "execPath", "extensionInstallFolder", "defaultBuildTask":
		return Text{Value: match, Unknown: msg.New("%s depends on the installation of the editor", match)}
	}
	return known(match)
}

func (c Scope) folderVariable(match, name, arg string) Text {
	path := c.Folder
	if arg != "" {
		path = ""
		for _, f := range c.Folders {
			if f.Name == arg {
				path = f.Path
			}
		}
	} else if len(c.Folders) > 1 && c.Index < 0 {
		path = ""
	}
	if path == "" {
		return Text{Value: match, Unknown: msg.New("VS Code cannot resolve %s", match)}
	}
	if strings.HasSuffix(name, "name") || strings.HasSuffix(name, "Name") {
		path = c.Platform.Base(path)
	}
	return known(path)
}

func (c Scope) config(match, key string, ok bool) Text {
	if !ok || c.Settings == nil {
		return Text{Value: match, Unknown: msg.New("VS Code cannot resolve %s", match)}
	}
	switch v := c.Settings.Lookup(key, c.Index).Value; {
	case v == nil:
		return Text{Value: match, Unknown: msg.New("%s is not set in the settings; its default is not known here", key)}
	case v.Kind == Object, v.Kind == Null:
		return Text{Value: match, Unknown: msg.New("VS Code cannot resolve %s", match)}
	default:
		return known(v.Env())
	}
}
