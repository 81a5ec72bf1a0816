package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// shim reports that the editor, or goready's own environment, runs a stand-in instead of the go command.
func shim(f *facts.Facts, t *facts.Toolchain) []Finding {
	var program *facts.GoProgram
	var ids []string
	for _, id := range []string{"vscode-go", "vscode-gopls", "vscode-install", "vscode-test", "current"} {
		p, ok := t.GoCommandOf(id)
		if ok && p.Shim != "" && (program == nil || p == program) {
			program = p
			ids = append(ids, id)
		}
	}
	if program == nil {
		return nil
	}
	editor := slices.ContainsFunc(ids, func(id string) bool { return id != "current" })
	finding := Finding{Object: theGo, Consumers: ids, Evidence: []Evidence{row(program, nil)}, Cause: shimCause(program.Shim, editor)}
	if byRelative(f, program.Path, ids) {
		finding.Evidence[0].Text = "" // as the finding about the entry has it, which is its cause
	}
	finding.Evidence = append(finding.Evidence, entryEvidence(f, program.Path, ids)...)
	if program.Shim == "script" {
		finding.Message = say("go.shim.script", "path", msg.New("%s is not the go command but something that starts one", program.Path))
	} else {
		finding.Message = say("go.shim.manager", "path manager", msg.New("%s is not the go command but a stand-in of %s", program.Path, program.Shim))
	}
	real := newest(t, "", func(p *facts.GoProgram) bool { return p.Shim == "" && p.Origin.Kind == program.Shim })
	if real == nil {
		real = newest(t, "", func(p *facts.GoProgram) bool { return p.Shim == "" })
	}
	if program.Shim == "snap" { // the launcher harms nobody, and the Go extension passes it by
		finding.Severity, editor = Info, false
	}
	finding.Steps = shimSteps(program, real, editor)
	if editor && program.Real != program.Path && !strings.HasPrefix(f.Platform.Base(program.Real), "go") {
		finding.Steps = append(finding.Steps, Step{Text: msg.New("do not choose it with \"Go: Choose Go Environment\": the dialog may follow the link, and the extension then runs %s, which is no go command", program.Real)})
	}
	return []Finding{finding}
}

// byRelative reports whether consumers find a program by an entry of PATH that means another folder in each folder.
func byRelative(f *facts.Facts, program string, ids []string) bool {
	dir := f.Platform.Dir(program)
	return slices.ContainsFunc(ids, func(id string) bool {
		c := consumerOf(f, id)
		return c != nil && slices.ContainsFunc(f.Platform.SplitList(c.Env.Get("PATH")), func(entry string) bool {
			return !f.Platform.IsAbs(entry) && f.Platform.Join(c.Dir, entry) == dir
		})
	})
}

// shimCause says what decides which Go a stand-in starts.
func shimCause(manager string, editor bool) msg.Text {
	var here, otherwise string
	switch manager {
	case "mise", "rtx":
		here, otherwise = "mise.toml/.tool-versions", "~/.config/mise/config.toml"
	case "asdf":
		here, otherwise = ".tool-versions", "~/.tool-versions"
	case "goenv":
		here, otherwise = ".go-version", "~/.goenv/version"
	case "snap":
		return msg.New("it starts the go of the snap, which is another one after each refresh of the snap")
	default:
		return msg.New("which Go it starts depends on the folder and on files of the manager; where there is none, it fails")
	}
	if editor {
		return msg.New("the Go extension and gopls run it in the folders of the workspace: which Go that starts is decided by the nearest %s there or above, else by %s; where none names one, it fails", here, otherwise)
	}
	return msg.New("which Go it starts is decided by the nearest %s in the folder or above, else by %s; where none names one, it fails", here, otherwise)
}

func shimSteps(program, real *facts.GoProgram, editor bool) []Step {
	var steps []Step
	path := ""
	if real != nil {
		path = real.Path
	}
	switch program.Shim {
	case "mise":
		steps = append(steps, Step{Text: msg.New("find the real one"), Command: "mise which go"})
	case "asdf":
		steps = append(steps, Step{Text: msg.New("find the real one"), Command: "asdf which go"})
	case "goenv":
		steps = append(steps, Step{Text: msg.New("find the real one"), Command: "goenv which go"})
	}
	if editor && path != "" {
		return append(steps, Step{Text: msg.New("name the real one in the settings of the workspace"), Command: `"go.alternateTools": {"go": "` + strings.ReplaceAll(path, `\`, `\\`) + `"}`})
	}
	if editor {
		return append(steps, Step{Text: msg.New("name the real one in the setting go.alternateTools")})
	}
	if path != "" {
		return append(steps, Step{Text: msg.New("where it matters which Go runs, run %s", path)})
	}
	return steps
}

// goArch reports a go command for another kind of machine.
func goArch(f *facts.Facts, t *facts.Toolchain) []Finding {
	var findings []Finding
	seen := map[string]bool{}
	for i := range t.Uses {
		u := &t.Uses[i]
		if u.Runs < 0 || !facts.ForDevelopers(u.Consumer) || seen[t.Commands[u.Runs].Path] {
			continue
		}
		p := &t.Commands[u.Runs]
		seen[p.Path] = true
		finding, ok := incompleteFinding(f, p)
		if !ok {
			finding, ok = archFinding(f, p)
		}
		if ok {
			finding.Consumers = users(t, u.Runs)
			findings = append(findings, finding)
		}
	}
	return findings
}

// nativeFormat is the format of programs of a system.
func nativeFormat(os string) string {
	switch os {
	case "windows":
		return "pe"
	case "darwin", "ios":
		return "macho"
	}
	return "elf"
}

// incompleteFinding reports a go command of which the system has nothing, or only the beginning.
func incompleteFinding(f *facts.Facts, p *facts.GoProgram) (Finding, bool) {
	if !p.Program.Incomplete() {
		return Finding{}, false
	}
	finding := Finding{Object: theGo, Evidence: []Evidence{row(p, nil)}, Cause: msg.New("the system cannot run it, or it crashes at once")}
	if p.Program.Size == 0 {
		finding.Cause = msg.New("a shell does nothing when it is to run it, and other programs say \"exec format error\"")
		finding.Message = say("go.arch.empty", "path", msg.New("%s is an empty file", p.Path))
	} else {
		finding.Message = say("go.arch.cut", "path bytes needs", msg.New("%s is cut off: it has %d bytes, and by its beginning %d or more", p.Path, p.Program.Size, p.Program.Needs))
	}
	if p.SDK.Root != "" {
		finding.Steps = cleanInstall(f, p, versionOf(p.SDK))
	} else {
		finding.Steps = []Step{{Text: msg.New("remove the file"), Command: "rm " + quote(f, p.Path)}}
		if f.Platform.Windows() {
			finding.Steps[0].Command = ""
		} else if !strings.HasPrefix(p.Path, f.Home+"/") {
			finding.Steps[0].Command = sudoFor(f, 0) + finding.Steps[0].Command
		}
	}
	return finding, true
}

func archFinding(f *facts.Facts, p *facts.GoProgram) (Finding, bool) {
	os, arch := f.Platform.OS, f.Platform.Arch
	finding := Finding{Object: theGo, Evidence: []Evidence{row(p, nil)}}
	format := p.Program.Format
	if (format == "elf" || format == "pe" || format == "macho") && format != nativeFormat(os) {
		finding.Message = say("go.arch.format", "path os", msg.New("%s is not a program for %s", p.Path, os))
		finding.Cause = msg.New("the system cannot run it: \"exec format error\"")
		finding.Steps = reinstall(f)
		return finding, true
	}
	have := p.Program.Arch
	if len(have) == 0 && p.SDK.Arch != "" {
		have = []string{p.SDK.Arch}
	}
	if len(have) == 0 || arch == "" || slices.Contains(have, arch) {
		return Finding{}, false
	}
	finding.Message = say("go.arch.other", "path arch machine", msg.New("%s is for %s, but this machine is %s", p.Path, have[0], arch))
	finding.Steps = reinstall(f)
	switch pair := have[0] + " on " + arch; {
	case os == "darwin" && pair == "amd64 on arm64":
		finding.Cause = msg.New("it runs translated by Rosetta, slowly, builds programs for amd64, and dlv cannot debug them")
	case pair == "386 on amd64" || pair == "arm on arm64" || os == "windows" && arch == "arm64":
		finding.Severity = Warning
		finding.Cause = msg.New("it builds programs for %s unless GOARCH says otherwise, without the race detector and with little memory", have[0])
		if have[0] == "amd64" {
			finding.Cause = msg.New("the system translates it, which is slow, and it builds programs for %s", have[0])
		}
	default:
		finding.Cause = msg.New("the system cannot run it: \"exec format error\"")
	}
	return finding, true
}

func reinstall(f *facts.Facts) []Step {
	return []Step{{Text: msg.New("install the SDK for %s instead, from go.dev/dl", f.Platform.OS+"-"+f.Platform.Arch)}}
}

// wslInterop reports that WSL runs the Go of Windows, or one that is stored on a drive of Windows.
func wslInterop(f *facts.Facts, t *facts.Toolchain) []Finding {
	ids := map[string][]string{}
	var order []string
	for i := range t.Uses {
		u := &t.Uses[i]
		path := ""
		switch {
		case !facts.ForDevelopers(u.Consumer) || !u.Unknown.IsZero():
		case u.Runs < 0:
			path = u.Exe
		case t.Commands[u.Runs].Program.Format == "pe" || onDrive(t, t.Commands[u.Runs].Path) || onDrive(t, t.Commands[u.Runs].Real):
			path = t.Commands[u.Runs].Path
		}
		if path == "" {
			continue
		}
		if ids[path] == nil {
			order = append(order, path)
		}
		ids[path] = append(ids[path], u.Consumer)
	}
	var findings []Finding
	for _, path := range order {
		findings = append(findings, interopFinding(f, t, path, ids[path]))
	}
	return findings
}

func interopFinding(f *facts.Facts, t *facts.Toolchain, path string, ids []string) Finding {
	finding := Finding{Object: theGo, Consumers: ids, Evidence: append([]Evidence{{Path: path}}, entryEvidence(f, path, ids)...)}
	if strings.HasSuffix(path, ".exe") {
		finding.Message = say("go.wsl-interop.exe", "path", msg.New("the only go command on PATH is that of Windows: %s", path))
		finding.Cause = msg.New("it is not found as go, it takes Linux paths for relative ones, and it builds programs for Windows")
	} else {
		finding.Message = say("go.wsl-interop.drive", "path", msg.New("go is %s, on a drive of Windows", path))
		finding.Cause = msg.New("each file that go reads there crosses from Linux to Windows and back: builds take many times as long, and a Windows go builds for Windows")
	}
	finding.Steps = append(interopSteps(f, t, path, ids), Step{Text: msg.New("if PATH of Windows is not needed in WSL, put appendWindowsPath=false below [interop] into /etc/wsl.conf")})
	return finding
}

// interopSteps says how to come to the Go of Linux: where one is on PATH behind that of Windows, or is not on PATH, by
// putting it in front.
func interopSteps(f *facts.Facts, t *facts.Toolchain, path string, ids []string) []Step {
	linux := func(p *facts.GoProgram) bool {
		return p.SDK.Root != "" && p.Shim == "" && p.Program.Format != "pe" && !onDrive(t, p.Path) && !onDrive(t, p.Real)
	}
	for _, id := range ids {
		u := t.Use(id)
		if u.Runs < 0 {
			continue
		}
		i := slices.IndexFunc(u.OnPath, func(i int) bool { return linux(&t.Commands[i]) })
		if i < 0 {
			continue
		}
		wins, behind := &t.Commands[u.Runs], &t.Commands[u.OnPath[i]]
		if wins.Path == path && len(wins.Links) > 1 && !onDrive(t, path) {
			sudo := "sudo "
			if strings.HasPrefix(path, f.Home+"/") {
				sudo = sudoFor(f, f.UID)
			}
			return []Step{{Text: msg.New("remove the link: then %s is found, which is for Linux", behind.Path), Command: sudo + "rm " + quote(f, path)}}
		}
		return []Step{{Text: msg.New("change PATH so that %s, which is for Linux, comes before %s", f.Platform.Dir(behind.Path), f.Platform.Dir(path))}}
	}
	if sdk := newest(t, "", linux); sdk != nil {
		return []Step{{Text: msg.New("put its folder on PATH"), Command: pathCommand(f, f.Platform.Dir(sdk.Path))}}
	}
	return installSteps(f, t)
}

func onDrive(t *facts.Toolchain, name string) bool {
	return slices.ContainsFunc(t.Drives, func(d string) bool { return strings.HasPrefix(name, d+"/") })
}

// managerConflict reports several active version managers.
func managerConflict(f *facts.Facts, t *facts.Toolchain) []Finding {
	if len(t.Managers) < 2 {
		return nil
	}
	var names []string
	finding := Finding{Object: theGo,
		Cause: msg.New("each puts its own go in front of PATH: which Go runs depends on the order of the lines, and switching with one manager has no effect while another wins")}
	for i := range t.Managers {
		m := &t.Managers[i]
		names = append(names, m.Name)
		for _, line := range m.Lines {
			finding.Evidence = append(finding.Evidence, at(line, ""))
		}
		if len(m.Lines) == 0 {
			finding.Evidence = append(finding.Evidence, Evidence{Path: m.Dir, Text: "PATH: " + strings.Join(m.Consumers, ", ")})
		}
	}
	finding.Message = say("go.manager-conflict.several", "managers", msg.New("several version managers for Go are active: %s", strings.Join(names, ", ")))
	finding.Steps = []Step{{Text: msg.New("keep one of them and remove the lines of the others")}}
	return []Finding{finding}
}
