package facts

import "strings"

// Origin says how a Go SDK came to a machine.
type Origin struct {
	// Kind is one of "tarball", "debian", "rpm", "pacman", "apk", "homebrew", "macos-pkg", "windows-installer", "scoop",
	// "chocolatey", "snap", "dl" (golang.org/dl), or the name of a version manager; "" if it does not show.
	Kind string
	// Package is the name of the package, where there is one.
	Package string
}

// originPlaces are the folders by which the origin of an SDK shows, most specific first. The names have slashes.
var originPlaces = []struct{ part, kind, pkg string }{
	{"/mise/installs/go/", "mise", ""},
	{"/rtx/installs/go/", "mise", ""},
	{"/installs/golang/", "asdf", ""},
	{"/.goenv/versions/", "goenv", ""},
	{"/.gvm/gos/", "gvm", ""},
	{"/.gobrew/", "gobrew", ""},
	{"/.g/versions/", "g", ""},
	{"/.g/go/", "g", ""},
	{"/snap/go/", "snap", "go"},
	{"/scoop/apps/go/", "scoop", "go"},
	{"/ProgramData/chocolatey/", "chocolatey", "golang"},
	{"/Program Files/Go/", "windows-installer", ""},
	{"/Program Files (x86)/Go/", "windows-installer", ""},
}

// formula returns the name of the formula in that of a folder of Homebrew, "" if it is none.
func formula(slashed string) string {
	_, rest, ok := strings.Cut(slashed, "/Cellar/")
	name, _, _ := strings.Cut(rest, "/")
	if !ok || name != "go" && !strings.HasPrefix(name, "go@") {
		return ""
	}
	return name
}

// origin tells where a go command comes from, by where it is and by what package managers write down in files.
func (g *gatherer) origin(c *GoProgram) Origin {
	root := c.RealRoot
	if root == "" {
		if c.Shim == "" || c.Shim == "script" {
			return Origin{}
		}
		return Origin{Kind: c.Shim}
	}
	slashed := strings.ReplaceAll(root, `\`, "/") + "/"
	if name := formula(slashed); name != "" {
		return Origin{Kind: "homebrew", Package: name}
	}
	for _, place := range originPlaces {
		if strings.Contains(slashed, place.part) || g.p.Windows() && strings.Contains(slashed, strings.ToLower(place.part)) {
			return Origin{Kind: place.kind, Package: place.pkg}
		}
	}
	switch {
	case g.user.Home != "" && strings.HasPrefix(root, g.p.Join(g.user.Home, "sdk")+g.p.Separator()):
		return Origin{Kind: "dl"}
	case g.p.OS == "darwin" && root == "/usr/local/go" && g.exists("/var/db/receipts/org.golang.go.plist"):
		return Origin{Kind: "macos-pkg", Package: "org.golang.go"}
	case strings.HasPrefix(root, "/usr/lib/") || strings.HasPrefix(root, "/usr/lib64/") || strings.HasPrefix(root, "/usr/share/"):
		return g.distribution(root)
	case c.SDK.Version != "":
		return Origin{Kind: "tarball"}
	}
	return Origin{}
}

// distribution names the package of an SDK in a folder of the distribution.
func (g *gatherer) distribution(root string) Origin {
	base := g.p.Base(root)
	switch {
	case g.exists("/var/lib/dpkg/info"):
		version, _ := strings.CutPrefix(base, "go-")
		for _, name := range []string{"golang-" + version + "-go", "golang-go"} {
			if g.packageHas(name, root) {
				return Origin{Kind: "debian", Package: name}
			}
		}
		return Origin{Kind: "debian"}
	case g.exists("/etc/alpine-release"):
		return Origin{Kind: "apk", Package: "go"}
	case g.exists("/etc/arch-release"):
		return Origin{Kind: "pacman", Package: "go"}
	case base == "golang":
		return Origin{Kind: "rpm", Package: "golang"}
	case g.exists("/usr/lib/sysimage/rpm", "/var/lib/rpm"):
		return Origin{Kind: "rpm"}
	}
	return Origin{}
}

// packageHas reports whether the list of a Debian package's files has something below root.
func (g *gatherer) packageHas(name, root string) bool {
	data, err := g.h.ReadFile("/var/lib/dpkg/info/" + name + ".list")
	if err != nil {
		return false
	}
	return strings.Contains("\n"+string(data), "\n"+root+"/")
}

// shim names what stands in for go, if a program called go is none itself: it belongs to no SDK, and either its folder
// or the program at the end of its links says whose it is, or it is a script.
func (g *gatherer) shim(c *GoProgram) string {
	slashed := strings.ReplaceAll(c.Path, `\`, "/")
	base := strings.TrimSuffix(g.p.Base(c.Real), ".exe")
	switch {
	case strings.HasPrefix(slashed, "/snap/bin/") || base == "snap":
		return "snap"
	case c.SDK.Root != "":
		return ""
	case strings.Contains(slashed, "/shims/"):
		for _, name := range []string{"mise", "rtx", "asdf", "goenv"} {
			if strings.Contains(slashed, "/"+name+"/") || strings.Contains(slashed, "/."+name+"/") || base == name {
				return name
			}
		}
		return "script"
	case base == "mise" || base == "rtx" || base == "asdf" || base == "goenv" || base == "gobrew":
		return base
	case c.Program.Format == "script": // but gccgo's go, which is in no SDK either, is a go command
		return "script"
	}
	return ""
}

// windowsDrives returns the folders at which WSL mounts drives of Windows.
func (g *gatherer) windowsDrives() []string {
	if !g.f.WSL {
		return nil
	}
	data, err := g.h.ReadFile("/proc/mounts")
	if err != nil {
		return []string{"/mnt/c"} // where they are unless /etc/wsl.conf says otherwise
	}
	var dirs []string
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) >= 4 && (f[2] == "drvfs" || f[2] == "9p" && strings.Contains(f[3], "aname=drvfs")) && len(dirs) < 32 {
			dirs = append(dirs, strings.ReplaceAll(f[1], `\040`, " "))
		}
	}
	return dirs
}
