package check

import (
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// checkHomeMissing finds services and jobs that run go without a HOME and without what could replace it.
func checkHomeMissing(f *facts.Facts) []Finding {
	var out []Finding
	for i := range f.Project.Services {
		s := &f.Project.Services[i]
		if finding, ok := refusedFolder(f, s); ok {
			out = append(out, finding)
			continue
		}
		problem, cause := homeless(f, &s.Consumer, s.Verb, s.Modules)
		if problem.IsZero() {
			continue
		}
		out = append(out, Finding{Object: s.Name, Consumers: []string{s.Consumer.ID},
			Message:  say("env.home-missing.service", "object verb problem", msg.New("%s runs \"go %s\" %s", s.Name, s.Verb, problem)),
			Cause:    cause,
			Evidence: []Evidence{at(s.From, "")}, Steps: serviceSteps(s)})
	}
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if c.ID != "current" || !c.Known() {
			continue
		}
		if problem, cause := homeless(f, c, "build", "unknown"); !problem.IsZero() {
			out = append(out, Finding{Object: "HOME", Consumers: []string{c.ID},
				Message:  say("env.home-missing.current", "problem", msg.New("this environment is %s", problem)),
				Cause:    cause,
				Evidence: []Evidence{{Text: "environment of goready: HOME"}},
				Steps:    []Step{homeStep(f)}})
		}
	}
	return out
}

// refusedFolder finds a folder for Go that a unit or crontab names so that go refuses it: neither expands $HOME or ~.
func refusedFolder(f *facts.Facts, s *facts.Service) (Finding, bool) {
	for _, name := range []string{"GOPATH", "GOCACHE", "GOMODCACHE"} {
		value, ok, unknown := s.Consumer.Env.Lookup(name)
		from := fromTrail(&s.Consumer, name)
		if !ok || !unknown.IsZero() || value == "" || from.layer != layer.SystemdUnit && from.layer != layer.Crontab {
			continue
		}
		cause := refusal(f, s, name, value)
		if cause.IsZero() {
			continue
		}
		finding := Finding{Object: s.Name, Consumers: []string{s.Consumer.ID}, Cause: cause,
			Message:  say("env.home-missing.refused", "object verb variable value", msg.New("%s runs \"go %s\" with %s=%s, which is no absolute path", s.Name, s.Verb, name, value)),
			Evidence: []Evidence{at(from.from, ""), at(s.From, "")}, Steps: []Step{{Text: msg.New("write the whole name of the folder in %s: neither $HOME nor ~ is expanded there", from.from)}}}
		if kind, _, _ := strings.Cut(s.Consumer.ID, ":"); kind != "cron" {
			daemon := Step{Text: msg.New("let systemd read it"), Command: "sudo systemctl daemon-reload"}
			if kind == "systemd-user" {
				daemon.Command = "systemctl --user daemon-reload"
			}
			finding.Steps = append(finding.Steps, daemon)
		}
		return finding, true
	}
	return Finding{}, false
}

// refusal is what go says about a folder, nothing if it takes it.
func refusal(f *facts.Facts, s *facts.Service, name, value string) msg.Text {
	switch {
	case name == "GOPATH":
		for _, entry := range f.Platform.SplitList(value) {
			switch {
			case strings.HasPrefix(entry, "~"):
				return msg.New("every go command ends with %q", "GOPATH entry cannot start with shell metacharacter '~'")
			case entry != "" && !f.Platform.IsAbs(entry):
				return msg.New("every go command ends with %q", "GOPATH entry is relative; must be absolute path")
			}
		}
	case f.Platform.IsAbs(value) || name == "GOCACHE" && value == "off":
	case name == "GOCACHE" && builds(s.Verb):
		return msg.New("every build ends with %q", "build cache is required, but could not be located: GOCACHE is not an absolute path")
	case name == "GOMODCACHE" && s.Modules == "yes":
		return msg.New("every command that needs a module ends with %q", "GOMODCACHE entry is relative; must be absolute path")
	}
	return msg.Text{}
}

// homeStep gives the environment of goready a HOME.
func homeStep(f *facts.Facts) Step {
	if f.Home != "" {
		return Step{Text: msg.New("set HOME where this environment comes from; for this session"), Command: "export HOME=" + quote(f, f.Home)}
	}
	return Step{Text: msg.New("set HOME, or GOCACHE and GOPATH to folders that nobody else can write")}
}

// homeless says what a go command of a consumer lacks, in the words after "runs go build", and what go then says. What
// is unknown is not lacking.
func homeless(f *facts.Facts, c *facts.Consumer, verb, modules string) (problem, cause msg.Text) {
	if home, ok, unknown := c.Env.Lookup("HOME"); !unknown.IsZero() || ok && home != "" {
		return msg.Text{}, msg.Text{}
	}
	if builds(verb) && explicit(f, c, "GOCACHE") == lacking {
		if value, ok, unknown := c.Env.Lookup("XDG_CACHE_HOME"); unknown.IsZero() && (!ok || value == "") {
			return msg.New("without HOME, GOCACHE and XDG_CACHE_HOME"),
				msg.New("go build ends with %q", "GOCACHE is not defined and neither $XDG_CACHE_HOME nor $HOME are defined")
		}
	}
	if modules == "yes" && explicit(f, c, "GOPATH") == lacking && explicit(f, c, "GOMODCACHE") == lacking {
		return msg.New("without HOME, GOPATH and GOMODCACHE"),
			msg.New("go has no folder for modules: %q", "module cache not found: neither GOMODCACHE nor GOPATH is set")
	}
	return msg.Text{}, msg.Text{}
}

// builds reports whether a go command needs the build cache.
func builds(verb string) bool {
	switch verb {
	case "build", "run", "test", "install", "vet", "tool":
		return true
	}
	return false
}

// presence says whether some layer gives a variable a value.
type presence int

const (
	lacking presence = iota
	given
	uncertain
)

// explicit says whether a layer above the defaults gives a consumer's go command a value for name.
func explicit(f *facts.Facts, c *facts.Consumer, name string) presence {
	d := explain.Value(f, c, name)
	if d.State == explain.Unknown {
		return uncertain
	}
	w, ok := d.Winner()
	if !ok || w.Value == "" || d.Value == "" || name == "GOCACHE" && strings.HasPrefix(string(w.Layer), "go-de") {
		return lacking
	}
	return given
}

// serviceSteps are for the system's manager, the user's, or cron.
func serviceSteps(s *facts.Service) []Step {
	kind, _, _ := strings.Cut(s.Consumer.ID, ":")
	name := strings.TrimSuffix(s.Name, ".service")
	switch {
	case kind != "systemd-system" && kind != "systemd-user":
	case !plainUnit(s.Name): // a folder of its name would need escapes of systemd, printf and the shell
		return []Step{{Text: msg.New("give it HOME, or GOCACHE and GOPATH, with Environment= in a drop-in")}}
	}
	switch kind {
	case "systemd-system":
		return []Step{
			{Text: msg.New("give it folders of its own in a drop-in"), Command: "printf '[Service]\\nCacheDirectory=" + name + "\\nEnvironment=GOCACHE=%%C/" + name +
				"/go-build GOPATH=%%C/" + name + "/go\\n' | sudo install -D -m 644 /dev/stdin /etc/systemd/system/" + s.Name + ".d/go-cache.conf"},
			{Text: msg.New("let systemd read it"), Command: "sudo systemctl daemon-reload"},
		}
	case "systemd-user":
		return []Step{
			{Text: msg.New("give it its HOME in a drop-in"), Command: "printf '[Service]\\nEnvironment=HOME=%%h\\n' | install -D -m 644 /dev/stdin ~/.config/systemd/user/" + s.Name + ".d/home.conf"},
			{Text: msg.New("let systemd read it"), Command: "systemctl --user daemon-reload"},
		}
	}
	return []Step{{Text: msg.New("write a line HOME=… above the job in %s", s.From)}}
}

// plainUnit reports whether the name of a unit means itself to a shell, to printf and to systemd.
func plainUnit(name string) bool {
	return plainWord(name) && !strings.ContainsAny(name, "%/=:,+") && !strings.HasPrefix(name, "-")
}
