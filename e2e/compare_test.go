package e2e

import (
	"maps"
	"slices"
	"testing"
)

// prediction is goready's answer for one variable and consumer.
type prediction struct{ state, value, reason string }

// predictions are goready's answers by consumer and variable.
type predictions map[string]map[string]prediction

func (p predictions) add(id, name string, answer prediction) {
	if p[id] == nil {
		p[id] = map[string]prediction{}
	}
	p[id][name] = answer
}

// compare reports every difference between what goready says and what was seen. It returns whether all of it was
// said, and said rightly: an "unknown" that the configuration allows is no error, but no agreement either.
func (c *config) compare(t *testing.T, rec *record, predicted predictions) bool {
	t.Helper()
	agree := true
	report := t.Errorf
	if c.wrong != "" {
		t.Logf("known to be wrong: %s", c.wrong)
		report = t.Logf
	}
	for _, id := range slices.Sorted(maps.Keys(rec.Consumers)) {
		saw := rec.Consumers[id]
		for _, name := range c.vars {
			p, ok := predicted[id][name]
			switch {
			case ok && (p.state == "set" || p.state == "unset") && p.value == saw.value(name):
				continue
			case ok && p.state == "unknown" && slices.Contains(c.unknown, name):
				t.Logf("%s %s: saw %q, goready cannot tell: %s", id, name, saw.value(name), p.reason)
			default:
				report("%s %s: saw %q, predicted %s %q %s", id, name, saw.value(name), p.state, p.value, p.reason)
			}
			agree = false
		}
	}
	if c.wrong != "" && agree {
		t.Log("not wrong any more: remove that line")
	}
	return agree
}
