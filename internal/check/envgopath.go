package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// gopath judges the values of GOPATH.
func gopath(f *facts.Facts) []Finding {
	subjects := developers(f)
	var out []Finding
	for _, v := range envValues(f, subjects, "GOPATH") {
		if v.value == "" {
			continue
		}
		finding, ok := gopathSpelling(f, v)
		if !ok {
			finding, ok = gopathPlace(f, v)
		}
		if !ok {
			continue
		}
		finding.Object, finding.Consumers = "GOPATH", v.concerned(subjects)
		finding.Evidence = append(v.evidence(), finding.Evidence...)
		if len(finding.Steps) == 0 && finding.Severity != Info {
			finding.Steps = v.removal(f, "")
		}
		out = append(out, finding)
	}
	return out
}

// gopathSpelling judges what can be seen in the value alone.
func gopathSpelling(f *facts.Facts, v *envValue) (Finding, bool) {
	entries := f.Platform.SplitList(v.value)
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry, "~"):
			return Finding{Message: say("env.gopath.tilde", "value", msg.New("GOPATH=%s: the ~ is not expanded", v.value)),
				Cause: msg.New("every go command stops with \"GOPATH entry cannot start with shell metacharacter '~'\"")}, true
		case entry != "" && !f.Platform.IsAbs(entry) && v.explicit():
			return Finding{Message: say("env.gopath.relative", "value", msg.New("GOPATH=%s is not absolute", v.value)),
				Cause: msg.New("every go command stops with \"GOPATH entry is relative; must be absolute path\"")}, true
		}
	}
	if entries[0] == "" {
		return Finding{Message: say("env.gopath.empty", "value", msg.New("GOPATH=%s begins with an empty entry", v.value)),
			Cause: msg.New("there is no folder for modules and programs: go stops with \"module cache not found\" or \"no install location\"")}, true
	}
	return Finding{}, false
}

// gopathPlace judges where the folders are.
func gopathPlace(f *facts.Facts, v *envValue) (Finding, bool) {
	p := f.Platform
	entries := p.SplitList(v.value)
	root := envOne(f, v.consumer, "GOROOT")
	first := p.Clean(entries[0])
	info := f.Paths.At(entries[0])
	switch {
	case root != "" && slices.ContainsFunc(entries, func(e string) bool { return e != "" && p.Clean(e) == p.Clean(root) }):
		return Finding{Severity: Warning, Message: say("env.gopath.goroot", "value", msg.New("GOPATH=%s is the SDK itself", v.value)),
			Cause: msg.New("every go command warns, modules and tools land inside the SDK, and an update of Go removes them")}, true
	case info.Unknown.IsZero() && !info.Missing && !info.Info.Mode.IsDir():
		return Finding{Message: say("env.gopath.file", "folder", msg.New("GOPATH: %s is a file", first)),
			Cause: msg.New("\"go install\" and every download fail with \"not a directory\"")}, true
	}
	if finding, ok := gopathWritable(f, v, first); ok {
		return finding, true
	}
	if finding, ok := gopathProject(f, v, entries); ok {
		return finding, true
	}
	if len(slices.DeleteFunc(slices.Clone(entries), func(e string) bool { return e == "" })) > 1 {
		return Finding{Severity: Info, Message: say("env.gopath.list", "value first", msg.New("GOPATH=%s has several entries: modules and programs go into the first, %s", v.value, first))}, true
	}
	return Finding{}, false
}

// gopathWritable finds that go cannot write what it writes below GOPATH.
func gopathWritable(f *facts.Facts, v *envValue, first string) (Finding, bool) {
	bin := f.Platform.Join(first, "bin")
	cache := f.Platform.Join(first, "pkg", "mod")
	for _, dir := range []string{cache, bin} {
		variable := map[string]string{cache: "GOMODCACHE", bin: "GOBIN"}[dir]
		if other := envOne(f, v.consumer, variable); other != "" && other != dir {
			continue // it is elsewhere
		}
		info := f.Paths.At(dir)
		if !info.Private(f.UID) {
			continue
		}
		if info.Missing && f.Platform.Within(first, info.Above) {
			dir, info.Missing = info.Above, false
		}
		finding := envNotWritable("env.gopath", "GOPATH", first, info)
		finding.Cause = msg.New("go fails with \"permission denied\" when it downloads a module or installs a program")
		if !info.Missing {
			finding.Evidence[0].Path = dir
			if f.Platform.Within(f.Home, dir) && f.User != "" {
				finding.Steps = []Step{{Text: msg.New("make it yours again"), Command: "sudo chown -hR " + quote(f, f.User) + " " + quote(f, dir)}}
			}
		}
		return finding, true
	}
	return Finding{}, false
}

// gopathProject judges GOPATH and the workspace together.
func gopathProject(f *facts.Facts, v *envValue, entries []string) (Finding, bool) {
	p := f.Platform
	mod := v.consumer.Module.Mod.Name
	for _, entry := range entries {
		dir := p.Clean(entry)
		if entry == "" {
			continue
		}
		if mod != "" && p.Within(p.Dir(mod), dir) && !passedOver(f, strings.TrimPrefix(dir, p.Dir(mod)), "vendor") {
			return Finding{Severity: Warning, Message: say("env.gopath.in-module", "folder module", msg.New("GOPATH %s is inside the module of %s", dir, mod)),
				Cause:    msg.New("\"./...\" and gopls walk through the module cache, and every tool that looks at the project sees it"),
				Evidence: []Evidence{{Path: mod}}, Steps: gopathMove(f, v, mod)}, true
		}
		src := p.Join(dir, "src")
		work := v.consumer.Dir
		if p.Within(src, work) && work != src && mod == "" && v.consumer.Module.Work.Name == "" {
			return Finding{Severity: Warning, Message: say("env.gopath.src", "folder", msg.New("%s is in GOPATH/src and has no go.mod", work)),
				Cause: msg.New("since Go 1.16 packages in GOPATH/src do not build without a go.mod"), Steps: []Step{{Text: msg.New("make it a module"), Command: "go mod init"}}}, true
		}
	}
	return Finding{}, false
}

// gopathMove says how to take GOPATH out of a module, or a go.mod out of the home folder.
func gopathMove(f *facts.Facts, v *envValue, mod string) []Step {
	if !v.explicit() {
		return []Step{{Text: msg.New("move %s into a folder of its own", mod)}}
	}
	return v.removal(f, "")
}
