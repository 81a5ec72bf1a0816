package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// binaryFound reports that goready's own environment, or the editor, finds no go command.
func binaryFound(f *facts.Facts, t *facts.Toolchain) []Finding {
	var missing []string
	for _, id := range []string{"current", "vscode-terminal", "vscode-go", "vscode-gopls", "vscode-install"} {
		u, c := t.Use(id), consumerOf(f, id)
		if u != nil && c != nil && u.Runs < 0 && u.Unknown.IsZero() && c.Go.Path == "" { // a Path is a toolchain in the module cache
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	finding := Finding{Object: theGo, Consumers: missing, Cause: missingCause(missing), Evidence: searched(f, missing)}
	if !slices.ContainsFunc(t.Uses, func(u facts.GoUse) bool { return u.Runs >= 0 || facts.ForDevelopers(u.Consumer) && !u.Unknown.IsZero() }) {
		finding.Consumers = nil // nobody finds one
	}
	where := msg.New("no go command is on PATH here")
	switch {
	case missing[0] == "current":
	case slices.Contains(missing, "vscode-go"):
		where = msg.New("the editor finds no go command")
	default:
		where = msg.New("%s finds no go command", missing[0])
	}
	if missing[0] != "current" && f.Editor != nil && f.Editor.Extension.Version == "" {
		finding.Severity = Warning // nothing there needs go yet
	}
	sdk, users := elsewhere(t)
	switch broken := brokenFor(t, missing); {
	case broken != nil && (sdk == nil || len(users) == 0):
		brokenFinding(f, t, &finding, where, broken, sdk, missing)
		return []Finding{finding}
	case sdk == nil:
		finding.Message = say("go.binary-found.none", "where", msg.New("%s, and no Go SDK is in the usual folders", where))
		finding.Steps = installSteps(f, t)
		return []Finding{finding}
	case len(users) > 0:
		finding.Message = say("go.binary-found.others", "where other path", msg.New("%s, but %s finds %s", where, users[0], sdk.Path))
	default:
		finding.Message = say("go.binary-found.unused", "where path", msg.New("%s, although there is %s", where, sdk.Path))
	}
	finding.Evidence = append(finding.Evidence, row(sdk, users))
	lines := entryEvidence(f, sdk.Path, users)
	finding.Evidence = append(finding.Evidence, lines...)
	finding.Steps = foundSteps(f, sdk, missing, users, lines)
	return []Finding{finding}
}

func missingCause(missing []string) msg.Text {
	if len(missing) == 1 && missing[0] == "current" {
		return msg.New("every go command typed here fails with \"command not found\"")
	}
	if slices.Contains(missing, "vscode-go") {
		return msg.New("the Go extension says 'Failed to find the \"go\" binary in either GOROOT…', and neither gopls nor the debugger starts")
	}
	return msg.New("what is started there cannot run go; gopls loads no package without it")
}

// brokenFor returns the file called go on the PATH of those who miss one that would be it if it could be run, or that of
// /usr/local/go; nil if there is none.
func brokenFor(t *facts.Toolchain, missing []string) *facts.BrokenGo {
	for _, id := range missing {
		if u := t.Use(id); len(u.Broken) > 0 {
			return &t.Broken[u.Broken[0]]
		}
	}
	i := slices.IndexFunc(t.Broken, func(b facts.BrokenGo) bool { return b.Path == localGoCommand })
	if i < 0 {
		return nil
	}
	return &t.Broken[i]
}

// localGoCommand is the go command of an archive that is unpacked where the instructions of go.dev say.
const localGoCommand = "/usr/local/go/bin/go"

// brokenFinding says that there is a go that cannot be run, and how to repair it.
func brokenFinding(f *facts.Facts, t *facts.Toolchain, finding *Finding, where msg.Text, broken *facts.BrokenGo, sdk *facts.GoProgram, missing []string) {
	file := Evidence{Path: broken.Path}
	if broken.Missing == "" {
		finding.Message = say("go.binary-found.not-executable", "where path", msg.New("%s: the file %s may not be executed", where, broken.Path))
		step := envMode(f, "+x", broken.Path, broken.UID)
		step.Text = msg.New("make it executable")
		finding.Steps = append([]Step{step}, putOnPath(f, f.Platform.Dir(broken.Path), missing)...)
		finding.Evidence = append(finding.Evidence, file)
		return
	}
	file.Text = "-> " + broken.Missing
	finding.Evidence = append(finding.Evidence, file)
	finding.Message = say("go.binary-found.dangling", "where path target", msg.New("%s: the link %s leads to %s, which does not exist", where, broken.Path, broken.Missing))
	sudo := sudoFor(f, broken.UID)
	if sdk != nil {
		finding.Evidence = append(finding.Evidence, row(sdk, nil))
		finding.Steps = []Step{{Text: msg.New("let the link lead to the SDK that is there"), Command: sudo + "ln -sfn " + quote(f, sdk.Path) + " " + quote(f, broken.Path)}}
		return
	}
	finding.Steps = append([]Step{{Text: msg.New("remove the link"), Command: sudo + "rm " + quote(f, broken.Path)}}, installSteps(f, t)...)
}

// sudoFor is what a command needs in front of it to change what an owner has.
func sudoFor(f *facts.Facts, owner int) string {
	if f.UID == 0 || owner == f.UID {
		return ""
	}
	return "sudo "
}

// putOnPath says how to put a folder on PATH, unless all of some consumers have it there.
func putOnPath(f *facts.Facts, dir string, ids []string) []Step {
	has := func(id string) bool {
		c := consumerOf(f, id)
		return c == nil || entryLine(f, c, dir) != ""
	}
	if !slices.ContainsFunc(ids, func(id string) bool { return !has(id) }) {
		return nil
	}
	return []Step{{Text: msg.New("put its folder on PATH"), Command: pathCommand(f, dir)}}
}

// searched shows the PATH of consumers and where each comes from.
func searched(f *facts.Facts, ids []string) []Evidence {
	var list []Evidence
	for _, id := range ids {
		c := consumerOf(f, id)
		set, ok := layerOf(c, "PATH")
		from := set.From
		if !ok {
			from = id
		}
		e := at(from, "PATH="+c.Env.Get("PATH"))
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// elsewhere returns the SDK that others find, those of a developer first, or else the newest that nobody finds.
func elsewhere(t *facts.Toolchain) (*facts.GoProgram, []string) {
	for _, developer := range []bool{true, false} {
		for i := range t.Uses {
			u := &t.Uses[i]
			if u.Runs >= 0 && facts.ForDevelopers(u.Consumer) == developer && t.Commands[u.Runs].SDK.Root != "" {
				return &t.Commands[u.Runs], users(t, u.Runs)
			}
		}
	}
	return newest(t, "", func(p *facts.GoProgram) bool { return p.Spare }), nil
}

// foundSteps says how to make the missing consumers find an SDK.
func foundSteps(f *facts.Facts, sdk *facts.GoProgram, missing, users []string, lines []Evidence) []Step {
	dir := f.Platform.Dir(sdk.Path)
	fresh := slices.Contains(users, "shell-login") || slices.Contains(users, "login-command")
	if len(lines) > 0 && lines[0].Path != "" && !f.Platform.Windows() && (fresh || slices.Contains(users, "shell-interactive") && len(missing) == 1) {
		text := msg.New("a new terminal window finds it; this shell does after")
		if fresh {
			text = msg.New("a new login finds it; this shell does after")
		}
		var steps []Step
		if missing[0] == "current" {
			steps = []Step{{Text: text, Command: sourceCommand(f, lines[0].Path)}}
		}
		if len(missing) > 1 || missing[0] != "current" {
			steps = append(steps, Step{Text: msg.New("log out and in, and start the editor again: it has the environment of the session it was started in")})
		}
		return steps
	}
	steps := []Step{{Text: msg.New("put its folder on PATH"), Command: pathCommand(f, dir)}}
	return append(steps, Step{Text: msg.New("log out and in, so that the editor and new shells see it")})
}

// installSteps says how to install an SDK.
func installSteps(f *facts.Facts, t *facts.Toolchain) []Step {
	switch f.Platform.OS {
	case "windows":
		return []Step{{Text: msg.New("install Go"), Command: "winget install GoLang.Go"}}
	case "darwin":
		return []Step{{Text: msg.New("install Go, with the package from go.dev/dl or with Homebrew"), Command: "brew install go"}}
	}
	archive := "go*." + f.Platform.OS + "-" + f.Platform.Arch + ".tar.gz"
	unpack := Step{Text: msg.New("download the archive %s from go.dev/dl and unpack it", archive), Command: "sudo tar -C /usr/local -xzf " + archive}
	if t.Installed {
		unpack.Text = msg.New("download the archive %s from go.dev/dl and unpack it in place of the folder, not over it", archive)
		unpack.Command = "sudo mv /usr/local/go /usr/local/go.old && " + unpack.Command
	}
	return append([]Step{unpack}, putOnPath(f, "/usr/local/go/bin", []string{"current", "shell-login"})...)
}

// duplicates reports several SDKs on one PATH.
func duplicates(f *facts.Facts, t *facts.Toolchain) []Finding {
	var all []int
	var ids []string
	for _, id := range []string{"current", "shell-login", "shell-interactive"} {
		u := t.Use(id)
		if u == nil {
			continue
		}
		if list := distinct(t, u.OnPath); len(list) > 1 {
			ids = append(ids, id)
			for _, i := range list {
				if !hasRoot(t, all, i) {
					all = append(all, i)
				}
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	wins, loses := &t.Commands[all[0]], &t.Commands[all[1]]
	finding := Finding{Object: theGo, Consumers: ids,
		Message: say("go.duplicates.several", "n winner winnerVersion other otherVersion",
			msg.New("%d Go SDKs are on PATH: %s (%s) comes before %s (%s)", len(all), wins.Path, shownVersion(wins.SDK), loses.Path, shownVersion(loses.SDK))),
		Cause: msg.New("only the first one runs, and who has another order of PATH runs another Go; updating the one does not change the other")}
	for _, i := range all {
		finding.Evidence = append(finding.Evidence, row(&t.Commands[i], users(t, i)))
	}
	for _, i := range all {
		for _, e := range entryEvidence(f, t.Commands[i].Path, ids) {
			if e.Path != "" && !slices.Contains(finding.Evidence, e) {
				finding.Evidence = append(finding.Evidence, e)
			}
		}
	}
	finding.Steps = []Step{{Text: msg.New("keep one of them, the newer as a rule")}, removeStep(f, wins), removeStep(f, loses)}
	if slices.Equal(ids, []string{"current"}) && consumerOf(f, "current").Env.Get("CI") != "" && newest(t, "", nil) == wins {
		finding.Severity = Info // a CI job puts the Go that it wants before the one of the runner's image
	}
	return []Finding{finding}
}

// distinct returns the first program of each SDK.
func distinct(t *facts.Toolchain, list []int) []int {
	var out []int
	for _, i := range list {
		if t.Commands[i].RealRoot != "" && !hasRoot(t, out, i) {
			out = append(out, i)
		}
	}
	return out
}

func hasRoot(t *facts.Toolchain, list []int, index int) bool {
	return slices.ContainsFunc(list, func(i int) bool { return t.Commands[i].RealRoot == t.Commands[index].RealRoot })
}

// comparedConsumers are those that should run the same SDK. Others may have one of their own on purpose: the
// installation of tools, a task, a debug session.
func comparedConsumers() []string {
	return []string{"shell-login", "shell-interactive", "vscode-terminal", "vscode-go", "vscode-gopls", "vscode-test"}
}

// consumerMismatch reports that shells and editor run different SDKs, and jobs that find another one or none.
func consumerMismatch(f *facts.Facts, t *facts.Toolchain) []Finding {
	var groups []int
	for _, id := range comparedConsumers() {
		if u := t.Use(id); u != nil && u.Runs >= 0 && u.Unknown.IsZero() && t.Commands[u.Runs].RealRoot != "" && !hasRoot(t, groups, u.Runs) {
			groups = append(groups, u.Runs)
		}
	}
	var findings []Finding
	if len(groups) > 1 {
		findings = append(findings, mismatch(f, t, groups))
	}
	return append(findings, jobMismatches(f, t)...)
}

func mismatch(f *facts.Facts, t *facts.Toolchain, groups []int) Finding {
	members := func(index int) []string {
		var ids []string
		for _, id := range comparedConsumers() {
			if u := t.Use(id); u != nil && u.Runs >= 0 && u.Unknown.IsZero() && t.Commands[u.Runs].RealRoot == t.Commands[index].RealRoot {
				ids = append(ids, id)
			}
		}
		return ids
	}
	a, b := &t.Commands[groups[0]], &t.Commands[groups[1]]
	finding := Finding{Object: theGo,
		Message: say("go.consumer-mismatch.differ", "consumer path version otherConsumer otherPath otherVersion",
			msg.New("%s runs %s (%s), but %s runs %s (%s)", members(groups[0])[0], a.Path, shownVersion(a.SDK), members(groups[1])[0], b.Path, shownVersion(b.SDK))),
		Cause: msg.New("what builds in one place may not build in the other, and tools are built with a Go that the project does not use")}
	for _, i := range groups {
		ids := members(i)
		finding.Consumers = append(finding.Consumers, ids...)
		finding.Evidence = append(finding.Evidence, row(&t.Commands[i], ids))
		for _, e := range chosenBy(f, t, i, ids) {
			if !slices.Contains(finding.Evidence, e) {
				finding.Evidence = append(finding.Evidence, e)
			}
		}
	}
	if sameVersion(t, groups) {
		finding.Severity, finding.Cause = Info, twoInstallations()
	}
	want := a
	if v := newest(t, "", func(p *facts.GoProgram) bool { return p == a || p == b }); v != nil {
		want = v
	}
	for _, i := range groups {
		if p := &t.Commands[i]; p != want {
			for _, step := range mismatchSteps(f, t, want, members(i)) {
				if !slices.ContainsFunc(finding.Steps, func(s Step) bool { return s.Text.String() == step.Text.String() }) {
					finding.Steps = append(finding.Steps, step)
				}
			}
		}
	}
	return finding
}

// mismatchSteps says how to make consumers run the go command want: by what makes them run another.
func mismatchSteps(f *facts.Facts, t *facts.Toolchain, want *facts.GoProgram, ids []string) []Step {
	var steps []Step
	add := func(key string, e []Evidence, value string) {
		for _, line := range e {
			steps = append(steps, Step{Text: msg.New("remove the setting %s, %s, and reload the window; or let it name %s", key, line.place(), value)})
		}
	}
	for _, id := range ids {
		switch t.Use(id).By {
		case "goroot":
			add("go.goroot", settingEvidence(f, "go.goroot"), want.SDK.Root)
		case "alternateTool":
			add("go.alternateTools", settingEvidence(f, "go.alternateTools"), want.Path)
		}
	}
	byPath := len(steps) == 0
	for _, id := range ids {
		set, ok := layerOf(consumerOf(f, id), "PATH")
		switch e := at(set.From, ""); {
		case ok && set.Layer == layer.TerminalEnv && e.Line > 0 && len(steps) == 0:
			add("terminal.integrated.env."+settingOS(f), []Evidence{e}, f.Platform.Dir(want.Path))
			byPath = false
		case strings.HasPrefix(id, "shell-"):
			byPath = true
		}
	}
	if byPath {
		steps = append(steps, Step{Text: msg.New("change these lines so that %s comes first for all", f.Platform.Dir(want.Path))})
	}
	return steps
}

// settingOS is the name of the system in settings of the editor.
func settingOS(f *facts.Facts) string {
	if f.Platform.OS == "darwin" {
		return "osx"
	}
	return f.Platform.OS
}

// twoInstallations is why two SDKs of one version are worth knowing.
func twoInstallations() msg.Text {
	return msg.New("they are two installations: updating the one does not change the other")
}

// sameVersion reports whether programs are known to be of one version.
func sameVersion(t *facts.Toolchain, list []int) bool {
	v := versionOf(t.Commands[list[0]].SDK)
	return v != "" && !slices.ContainsFunc(list, func(i int) bool { return versionOf(t.Commands[i].SDK) != v })
}

// chosenBy returns the lines that make consumers run a program.
func chosenBy(f *facts.Facts, t *facts.Toolchain, index int, ids []string) []Evidence {
	list := entryEvidence(f, t.Commands[index].Path, ids)
	if f.Editor == nil {
		return list
	}
	for _, id := range ids {
		setting := map[string]string{"goroot": "go.goroot", "alternateTool": "go.alternateTools"}[t.Use(id).By]
		if setting == "" {
			continue
		}
		for _, e := range settingEvidence(f, setting) {
			// The folder of the program has come into PATH by the same setting, and that line is the one that names it.
			if !slices.ContainsFunc(list, func(has Evidence) bool { return has.Path == e.Path }) {
				list = append(list, e)
			}
		}
		break
	}
	return list
}

// settingEvidence returns the line of the setting that counts.
func settingEvidence(f *facts.Facts, key string) []Evidence {
	st := f.Editor.Settings.Lookup(key, 0)
	for i := len(st.Trail) - 1; i >= 0; i-- {
		if st.Trail[i].Applied {
			return []Evidence{at(st.Trail[i].From(), "")}
		}
	}
	return nil
}

// jobMismatches reports cron jobs and units that run go and find none, or another SDK than the user's shell.
func jobMismatches(f *facts.Facts, t *facts.Toolchain) []Finding {
	login := t.Use("shell-login")
	var findings []Finding
	for i := range t.Uses {
		u := &t.Uses[i]
		if u.Job == "" || !u.Unknown.IsZero() {
			continue
		}
		finding := Finding{Object: u.Job, Consumers: []string{u.Consumer}, Evidence: []Evidence{at(u.Job, "")}}
		switch {
		case u.Runs < 0:
			finding.Message = say("go.consumer-mismatch.job-none", "consumer", msg.New("%s runs go, but no go command is on its PATH", u.Consumer))
			finding.Cause = msg.New("the job fails each time with \"go: not found\"")
		case login != nil && login.Runs >= 0 && login.Unknown.IsZero() && t.Commands[u.Runs].RealRoot != "" &&
			t.Commands[login.Runs].RealRoot != "" && !hasRoot(t, []int{login.Runs}, u.Runs):
			p := &t.Commands[u.Runs]
			finding.Message = say("go.consumer-mismatch.job-other", "consumer path version shellPath shellVersion",
				msg.New("%s runs %s (%s), but a login shell runs %s (%s)", u.Consumer, p.Path, shownVersion(p.SDK), t.Commands[login.Runs].Path, shownVersion(t.Commands[login.Runs].SDK)))
			finding.Cause = msg.New("what was tested in the shell is built with another Go in the job")
			if sameVersion(t, []int{login.Runs, u.Runs}) {
				finding.Severity, finding.Cause = Info, twoInstallations()
			}
			finding.Evidence = append(finding.Evidence, row(p, nil), row(&t.Commands[login.Runs], []string{"shell-login"}))
		default:
			continue
		}
		if sdk, _ := elsewhere(t); sdk != nil {
			finding.Steps = []Step{{Text: msg.New("name the program in the job: %s", sdk.Path)}}
		}
		findings = append(findings, finding)
	}
	return findings
}

// fromUser reports whether a layer is one that a user of the machine wrote, rather than Go, the SDK or the editor.
func fromUser(id layer.ID) bool {
	switch id {
	case layer.GoDefault, layer.GoDerived, layer.SDKGoEnv, layer.Frozen, layer.SettingsDefault, layer.GoMod, layer.GoWork:
		return false
	}
	return true
}
