package goenv

import (
	"net"
	"net/url"
	"strings"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

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
	GOAUTH    string // "" is netrc
	Platform  host.Platform
	NetrcFile string // its name, for display
	Netrc     []NetrcEntry
}

// Credentials says which credentials a request of the go command carries. It never has a password.
type Credentials struct {
	Source CredentialSource
	Login  string
	From   string // "file:line" of the netrc entry, or the command of GOAUTH
	Prefix string // the machine of the netrc entry
	Why    msg.Text
	Err    string // in Go's own words: the request is not sent
	// NearMiss is an entry of the netrc file for the same host that does not apply, because machine must be the host
	// with its port, spelled alike.
	NearMiss *NetrcEntry
}

// ChooseCredentials says which credentials the go command sends with a request for in.URL: those in the URL, else what
// GOAUTH has for the longest prefix of the URL, and only with https. It follows cmd/go/internal/web.get and
// cmd/go/internal/auth.AddCredentials.
func ChooseCredentials(in CredentialInput) Credentials {
	u, err := url.Parse(in.URL)
	if err != nil {
		return Credentials{Err: redactURLError(err).Error()}
	}
	switch {
	case u.Scheme == "http" && u.User != nil:
		return Credentials{
			Err: "refusing to pass credentials to insecure URL: " + u.Redacted(),
			Why: msg.New("Go refuses to send credentials over http"),
		}
	case u.Scheme != "https":
		return Credentials{Why: msg.New("Go sends credentials over https only")}
	}
	commands, err := ParseGOAUTH(in.GOAUTH, in.Platform)
	if err != nil {
		return Credentials{Err: err.Error(), Why: msg.New("the go command ends at its first https request: %s", err.Error())}
	}
	if u.User != nil {
		return Credentials{Source: CredentialsURL, Login: u.User.Username(), Why: msg.New("user and password in the URL come before GOAUTH")}
	}
	return in.fromGOAUTH(u, commands)
}

// fromGOAUTH returns what the commands of GOAUTH have for a URL.
func (in CredentialInput) fromGOAUTH(u *url.URL, commands []AuthCommand) Credentials {
	var asked *AuthCommand // the first that only running it could tell about
	for i := range commands {
		switch c := &commands[i]; {
		case c.Kind == AuthOff:
			return Credentials{Why: msg.New("GOAUTH is off")}
		case c.Kind == AuthNetrc:
			e, ok := in.netrcEntry(u)
			if ok && asked == nil {
				return in.netrcCredentials(e)
			}
		case asked == nil && c.Problem.IsZero():
			asked = c
		}
	}
	if asked == nil {
		return Credentials{NearMiss: in.nearMiss(u), Why: msg.New("no entry of the netrc file is for %s", u.Host)}
	}
	c := Credentials{Source: CredentialsUnknown, From: asked.Text, NearMiss: in.nearMiss(u)}
	if asked.Kind == AuthGit {
		c.Why = msg.New("git is asked for credentials after the server answers 4xx")
	} else {
		c.Why = msg.New("the program of GOAUTH decides: it runs before the first request, and again after a 4xx")
	}
	return c
}

func (in CredentialInput) netrcCredentials(e NetrcEntry) Credentials {
	return Credentials{Source: CredentialsNetrc, Login: e.Login, From: layer.Place(in.NetrcFile, e.Line), Prefix: e.Machine, Why: msg.New("the netrc file has an entry for %s", e.Machine)}
}

// netrcEntry returns the entry for the longest prefix of a URL; of several entries for the same, the first.
func (in CredentialInput) netrcEntry(u *url.URL) (NetrcEntry, bool) {
	if len(in.Netrc) == 0 {
		return NetrcEntry{}, false
	}
	entries := map[string]NetrcEntry{}
	for _, e := range in.Netrc {
		machine := netrcPrefix(e.Machine)
		if _, ok := entries[machine]; !ok {
			entries[machine] = e
		}
	}
	for prefix := netrcPrefix(u.String()); ; {
		if e, ok := entries[prefix]; ok {
			return e, true
		}
		i := strings.LastIndexByte(prefix, '/')
		if i < 0 {
			return NetrcEntry{}, false
		}
		prefix = prefix[:i]
	}
}

func netrcPrefix(s string) string {
	return strings.TrimSuffix(strings.TrimPrefix(s, "https://"), "/")
}

// nearMiss returns the first entry for the host of a URL whose port or letter case differs.
func (in CredentialInput) nearMiss(u *url.URL) *NetrcEntry {
	for i, e := range in.Netrc {
		machine, _, _ := strings.Cut(netrcPrefix(e.Machine), "/")
		if h, _, err := net.SplitHostPort(machine); err == nil {
			machine = h
		}
		if strings.EqualFold(machine, u.Hostname()) {
			return &in.Netrc[i]
		}
	}
	return nil
}
