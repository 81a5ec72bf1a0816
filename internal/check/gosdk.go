package check

import (
	"go/version"
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
	"github.com/goready/goready/internal/shell"
)

// versionOf returns the version of an SDK as go/version wants it, "" if it has none or is a development version.
func versionOf(sdk goenv.SDK) string { return plainVersion(sdk.Version) }

// plainVersion returns the version at the beginning of a VERSION file, without what a distribution adds.
func plainVersion(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), " ")
	if !version.IsValid(text) {
		return ""
	}
	return text
}

// shownVersion is the version of a program in a sentence.
func shownVersion(sdk goenv.SDK) string {
	if sdk.Version == "" {
		return "?"
	}
	return sdk.Version
}

// originText says where an SDK comes from.
func originText(o facts.Origin) msg.Text {
	switch o.Kind {
	case "debian":
		if o.Package == "" {
			return msg.New("a Debian package")
		}
		return msg.New("the Debian package %s", o.Package)
	case "rpm", "pacman", "apk":
		return msg.New("a package of the distribution")
	case "homebrew":
		return msg.New("Homebrew's %s", o.Package)
	case "macos-pkg", "windows-installer":
		return msg.New("the Go installer")
	case "tarball":
		return msg.New("an unpacked archive")
	case "dl":
		return msg.New("%s", "golang.org/dl")
	case "":
		return msg.New("an unknown source")
	}
	return msg.New("%s", o.Kind)
}

// row is the evidence for a go command: its version, where it is from, and who runs it.
func row(p *facts.GoProgram, consumers []string) Evidence {
	text := shownVersion(p.SDK)
	if p.SDK.Root == "" {
		text = strings.Join(p.Links[1:], " -> ")
		if text != "" {
			text = "-> " + text
		} else if text = p.Program.Interpreter; text != "" {
			text = "#!" + text
		}
	}
	for _, part := range []string{p.Origin.Kind, p.Origin.Package} {
		if part != "" && part != "go" {
			text += ", " + part
		}
	}
	if len(consumers) > 0 {
		text += ": " + strings.Join(consumers, ", ")
	}
	return Evidence{Path: p.Path, Text: strings.TrimPrefix(text, ", ")}
}

// entryLine returns where a folder came into the PATH of a consumer, "" if that does not show.
func entryLine(f *facts.Facts, c *facts.Consumer, dir string) string {
	from, had := "", false
	for _, s := range c.Env.Trail("PATH") {
		if !s.Skipped.IsZero() {
			continue
		}
		has := !s.Unset && slices.ContainsFunc(f.Platform.SplitList(s.Value), func(entry string) bool { return sameDir(f, entry, dir) })
		if has && !had {
			from = s.From
		}
		had = has
	}
	if !had {
		return ""
	}
	return from
}

func sameDir(f *facts.Facts, a, b string) bool {
	return f.Platform.Clean(a) == f.Platform.Clean(b) || f.Platform.Windows() && strings.EqualFold(f.Platform.Clean(a), f.Platform.Clean(b))
}

// entryEvidence returns the lines by which the folder of a program came into the PATH of consumers: each once, files
// before descriptions.
func entryEvidence(f *facts.Facts, program string, ids []string) []Evidence {
	dir := f.Platform.Dir(program)
	var files, others []Evidence
	for _, id := range ids {
		c := consumerOf(f, id)
		if c == nil {
			continue
		}
		from := entryLine(f, c, dir)
		if from == "" {
			continue
		}
		e := at(from, "")
		if e.Path == "" {
			e = at(from, "PATH has "+dir)
		}
		if e.Path != "" && !slices.Contains(files, e) {
			files = append(files, e)
		} else if e.Path == "" && len(others) == 0 {
			others = append(others, e)
		}
	}
	if len(files) > 0 {
		return files
	}
	return others
}

// users returns the ids of the consumers that run the program with an index.
func users(t *facts.Toolchain, index int) []string {
	var ids []string
	for _, u := range t.Uses {
		if u.Runs == index {
			ids = append(ids, u.Consumer)
		}
	}
	return ids
}

// shellKind returns the kind of the user's shell.
func shellKind(f *facts.Facts) shell.Kind { return shell.KindOf(f.Platform, f.Shell) }

// profile returns the file of the user in which an export reaches login shells and the editor.
func profile(f *facts.Facts) string {
	if shellKind(f) == shell.Zsh {
		if name := visited(f, ".zshrc"); name != "" {
			return name
		}
		return f.Platform.Join(f.Home, ".zshrc")
	}
	for _, base := range []string{".bash_profile", ".bash_login", ".profile"} {
		if name := visited(f, base); name != "" {
			return name
		}
	}
	if f.Platform.OS == "darwin" && shellKind(f) == shell.Bash {
		return f.Platform.Join(f.Home, ".bash_profile")
	}
	return f.Platform.Join(f.Home, ".profile")
}

// visited returns the start-up file with a base name that a login shell reads.
func visited(f *facts.Facts, base string) string {
	c := consumerOf(f, "shell-login")
	if c == nil {
		return ""
	}
	for _, link := range c.Chain {
		for _, v := range link.Files {
			if v.State == shell.Read && f.Platform.Base(v.File) == base && strings.HasPrefix(v.File, f.Home) {
				return v.File
			}
		}
	}
	return ""
}

// pathCommand returns the command that puts a folder on the user's PATH for good.
func pathCommand(f *facts.Facts, dir string) string {
	switch {
	case f.Platform.Windows():
		return `[Environment]::SetEnvironmentVariable("Path", [Environment]::GetEnvironmentVariable("Path", "User") + ` + quotePowerShell(";"+dir) + `, "User")`
	case shellKind(f) == shell.Fish:
		return "fish_add_path " + quote(f, dir)
	case f.Home == "":
		return `export PATH="` + doubleQuoted(dir) + `:$PATH"`
	}
	return "echo " + singleQuoted(`export PATH="`+homeRelative(f, dir)+`:$PATH"`) + " >> " + quote(f, profile(f))
}

// homeRelative writes a folder for the inside of double quotes of a shell, with $HOME where it is below that.
func homeRelative(f *facts.Facts, dir string) string {
	if rest, ok := strings.CutPrefix(dir, f.Home+"/"); ok && f.Home != "" {
		return "$HOME/" + doubleQuoted(rest)
	}
	return doubleQuoted(dir)
}

// sourceCommand returns the command that reads a start-up file now.
func sourceCommand(f *facts.Facts, file string) string {
	if shellKind(f) == shell.Fish {
		return "source " + quote(f, file)
	}
	return ". " + quote(f, file)
}

// newest returns the newest SDK among programs that is not older than the version oldest, if that is not ""; nil if there is none.
func newest(t *facts.Toolchain, oldest string, fits func(*facts.GoProgram) bool) *facts.GoProgram {
	var best *facts.GoProgram
	for i := range t.Commands {
		p := &t.Commands[i]
		v := versionOf(p.SDK)
		if v == "" || oldest != "" && version.Compare(v, oldest) < 0 || fits != nil && !fits(p) {
			continue
		}
		if best == nil || version.Compare(v, versionOf(best.SDK)) > 0 {
			best = p
		}
	}
	return best
}

// removeStep says how to give up an SDK, in the way it came.
func removeStep(f *facts.Facts, p *facts.GoProgram) Step {
	command := ""
	switch o := p.Origin; {
	case o.Kind == "debian" && o.Package != "":
		command = "sudo apt remove " + o.Package
	case o.Kind == "homebrew":
		command = "brew uninstall " + o.Package
	case o.Kind == "rpm" && o.Package != "":
		command = "sudo dnf remove " + o.Package
	case o.Kind == "macos-pkg":
		command = "sudo rm -rf /usr/local/go /etc/paths.d/go"
	case o.Kind == "scoop":
		command = "scoop uninstall go"
	default:
		return Step{Text: msg.New("to give up %s (%s), take %s out of PATH", p.Path, shownVersion(p.SDK), f.Platform.Dir(p.Path))}
	}
	return Step{Text: msg.New("to give up %s (%s), remove it", p.Path, shownVersion(p.SDK)), Command: command}
}

// layerOf returns the kind of source that the last change of a variable in a consumer's environment came from.
func layerOf(c *facts.Consumer, name string) (layer.Set, bool) {
	var last layer.Set
	ok := false
	for _, s := range c.Env.Trail(name) {
		if s.Skipped.IsZero() {
			last, ok = s, true
		}
	}
	return last, ok
}
