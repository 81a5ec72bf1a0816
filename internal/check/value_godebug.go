package check

import (
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/msg"
)

// checkGODEBUG finds keys of GODEBUG, and of godebug lines in go.mod, that the consumer's toolchain does not know.
func checkGODEBUG(f *facts.Facts) []Finding {
	const name = "GODEBUG"
	var all []seenValue
	unknown := map[string]string{} // by key and version: the nearest known one
	for _, c := range developers(f) {
		known, ok := f.Project.GODEBUG[c.ID]
		if !ok {
			continue
		}
		for setting := range strings.SplitSeq(c.Env.Get(name), ",") {
			key, _, _ := strings.Cut(strings.TrimSpace(setting), "=")
			if key == "" || facts.KnownGODEBUG(known.Keys, key) {
				continue
			}
			v := fromTrail(c, name)
			v.name, v.value = key, known.Version
			all = append(all, v)
			unknown[key] = goenv.Nearest(key, known.Keys)
		}
	}
	var out []Finding
	for _, v := range mergeSeen(all) {
		e := at(v.from, "")
		if e.Path == "" {
			e = at(v.from, name+"="+v.consumer.Env.Get(name))
		}
		finding := Finding{Object: name + "." + v.name, Consumers: concerns(f, v.ids),
			Message: say("env.godebug-unknown.key", "variable key version", msg.New("%s has the key %q, which %s does not know", name, v.name, v.value)),
			Cause:   msg.New("programs ignore it without a word"), Evidence: []Evidence{e}}
		if near := unknown[v.name]; near != "" {
			finding.Steps = []Step{{Text: msg.New("write %q, if that was meant", near)}}
		}
		out = append(out, finding)
	}
	return append(out, godebugLines(f)...)
}

// godebugLines finds godebug lines in go.mod with which go stops.
func godebugLines(f *facts.Facts) []Finding {
	var out []Finding
	for i := range f.Project.Modules {
		m := &f.Project.Modules[i]
		for _, line := range m.Godebug {
			finding := Finding{Severity: Warning, Object: "godebug." + line.Key, Evidence: []Evidence{{Path: m.File, Line: line.Line}},
				Cause: msg.New("every go command that builds this module ends with %q", "unknown godebug")}
			var ids []string
			for _, c := range developers(f) {
				known, ok := f.Project.GODEBUG[c.ID]
				if !ok || c.Module.Mod.Name != m.File || facts.KnownGODEBUG(known.Keys, line.Key) {
					continue
				}
				if ids = append(ids, c.ID); len(ids) == 1 {
					finding.Message = say("env.godebug-unknown.module", "file key version", msg.New("%s has a godebug line with the key %q, which %s does not know", m.File, line.Key, known.Version))
					finding.Steps = []Step{{Text: msg.New("remove line %d of %s", line.Line, m.File)}}
					if near := goenv.Nearest(line.Key, known.Keys); near != "" {
						finding.Steps = append([]Step{{Text: msg.New("write %q, if that was meant", near)}}, alternatives(finding.Steps)...)
					}
				}
			}
			if len(ids) > 0 {
				finding.Consumers = concerns(f, ids)
				out = append(out, finding)
			}
		}
	}
	return out
}
