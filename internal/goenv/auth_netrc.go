package goenv

import (
	"strings"

	"github.com/goready/goready/internal/host"
)

// NetrcEntry is an entry of a netrc file that Go uses. It has no password on purpose.
type NetrcEntry struct {
	Machine string
	Login   string
	Line    int // of the word "machine"
}

// ParseNetrc reads a netrc file as cmd/go/internal/auth.parseNetrc does: words in pairs line by line, entries without
// machine, login or password left out, macros skipped, nothing after a line that ends in the word "default".
func ParseNetrc(data string) []NetrcEntry {
	var list []NetrcEntry
	var e NetrcEntry
	password, inMacro := false, false
	number := 0
	for line := range strings.SplitSeq(data, "\n") {
		number++
		if inMacro {
			inMacro = line != ""
			continue
		}
		words := strings.Fields(line)
		for ; len(words) >= 2; words = words[2:] {
			switch words[0] {
			case "machine":
				e, password = NetrcEntry{Machine: words[1], Line: number}, false
			case "login":
				e.Login = words[1]
			case "password":
				password = true
			case "macdef":
				inMacro = true
			}
			if e.Machine != "" && e.Login != "" && password {
				list = append(list, e)
				e, password = NetrcEntry{}, false
			}
		}
		if len(words) == 1 && words[0] == "default" {
			break
		}
	}
	return list
}

// NetrcFiles returns the names of the netrc file in the order in which cmd/go/internal/auth.netrcPath tries them: the
// first that exists counts. There is none without a home folder.
func NetrcFiles(getenv func(string) string, p host.Platform) []string {
	if name := getenv("NETRC"); name != "" {
		return []string{name}
	}
	variable := "HOME"
	if p.Windows() {
		variable = "USERPROFILE"
	}
	home := getenv(variable)
	switch {
	case home == "":
		return nil
	case p.Windows():
		return []string{p.Join(home, "_netrc"), p.Join(home, ".netrc")}
	}
	return []string{p.Join(home, ".netrc")}
}
