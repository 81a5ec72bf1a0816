package cli

import (
	"fmt"
	"strings"

	"github.com/goready/goready/internal/check"
)

// doctorGitHub prints a diagnosis as workflow commands of GitHub Actions: an annotation for each finding, and a line
// that counts. Only files of the workspace can be annotated; the places of others are in the message.
func (a *app) doctorGitHub(d *diagnosis) error {
	p, err := a.plain(d)
	if err != nil {
		return err
	}
	for i := range d.results {
		r := &d.results[i]
		command := map[check.State]string{check.StateError: "error", check.StateWarning: "warning", check.StateInfo: "notice",
			check.StateUnknown: "warning"}[r.State]
		if command == "" || !d.shown(r) {
			continue
		}
		fmt.Fprintf(&a.out, "::%s %s::%s\n", command, githubProperties(d, r), githubMessage.Replace(p.whole(r)))
	}
	parts := []string{}
	for _, c := range counts(&d.report.Summary) {
		parts = append(parts, p.t(c.text))
	}
	fmt.Fprintf(&a.out, "goready doctor: %s\n", strings.Join(parts, ", "))
	return nil
}

// githubProperties returns the place of the first file of the workspace, and the title.
func githubProperties(d *diagnosis, r *check.Result) string {
	out := ""
	for _, e := range r.Finding.Evidence {
		if rel, ok := d.relative(e.Path); ok {
			out = "file=" + githubProperty.Replace(visible(rel)) + ","
			if e.Line > 0 {
				out += fmt.Sprintf("line=%d,", e.Line)
			}
			break
		}
	}
	return out + "title=" + githubProperty.Replace(r.Check.ID)
}

// What the runner of GitHub Actions unescapes in messages and in the values of properties.
var (
	githubMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
