package check

import (
	"slices"
	"strings"

	"github.com/goready/goready/internal/explain"
	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// envValue is a value of a variable, and who sees it.
type envValue struct {
	name     string
	value    string
	set      bool
	ids      []string
	consumer *facts.Consumer // the first that sees it
	// places are what decides for them, files first.
	places []layer.Reason
	// fallback is what the value would be if no layer set it; "" if there is none.
	fallback string
}

// envValues returns the values that consumers see of a variable, in the order of the consumers. What is unknown is left
// out.
func envValues(f *facts.Facts, consumers []*facts.Consumer, name string) []*envValue {
	var out []*envValue
	for _, c := range consumers {
		d := explain.Value(f, c, name)
		if d.State != explain.Set && d.State != explain.Unset {
			continue
		}
		set := d.State == explain.Set
		i := slices.IndexFunc(out, func(v *envValue) bool { return v.value == d.Value && v.set == set })
		if i < 0 {
			i = len(out)
			out = append(out, &envValue{name: name, value: d.Value, set: set, consumer: c})
		}
		v := out[i]
		v.ids = append(v.ids, c.ID)
		if len(d.Trail) > 0 && (d.Trail[0].Layer == layer.GoDefault || d.Trail[0].Layer == layer.GoDerived) {
			v.fallback = d.Trail[0].Value
		}
		if w, ok := d.Winner(); ok {
			v.addPlace(w)
		}
	}
	for _, v := range out {
		slices.SortStableFunc(v.places, func(a, b layer.Reason) int { return envRank(a) - envRank(b) })
	}
	return out
}

func (v *envValue) addPlace(r layer.Reason) {
	for i, old := range v.places {
		if old.From == r.From {
			if old.Layer == layer.Frozen {
				v.places[i] = r
			}
			return
		}
	}
	v.places = append(v.places, r)
}

func envRank(r layer.Reason) int {
	switch {
	case r.Layer == layer.GoEnvFile:
		return 0
	case envLasting(r):
		return 1
	case envEditor(r.Layer):
		return 2
	}
	return 3
}

// envLasting reports whether a place outlives the processes of now and is no setting of an editor: a file of the
// system, the shell or Go, or the registry.
func envLasting(r layer.Reason) bool {
	switch r.Layer {
	case layer.ShellFile, layer.EtcEnvironment, layer.ProfileD, layer.EnvironmentD, layer.Launchd, layer.WindowsUser, layer.WindowsMachine,
		layer.SystemdUnit, layer.Crontab, layer.GoEnvFile:
		return true
	case layer.OSEnv:
		return at(r.From, "").Path != ""
	case layer.Frozen:
		return envExplicit(r)
	}
	return false
}

// envEditor reports whether a layer is a setting of the editor, and envUserWide whether it holds in all its windows.
func envEditor(id layer.ID) bool {
	switch id {
	case layer.SettingsWorkspace, layer.SettingsFolder, layer.TerminalEnv, layer.GoplsEnv, layer.LaunchEnv,
		layer.LaunchEnvFile, layer.TestEnv, layer.TestEnvFile, layer.TaskEnv, layer.ContainerEnv, layer.RemoteEnv:
		return true
	}
	return envUserWide(id)
}

func envUserWide(id layer.ID) bool { return id == layer.SettingsUser || id == layer.SettingsRemote }

// explicit reports whether a layer gives the value, rather than the go command itself or its SDK.
func (v *envValue) explicit() bool {
	return slices.ContainsFunc(v.places, envExplicit)
}

// envExplicit reports whether somebody gave the value at this place. What the Go extension copied from go env is there
// with the place that go env had it from: a line of a file, unless it was a default or derived.
func envExplicit(r layer.Reason) bool {
	switch r.Layer {
	case layer.GoDefault, layer.GoDerived, layer.SDKGoEnv, layer.GoMod, layer.GoWork, layer.SettingsDefault:
		return false
	case layer.Frozen:
		e := at(r.From, "")
		return e.Line > 0 && !strings.HasSuffix(e.Path, "go.env") || strings.HasPrefix(r.From, "environment of ")
	}
	return true
}

// lasting reports whether the value is set for good.
func (v *envValue) lasting() bool { return slices.ContainsFunc(v.places, envLasting) }

// global reports whether the value is set for good or for all windows of the editor, and not for one project only.
func (v *envValue) global() bool {
	return slices.ContainsFunc(v.places, func(r layer.Reason) bool { return envLasting(r) || envUserWide(r.Layer) })
}

// projectOnly reports whether only settings of one project give the value.
func (v *envValue) projectOnly() bool {
	return !slices.ContainsFunc(v.places, func(r layer.Reason) bool { return !envEditor(r.Layer) || envUserWide(r.Layer) })
}

// evidence returns the places where the value is set.
func (v *envValue) evidence() []Evidence {
	var out []Evidence
	for _, r := range v.places {
		if envExplicit(r) {
			out = append(out, envEvidence(v.name, r))
		}
	}
	return out
}

// envEvidence is the evidence for what a layer says about a variable.
func envEvidence(name string, r layer.Reason) Evidence {
	e := at(r.From, "")
	if e.Path == "" || e.Line == 0 {
		e = at(r.From, name+"="+layer.Redact(name, r.Value))
	}
	return e
}

// concerned returns the ids of a value, nil if these are all of consumers.
func (v *envValue) concerned(consumers []*facts.Consumer) []string {
	if len(v.ids) == len(consumers) {
		return nil
	}
	return v.ids
}

// removal says how to take the value out of every place that gives it. instead, if not "", is a value to write in place
// of it.
func (v *envValue) removal(f *facts.Facts, instead string) []Step {
	var steps []Step
	for _, r := range v.places {
		if !envExplicit(r) {
			continue
		}
		if len(v.places) > 1 && r.Layer == layer.OSEnv && !envLasting(r) {
			continue // it goes with the place that it came from
		}
		steps = append(steps, envRemoval(f, v.name, r, instead))
	}
	return steps
}

// envRemoval says how to take a variable out of one place.
func envRemoval(f *facts.Facts, name string, r layer.Reason, instead string) Step {
	e := at(r.From, "")
	switch {
	case r.Layer == layer.GoEnvFile && (!envReaches(f, e.Path) || f.Platform.Windows() && len(envGuard(f, name, r.Value)) > 0):
		return Step{Text: msg.New("remove the line of %s from %s", name, e.Path)}
	case r.Layer == layer.GoEnvFile && instead != "":
		return Step{Command: goCommand(f, "env -w "+name+"="+quote(f, instead), envGuard(f, name, r.Value)...)}
	case r.Layer == layer.GoEnvFile:
		return Step{Command: goCommand(f, "env -u "+name, envGuard(f, name, r.Value)...)}
	case fishUniversal(f, e.Path):
		return fishStep(name, instead)
	case settingOf(f, name, r) != "" && instead == "":
		return Step{Text: msg.New("remove the setting %s from line %d of %s", settingOf(f, name, r), e.Line, e.Path)}
	case e.Path != "" && e.Line > 0 && instead != "":
		if r.Layer == layer.ShellFile || r.Layer == layer.ProfileD {
			instead = quote(f, instead)
		}
		return Step{Text: msg.New("write %s in line %d of %s, and start what was started with it again", name+"="+instead, e.Line, e.Path)}
	case e.Path != "" && e.Line > 0:
		return Step{Text: msg.New("remove %s from line %d of %s, and start what was started with it again", name, e.Line, e.Path)}
	case e.Path != "":
		return Step{Text: msg.New("remove %s from %s, and start what was started with it again", name, e.Path)}
	case r.Layer == layer.WindowsUser || r.Layer == layer.WindowsMachine:
		return Step{Text: msg.New("remove %s in the Windows dialog \"Environment Variables\", and log in again", name)}
	case r.From != envOwn:
		return Step{Text: msg.New("remove %s where it comes from (%s)", name, r.From)}
	}
	return Step{Text: msg.New("in this shell"), Command: envUnset(f, name)}
}

// settingOf returns the setting of the editor that gives a variable a value at a place without naming it, "" if none does.
func settingOf(f *facts.Facts, name string, r layer.Reason) string {
	switch {
	case r.Layer == layer.HTTPProxy && at(r.From, "").Line > 0:
		return "http.proxy"
	case name != "GOPATH" || !envEditor(r.Layer) || f.Editor == nil || f.Editor.Settings == nil:
		return ""
	}
	for _, key := range []string{"go.gopath", "go.toolsGopath"} {
		for _, o := range f.Editor.Settings.Lookup(key, 0).Trail {
			if o.From() == r.From {
				return key
			}
		}
	}
	return ""
}

// envOwn is how facts call the environment that goready was given.
const envOwn = "environment of goready"

// envReaches reports whether "go env -u", typed where goready was started, changes this go env file.
func envReaches(f *facts.Facts, file string) bool {
	for i := range f.Consumers {
		if c := &f.Consumers[i]; c.ID == "current" {
			return c.User.Name == file && c.Go.SDK.Root != ""
		}
	}
	return true
}

// envGuard are the variables that "go env -u" needs for a value that keeps go env itself from working.
func envGuard(f *facts.Facts, name, value string) []string {
	switch name {
	case "GOPATH":
		if slices.ContainsFunc(f.Platform.SplitList(value), func(entry string) bool { return entry != "" && !f.Platform.IsAbs(entry) }) {
			return []string{"GOPATH=/"}
		}
	case "GOFLAGS":
		for _, word := range []string{"-json", "-w", "-u", "-C", "-changed"} {
			if slices.ContainsFunc(strings.Fields(value), func(s string) bool { return strings.TrimPrefix(s, "-") == word[1:] || strings.HasPrefix(s, word) }) {
				return []string{"GOFLAGS=-v"}
			}
		}
	}
	return nil
}

// envUnset is the command that removes a variable from the user's shell.
func envUnset(f *facts.Facts, name string) string {
	switch {
	case f.Platform.Windows():
		return "Remove-Item Env:" + name
	case f.Platform.Base(f.Shell) == "fish":
		return "set -e " + name
	}
	return "unset " + name
}

// fishUniversal reports whether a file is the one in which fish keeps its universal variables. Whoever edits it while a
// fish runs loses the change: fish writes it anew.
func fishUniversal(f *facts.Facts, file string) bool {
	return f.Platform.Base(file) == "fish_variables"
}

// fishStep says how to take a universal variable of fish away, or to give it the value instead.
func fishStep(name, instead string) Step {
	if instead != "" {
		return Step{Text: msg.New("in fish, which keeps the file of its universal variables itself"), Command: "set -Ux " + name + " " + fishQuote(instead)}
	}
	return Step{Text: msg.New("in fish, which keeps the file of its universal variables itself"), Command: "set -eU " + name}
}

// envMode is the command that changes the mode of a file or folder, as its owner or as root.
func envMode(f *facts.Facts, mode, name string, owner int) Step {
	command := "chmod " + mode + " " + quote(f, name)
	if f.UID != 0 && owner != f.UID {
		command = "sudo " + command
	}
	return Step{Command: command}
}
