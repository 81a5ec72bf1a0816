package check

import (
	"strings"

	"github.com/goready/goready/internal/facts"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/msg"
)

// checkGODEBUG finds keys of GODEBUG that the consumer's toolchain does not know. Keys in go.mod are checked by go.
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
	return out
}
