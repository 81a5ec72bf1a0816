package host

import (
	"path"
	"strings"
)

// Platform is the kind of system a machine runs, and its path rules. It is comparable; the zero Platform has
// slash-separated paths and no name.
type Platform struct {
	OS   string `json:"os"`   // as GOOS: linux, darwin, windows, …
	Arch string `json:"arch"` // as GOARCH, of the machine, not of goready
}

// Windows reports whether paths are written the way Windows writes them.
func (p Platform) Windows() bool { return p.OS == "windows" }

// FoldCase reports whether the names of environment variables ignore letter case.
func (p Platform) FoldCase() bool { return p.Windows() }

// Separator returns the separator of path elements.
func (p Platform) Separator() string {
	if p.Windows() {
		return `\`
	}
	return "/"
}

// ListSeparator returns the separator of the entries of PATH and GOPATH.
func (p Platform) ListSeparator() string {
	switch p.OS {
	case "windows":
		return ";"
	case "plan9":
		return "\x00"
	}
	return ":"
}

// IsAbs reports whether name is absolute: on Windows, with a drive or a share and a root.
func (p Platform) IsAbs(name string) bool {
	if !p.Windows() {
		return strings.HasPrefix(name, "/")
	}
	vol, rest := p.splitVolume(name)
	return vol != "" && (strings.HasPrefix(vol, `\\`) || strings.HasPrefix(rest, `\`))
}

// Clean returns the shortest name equal to name by rules of spelling alone, as filepath.Clean does on that system.
func (p Platform) Clean(name string) string {
	if !p.Windows() {
		return path.Clean(name)
	}
	vol, rest := p.splitVolume(name)
	if rest == "" {
		if strings.HasPrefix(vol, `\\`) {
			return vol
		}
		return vol + "."
	}
	return vol + strings.ReplaceAll(path.Clean(strings.ReplaceAll(rest, `\`, "/")), "/", `\`)
}

// Join joins elements and cleans the result; empty elements are ignored, and no elements give "".
func (p Platform) Join(elem ...string) string {
	var kept []string
	for _, e := range elem {
		if e != "" {
			kept = append(kept, e)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return p.Clean(strings.Join(kept, p.Separator()))
}

// Dir returns all but the last element of name, cleaned.
func (p Platform) Dir(name string) string {
	if !p.Windows() {
		return path.Dir(name)
	}
	vol, rest := p.splitVolume(name)
	dir := strings.ReplaceAll(path.Dir(strings.ReplaceAll(rest, `\`, "/")), "/", `\`)
	if dir == "." && vol != "" {
		return vol + dir
	}
	return vol + dir
}

// Base returns the last element of name.
func (p Platform) Base(name string) string {
	if !p.Windows() {
		return path.Base(name)
	}
	_, rest := p.splitVolume(name)
	b := path.Base(strings.ReplaceAll(rest, `\`, "/"))
	if b == "/" {
		return `\`
	}
	return b
}

// SplitList splits the value of a variable such as PATH. Windows lists may quote an entry that contains a semicolon.
func (p Platform) SplitList(list string) []string {
	if list == "" {
		return nil
	}
	if !p.Windows() {
		return strings.Split(list, p.ListSeparator())
	}
	var out []string
	quoted, start := false, 0
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '"':
			quoted = !quoted
		case ';':
			if !quoted {
				out = append(out, strings.ReplaceAll(list[start:i], `"`, ""))
				start = i + 1
			}
		}
	}
	return append(out, strings.ReplaceAll(list[start:], `"`, ""))
}

// splitVolume splits a Windows name into drive or share, and the rest with backslashes only.
func (p Platform) splitVolume(name string) (vol, rest string) {
	name = strings.ReplaceAll(name, "/", `\`)
	if len(name) >= 2 && name[1] == ':' && isLetter(name[0]) {
		return name[:2], name[2:]
	}
	if strings.HasPrefix(name, `\\`) {
		// \\host\share
		parts := strings.SplitN(name[2:], `\`, 3)
		if len(parts) >= 2 && parts[0] != "" && parts[1] != "" {
			n := 2 + len(parts[0]) + 1 + len(parts[1])
			return name[:n], name[n:]
		}
	}
	return "", name
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
