package check

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/msg"
)

// pathEntries judges the entries of PATH, each once for all consumers that have it.
func pathEntries(f *facts.Facts) []Finding {
	subjects := envSubjects(f)
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
		if envInside("/", above, dir) {
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
	case strings.HasPrefix(entry, "~") || bare != entry && !s.f.Platform.Windows():
		s.add(c, entry, Finding{Severity: Warning, Object: entry, Message: say("env.path-entries.literal", "entry", msg.New("PATH has the entry %s, which nobody expands", entry)),
			Cause: msg.New("programs there are not found: ~ and quotes mean something in a shell's command line only, not in a variable"),
			Steps: []Step{{Text: msg.New("write the folder with $HOME in place of ~, without quotes inside the value")}}})
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
			Evidence: []Evidence{{Path: entry, Text: info.Info.Mode.String()}}, Steps: []Step{{Command: "chmod o-w " + envQuote(entry)}}})
	}
}

// open reports whether everybody can put files into a folder. The file systems of Windows show such modes under WSL.
func (s *search) open(info facts.PathInfo, entry string) bool {
	return info.Unknown.IsZero() && info.Info.UID >= 0 && info.Info.Mode.IsDir() && info.Info.Mode&0o002 != 0 &&
		info.Info.Mode&fs.ModeSticky == 0 && !(s.f.WSL && strings.HasPrefix(entry, "/mnt/"))
}

// relative judges an entry that means another folder in each folder.
func (s *search) relative(c *facts.Consumer, entry, dir string) {
	finding := Finding{Severity: Info, Object: entry, Message: say("env.path-entries.relative", "entry", msg.New("PATH has the relative entry %q", entry)),
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
	if i < 0 {
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
	if !slices.Contains(found.Evidence, e) {
		found.Evidence = append(found.Evidence, e)
	}
}

// pathOrigin is the place that put an entry into a consumer's PATH: the first whose value has it.
func pathOrigin(f *facts.Facts, c *facts.Consumer, entry string) Evidence {
	for _, set := range c.Env.Trail("PATH") {
		if set.Skipped.IsZero() && slices.Contains(f.Platform.SplitList(set.Value), entry) {
			e := at(set.From, "")
			if e.Path == "" || e.Line == 0 {
				return at(set.From, entry)
			}
			return e
		}
	}
	return Evidence{Text: entry}
}
