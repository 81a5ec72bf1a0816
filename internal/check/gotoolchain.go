package check

import (
	"go/version"
	"slices"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// toolchainSetting is a value of GOTOOLCHAIN and where it is from.
type toolchainSetting struct {
	value string
	by    layer.Reason
	ids   []string
}

// toolchainMode reports a GOTOOLCHAIN that is invalid, or by which a user has switched off that go.mod chooses the
// toolchain. Where the SDK or an image of a container says so, that is the policy of its maker.
func toolchainMode(f *facts.Facts, _ *facts.Toolchain) []Finding {
	var findings []Finding
	for _, s := range toolchainSettings(f) {
		finding := Finding{Object: "GOTOOLCHAIN", Consumers: s.ids, Evidence: []Evidence{reasonEvidence("GOTOOLCHAIN", s.by)}}
		finding.Steps = unsetSteps(f, "GOTOOLCHAIN", s.by.Layer, finding.Evidence[0])
		now := s.breaks(f)
		if s.by.Layer == layer.GoEnvFile && !now.IsZero() {
			finding.Steps[0].Command = localGo(f, "env -u GOTOOLCHAIN")
		}
		switch kind := toolchainKind(s.value); {
		case kind == "invalid":
			finding.Message = say("go.toolchain-mode.invalid", "value", msg.New("GOTOOLCHAIN is %q, which go does not understand", s.value))
			finding.Cause = msg.New("every go command stops with \"invalid GOTOOLCHAIN\"; auto, local, path and names such as go1.26.0 or go1.26.0+auto are valid")
		case kind == "auto" || s.quiet(f):
			continue
		default:
			finding.Severity = Warning
			finding.Message = say("go.toolchain-mode.fixed", "value", msg.New("GOTOOLCHAIN is %q: no go.mod chooses its toolchain", s.value))
			finding.Cause = msg.New("a module or tool that requires a newer Go fails instead of getting it")
			if s.value == "path" || strings.HasSuffix(s.value, "+path") {
				finding.Message = say("go.toolchain-mode.path", "value", msg.New("GOTOOLCHAIN is %q: go.mod can only choose among the toolchains that are on PATH", s.value))
				finding.Cause = msg.New("a module or tool that requires another Go fails unless a command of that name, such as go1.26.8, is on PATH")
			}
			if !now.IsZero() {
				finding.Severity = Error
				finding.Cause = msg.New("in this workspace go stops with: %s", now)
			}
		}
		findings = append(findings, finding)
	}
	return findings
}

// toolchainSettings collects the values of GOTOOLCHAIN that developers get.
func toolchainSettings(f *facts.Facts) []*toolchainSetting {
	var all []*toolchainSetting
	for i := range f.Consumers {
		c := &f.Consumers[i]
		if !facts.ForDevelopers(c.ID) || !c.Known() || !knowsToolchains(c) {
			continue
		}
		d := explain.Value(f, c, "GOTOOLCHAIN")
		by, ok := d.Winner()
		if d.State != explain.Set || !ok {
			continue
		}
		k := slices.IndexFunc(all, func(s *toolchainSetting) bool {
			return s.value == d.Value && (s.by.From == by.From || s.sameOrigin(by))
		})
		if k < 0 {
			k = len(all)
			all = append(all, &toolchainSetting{value: d.Value, by: by})
		} else if all[k].by.Layer == layer.OSEnv && by.Layer != layer.OSEnv {
			all[k].by = by // the line of a file says more
		}
		all[k].ids = append(all[k].ids, c.ID)
	}
	return all
}

// choosesToolchain reports whether the go command of a consumer is one that knows GOTOOLCHAIN. Without a go command
// there is another finding, as there is for an old one.
func choosesToolchain(c *facts.Consumer) bool { return c.Go.Note.IsZero() && knowsToolchains(c) }

// knowsToolchains is the same for a consumer that finds no go command, or one that starts another: what it is set to
// matters as soon as that is repaired.
func knowsToolchains(c *facts.Consumer) bool {
	v := versionOf(c.Go.SDK)
	return c.Go.SDK.Root != "" && (v == "" || version.Compare(v, oldestUsable) >= 0)
}

// sameOrigin reports whether two consumers with the same value probably have it from the same place: one through the
// environment, the other from the file that was read for it.
func (s *toolchainSetting) sameOrigin(by layer.Reason) bool {
	return (s.by.Layer == layer.OSEnv) != (by.Layer == layer.OSEnv) && fromUser(by.Layer) && fromUser(s.by.Layer)
}

// quiet reports whether the value is the policy of the maker of the SDK or of a container's image.
func (s *toolchainSetting) quiet(f *facts.Facts) bool {
	if !fromUser(s.by.Layer) || s.by.Layer == layer.ContainerEnv {
		return true
	}
	if s.by.Layer != layer.OSEnv {
		return false
	}
	return f.Container != "" || slices.ContainsFunc(s.ids, func(id string) bool {
		env := consumerOf(f, id).Env
		return env.Get("GOLANG_VERSION") != "" || env.Get("CI") != "" // an image; a step of continuous integration that chose Go
	})
}

// breaks returns what go says in the workspace because of the setting, if it fails.
func (s *toolchainSetting) breaks(f *facts.Facts) msg.Text {
	for _, id := range s.ids {
		selection := goenv.SelectToolchain(f.Query(consumerOf(f, id)))
		switch {
		case !selection.Unknown.IsZero():
		case !selection.Err.IsZero():
			return selection.Err
		case !selection.ModuleErr.IsZero():
			return selection.ModuleErr
		}
	}
	return msg.Text{}
}

// toolchainKind returns "auto" for a GOTOOLCHAIN that lets go.mod choose and get a toolchain, "fixed" for one that does
// not, and "invalid".
func toolchainKind(value string) string {
	name, mode, plus := strings.Cut(value, "+")
	switch {
	case value == "auto":
		return "auto"
	case value == "" || value == "path" || value == "local":
		return "fixed"
	case plus && mode != "auto" && mode != "path":
		return "invalid"
	}
	if i := strings.IndexAny(name, " \t-"); i >= 0 {
		name = name[:i]
	}
	if name != "local" && (!version.IsValid(name) || strings.ContainsAny(name, `/\`)) {
		return "invalid"
	}
	if mode == "auto" {
		return "auto"
	}
	return "fixed"
}

// reasonEvidence is the evidence for a reason that decided a variable.
func reasonEvidence(name string, r layer.Reason) Evidence {
	e := at(r.From, "")
	if e.Path == "" {
		e.Text = strings.TrimPrefix(e.Text+": "+name+"="+layer.Redact(name, r.Value), ": ")
	}
	return e
}

// selectionHere returns the toolchain that goready's own environment selects in the workspace, if that is known.
func selectionHere(f *facts.Facts) (goenv.Selection, *facts.Consumer, bool) {
	c := consumerOf(f, "current")
	if c == nil || !choosesToolchain(c) {
		return goenv.Selection{}, nil, false
	}
	s := goenv.SelectToolchain(f.Query(c))
	return s, c, s.Unknown.IsZero()
}

// moduleFileOf returns the file that had a say in a selection, or is loaded if none had.
func moduleFileOf(s goenv.Selection, c *facts.Consumer) goenv.ModuleFile {
	for _, file := range []goenv.ModuleFile{c.Module.Given, c.Module.Work, c.Module.Mod} {
		if file.Name != "" && (s.File == "" || file.Name == s.File) {
			return file
		}
	}
	return goenv.ModuleFile{}
}

// toolchainNeeded reports that the workspace needs a toolchain that cannot run.
func toolchainNeeded(f *facts.Facts, _ *facts.Toolchain) []Finding {
	s, c, ok := selectionHere(f)
	if !ok || s.Err.IsZero() && s.ModuleErr.IsZero() || toolchainKind(s.Setting) == "invalid" {
		return nil
	}
	file := moduleFileOf(s, c)
	says := s.Err
	if says.IsZero() {
		says = s.ModuleErr
	}
	finding := Finding{Object: file.Name, Message: say("go.toolchain-needed.fails", "text", msg.New("go fails in this workspace: %s", says))}
	for _, line := range []goenv.ModuleLine{file.Toolchain, file.Go} {
		if line.Line > 0 {
			finding.Evidence = append(finding.Evidence, Evidence{Path: file.Name, Line: line.Line})
		}
	}
	d := explain.Value(f, c, "GOTOOLCHAIN")
	by, _ := d.Winner()
	switch {
	case s.Download || s.SDK != nil && !s.Err.IsZero():
		finding.Cause = msg.New("the toolchain %s is needed, and what is set here forbids to download or to verify it", s.Toolchain)
		evidence, steps := forbidding(f, c)
		finding.Evidence = append(finding.Evidence, evidence...)
		finding.Steps = append([]Step{{Text: msg.New("install an SDK of that version, or let go get it")}}, steps...)
	case toolchainKind(d.Value) == "auto":
		finding.Cause = msg.New("the line names no toolchain that go could run")
		finding.Steps = []Step{{Text: msg.New("write a version that exists into the line")}}
	default:
		finding.Object = "GOTOOLCHAIN"
		finding.Cause = msg.New("GOTOOLCHAIN=%s does not let go get the version that is required", d.Value)
		finding.Evidence = append(finding.Evidence, reasonEvidence("GOTOOLCHAIN", by))
		finding.Steps = allowSteps(f, c, by)
	}
	return []Finding{finding}
}

// allowSteps says how to allow that go gets another toolchain.
func allowSteps(f *facts.Facts, c *facts.Consumer, by layer.Reason) []Step {
	steps := []Step{{Text: msg.New("install an SDK of the version that is required")}}
	if c.Env.Get("GOLANG_VERSION") != "" {
		steps[0].Text = msg.New("use the image of the version that is required")
	}
	allow := Step{Text: msg.New("or let go get it"), Command: goCommand(f, "env -w GOTOOLCHAIN=auto")}
	if by.Layer != layer.SDKGoEnv && by.Layer != layer.GoDefault && by.Layer != layer.GoEnvFile {
		allow.Command = "export GOTOOLCHAIN=auto"
		switch {
		case f.Platform.Windows():
			allow.Command = `$env:GOTOOLCHAIN = "auto"`
		case shellKind(f) == "fish":
			allow.Command = "set -gx GOTOOLCHAIN auto"
		}
	}
	return append(steps, allow)
}

// forbidding shows the settings that keep go from downloading a toolchain, and how to take them back. A
// finding about the same setting is the cause of ours.
func forbidding(f *facts.Facts, c *facts.Consumer) (list []Evidence, steps []Step) {
	for _, name := range []string{"GOPROXY", "GOSUMDB"} {
		d := explain.Value(f, c, name)
		by, ok := d.Winner()
		if !ok || !forbids(f, name, d.Value) {
			continue
		}
		list = append(list, reasonEvidence(name, by))
		if fromUser(by.Layer) {
			steps = append(steps, unsetSteps(f, name, by.Layer, at(by.From, ""))...)
		}
	}
	return list, steps
}

// forbids reports whether a value of GOPROXY or GOSUMDB keeps go from downloading or verifying a toolchain.
func forbids(f *facts.Facts, name, value string) bool {
	if name == "GOSUMDB" {
		_, err := goenv.ParseSumDB(value)
		return value == "off" || err != nil
	}
	_, err := goenv.ParseProxyList(value, "", f.Platform)
	return strings.TrimSpace(value) == "off" || strings.HasPrefix(value, "off,") || err != nil
}

// twoPart reports a go line with two numbers that makes go look for another toolchain.
func twoPart(f *facts.Facts, _ *facts.Toolchain) []Finding {
	s, c, ok := selectionHere(f)
	local := ""
	if ok {
		local = versionOf(c.Go.SDK)
	}
	if local == "" || s.Mode != "auto" || s.File == "" {
		return nil
	}
	file := moduleFileOf(s, c)
	v := "go" + file.Go.Value
	if strings.Count(v, ".") != 1 || version.Lang(v) != v || version.Compare(v, local) <= 0 || version.Compare(v, oldestUsable) < 0 ||
		version.IsValid(file.Toolchain.Value) && version.Compare(file.Toolchain.Value, v) >= 0 {
		return nil
	}
	finding := Finding{Object: file.Name, Evidence: []Evidence{{Path: file.Name, Line: file.Go.Line}, {Path: c.Go.SDK.GoCommand, Text: local}}}
	_, expected := newestMinor(f.Now)
	switch {
	case asksForLanguage(local):
		finding.Severity = Error
		finding.Message = say("go.toolchain-two-part.no-release", "line local", msg.New("\"go %s\" makes %s look for a toolchain of that name, which does not exist", file.Go.Value, local))
		finding.Cause = msg.New("every go command here stops with \"toolchain not available\"; a release has three numbers")
		finding.Steps = []Step{{Text: msg.New("name a release"), Command: localGo(f, "mod edit -go="+file.Go.Value+".0")}, {Text: msg.New("or install a newer Go")}}
		if s.File == c.Module.Work.Name || s.File == c.Module.Given.Name {
			finding.Steps[0].Command = localGo(f, "work edit -go="+file.Go.Value+".0")
		}
	case minorOf(v) > expected:
		finding.Severity = Warning
		finding.Message = say("go.toolchain-two-part.unreleased", "line", msg.New("\"go %s\" asks for a Go that goready knows no release of, nor expects one by now", file.Go.Value))
		finding.Cause = msg.New("go tries to download %s.0 and stops if there is none", v)
		finding.Steps = []Step{{Text: msg.New("write the version that the module really needs")}}
	default:
		finding.Severity = Info
		finding.Message = say("go.toolchain-two-part.first", "line version", msg.New("\"go %s\" makes go run %s, the first release of it, without later fixes", file.Go.Value, v+".0"))
		finding.Cause = msg.New("a toolchain line would name a better one")
		finding.Steps = []Step{{Text: msg.New("name a release with all its numbers in a toolchain line, or install a newer Go")}}
	}
	return []Finding{finding}
}

// asksForLanguage reports whether a Go version takes "go 1.N" for the name of a toolchain. Later ones ask for go1.N.0
// (golang/go#62278).
func asksForLanguage(local string) bool {
	return version.Compare(local, "go1.21.11") < 0 || version.Compare(local, "go1.22") >= 0 && version.Compare(local, "go1.22.4") < 0
}

// toolchainOffline reports that the next go command will download a toolchain.
func toolchainOffline(f *facts.Facts, _ *facts.Toolchain) []Finding {
	s, c, ok := selectionHere(f)
	if !ok || !s.Download || !s.Err.IsZero() {
		return nil
	}
	file := moduleFileOf(s, c)
	finding := Finding{Object: s.Toolchain, Message: say("go.toolchain-offline.download", "toolchain", msg.New("%s is needed here and not on this machine: the next go command downloads it", s.Toolchain)),
		Cause: msg.New("without network it fails; with a slow one an editor may give up meanwhile"),
		Steps: []Step{{Text: msg.New("get it now"), Command: "go version"}}}
	for _, r := range s.Trail {
		if r.Won {
			finding.Evidence = []Evidence{at(r.From, "")}
		}
	}
	if len(finding.Evidence) == 0 && file.Name != "" {
		finding.Evidence = []Evidence{{Path: file.Name}}
	}
	return []Finding{finding}
}
