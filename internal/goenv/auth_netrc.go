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
	ReadNetrc(data, func(e NetrcEntry, _ string) { list = append(list, e) })
	return list
}

// ReadNetrc is [ParseNetrc] for who needs the passwords: it calls use for each entry, in order.
func ReadNetrc(data string, use func(e NetrcEntry, password string)) {
	var e NetrcEntry
	var password string
	inMacro := false
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
				e, password = NetrcEntry{Machine: words[1], Line: number}, ""
			case "login":
				e.Login = words[1]
			case "password":
				password = words[1]
			case "macdef":
				inMacro = true
			}
			if e.Machine != "" && e.Login != "" && password != "" {
				use(e, password)
				e, password = NetrcEntry{}, ""
			}
		}
		if len(words) == 1 && words[0] == "default" {
			break
		}
	}
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
