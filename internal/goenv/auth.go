package goenv

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// AuthCommand is one of the commands of GOAUTH.
type AuthCommand struct {
	Kind AuthKind
	Text string   // as written, without the blanks around it
	Args []string // its words; those of a program without quotes
	// Problem, if not zero, is why the command never gives credentials, although Go goes on.
	Problem msg.Text
}

// AuthKind is a kind of [AuthCommand].
type AuthKind string

// The kinds.
const (
	AuthOff     AuthKind = "off"
	AuthNetrc   AuthKind = "netrc"
	AuthGit     AuthKind = "git" // git credential fill in the folder Args[1]
	AuthProgram AuthKind = "program"
)

// ParseGOAUTH splits the value of GOAUTH as cmd/go/internal/auth.runGoAuth does, for a go command on the system p; ""
// is the default, netrc. The error has the text with which Go ends at its first https request; Go also ends if the
// folder of a git command is not there, which is not looked at here. The commands are in the order of the value: if
// several have credentials for the same URL, the first one counts.
func ParseGOAUTH(value string, p host.Platform) ([]AuthCommand, error) {
	if value == "" {
		value = string(AuthNetrc)
	}
	parts := strings.Split(value, ";")
	list := make([]AuthCommand, len(parts))
	var first error
	// Go runs the commands from the last to the first, and ends at the first error on that way.
	for i, part := range slices.Backward(parts) {
		c, err := parseAuthCommand(strings.TrimSpace(part), value, len(parts) == 1, p)
		if err != nil && first == nil {
			first = err
		}
		list[i] = c
	}
	return list, first
}

// parseAuthCommand reads one command of value; alone says that it is the only one.
func parseAuthCommand(text, value string, alone bool, p host.Platform) (AuthCommand, error) {
	c := AuthCommand{Text: text, Args: strings.Fields(text)}
	if len(c.Args) == 0 {
		return c, fmt.Errorf("GOAUTH encountered an empty command (GOAUTH=%s)", value)
	}
	switch c.Args[0] {
	case "off":
		c.Kind = AuthOff
		if !alone {
			return c, fmt.Errorf("GOAUTH=off cannot be combined with other authentication commands (GOAUTH=%s)", value)
		}
	case "netrc":
		c.Kind = AuthNetrc
	case "git":
		c.Kind = AuthGit
		if len(c.Args) != 2 {
			return c, errors.New("GOAUTH=git dir method requires an absolute path to the git working directory")
		}
		if !p.IsAbs(c.Args[1]) {
			return c, errors.New("GOAUTH=git dir method requires an absolute path to the git working directory, dir is not absolute")
		}
	default:
		c.Kind = AuthProgram
		words, err := splitQuotedWords(text)
		if err != nil {
			c.Problem = msg.New("the command cannot be read: %s", err.Error())
			return c, nil
		}
		c.Args = words
	}
	return c, nil
}

// splitQuotedWords splits s at blanks; a word may be in quotes, inside which nothing is special: cmd/internal/quoted.Split.
func splitQuotedWords(s string) ([]string, error) {
	const blanks = " \t\n\r"
	var words []string
	for s = strings.TrimLeft(s, blanks); s != ""; s = strings.TrimLeft(s, blanks) {
		if quote := s[0]; quote == '"' || quote == '\'' {
			end := strings.IndexByte(s[1:], quote)
			if end < 0 {
				return nil, fmt.Errorf("unterminated %c string", quote)
			}
			words = append(words, s[1:1+end])
			s = s[end+2:]
			continue
		}
		end := strings.IndexAny(s, blanks)
		if end < 0 {
			end = len(s)
		}
		words = append(words, s[:end])
		s = s[end:]
	}
	return words, nil
}
