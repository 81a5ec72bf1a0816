package cli

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/msg"
)

// plain says what a result is in lines without colours, for the formats of other programs. Control characters are
// visible in it.
type plain struct{ style }

func (a *app) plain(d *diagnosis) (plain, error) {
	l, err := a.language()
	return plain{style{lang: l, home: d.facts.Home, sep: d.facts.Platform.Separator()}}, err
}

// message is the first line: what is wrong, or why that is not known.
func (p plain) message(r *check.Result) string {
	if r.State == check.StateUnknown || r.Finding.Message.Text.IsZero() {
		return p.t(r.Reason)
	}
	return p.t(r.Finding.Message.Text)
}

// details are the lines after it: why it is bad, where, for whom, and what to do.
func (p plain) details(r *check.Result) []string {
	var out []string
	f := &r.Finding
	add := func(text string) {
		if text != "" {
			out = append(out, text)
		}
	}
	add(p.t(f.Cause))
	if r.State != check.StateUnknown && !f.Message.Text.IsZero() {
		add(p.t(r.Reason))
	}
	for _, e := range f.Evidence {
		add(strings.Trim(p.place(e)+": "+p.clean(e.Text), ": "))
	}
	if len(f.Consumers) > 0 {
		add(p.t(msg.New("for")) + ": " + strings.Join(f.Consumers, ", "))
	}
	return append(out, p.steps(f)...)
}

// steps are the lines that say how to repair it.
func (p plain) steps(f *check.Finding) []string {
	var out []string
	fix := p.t(msg.New("fix")) + ": "
	for _, step := range f.Steps {
		switch {
		case step.Command == "":
			out = append(out, fix+p.t(step.Text))
		case step.Text.IsZero():
			out = append(out, fix+p.command(step.Command))
		default:
			out = append(out, fix+p.t(step.Text)+": "+p.command(step.Command))
		}
	}
	return out
}

// whole is the message and the details.
func (p plain) whole(r *check.Result) string {
	return strings.Join(append([]string{p.message(r)}, p.details(r)...), "\n")
}

// found reports whether a result is something that was found, be it known.
func found(r *check.Result) bool {
	switch r.State {
	case check.StateError, check.StateWarning, check.StateInfo, check.StateKnown:
		return true
	}
	return false
}

// relative returns the name of a file relative to the workspace, with slashes.
func (d *diagnosis) relative(name string) (string, bool) {
	p := d.facts.Platform
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(d.folder, p.Separator())+p.Separator())
	if p.Windows() {
		rest = strings.ReplaceAll(rest, `\`, "/")
	}
	return rest, ok && rest != ""
}

// fileURI returns the file: URI of an absolute name.
func fileURI(p host.Platform, name string) string {
	u := url.URL{Scheme: "file", Path: name}
	if p.Windows() {
		u.Path = strings.ReplaceAll(name, `\`, "/")
		if share, ok := strings.CutPrefix(u.Path, "//"); ok {
			u.Host, u.Path, _ = strings.Cut(share, "/")
		}
		u.Path = "/" + u.Path
	}
	return u.String()
}

// relativeURI returns the URI reference of a name relative to a folder.
func relativeURI(name string) string { return (&url.URL{Path: name}).String() }

// docsURL is the address of the page about a check.
func docsURL(id string) string {
	return fmt.Sprintf("https://github.com/goready/goready/blob/main/docs/%s.md", check.Docs(id))
}
