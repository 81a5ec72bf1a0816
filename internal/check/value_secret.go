package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// credential is a place with user information in a URL.
type credential struct {
	name, host, from string
	layer            layer.ID
	ids              []string
}

// checkSecrets finds user information in URLs, where others can read it or it does not belong. It shows the host only.
func checkSecrets(f *facts.Facts) []Finding {
	var all []credential
	add := func(c credential) {
		i := slices.IndexFunc(all, func(o credential) bool { return o.from == c.from && (o.name == c.name || at(o.from, "").Line > 0) })
		if i < 0 {
			all = append(all, c)
			return
		}
		all[i].ids = append(all[i].ids, c.ids...)
	}
	for _, c := range developers(f) {
		for _, name := range c.Env.Names() {
			if !facts.CarriesURL(name) {
				continue
			}
			for _, s := range c.Env.Trail(name) {
				if hosts := facts.URLCredentials(s.Value); len(hosts) > 0 {
					add(credential{name, hosts[0], s.From, s.Layer, []string{c.ID}})
				}
			}
		}
		if c.User.File == nil {
			continue
		}
		for _, e := range c.User.File.Entries {
			if hosts := facts.URLCredentials(e.Value); len(hosts) > 0 {
				add(credential{e.Key, hosts[0], layer.Place(c.User.Name, e.Line), layer.GoEnvFile, []string{c.ID}})
			}
		}
	}
	for i := range f.Project.Files {
		file := &f.Project.Files[i]
		if !file.Repository && !f.Project.Exposed[file.Name] {
			continue // a file of the user's own, where secrets belong
		}
		for _, l := range file.Credentials {
			add(credential{l.Name, l.Host, layer.Place(file.Name, l.Line), "", nil})
		}
	}
	return secretFindings(f, all)
}

// secretFindings judges the places. What a process was given and a file gives too is the file's.
func secretFindings(f *facts.Facts, all []credential) []Finding {
	inFile := func(c *credential) bool {
		return slices.ContainsFunc(all, func(o credential) bool {
			return at(o.from, "").Path != "" && strings.EqualFold(o.name, c.name) && o.host == c.host
		})
	}
	var out []Finding
	for i := range all {
		c := &all[i]
		e := at(c.from, "")
		if e.Path == "" && inFile(c) {
			continue
		}
		out = append(out, c.finding(f, e))
	}
	return out
}

func (c *credential) finding(f *facts.Facts, e Evidence) Finding {
	committed := slices.ContainsFunc(f.Project.Files, func(p facts.ProjectFile) bool { return p.Name == e.Path && p.Repository })
	finding := Finding{Object: c.name, Evidence: []Evidence{e},
		Cause: msg.New("whoever gets the file can use the server in your name")}
	if c.name == "" {
		finding.Object = c.host
	}
	switch {
	case e.Path == "" && c.layer != layer.WindowsUser && c.layer != layer.WindowsMachine:
		finding.Severity = Info
		finding.Evidence = []Evidence{{Text: c.from + ": " + c.name}}
		finding.Cause = msg.New("every program that is started here can read it; that is how many CI systems pass secrets")
		finding.Message = say("env.secrets.environment", "variable host", msg.New("%s has credentials for %s in its URL", c.name, c.host))
		return finding
	case committed:
		finding.Message = say("env.secrets.workspace", "object host", msg.New("%s has credentials for %s in its URL, in a file that git does not ignore", finding.Object, c.host))
	case f.Project.Exposed[e.Path] || c.layer == layer.WindowsMachine:
		finding.Message = say("env.secrets.readable", "object host", msg.New("%s has credentials for %s in its URL, in a file that every user of this machine can read", finding.Object, c.host))
	default:
		finding.Message = say("env.secrets.file", "object host", msg.New("%s has credentials for %s in its URL", finding.Object, c.host))
		finding.Severity = Warning // only its owner reads it, today
	}
	finding.Steps = c.steps(f, committed, e)
	return finding
}

// steps move the secret to where only its owner can read it.
func (c *credential) steps(f *facts.Facts, committed bool, e Evidence) []Step {
	var steps []Step
	if committed {
		steps = append(steps, Step{Text: msg.New("change the password or revoke the token: the history of the repository keeps it")})
	}
	if strings.HasPrefix(c.name, "GO") {
		netrc := "~/.netrc"
		if f.Platform.Windows() {
			netrc = `%USERPROFILE%\_netrc`
		}
		steps = append(steps, Step{Text: msg.New("write \"machine %s login … password …\" into %s, which only you may read, or name a program in GOAUTH that knows the password", c.host, netrc)})
		if fishUniversal(f, e.Path) {
			return append(steps, Step{Text: msg.New("set %s again without what stands before the @, with \"set -Ux\" in fish", c.name)})
		}
		return append(steps, Step{Text: msg.New("remove what stands before the @ in %s", c.from)})
	}
	if fishUniversal(f, e.Path) {
		steps = append(steps, Step{Text: msg.New("keep the secret in a file that only you may read, and take the variable out of fish"), Command: "set -eU " + c.name})
	} else {
		steps = append(steps, Step{Text: msg.New("keep the secret in a file that only you may read, and take it out of %s", c.from)})
	}
	if _, own := below(f, f.Home, e.Path); own && !committed && f.Project.Exposed[e.Path] {
		steps = append(steps, Step{Text: msg.New("until then, let nobody else read the file"), Command: "chmod go-rw " + quote(f, e.Path)})
	}
	return steps
}
