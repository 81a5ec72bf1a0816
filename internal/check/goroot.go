package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// rootSetting is a value of GOROOT, and where it is from.
type rootSetting struct {
	value    string
	ids      []string
	evidence []Evidence
	layer    layer.ID
}

// gorootEnv reports each value that GOROOT is given: wrong, of another SDK than runs, or needless.
func gorootEnv(f *facts.Facts, t *facts.Toolchain) []Finding {
	var findings []Finding
	for _, s := range rootSettings(f) {
		if finding, ok := s.finding(f, t); ok {
			findings = append(findings, finding)
		}
	}
	if finding, ok := ignoredGoroot(f, t); ok {
		findings = append(findings, finding)
	}
	return findings
}

// rootSettings collects the values of GOROOT. What "go run" gives for a toolchain in the module cache is nobody's setting.
func rootSettings(f *facts.Facts) []*rootSetting {
	var all []*rootSetting
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if consumerOf(f, c.ID) == nil {
			continue
		}
		value, from, id := c.Env.Get("GOROOT"), "", layer.GoEnvFile
		if set, ok := layerOf(c, "GOROOT"); ok && value != "" {
			from, id = set.From, set.Layer
		} else if c.User.File != nil {
			v, line, ok := c.User.File.Lookup("GOROOT")
			if value = v; ok {
				from = layer.Place(c.User.Name, line)
			}
		}
		if value == "" || strings.Contains(strings.ReplaceAll(value, `\`, "/"), "/golang.org/toolchain@") {
			continue
		}
		k := slices.IndexFunc(all, func(s *rootSetting) bool {
			return s.value == value && (s.layer == layer.GoEnvFile) == (id == layer.GoEnvFile)
		})
		if k < 0 {
			k = len(all)
			all = append(all, &rootSetting{value: value, layer: id})
		}
		all[k].add(c.ID, at(from, ""), id)
	}
	return all
}

// add adds a consumer. A line of a file says more than the environment it came through.
func (s *rootSetting) add(consumer string, e Evidence, id layer.ID) {
	s.ids = append(s.ids, consumer)
	if e.Path == "" {
		e.Text += ": GOROOT=" + s.value
	}
	switch {
	case slices.Contains(s.evidence, e):
	case len(s.evidence) > 0 && s.layer == layer.OSEnv && id != layer.OSEnv:
		s.evidence, s.layer = append([]Evidence{e}, s.evidence...), id
	default:
		s.evidence = append(s.evidence, e)
	}
}

func (s *rootSetting) finding(f *facts.Facts, t *facts.Toolchain) (Finding, bool) {
	r, ok := t.Roots[s.value]
	finding := Finding{Object: "GOROOT", Consumers: s.ids, Evidence: s.evidence}
	switch {
	case !ok || !r.Unknown.IsZero():
		return Finding{}, false
	case !r.Exists:
		finding.Message = say("go.goroot-env.missing", "value", msg.New("GOROOT is \"%s\", and there is no such folder", s.value))
		finding.Cause = msg.New("every go command stops with \"cannot find GOROOT directory\"")
		finding.Steps = s.unset(f, t, true)
		return finding, true
	case !r.Tools:
		finding.Message = say("go.goroot-env.no-sdk", "value", msg.New("GOROOT is \"%s\", which is not a Go SDK: it has no folder pkg/tool", s.value))
		finding.Cause = msg.New("no package of the standard library is found: \"package fmt is not in std\"")
		finding.Steps = s.unset(f, t, false)
		return finding, true
	}
	p, known := s.program(t, r)
	if !known {
		return Finding{}, false
	}
	if p.RealRoot == r.Real {
		finding.Severity = Info
		finding.Message = say("go.goroot-env.redundant", "value", msg.New("GOROOT is \"%s\", which the go command there knows by itself", s.value))
		finding.Cause = msg.New("it will be wrong as soon as another Go is installed or comes first on PATH")
		finding.Steps = s.unset(f, t, false)
		return finding, true
	}
	finding.Message = say("go.goroot-env.mixed", "value version path pathVersion",
		msg.New("GOROOT is \"%s\" (%s), but the go command that runs is %s (%s)", s.value, shownVersion(r.SDK), p.Path, shownVersion(p.SDK)))
	finding.Evidence = append(slices.Clone(s.evidence), row(p, nil))
	finding.Steps = s.unset(f, t, false)
	a, b := versionOf(r.SDK), versionOf(p.SDK)
	if a != "" && b != "" && a != b {
		finding.Cause = msg.New("every build stops with \"compile: version %q does not match go tool version %q\"", a, b)
	} else {
		finding.Severity = Warning
		finding.Cause = msg.New("go of one SDK works with the compiler and the standard library of another: that breaks with the next update of either")
	}
	return finding, true
}

// program returns the first go command run by those who have the setting that is of another SDK, or else of this one.
func (s *rootSetting) program(t *facts.Toolchain, r facts.Root) (*facts.GoProgram, bool) {
	var same *facts.GoProgram
	for _, id := range s.ids {
		p, ok := t.GoCommandOf(id)
		switch {
		case !ok || p.RealRoot == "":
		case p.RealRoot != r.Real:
			return p, true
		default:
			same = p
		}
	}
	return same, same != nil
}

// unset says how to remove the setting. broken: no go command works with it.
func (s *rootSetting) unset(f *facts.Facts, t *facts.Toolchain, broken bool) []Step {
	steps := unsetSteps(f, "GOROOT", s.layer, s.evidence[0])
	if s.layer != layer.GoEnvFile || !broken {
		return steps
	}
	for _, id := range s.ids {
		if p, ok := t.GoCommandOf(id); ok && p.SDK.Root != "" && !f.Platform.Windows() {
			return []Step{{Text: msg.New("remove the line; \"go env -u\" needs a GOROOT that exists for that"), Command: localGo(f, "env -u GOROOT", "GOROOT="+quote(f, p.SDK.Root))}}
		}
	}
	return []Step{{Text: msg.New("remove the line in an editor: no go command works as long as it is there")}}
}

// unsetSteps says how to take back what a layer sets.
func unsetSteps(f *facts.Facts, name string, id layer.ID, where Evidence) []Step {
	switch unset := envUnset(f, name); id {
	case layer.GoEnvFile:
		return []Step{{Text: msg.New("take it out of the go env file"), Command: goCommand(f, "env -u "+name)}}
	case layer.WindowsUser, layer.WindowsMachine:
		scope := "User"
		if id == layer.WindowsMachine {
			scope = "Machine"
		}
		return []Step{{Text: msg.New("remove the variable"), Command: `[Environment]::SetEnvironmentVariable("` + name + `", $null, "` + scope + `")`}}
	case layer.OSEnv:
		return []Step{{Text: msg.New("remove it from the environment; in this shell"), Command: unset}}
	case layer.SettingsUser, layer.SettingsRemote, layer.SettingsWorkspace, layer.SettingsFolder, layer.TerminalEnv, layer.GoplsEnv, layer.LaunchEnv:
		return []Step{{Text: msg.New("remove the setting and reload the window")}}
	}
	if where.Path == "" {
		return []Step{{Text: msg.New("remove it where it is set")}}
	}
	return []Step{{Text: msg.New("remove the line; in this shell"), Command: envUnset(f, name)}}
}

// ignoredGoroot reports a go.goroot that is no folder: the extension warns once and goes on without it.
func ignoredGoroot(f *facts.Facts, t *facts.Toolchain) (Finding, bool) {
	if f.Editor == nil {
		return Finding{}, false
	}
	text, _ := f.Editor.Settings.Lookup("go.goroot", 0).Value.Str()
	r, ok := t.Roots[text]
	if !ok || r.Exists || !r.Unknown.IsZero() || !f.Platform.IsAbs(text) || strings.Contains(text, "${") {
		return Finding{}, false
	}
	return Finding{Severity: Warning, Object: "go.goroot", Evidence: settingEvidence(f, "go.goroot"),
		Message: say("go.goroot-env.setting", "value", msg.New("the setting go.goroot is \"%s\", and there is no such folder", text)),
		Cause:   msg.New("the Go extension ignores it and runs whatever go it finds elsewhere"),
		Steps:   []Step{{Text: msg.New("remove the setting and reload the window")}}}, true
}

// gorootMixed reports an SDK whose compiler is of another version than its VERSION says: an archive unpacked over an
// older one.
func gorootMixed(f *facts.Facts, t *facts.Toolchain) []Finding {
	c := &t.Compile
	if c.TimedOut {
		return []Finding{{Object: c.Root, Unknown: msg.New("%s -V did not answer in time", c.Path)}}
	}
	i := slices.IndexFunc(t.Commands, func(p facts.GoProgram) bool { return p.SDK.Root == c.Root && c.Root != "" })
	if i < 0 {
		return nil
	}
	p := &t.Commands[i]
	if c.Missing {
		return []Finding{{Object: c.Root,
			Message:  say("go.goroot-mixed.no-compiler", "root path", msg.New("the SDK %s is incomplete: there is no %s", c.Root, c.Path)),
			Cause:    msg.New("every build stops with \"no such tool\""),
			Evidence: []Evidence{{Path: f.Platform.Dir(c.Path)}, row(p, nil)},
			Steps:    cleanInstall(f, p, versionOf(p.SDK))}}
	}
	answer, ok := strings.CutPrefix(c.Output, "compile version ")
	if !ok {
		return nil
	}
	says, is := versionOf(p.SDK), plainVersion(answer)
	if says == "" || is == "" || says == is {
		return nil
	}
	return []Finding{{Object: c.Root,
		Message:  say("go.goroot-mixed.differ", "root version compiler", msg.New("%s is %s by its VERSION, but its compiler is of %s", c.Root, says, is)),
		Cause:    msg.New("builds stop with \"compile: version %q does not match go tool version\", or go wrong without a word", is),
		Evidence: []Evidence{{Path: f.Platform.Join(c.Root, "VERSION"), Line: 1}, {Path: c.Path, Text: "-V: " + c.Output}},
		Steps:    cleanInstall(f, p, says)}}
}

// cleanInstall says how to replace an SDK as a whole.
func cleanInstall(f *facts.Facts, p *facts.GoProgram, version string) []Step {
	switch o := p.Origin; {
	case o.Kind == "debian" && o.Package != "":
		return []Step{{Text: msg.New("install the package again"), Command: "sudo apt install --reinstall " + o.Package}}
	case o.Kind == "homebrew":
		return []Step{{Text: msg.New("install the package again"), Command: "brew reinstall " + o.Package}}
	case f.Platform.Windows():
		return []Step{{Text: msg.New("remove %s, then install Go again", p.SDK.Root)}}
	}
	sudo := "sudo "
	if f.Home != "" && strings.HasPrefix(p.SDK.Root, f.Home+"/") {
		sudo = ""
	}
	if version == "" {
		version = "go*"
	}
	archive := version + "." + f.Platform.OS + "-" + f.Platform.Arch + ".tar.gz"
	root := quote(f, p.SDK.Root)
	return []Step{{Text: msg.New("download the archive %s from go.dev/dl and unpack it in place of the folder, not over it", archive),
		Command: sudo + "mv " + root + " " + root + ".old && " + sudo + "mkdir " + root + " && " + sudo + "tar -C " + root + " --strip-components=1 -xzf " + archive}}
}
