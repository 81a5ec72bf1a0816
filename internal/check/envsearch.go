package check

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/layer"
	"github.com/goready/goready/internal/msg"
)

// pathEntries judges the entries of PATH, each once for all consumers that have it.
func pathEntries(f *facts.Facts) []Finding {
	subjects := developers(f)
	s := &search{f: f}
	for _, c := range subjects {
		path, ok, _ := c.Env.Lookup("PATH")
		if !ok {
			continue
		}
		before := searchHasGo(f, c, path) // the go command comes later
		for _, entry := range f.Platform.SplitList(path) {
			dir := entry
			if !f.Platform.IsAbs(dir) {
				dir = f.Platform.Join(c.Dir, entry)
			}
			s.entry(c, entry, dir, before)
			if f.Paths != nil && f.Paths.Programs[dir] {
				before = false
			}
		}
	}
	for i := range s.findings {
		if len(s.findings[i].Consumers) == len(subjects) {
			s.findings[i].Consumers = nil
		}
	}
	return s.findings
}

// searchHasGo reports whether a PATH has a folder with a go command.
func searchHasGo(f *facts.Facts, c *facts.Consumer, path string) bool {
	return f.Paths != nil && slices.ContainsFunc(f.Platform.SplitList(path), func(entry string) bool {
		if !f.Platform.IsAbs(entry) {
			entry = f.Platform.Join(c.Dir, entry)
		}
		return f.Paths.Programs[entry]
	})
}

// usual reports whether a folder may be missing without a reason to tell: those that a system puts on every PATH, and
// those that programs make when they need them.
func (s *search) usual(dir string) bool {
	for _, above := range []string{"/usr", "/bin", "/sbin", "/snap", "/opt/homebrew"} {
		if dir == above || strings.HasPrefix(dir, above+"/") {
			return true
		}
	}
	if _, install := s.f.Paths.Bins[s.f.Platform.Clean(dir)]; install {
		return true
	}
	join := s.f.Platform.Join
	return dir == join(s.f.Home, "bin") || dir == join(s.f.Home, ".local", "bin")
}

// search collects what is found about entries of PATH.
type search struct {
	f        *facts.Facts
	findings []Finding
}

// entry judges one entry of a consumer's PATH, which means the folder dir.
func (s *search) entry(c *facts.Consumer, entry, dir string, before bool) {
	info := s.f.Paths.At(dir)
	bare := strings.Trim(entry, `"'`)
	switch {
	case strings.HasPrefix(bare, "~") || bare != entry && !s.f.Platform.Windows():
		s.add(c, entry, s.literal(entry, bare))
	case s.f.Platform.Windows() && strings.Contains(strings.Trim(entry, "%"), "%"):
		s.reference(c, entry)
	case entry == "" && s.f.Platform.Windows():
	case !s.f.Platform.IsAbs(entry):
		s.relative(c, entry, dir)
	case !before:
	case info.Missing && s.usual(dir):
	case info.Missing:
		s.add(c, entry, Finding{Severity: Info, Object: "PATH", Message: say("env.path-entries.missing", "", msg.New("PATH has folders before that of go that do not exist"))})
	case s.open(info, entry):
		severity := Warning
		if s.f.Container != "" {
			severity = Info // nobody else is in there
		}
		s.add(c, entry, Finding{Severity: severity, Object: entry, Message: say("env.path-entries.open", "folder", msg.New("every user of this machine can put programs into %s, which comes before go on PATH", entry)),
			Cause:    msg.New("a program named go there runs in place of yours"),
			Evidence: []Evidence{{Path: entry, Text: info.Info.Mode.String()}}, Steps: []Step{envMode(s.f, "o-w", entry, info.Info.UID)}})
	}
}

// literal judges an entry with a ~ or quotes, which are expanded and removed before a shell sets the variable, or not at
// all.
func (s *search) literal(entry, bare string) Finding {
	finding := Finding{Severity: Warning, Object: entry}
	rest, tilde := strings.CutPrefix(bare, "~")
	switch {
	case !tilde:
		finding.Message = say("env.path-entries.quoted", "entry", msg.New("PATH has the entry %s, whose quotes are a part of the name", entry))
		finding.Cause = msg.New("programs there are not found: quotes end in a shell's command line, and stay in the value of a variable")
		finding.Steps = []Step{{Text: msg.New("write %s in place of %s", bare, entry)}}
		return finding
	case s.f.Platform.Windows():
		finding.Message = say("env.path-entries.literal", "entry", msg.New("PATH has the entry %s, which nobody expands", entry))
		finding.Cause = msg.New("programs there are not found")
	case bare != entry:
		finding.Message = say("env.path-entries.literal", "entry", msg.New("PATH has the entry %s, which nobody expands", entry))
		finding.Cause = msg.New("programs there are not found: ~ and quotes mean something in a shell's command line, not in the value of a variable")
	default:
		finding.Message = say("env.path-entries.literal", "entry", msg.New("PATH has the entry %s, which only bash expands", entry))
		finding.Cause = msg.New("bash finds programs there; zsh, fish, sh and all that starts programs without a shell, as editors and go do, find none")
	}
	if !strings.HasPrefix(rest, s.f.Platform.Separator()) && rest != "" || s.f.Home == "" {
		rest = bare // somebody else's home, or nobody knows which
	} else {
		rest = s.f.Home + rest
	}
	finding.Steps = []Step{{Text: msg.New("write %s in place of %s", rest, entry)}}
	if rest == bare {
		finding.Steps = []Step{{Text: msg.New("write the whole name of the folder in place of %s", entry)}}
	}
	return finding
}

// reference judges an entry of Windows with %NAME% left in it. The registry expands names in values of the type
// REG_EXPAND_SZ: one that is left there is not known to goready, not to Windows.
func (s *search) reference(c *facts.Consumer, entry string) {
	set, ok := pathSet(s.f, c, entry)
	for i := range s.f.Consumers { // what a process was given comes from the registry too
		if other, found := pathSet(s.f, &s.f.Consumers[i], entry); found && (other.Layer == layer.WindowsUser || other.Layer == layer.WindowsMachine) {
			set = other
		}
	}
	registry := set.Layer == layer.WindowsUser || set.Layer == layer.WindowsMachine
	if !ok || registry && (s.f.Paths == nil || !s.f.Paths.Plain[set.From]) {
		return
	}
	finding := Finding{Severity: Warning, Object: entry, Message: say("env.path-entries.literal", "entry", msg.New("PATH has the entry %s, which nobody expands", entry)),
		Cause: msg.New("programs there are not found"), Steps: []Step{{Text: msg.New("write the whole name of the folder in place of %s", entry)}}}
	if registry {
		key, text := `HKCU:\Environment`, msg.New("make it a value that Windows expands, and log in again")
		if set.Layer == layer.WindowsMachine {
			key, text = `HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Environment`, msg.New("as administrator make it a value that Windows expands, and log in again")
		}
		finding.Cause = msg.New("programs there are not found: Windows expands names in values of the type %s only, and this one has %s", "REG_EXPAND_SZ", "REG_SZ")
		finding.Steps = []Step{{Text: text, Command: "$k = '" + key + "'; Set-ItemProperty $k Path (Get-ItemProperty $k).Path -Type ExpandString"}}
	}
	s.add(c, entry, finding)
}

// open reports whether everybody can put files into a folder. The file systems of Windows show such modes under WSL.
func (s *search) open(info facts.PathInfo, entry string) bool {
	return info.Unknown.IsZero() && info.Info.UID >= 0 && info.Info.Mode.IsDir() && info.Info.Mode&0o002 != 0 &&
		info.Info.Mode&fs.ModeSticky == 0 && !(s.f.WSL && strings.HasPrefix(entry, "/mnt/"))
}

// relative judges an entry that means another folder in each folder.
func (s *search) relative(c *facts.Consumer, entry, dir string) {
	finding := Finding{Severity: Info, Object: entry, Message: say("env.path-entries.relative", "entry", msg.New("PATH has the relative entry \"%s\"", entry)),
		Cause: msg.New("what runs depends on the folder you are in; Go programs refuse to start what they find that way"),
		Steps: []Step{{Text: msg.New("remove the entry")}}}
	if entry == "" {
		finding.Object = "PATH"
		finding.Message = say("env.path-entries.empty", "", msg.New("PATH has an empty entry, which means the current folder"))
	}
	if s.f.Paths != nil && s.f.Paths.Programs[dir] {
		finding.Severity = Warning
		finding.Evidence = []Evidence{{Path: s.f.Platform.Join(dir, "go")}}
	}
	s.add(c, entry, finding)
}

// add records a finding about an entry, once for all consumers and with the places that put it into PATH.
func (s *search) add(c *facts.Consumer, entry string, finding Finding) {
	i := slices.IndexFunc(s.findings, func(old Finding) bool {
		return old.Object == finding.Object && old.Message.Key == finding.Message.Key
	})
	first := i < 0
	if first {
		i = len(s.findings)
		s.findings = append(s.findings, finding)
	}
	found := &s.findings[i]
	if !slices.Contains(found.Consumers, c.ID) {
		found.Consumers = append(found.Consumers, c.ID)
	}
	e := Evidence{Path: entry}
	if !strings.HasSuffix(finding.Message.Key, ".missing") {
		e = pathOrigin(s.f, c, entry)
	}
	if fishUniversal(s.f, e.Path) && first && len(finding.Steps) > 0 && finding.Steps[0].Command == "" {
		found.Steps = fishPathSteps(s.f, entry)
	}
	if !slices.Contains(found.Evidence, e) {
		found.Evidence = append(found.Evidence, e)
	}
}

// fishPathSteps take an entry out of fish's list of folders, and put the folder there that was meant.
func fishPathSteps(f *facts.Facts, entry string) []Step {
	steps := []Step{{Text: msg.New("in fish, which keeps the file of its universal variables itself"),
		Command: "set -U fish_user_paths (string match -v -- " + fishQuote(entry) + " $fish_user_paths)"}}
	if rest, ok := strings.CutPrefix(entry, "~/"); ok && f.Home != "" {
		steps = append(steps, Step{Text: msg.New("put the folder in its place"), Command: "fish_add_path " + fishQuote(f.Platform.Join(f.Home, rest))})
	}
	return steps
}

// pathOrigin is the place that put an entry into a consumer's PATH: the first whose value has it.
func pathOrigin(f *facts.Facts, c *facts.Consumer, entry string) Evidence {
	set, ok := pathSet(f, c, entry)
	if !ok {
		return Evidence{Text: entry}
	}
	e := at(set.From, "")
	if e.Path == "" || e.Line == 0 {
		return at(set.From, entry)
	}
	return e
}

// pathSet returns the first value of a consumer's PATH that has an entry.
func pathSet(f *facts.Facts, c *facts.Consumer, entry string) (layer.Set, bool) {
	for _, set := range c.Env.Trail("PATH") {
		if set.Skipped.IsZero() && slices.Contains(f.Platform.SplitList(set.Value), entry) {
			return set, true
		}
	}
	return layer.Set{}, false
}
