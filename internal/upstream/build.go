package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/goready/goready/internal/goenv"
)

// BuildConfig says how [Build] makes a chain of a GOPROXY list.
type BuildConfig struct {
	// GOPROXY is the list, with the syntax and the semantics of the go command.
	GOPROXY string
	// HTTP is the configuration of the servers in the list; its URL is not used.
	HTTP HTTPConfig
	// GoCommand is what "direct" stands for; nil: an entry "direct" is left out.
	GoCommand *GoCommand
	// Skip reports whether a URL is to be left out, because it leads to this server itself; nil: none is. It is given
	// the URL without user information.
	Skip func(url string) bool
}

// Omitted is an entry that [Build] left out.
type Omitted struct {
	Name string // without secrets
	Why  string
}

// Build returns the chain that a GOPROXY list describes, and the entries that were left out of it. It is an error if
// there are none but those.
func Build(config BuildConfig) (*Chain, []Omitted, error) {
	list, err := goenv.ParseServerProxyList(config.GOPROXY, runtime.GOOS)
	if err != nil {
		return nil, nil, err
	}
	var entries []Entry
	var omitted []Omitted
	for _, item := range list {
		e, why, err := config.entry(item.URL)
		switch {
		case err != nil:
			return nil, nil, err
		case why != "":
			omitted = append(omitted, Omitted{e.Name, why})
			continue
		}
		e.Pipe = item.Pipe
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, omitted, fmt.Errorf("GOPROXY has only %s: %s", omitted[0].Name, omitted[0].Why)
	}
	return NewChain(entries), omitted, nil
}

// entry returns the entry for an item of the list, or why it is left out.
func (config *BuildConfig) entry(item string) (e Entry, why string, err error) {
	switch item {
	case goenv.ProxyOff:
		return Entry{Name: item}, "", nil
	case goenv.ProxyDirect:
		if config.GoCommand == nil {
			return Entry{Name: item}, "there is no go command to fetch from version control", nil
		}
		return Entry{Source: config.GoCommand, Name: item}, "", nil
	}
	u, err := url.Parse(item)
	if err != nil {
		return Entry{}, "", errors.New("invalid proxy URL") // unreachable: it was parsed before
	}
	e.Name = label(u)
	public := *u
	public.User = nil
	if config.Skip != nil && config.Skip(public.String()) {
		return e, "it is this server itself", nil
	}
	if u.Scheme == "file" {
		dir, err := NewDir(filePath(u))
		e.Source = dir
		return e, "", err
	}
	c := config.HTTP
	c.URL = item
	server, err := NewHTTP(c)
	e.Source = server
	return e, "", err
}

// filePath returns the folder that a file:// URL names; on Windows the path of file:///C:/folder begins with the drive.
func filePath(u *url.URL) string {
	name := filepath.FromSlash(u.Path)
	if drive := strings.TrimPrefix(name, `\`); filepath.VolumeName(drive) != "" {
		return drive
	}
	return name
}
