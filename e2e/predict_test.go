//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// goready is the built program.
type goready string

func buildGoready(t *testing.T) goready {
	t.Helper()
	name := filepath.Join(t.TempDir(), "goready")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, "../cmd/goready").CombinedOutput(); err != nil {
		t.Fatalf("build of goready: %v\n%s", err, out)
	}
	return goready(name)
}

// explained is the part of goready.explain/v1 that is compared.
type explained struct {
	Variables []struct {
		Name      string `json:"name"`
		Consumers []struct {
			ID     string `json:"id"`
			State  string `json:"state"`
			Value  string `json:"value"`
			Reason string `json:"reason"`
		} `json:"consumers"`
	} `json:"variables"`
}

// prediction is goready's answer for one variable and consumer.
type prediction struct{ state, value, reason string }

// predict asks goready, in the environment the server was given, what the consumers of the record see.
func (s *stage) predict(t *testing.T, prog goready, from string, rec *record) map[string]map[string]prediction {
	t.Helper()
	args := append([]string{"explain", "--format", "json", "--editor-from", from, "-C", s.open}, s.vars...)
	for _, id := range slices.Sorted(maps.Keys(rec.Consumers)) {
		args = append(args, "--consumer", id)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, string(prog), args...)
	cmd.Env, cmd.Dir = s.env, s.home
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("goready %q: %v\n%s", args, err, stderr.Bytes())
	}
	var ex explained
	if err := json.Unmarshal(s.scrub(out), &ex); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]prediction{}
	for _, v := range ex.Variables {
		for _, c := range v.Consumers {
			if all[c.ID] == nil {
				all[c.ID] = map[string]prediction{}
			}
			all[c.ID][v.Name] = prediction{c.State, c.Value, c.Reason}
		}
	}
	return all
}

// compare reports every difference between what goready says and what was seen. It returns whether all of it was
// said, and said rightly: an "unknown" that the configuration allows is no error, but no agreement either.
func (s *stage) compare(t *testing.T, rec *record, predicted map[string]map[string]prediction) bool {
	t.Helper()
	agree := true
	for _, id := range slices.Sorted(maps.Keys(rec.Consumers)) {
		saw := rec.Consumers[id]
		for _, name := range s.vars {
			p, ok := predicted[id][name]
			switch {
			case ok && p.state != "unknown" && p.state != "absent" && p.value == saw.value(name):
				continue
			case ok && p.state == "unknown" && slices.Contains(s.unknown, name):
				t.Logf("%s %s: saw %q, goready cannot tell: %s", id, name, saw.value(name), p.reason)
			default:
				t.Errorf("%s %s: saw %q, predicted %s %q %s", id, name, saw.value(name), p.state, p.value, p.reason)
			}
			agree = false
		}
	}
	return agree
}
