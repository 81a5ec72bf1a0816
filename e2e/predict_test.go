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
	if *program != "" {
		return goready(*program)
	}
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

// predict asks goready, in the environment the server was given, what the consumers of the record see.
func (s *stage) predict(t *testing.T, prog goready, from string, rec *record) predictions {
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
	all := predictions{}
	for _, v := range ex.Variables {
		for _, c := range v.Consumers {
			all.add(c.ID, v.Name, prediction{c.State, c.Value, c.Reason})
		}
	}
	return all
}
