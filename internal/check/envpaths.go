package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// gobin judges the values of GOBIN.
func gobin(f *facts.Facts) []Finding {
	subjects := developers(f)
	var out []Finding
	for _, v := range envValues(f, subjects, "GOBIN") {
		if v.value == "" {
			continue
		}
		finding, ok := judgeGOBIN(f, v)
		if !ok {
			continue
		}
		finding.Object, finding.Consumers = "GOBIN", v.concerned(subjects)
		finding.Evidence = append(v.evidence(), finding.Evidence...)
		if len(finding.Steps) == 0 {
			finding.Steps = v.removal(f, "")
		}
		out = append(out, finding)
	}
	return append(out, toolsApart(f)...)
}

// judgeGOBIN says what is wrong with a value of GOBIN that is not empty.
func judgeGOBIN(f *facts.Facts, v *envValue) (Finding, bool) {
	p := f.Platform
	info := f.Paths.At(v.value)
	root := envOne(f, v.consumer, "GOROOT")
	switch {
	case strings.HasPrefix(v.value, "~"):
		return Finding{Message: say("env.gobin.tilde", "value", msg.New("GOBIN=%s: the ~ is not expanded", v.value)), Cause: gobinRelative(),
			Steps: v.setInstead(f, v.consumer.Env.Get("HOME")+v.value[1:])}, true
	case len(p.SplitList(v.value)) > 1:
		return Finding{Message: say("env.gobin.list", "value", msg.New("GOBIN=%s is a list, but it is one folder", v.value)),
			Cause: msg.New("\"go install\" makes a folder with this very name, %q included, which no PATH can name", p.ListSeparator())}, true
	case !p.IsAbs(v.value):
		return Finding{Message: say("env.gobin.relative", "value", msg.New("GOBIN=%s is not absolute", v.value)), Cause: gobinRelative()}, true
	case info.Unknown.IsZero() && !info.Missing && !info.Info.Mode.IsDir():
		return Finding{Message: say("env.gobin.file", "value", msg.New("GOBIN=%s is a file", v.value)),
			Cause: msg.New("\"go install\" fails with \"mkdir %s/: file exists\"", v.value)}, true
	case envCross(f, v.consumer) != nil:
		return gobinCross(f, v), true
	case root != "" && (info.Real == root || p.Within(root, v.value) || p.Within(root, info.Real)):
		severity := Warning
		if strings.Contains(root, "/mise/installs/go/") {
			severity = Info // mise sets it so, and installs the tools again if it is told their names
		}
		return Finding{Severity: severity, Message: say("env.gobin.goroot", "value goroot", msg.New("GOBIN=%s is inside the SDK %s", v.value, root)),
			Cause: msg.New("the next update of Go removes your tools, and without root rights \"go install\" fails there")}, true
	case info.Private(f.UID):
		return envNotWritable("env.gobin", "GOBIN", v.value, info), true
	}
	return Finding{}, false
}

func gobinRelative() msg.Text {
	return msg.New("\"go install\" fails with \"cannot install, GOBIN must be an absolute path\"")
}

// setInstead says how to give the variable another value where it is set.
func (v *envValue) setInstead(f *facts.Facts, value string) []Step {
	return v.removal(f, value)
}

// envCross returns the reason why a consumer builds for another system or architecture, nil if it does not.
func envCross(f *facts.Facts, c *facts.Consumer) *envValue {
	arch := c.Go.SDK.Arch
	if arch == "" {
		arch = f.Platform.Arch
	}
	for _, own := range [][2]string{{"GOOS", f.Platform.OS}, {"GOARCH", arch}} {
		for _, v := range envValues(f, []*facts.Consumer{c}, own[0]) {
			if v.explicit() && v.value != "" && v.value != own[1] {
				return v
			}
		}
	}
	return nil
}

func gobinCross(f *facts.Facts, v *envValue) Finding {
	cross := envCross(f, v.consumer)
	severity := Error
	if !cross.lasting() {
		severity = Info // cross building in this terminal, on purpose
	}
	return Finding{Severity: severity, Message: say("env.gobin.cross", "gobin variable value", msg.New("GOBIN=%s does not go together with %s=%s", v.value, cross.name, cross.value)),
		Cause:    msg.New("\"go install\" fails with \"cannot install cross-compiled binaries when GOBIN is set\""),
		Evidence: cross.evidence(), Steps: cross.removal(f, "")}
}

// envNotWritable is the finding about a folder that the user cannot write, or not make.
func envNotWritable(id, variable, dir string, info facts.PathInfo) Finding {
	finding := Finding{Cause: msg.New("\"go install\" fails with \"permission denied\""), Evidence: []Evidence{{Path: dir, Text: info.Info.Mode.String()}}}
	if info.Missing {
		finding.Message = say(id+".parent", "variable folder above", msg.New("%s is %s, which cannot be made: you cannot write in %s", variable, dir, info.Above))
		finding.Evidence = []Evidence{{Path: info.Above, Text: info.Info.Mode.String()}}
		return finding
	}
	finding.Message = say(id+".readonly", "variable folder", msg.New("%s is %s, where you cannot write", variable, dir))
	return finding
}

// toolsApart finds that the Go extension installs tools into another folder than go install in a shell.
func toolsApart(f *facts.Facts) []Finding {
	if f.Editor == nil {
		return nil
	}
	setting := f.Editor.Settings.Lookup("go.toolsGopath", 0)
	install, login := consumerOf(f, "vscode-install"), consumerOf(f, "shell-login")
	if !setting.Set() || install == nil || login == nil {
		return nil
	}
	here, _ := installDir(f, login)
	there, _ := installDir(f, install)
	gobin := envValues(f, []*facts.Consumer{login}, "GOBIN")
	if here == "" || there == "" || here == there || len(gobin) == 0 || gobin[0].value == "" {
		return nil
	}
	finding := Finding{Severity: Warning, Object: "GOBIN", Consumers: []string{"vscode-install"},
		Message:  say("env.gobin.tools", "shell editor", msg.New("go install puts tools into %s, the Go extension into %s, because of go.toolsGopath", here, there)),
		Cause:    msg.New("two copies of each tool grow apart, and which one runs depends on who asks"),
		Evidence: gobin[0].evidence(), Steps: []Step{{Text: msg.New("remove the setting go.toolsGopath, and run \"Go: Install/Update Tools\"")}}}
	for _, o := range setting.Trail {
		if o.Applied {
			finding.Evidence = append(finding.Evidence, at(o.From(), ""))
		}
	}
	return []Finding{finding}
}

// installDir returns the folder into which go install of a consumer puts programs; "" if that is not known or does not
// work. from is what decides it.
func installDir(f *facts.Facts, c *facts.Consumer) (dir string, from *envValue) {
	p := f.Platform
	gobin := envValues(f, []*facts.Consumer{c}, "GOBIN")
	gopath := envValues(f, []*facts.Consumer{c}, "GOPATH")
	switch {
	case len(gobin) == 0:
		return "", nil
	case gobin[0].value != "":
		if p.IsAbs(gobin[0].value) && len(p.SplitList(gobin[0].value)) == 1 {
			return p.Clean(gobin[0].value), gobin[0]
		}
		return "", nil
	case len(gopath) == 0 || gopath[0].value == "":
		return "", nil
	}
	first := p.SplitList(gopath[0].value)[0]
	if !p.IsAbs(first) {
		return "", nil
	}
	return p.Join(first, "bin"), gopath[0]
}

// binOnPath finds programs of go install that the consumer itself does not find.
func binOnPath(f *facts.Facts) []Finding {
	var out []Finding
	for _, id := range []string{"current", "vscode-terminal"} {
		c := consumerOf(f, id)
		if c == nil || f.Paths == nil {
			continue
		}
		dir, from := installDir(f, c)
		bin := f.Paths.Bins[dir]
		if dir == "" || len(bin.Programs) == 0 || onPath(f, c, dir) != no || slices.Contains(bin.Programs, "go") {
			continue // the folder of an SDK: env.gopath and env.gobin say so
		}
		if i := slices.IndexFunc(out, func(old Finding) bool { return old.Object == dir }); i >= 0 {
			out[i].Consumers = append(out[i].Consumers, id)
			continue
		}
		finding := Finding{Object: dir, Consumers: []string{id}, Evidence: append([]Evidence{{Path: dir, Text: strings.Join(bin.Programs, " ")}}, from.evidence()...),
			Cause: msg.New("the shell answers \"command not found\", or runs another copy of the program")}
		if id == "current" && shellsFind(f, dir) {
			finding.Severity = Info
			finding.Message = say("env.bin-on-path.new-shell", "folder", msg.New("%s is not on the PATH of this shell, but on that of a new one", dir))
			finding.Steps = []Step{{Text: msg.New("start a new shell")}}
		} else {
			finding.Message = say("env.bin-on-path.missing", "folder program", msg.New("%s is not on PATH, so %s and what else go install puts there is not found", dir, bin.Programs[0]))
			finding.Steps = []Step{addToPath(f, dir)}
		}
		out = append(out, finding)
	}
	return out
}

// answer is yes, no, or not known.
type answer uint8

const (
	unknown answer = iota
	no
	yes
)

// onPath says whether a folder is on the PATH of a consumer, by whatever name.
func onPath(f *facts.Facts, c *facts.Consumer, dir string) answer {
	path, ok, why := c.Env.Lookup("PATH")
	if !ok && !why.IsZero() {
		return unknown
	}
	real := f.Paths.At(dir).Real
	for _, entry := range f.Platform.SplitList(path) {
		if !f.Platform.IsAbs(entry) {
			continue
		}
		clean := f.Platform.Clean(entry)
		if clean == dir || real != "" && (clean == real || f.Paths.At(entry).Real == real) || f.Platform.Windows() && strings.EqualFold(clean, dir) {
			return yes
		}
	}
	return no
}

// shellsFind reports whether a new shell would have the folder on its PATH.
func shellsFind(f *facts.Facts, dir string) bool {
	for _, id := range []string{"shell-login", "shell-interactive"} {
		if c := consumerOf(f, id); c != nil && onPath(f, c, dir) == yes {
			return true
		}
	}
	return false
}

// addToPath says how to put a folder on PATH in the user's shell.
func addToPath(f *facts.Facts, dir string) Step {
	file := ".profile"
	switch f.Platform.Base(f.Shell) {
	case "fish":
		return Step{Text: msg.New("put it on PATH, once and for all"), Command: "fish_add_path " + quote(f, dir)}
	case "zsh":
		file = ".zshrc"
	case "bash":
		file = ".bashrc"
		if f.Platform.OS == "darwin" {
			file = ".bash_profile"
		}
	}
	if f.Platform.Windows() {
		return Step{Text: msg.New("add %s to Path in the Windows dialog \"Environment Variables\", and start a new terminal", dir)}
	}
	return Step{Text: msg.New("put it on PATH, and start a new shell"), Command: "echo " + singleQuoted(`export PATH="$PATH:`+homeRelative(f, dir)+`"`) + " >> ~/" + file}
}
