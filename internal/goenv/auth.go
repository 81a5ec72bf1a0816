package goenv

import (
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// AuthCommand is one of the commands of GOAUTH.
type AuthCommand struct {
	Kind AuthKind
	Text string // as written, without the blanks around it
	Args []string
	// Problem, if not zero, is why the command never gives credentials.
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

// ParseGOAUTH splits the value of GOAUTH as cmd/go/internal/auth.runGoAuth does; "" is the default, netrc. The error
// has the text with which Go ends at its first https request.
func ParseGOAUTH(value string, p host.Platform) ([]AuthCommand, error) { return nil, nil }

// NetrcEntry is an entry of a netrc file that Go uses. It has no password on purpose.
type NetrcEntry struct {
	Machine string
	Login   string
	Line    int // of the word "machine"
}

// ParseNetrc reads a netrc file as cmd/go/internal/auth.parseNetrc does.
func ParseNetrc(data string) []NetrcEntry { return nil }

// NetrcFiles returns the names of the netrc file, the first that exists counts: $NETRC, else on Windows _netrc, else
// .netrc in the home folder.
func NetrcFiles(getenv func(string) string, p host.Platform) []string { return nil }

// CredentialSource is where credentials come from.
type CredentialSource string

// The sources.
const (
	CredentialsNone    CredentialSource = ""
	CredentialsURL     CredentialSource = "url"
	CredentialsNetrc   CredentialSource = "netrc"
	CredentialsUnknown CredentialSource = "goauth" // git or a program of GOAUTH decides
)

// CredentialInput is what decides about the credentials of a request.
type CredentialInput struct {
	URL       string
	GOAUTH    string
	Platform  host.Platform
	NetrcFile string // for display
	Netrc     []NetrcEntry
}

// Credentials says which credentials a request of the go command carries. It never has a password.
type Credentials struct {
	Source CredentialSource
	Login  string
	From   string // "file:line" or the command of GOAUTH
	Prefix string // the machine of the netrc entry
	Why    msg.Text
	Err    string // in Go's own words: the request is not sent
	// NearMiss is an entry of the netrc file for the same host that does not apply.
	NearMiss *NetrcEntry
}

// ChooseCredentials says which credentials the go command sends with a request for in.URL: those in the URL, else by
// GOAUTH, and only with https.
func ChooseCredentials(in CredentialInput) Credentials { return Credentials{} }
