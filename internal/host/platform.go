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

// IsAbs reports whether name is absolute: on Windows, with a drive and a root, or with a share or device.
func (p Platform) IsAbs(name string) bool {
	if !p.Windows() {
		return strings.HasPrefix(name, "/")
	}
	vol, rest := splitVolume(name)
	return strings.HasPrefix(vol, `\\`) || vol != "" && strings.HasPrefix(rest, `\`)
}

// Clean returns the shortest name equal to name by rules of spelling alone, as filepath.Clean does on that system.
func (p Platform) Clean(name string) string {
	if !p.Windows() {
		return path.Clean(name)
	}
	vol, rest := splitVolume(name)
	switch {
	case rest == "" && strings.HasPrefix(vol, `\\`):
		return vol
	case rest == "":
		return name + "."
	}
	clean := backslashes(path.Clean(slashes(rest)))
	if vol == "" && !strings.HasPrefix(name, clean) {
		clean = stayRelative(clean)
	}
	return vol + clean
}

// stayRelative returns a cleaned Windows name spelled so that it still names no drive and no device, as
// filepath.Clean does: a\..\c: must not become c:, and \a\..\??\c: must not become \??\c:.
func stayRelative(name string) string {
	first, _, _ := strings.Cut(name, `\`)
	switch {
	case strings.Contains(first, ":"):
		return `.\` + name
	case strings.HasPrefix(name, `\??`):
		return `\.` + name
	}
	return name
}

// Join joins elements and cleans the result; empty elements are ignored, and no elements give "".
func (p Platform) Join(elem ...string) string {
	if p.Windows() {
		return p.joinWindows(elem)
	}
	return path.Join(elem...)
}

// joinWindows follows filepath.Join: C: joined with f stays relative to the drive's current directory, and elements
// that are not a share or device never become one by being joined.
func (p Platform) joinWindows(elem []string) string {
	var b strings.Builder
	last := byte(0)
	for _, e := range elem {
		switch {
		case e == "" || b.Len() == 0 || last == ':':
		case last == '\\' || last == '/':
			e = strings.TrimLeft(e, `\/`)
			if b.Len() == 1 && hasElements(backslashes(e), "??") {
				b.WriteString(`.\`)
			}
		default:
			b.WriteByte('\\')
			last = '\\'
		}
		if e != "" {
			b.WriteString(e)
			last = e[len(e)-1]
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return p.Clean(b.String())
}

// Dir returns all but the last element of name, cleaned.
func (p Platform) Dir(name string) string {
	if !p.Windows() {
		return path.Dir(name)
	}
	vol, _ := splitVolume(name)
	rest := name[len(vol):]
	dir := p.Clean(rest[:strings.LastIndexAny(rest, `\/`)+1])
	if dir == "." && len(vol) > 2 {
		return vol
	}
	return vol + dir
}

// Within reports whether name is in the folder dir, or is it, by their spelling: links are not followed.
func (p Platform) Within(dir, name string) bool {
	dir = strings.TrimSuffix(dir, p.Separator())
	return dir != "" && name != "" && (name == dir || strings.HasPrefix(name, dir+p.Separator()))
}

// Base returns the last element of name.
func (p Platform) Base(name string) string {
	if !p.Windows() {
		return path.Base(name)
	}
	if name == "" {
		return "."
	}
	_, rest := splitVolume(strings.TrimRight(name, `\/`))
	if rest = rest[strings.LastIndex(rest, `\`)+1:]; rest == "" {
		return `\`
	}
	return rest
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

// splitVolume splits a Windows name into drive, share or device, and the rest; both with backslashes only.
func splitVolume(name string) (vol, rest string) {
	name = backslashes(name)
	n := volumeLen(name)
	return name[:n], name[n:]
}

// volumeLen returns the length of the drive (C:), share (\\host\share) or device (\\.\name, \\?\name, \??\name, where a
// share after UNC counts as one name) at the start of a Windows name with backslashes only, as filepath.VolumeName.
func volumeLen(name string) int {
	switch {
	case len(name) >= 2 && name[1] == ':':
		return 2
	case hasElements(name, `\\.\UNC`):
		return elements(name, len(`\\.\UNC\`), 2)
	case len(name) == 3 && (name == `\\.` || name == `\\?` || name == `\??`):
		return 3
	case hasElements(name, `\\.`), hasElements(name, `\\?`), hasElements(name, `\??`):
		return elements(name, 4, 1)
	case strings.HasPrefix(name, `\\`):
		return elements(name, 2, 2)
	}
	return 0
}

// hasElements reports whether name begins with prefix, in any letter case, and ends or goes on with a backslash there.
func hasElements(name, prefix string) bool {
	n := len(prefix)
	return len(name) >= n && strings.EqualFold(name[:n], prefix) && (len(name) == n || name[n] == '\\')
}

// elements returns the index of the end of the n-th element from start.
func elements(name string, start, n int) int {
	for i := start; i < len(name); i++ {
		if name[i] == '\\' {
			if n--; n == 0 {
				return i
			}
		}
	}
	return len(name)
}

func slashes(name string) string { return strings.ReplaceAll(name, `\`, "/") }

func backslashes(name string) string { return strings.ReplaceAll(name, "/", `\`) }
